//! What can be wrong with a feed's file.

use crate::{decision::Refusal, entries, tlog};

/// Why a snapshot, a delta or a manifest isn't accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("it has {found} bytes, the limit is {limit}")]
    TooLong { found: u64, limit: u64 },
    #[error("it can't be unpacked: {0}")]
    Pack(String),
    #[error("it unpacks to another length than the manifest's {0} bytes")]
    Length(u64),
    #[error("its SHA-256 isn't the one in the manifest")]
    Hash,
    #[error("line {line}: {why}")]
    Line { line: u64, why: String },
    #[error("its first line should be {expected:?}")]
    Header { expected: String },
    #[error("it isn't UTF-8 ended by a line feed")]
    Text,
    #[error("{0}")]
    Clash(#[from] entries::Clash),
    #[error("the manifest's signature: {0}")]
    Note(tlog::Error),
    #[error("the manifest is signed by none of the feed's keys in the trust document")]
    Unsigned,
    #[error("the manifest's line {line} {why}")]
    Field { line: usize, why: &'static str },
    #[error("the manifest's state leaf: {0}")]
    State(Refusal),
    #[error("the manifest contradicts itself: {0}")]
    Contradiction(&'static str),
}
