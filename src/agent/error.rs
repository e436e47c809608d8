//! What goes wrong: here (an [`Error`]), and in what a source offers (a [`Fault`]).

use crate::{decision::Refusal, entries::Clash, feed, fetch, tlog, tlog::Hash};
use std::path::PathBuf;

/// What keeps the agent itself from working. Nothing was applied that wasn't verified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the agent's settings: {0}")]
    Config(String),
    #[error("{0}: another agent works in this folder; one at a time may")]
    Locked(PathBuf),
    #[error("{path}: could not {what}: {source}. What was applied before stays in force")]
    Disk {
        path: PathBuf,
        what: &'static str,
        source: std::io::Error,
    },
    #[error("{path} is damaged: {why}")]
    Damaged { path: PathBuf, why: String },
    #[error("a source: {0}")]
    Source(#[from] fetch::Error),
    #[error("the receipt key {path}: {why}")]
    Key { path: PathBuf, why: String },
    #[error("the policy zones: {0}")]
    Zones(crate::transfer::Error),
    #[error("the metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Error {
    pub(super) fn disk(what: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Disk {
            path: path.to_owned(),
            what,
            source,
        }
    }
}

/// Why what a source offers isn't taken. The last good set stays.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Fetch(#[from] fetch::Error),
    #[error("the checkpoint: {0}")]
    Checkpoint(tlog::Error),
    #[error("a witness's key in the trust document can't be read: {0}")]
    Witness(tlog::Error),
    #[error(
        "this isn't the log that is trusted here: {0}. Check the source's address and [trust]; \
         if the log was begun anew, the publisher says so and a new pin is needed"
    )]
    Pin(String),
    #[error(
        "nothing says which log to trust: set genesis, root or log_key in [trust] (the publisher \
         gives them by another way than this source), or trust_on_first_use = true"
    )]
    NoPin,
    #[error(
        "the log is at {offered} here, {held} leaves are held: an older state is offered. \
         A mirror that lags recovers by itself; one that stays so withholds"
    )]
    Shrunk { held: u64, offered: u64 },
    #[error(
        "TWO HISTORIES: at size {size} the log's signed root is {offered}, the one held is {held}. \
         The signed checkpoints are kept in the evidence folder: show them to the publisher and \
         to others who read this log"
    )]
    Fork {
        size: u64,
        held: Hash,
        offered: Hash,
    },
    #[error("the log's files at size {size} don't give the root {root} that was signed: {why}")]
    Root {
        size: u64,
        root: Hash,
        why: &'static str,
    },
    #[error("the log's files lag behind its checkpoint of {0} leaves")]
    Newer(u64),
    #[error("{what} would be {found}, the limit is {limit} (limits.{key})")]
    Limit {
        what: &'static str,
        found: u64,
        limit: u64,
        key: &'static str,
    },
    #[error("the entry bundle at leaf {index}: {why}")]
    Bundle { index: u64, why: tlog::Error },
    #[error("leaf {index}: {why}")]
    Leaf { index: u64, why: Refusal },
    #[error("the manifest: {0}")]
    Manifest(feed::Error),
    #[error("the manifest is of the feed {0}")]
    OtherFeed(String),
    #[error("the manifest is of session {found}, the log's is {held}")]
    Session { held: String, found: String },
    #[error(
        "the manifest has serial {found}, the log's state leaf says {stated}: two serials are mixed"
    )]
    Mixed { stated: u64, found: u64 },
    #[error("the log knows no such feed yet")]
    NoFeed,
    #[error("{path}: {why}")]
    File { path: String, why: feed::Error },
    #[error("the delta {path} doesn't fit: {why}")]
    Clash { path: String, why: Clash },
    #[error("the served deltas {from} to {to} say other than the decisions that the log holds")]
    Delta { from: u64, to: u64 },
    #[error("the set has digest {found}, the state leaf says {stated}")]
    Digest { stated: Hash, found: Hash },
    #[error("the state of open stays can't be taken up: {0}")]
    Resume(Refusal),
    #[error("what the agent keeps on disk: {0}")]
    Local(#[from] Error),
    #[error("the source took longer than {0} s for one round")]
    Deadline(u64),
}

impl Fault {
    /// A stable word, also the value of the metric's `outcome`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fetch(fetch::Error::NotFound { .. } | fetch::Error::Gone { .. }) => "missing",
            Self::Fetch(fetch::Error::TooLarge { .. }) | Self::Limit { .. } => "limit",
            Self::Fetch(fetch::Error::Timeout { .. }) | Self::Deadline(_) => "deadline",
            Self::Fetch(_) => "unreachable",
            Self::Checkpoint(tlog::Error::Quorum { .. }) => "quorum",
            Self::Checkpoint(_) | Self::Witness(_) => "checkpoint",
            Self::Pin(_) | Self::NoPin => "pin",
            Self::Shrunk { .. } => "rollback",
            Self::Fork { .. } => "fork",
            Self::Root { .. } | Self::Bundle { .. } => "root",
            Self::Newer(_) => "lag",
            Self::Leaf {
                why: Refusal::Unknown { .. },
                ..
            } => "unknown_leaf",
            Self::Leaf { .. } => "leaf",
            Self::Manifest(_) | Self::OtherFeed(_) => "manifest",
            Self::Session { .. } => "session",
            Self::Mixed { .. } => "mixed",
            Self::NoFeed => "no_feed",
            Self::File { .. } => "file",
            Self::Clash { .. } | Self::Delta { .. } => "delta",
            Self::Digest { .. } => "digest",
            Self::Resume(_) => "resume",
            Self::Local(_) => "local",
        }
    }
}
