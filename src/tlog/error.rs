//! What can be wrong with bytes of the log, said so that the reader knows where and what to do.

/// Why a hash, key, note, checkpoint, tile or bundle was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not a hash: it must be 64 lower-case hexadecimal digits (32 bytes)")]
    HashHex,
    #[error("not a hash: it must be 44 characters of padded standard base64 (32 bytes)")]
    HashBase64,
    #[error(
        "verifier key {key:?}: {why}; it must read name+hex(key id)+base64(type and public key)"
    )]
    Key { key: String, why: &'static str },
    #[error("note of {length} bytes: more than the {cap} allowed here, so it was not parsed")]
    NoteTooLarge { length: usize, cap: usize },
    #[error("note: {why}")]
    Note { why: &'static str },
    #[error("note, signature line {line}: {why}")]
    SignatureLine { line: usize, why: &'static str },
    #[error(
        "note, signature line {line}: the signature of the known key {name} does not verify; \
         the note was altered or mixed from two, fetch it again from its source"
    )]
    BadSignature { line: usize, name: String },
    #[error("checkpoint, line {line}: {why}")]
    Checkpoint { line: usize, why: &'static str },
    #[error(
        "checkpoint of the log {found:?}, where {expected:?} was expected: wrong address or wrong key file"
    )]
    Origin { expected: String, found: String },
    #[error(
        "checkpoint without a signature by a key of the log {origin:?}: signatures of witnesses alone do not count"
    )]
    NoLogSignature { origin: String },
    #[error("checkpoint cosigned by {have} known witnesses, where the quorum is {need}")]
    Quorum { have: usize, need: usize },
    #[error("entry {index} of a bundle: {why}")]
    Bundle { index: usize, why: &'static str },
    #[error("tile {tile:?}: {why}")]
    Tile { tile: String, why: &'static str },
}

/// Why a Merkle proof was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange { index: u64, size: u64 },
    #[error(
        "a tree of {old} leaves cannot be older than one of {new}: the log shrank or the sizes were swapped"
    )]
    Shrunk { old: u64, new: u64 },
    #[error("the proof has {have} hashes, which is not the number that these sizes need")]
    Length { have: usize },
    #[error("the proof does not lead to the expected root: leaf, position or root is another")]
    Root,
}
