//! Sealing: each case has a key of its own, wrapped by one that lies outside the database. Destroying
//! a case's key makes what it sealed unreadable for ever, in every backup taken after it.
//!
//! AES-256-GCM with a random nonce before the bytes; what a piece belongs to is bound to it.

use super::{CaseId, Part};
use crate::{casework::Error, store::files};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};
use zeroize::Zeroizing;

/// The file of the wrapping key, in the folder of keys.
const FILE: &str = "cases.key";

const LENGTH: usize = 32;

/// The wrapping key, and the one that chains the journal.
pub(super) struct Keeper {
    wrapping: LessSafeKey,
    pub(super) chain: hmac::Key,
}

/// The key of one case.
pub(super) struct CaseKey(LessSafeKey);

impl Keeper {
    /// Reads the key file; makes it where there is no case yet.
    pub(super) fn open(keys: &Path, is_new: bool) -> Result<Self, Error> {
        let path = keys.join(FILE);
        let secret = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && is_new => make(keys, &path)?,
            Err(e) => {
                return Err(Error::Keys(format!(
                    "{} can't be read ({e}): cases are sealed with it; put it back from its backup",
                    path.display()
                )));
            }
        };
        if secret.len() != LENGTH {
            let path = path.display();
            return Err(Error::Keys(format!("{path} isn't a key of {LENGTH} bytes")));
        }
        Ok(Self {
            wrapping: aead(&*derived(&secret, b"blockfeed/case-keys/v1")?)?,
            chain: hmac::Key::new(
                hmac::HMAC_SHA256,
                &*derived(&secret, b"blockfeed/case-journal/v1")?,
            ),
        })
    }

    /// A new key for a case, and its wrapped form.
    pub(super) fn new_key(&self, id: &CaseId) -> Result<(CaseKey, Vec<u8>), Error> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random(&mut *bytes)?;
        let wrapped = seal(&self.wrapping, &bound(id, "key"), &*bytes)?;
        Ok((CaseKey(aead(&*bytes)?), wrapped))
    }

    /// The key of a case from its wrapped form.
    pub(super) fn unwrap(&self, id: &CaseId, wrapped: &[u8]) -> Result<CaseKey, Error> {
        let bytes = Zeroizing::new(open(&self.wrapping, &bound(id, "key"), wrapped)?);
        Ok(CaseKey(aead(&bytes)?))
    }
}

impl CaseKey {
    pub(super) fn seal(&self, id: &CaseId, part: Part, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        seal(&self.0, &bound(id, part.as_str()), bytes)
    }

    pub(super) fn open(&self, id: &CaseId, part: Part, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        open(&self.0, &bound(id, part.as_str()), sealed)
    }
}

/// A crash before the folder is synced leaves no key, or one that nothing was sealed with.
fn make(keys: &Path, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    files::create_dir_synced(keys)?;
    let mut bytes = Zeroizing::new(vec![0; LENGTH]);
    random(&mut bytes)?;
    let written = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&bytes)?;
        file.sync_all()
    };
    written().map_err(|e| Error::Keys(format!("{} can't be written: {e}", path.display())))?;
    files::sync_dir(keys)?;
    Ok(bytes)
}

fn derived(secret: &[u8], label: &[u8]) -> Result<Zeroizing<[u8; LENGTH]>, Error> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"blockfeed");
    let info = [label];
    let prk = salt.extract(secret);
    let mut key = Zeroizing::new([0; LENGTH]);
    let made = prk.expand(&info, hkdf::HKDF_SHA256);
    made.and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| broken("derived"))?;
    Ok(key)
}

fn aead(bytes: &[u8]) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| broken("read"))?;
    Ok(LessSafeKey::new(key))
}

fn seal(key: &LessSafeKey, about: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; NONCE_LEN];
    random(&mut nonce)?;
    let mut text = bytes.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(about),
        &mut text,
    )
    .map_err(|_| broken("sealed"))?;
    Ok([nonce.as_slice(), &text].concat())
}

fn open(key: &LessSafeKey, about: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let (nonce, text) = sealed.split_first_chunk().ok_or_else(|| broken("opened"))?;
    let mut text = text.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, Aad::from(about), &mut text);
    let length = opened.map_err(|_| broken("opened"))?.len();
    text.truncate(length);
    Ok(text)
}

fn bound(id: &CaseId, what: &str) -> String {
    format!("blockfeed/case/v1\n{id}\n{what}\n")
}

fn broken(what: &str) -> Error {
    Error::Keys(format!(
        "a case can't be {what}: its key or its text isn't what was written"
    ))
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|e| Error::Random(e.to_string()))
}
