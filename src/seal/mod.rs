//! Secrets in files beside the database, and what is sealed under them: whoever has the database alone
//! reads nothing of it and can write nothing in its place.
//!
//! Owns the key files (32 random bytes, mode 0600, made once) and the sealing: AES-256-GCM with a random
//! nonce before the bytes, bound to what a piece belongs to. Keys in use are derived from a file's
//! secret by HKDF-SHA256, each under a label of its own. Knows nothing of what is sealed.

use crate::store::{self, files};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use zeroize::Zeroizing;

/// Bytes of a secret and of a key.
const LENGTH: usize = 32;

/// The secret in a key file.
pub struct Secret(Zeroizing<Vec<u8>>);

/// A key that seals and opens.
pub struct Key(LessSafeKey);

/// What can't be sealed, opened, read or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    File(String),
    #[error("it can't be {0}: the key or the bytes aren't what was written")]
    Broken(&'static str),
    #[error("the system gives no randomness: {0}")]
    Random(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Secret {
    /// Reads the file of this name in the folder of keys; none if it isn't there.
    pub fn read(keys: &Path, name: &str) -> Result<Option<Self>, Error> {
        let path = keys.join(name);
        let secret = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                let why = format!("{} can't be read: {e}", path.display());
                return Err(Error::File(why));
            }
        };
        if secret.len() != LENGTH {
            let why = format!("{} isn't a key of {LENGTH} bytes", path.display());
            return Err(Error::File(why));
        }
        Ok(Some(Self(secret)))
    }

    /// Makes the file. A crash before the folder is synced leaves none, or one that nothing was sealed
    /// with.
    pub fn make(keys: &Path, name: &str) -> Result<Self, Error> {
        files::create_dir_synced(keys)?;
        let path = keys.join(name);
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        random(&mut bytes)?;
        let written = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            let mut file = options.open(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        written().map_err(|e| Error::File(format!("{} can't be written: {e}", path.display())))?;
        files::sync_dir(keys)?;
        Ok(Self(bytes))
    }

    /// What follows from the secret under a label.
    pub fn derived(&self, label: &[u8]) -> Result<Zeroizing<[u8; LENGTH]>, Error> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"blockfeed");
        let info = [label];
        let prk = salt.extract(&self.0);
        let mut key = Zeroizing::new([0; LENGTH]);
        let made = prk.expand(&info, hkdf::HKDF_SHA256);
        made.and_then(|okm| okm.fill(&mut *key))
            .map_err(|_| Error::Broken("derived"))?;
        Ok(key)
    }

    /// The key under a label.
    pub fn key(&self, label: &[u8]) -> Result<Key, Error> {
        Key::new(&*self.derived(label)?)
    }
}

impl Key {
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::Broken("read"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// A key drawn from the system's randomness, with its bytes.
    pub fn draw() -> Result<(Self, Zeroizing<[u8; LENGTH]>), Error> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random(&mut *bytes)?;
        Ok((Self::new(&*bytes)?, bytes))
    }

    /// Seals bytes, bound to what they are about.
    pub fn seal(&self, about: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut text = bytes.to_vec();
        let once = Nonce::assume_unique_for_key(nonce);
        let sealed = self
            .0
            .seal_in_place_append_tag(once, Aad::from(about), &mut text);
        sealed.map_err(|_| Error::Broken("sealed"))?;
        Ok([nonce.as_slice(), &text].concat())
    }

    /// Opens what was sealed about the same.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = || Error::Broken("opened");
        let (nonce, text) = sealed.split_first_chunk().ok_or_else(broken)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(about), &mut text);
        let length = opened.map_err(|_| broken())?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Fills bytes from the system's randomness.
pub fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|e| Error::Random(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_own_key_and_name_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Secret::read(dir.path(), "a.key").unwrap().is_none());
        let made = Secret::make(dir.path(), "a.key").unwrap();
        assert!(Secret::make(dir.path(), "a.key").is_err(), "never over one");
        let read = Secret::read(dir.path(), "a.key").unwrap().unwrap();
        let sealed = made.key(b"x").unwrap().seal("about", b"text").unwrap();
        assert!(!sealed.windows(4).any(|w| w == b"text"));
        let open = |label: &[u8], about| read.key(label).unwrap().open(about, &sealed);
        assert_eq!(open(b"x", "about").unwrap().as_slice(), b"text");
        assert!(open(b"y", "about").is_err());
        assert!(open(b"x", "else").is_err());
        let key = read.key(b"x").unwrap();
        let mut flipped = sealed.clone();
        flipped[sealed.len() - 1] ^= 1;
        assert!(key.open("about", &flipped).is_err());
        assert!(key.open("about", b"short").is_err());
        fs::write(dir.path().join("b.key"), b"short").unwrap();
        assert!(Secret::read(dir.path(), "b.key").is_err());
    }
}
