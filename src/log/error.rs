//! What can go wrong with the log, and why a decision isn't taken in.

use crate::{decision::Refusal, feed, fetch, store, tlog};

/// The log can't be opened, or can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no log in {0}: run `blockfeed init` first")]
    Empty(String),
    #[error("there is a log in {0} already; `init` begins a new one only in an empty directory")]
    Exists(String),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(
        "leaf {index} of the store doesn't hold: {why}. Restore the data directory from a backup"
    )]
    Leaf { index: u64, why: Refusal },
    #[error("leaf {0} is missing in the store. Restore the data directory from a backup")]
    Missing(u64),
    #[error(
        "the leaves in the store have another tree root than the head. Restore the data directory from a backup"
    )]
    Root,
    #[error(
        "the store is at size {store}, but {what} says {mark}: this directory is older than what was published. \
         Going on would show two histories. Name where the published log can be read, in log.mirrors or by \
         `blockfeed restore BACKUP --tail-from URL-OR-DIRECTORY`: the lost leaves are taken up from there"
    )]
    Behind {
        store: u64,
        mark: u64,
        what: &'static str,
    },
    #[error(
        "{what} shows another history than the store at size {size}. This data directory belongs to another log"
    )]
    Forked { what: &'static str, size: u64 },
    #[error(
        "the {0} key isn't one that the trust document in force names; it would sign what nobody accepts"
    )]
    Key(&'static str),
    #[error("a feed's file: {0}")]
    Feed(#[from] feed::Error),
    #[error("a signed note: {0}")]
    Note(#[from] tlog::Error),
    #[error("the log's first leaves: {0}")]
    Genesis(Refusal),
    #[error("{path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error(
        "a row of the private table of openings can't be read: {0}. Restore the data directory from a backup"
    )]
    Opening(String),
    #[error("the sequencer has stopped")]
    Stopped,
    #[error("a private table: {0}")]
    Desk(String),
    #[error(
        "the published log at {from} can't be taken up: {why}. Nothing of it was stored; name another mirror, \
         and keep this one's files: they are evidence"
    )]
    Tail { from: String, why: String },
    #[error("what was published: {0}")]
    Fetch(#[from] fetch::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Why a decision wasn't taken in. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the guard: {0}")]
    Guard(String),
    #[error(
        "the base of the zones moved less than {least} seconds ago, and resolvers need that time: in {0} seconds it may move again",
        least = super::LEAST_BETWEEN
    )]
    TooSoon(u64),
    #[error(
        "the disk has {free} bytes left and {wanted} are kept free: nothing was written. The operator makes room; what unblocks is taken in longest"
    )]
    NoRoom { free: u64, wanted: u64 },
    #[error(
        "the log takes nothing in since a write failed ({0}); what was published is served on. Nothing of this was written: send it again when the operator has mended it"
    )]
    ReadOnly(String),
    #[error(
        "a write failed while this was taken in ({0}). It is not acknowledged, and may have entered: send it again when the log goes on, and a decision that did enter is acknowledged then"
    )]
    Unsettled(String),
    #[error("the log is stopping; try again")]
    Stopping,
}
