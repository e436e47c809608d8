//! Random secrets that are shown once and kept as their hash alone.

use super::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// 256 random bits, as base64url.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Draws one.
    pub fn draw() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0u8; 32]);
        getrandom::fill(&mut *bytes).map_err(|e| Error::Random(e.to_string()))?;
        Ok(Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))))
    }

    /// One that was shown to us; none if no secret of ours looks so.
    pub fn shown(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text that its owner shows.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The token that every form of a session carries. It follows from the session's id, so that it is
/// kept nowhere, and tells nothing of it.
pub fn csrf_token(session: &Secret) -> String {
    let mut hash = Sha256::new();
    hash.update(b"blockfeed/csrf/v1\0");
    hash.update(session.as_str().as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Whether two texts are equal, in a time that tells nothing of where they differ.
pub fn same(a: &str, b: &str) -> bool {
    // Equal hashes are equal texts, and where hashes differ says nothing of the texts.
    Sha256::digest(a.as_bytes()) == Sha256::digest(b.as_bytes())
}
