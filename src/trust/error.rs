//! What can be wrong with a trust document or a key.

/// Why a trust document, a signature under it or a key file isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the trust document: {0}")]
    Document(#[from] crate::canon::Error),
    #[error(
        "the trust document has type {0:?}, version {1} of the format; this program reads \"trust\", 1"
    )]
    Unknown(String, u64),
    #[error("the trust document is for {found}, not for {expected}")]
    Origin { found: String, expected: String },
    #[error("the trust document has version {found}, the next one is {expected}")]
    Version { found: u64, expected: u64 },
    #[error("the trust document {0}")]
    Content(&'static str),
    #[error("{found} of the {needed} root signatures that version {version} needs are there")]
    Threshold {
        version: u64,
        found: usize,
        needed: usize,
    },
    #[error("root key {0} signs twice")]
    SignedTwice(String),
    #[error("the root signature of {0} is by no root key of either version, or fails")]
    Signature(String),
    #[error("the key can't be read: {0}")]
    Key(String),
}
