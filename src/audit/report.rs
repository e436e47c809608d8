//! What an audit that found nothing wrong has shown.

use crate::entries::FeedName;
use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Everything held. The figures are the auditor's own, from the leaves and the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub origin: String,
    /// First 8 bytes of leaf 0's hash, hex: the identity of this history.
    pub session: String,
    /// Leaves.
    pub size: u64,
    /// Root of the tree, base64 as in the checkpoint.
    pub root: String,
    /// Unix seconds of the first and of the last leaf.
    pub first_time: u64,
    pub last_time: u64,
    /// Decisions by action.
    pub decisions: BTreeMap<&'static str, u64>,
    /// `list` decisions of which a line has not ended.
    pub open_decisions: u64,
    /// List decisions marked as bulk.
    pub bulk_decisions: u64,
    /// Passings of a guard's rule.
    pub overrides: u64,
    /// Approvals by officer, each of which was verified.
    pub approvals: BTreeMap<String, u64>,
    pub feeds: BTreeMap<FeedName, FeedReport>,
    /// Subject parts read and hashed, each time that a leaf needed one.
    pub parts: u64,
    /// Texts (reasons) that were there and are what the decisions say.
    pub texts: u64,
    /// Texts that are gone; their hashes stay in the log.
    pub erased_texts: u64,
    /// Version of the trust document in force.
    pub trust_version: u64,
    /// Verifier keys in force, newest last: of the log, of the feeds, of the witnesses.
    pub log_keys: Vec<String>,
    pub feed_keys: Vec<String>,
    pub witnesses: Vec<String>,
    pub quorum: usize,
    /// Witnesses that cosigned this checkpoint, with the time each states.
    pub cosigned: BTreeMap<String, u64>,
    /// What this audit can't show, in sentences.
    pub notes: Vec<String>,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedReport {
    pub serial: u64,
    pub digest: String,
    pub entries: u64,
    /// The manifest and the files that it lists; none where the source withholds them. The
    /// digest above is the decisions' either way.
    pub files: Option<FilesReport>,
}

/// A feed's files, all of them held against the decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilesReport {
    /// Unix seconds at which the manifest was signed.
    pub manifest_time: u64,
    /// Size of the checkpoint that the manifest carries.
    pub checkpoint_size: u64,
    pub snapshot_serial: u64,
    pub deltas: u64,
    /// Bytes of the snapshot and the deltas, packed.
    pub packed_bytes: u64,
}

/// How far an audit has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The checkpoint to audit.
    Head { size: u64 },
    /// Leaves whose hashes were read.
    Tree { done: u64, of: u64 },
    /// Leaves folded.
    Leaves { done: u64, of: u64 },
    /// A feed's files are next.
    Feed { name: String, done: u64, of: u64 },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head { size } => write!(f, "a log of {size} leaves"),
            Self::Tree { done, of } => write!(f, "tree: {done} of {of} leaves"),
            Self::Leaves { done, of } => write!(f, "decisions: {done} of {of} leaves"),
            Self::Feed { name, done, of } => write!(f, "feed {name}: {} of {of}", done + 1),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "log        {}", self.origin)?;
        writeln!(f, "session    {}", self.session)?;
        writeln!(f, "size       {} leaves, root {}", self.size, self.root)?;
        writeln!(f, "time       {} to {}", self.first_time, self.last_time)?;
        let by = |map: &BTreeMap<&'static str, u64>| -> String {
            let words = map.iter().map(|(word, n)| format!("{word} {n}"));
            words.collect::<Vec<_>>().join(", ")
        };
        let open = self.open_decisions;
        writeln!(f, "decisions  {} ({open} lists open)", by(&self.decisions))?;
        let (bulk, overrides) = (self.bulk_decisions, self.overrides);
        writeln!(f, "           {bulk} bulk, {overrides} overrides")?;
        for (officer, n) in &self.approvals {
            writeln!(f, "approvals  {officer} {n}")?;
        }
        let (there, erased) = (self.texts, self.erased_texts);
        writeln!(f, "reasons    {there} there, {erased} erased")?;
        for (name, feed) in &self.feeds {
            let (serial, entries) = (feed.serial, feed.entries);
            write!(f, "feed       {name} serial {serial} entries {entries} ")?;
            match &feed.files {
                Some(files) => writeln!(f, "snapshot and {} deltas good", files.deltas)?,
                None => writeln!(f, "digest good, files not audited (withheld)")?,
            }
            writeln!(f, "           digest {}", feed.digest)?;
        }
        writeln!(f, "trust      version {}", self.trust_version)?;
        for key in &self.log_keys {
            writeln!(f, "log key    {key}")?;
        }
        for key in &self.feed_keys {
            writeln!(f, "feed key   {key}")?;
        }
        let (cosigned, quorum) = (self.cosigned.len(), self.quorum);
        writeln!(f, "witnesses  {cosigned} cosigned, quorum {quorum}")?;
        for note in &self.notes {
            writeln!(f, "note       {note}")?;
        }
        Ok(())
    }
}
