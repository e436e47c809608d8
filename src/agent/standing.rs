//! What the agent remembers: the head it has verified, the time it trusts, where each feed stands.

use super::{Disk, Error};
use crate::{
    canon::{Base64, Origin},
    entries::FeedName,
    feed::FileRef,
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The `state` file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    pub(super) origin: Origin,
    pub(super) session: String,
    pub(super) head: Head,
    /// The signed note of that head: evidence, should another appear.
    pub(super) checkpoint: Base64,
    /// Unix seconds by the quorum (or the manifests); never runs back.
    pub(super) trusted_time: u64,
    pub(super) feeds: BTreeMap<FeedName, FeedRecord>,
}

/// A size of the log and its root there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

/// Where one feed stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedRecord {
    pub(super) serial: u64,
    pub(super) digest: Hash,
    /// The log's size up to which leaves were folded for this feed: a state leaf.
    pub(super) size: u64,
    /// Unix seconds at which its publisher last vouched for it.
    pub(super) fresh: u64,
    pub(super) base: HeldFile,
    pub(super) deltas: Vec<HeldFile>,
    /// What the brake holds back: a file by its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_back: Option<Hash>,
}

/// A snapshot or delta that is kept: from serial (0 for a snapshot) to serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeldFile {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) length: u64,
    pub(super) sha256: Hash,
    pub(super) packed_length: u64,
    pub(super) packed_sha256: Hash,
}

impl HeldFile {
    pub(super) fn new(from: u64, to: u64, file: &FileRef) -> Self {
        Self {
            from,
            to,
            length: file.length,
            sha256: file.sha256,
            packed_length: file.packed_length,
            packed_sha256: file.packed_sha256,
        }
    }

    pub(super) fn file(&self) -> FileRef {
        FileRef {
            length: self.length,
            sha256: self.sha256,
            packed_length: self.packed_length,
            packed_sha256: self.packed_sha256,
        }
    }

    /// Its name in the feed's folder.
    pub(super) fn name(&self) -> String {
        let kind = if self.from == 0 { "base" } else { "delta" };
        format!("{kind}-{}.zst", self.packed_sha256)
    }
}

impl FeedRecord {
    /// The names of all files that it is made of.
    pub(super) fn files(&self) -> BTreeSet<String> {
        std::iter::once(&self.base)
            .chain(&self.deltas)
            .map(HeldFile::name)
            .chain(self.held_back.map(|hash| held_back_name(&hash)))
            .collect()
    }

    /// Packed bytes of the deltas, and of the base.
    pub(super) fn weight(&self) -> (u64, u64) {
        let deltas = self.deltas.iter().map(|d| d.packed_length).sum();
        (deltas, self.base.packed_length)
    }
}

/// The name of the file of what the brake holds back.
pub(super) fn held_back_name(hash: &Hash) -> String {
    format!("held-{hash}")
}

impl Standing {
    /// Reads the state, if there is one.
    pub(super) fn load(disk: &Disk) -> Result<Option<Self>, Error> {
        let Some(body) = disk.read_checked("state")? else {
            return Ok(None);
        };
        serde_json::from_slice(&body)
            .map(Some)
            .map_err(|e| Error::Damaged {
                path: disk.dir().join("state"),
                why: e.to_string(),
            })
    }

    /// Writes the state: after this everything that it says is in force.
    pub(super) fn save(&self, disk: &Disk) -> Result<(), Error> {
        let body = serde_json::to_vec_pretty(self).map_err(|e| Error::Damaged {
            path: disk.dir().join("state"),
            why: e.to_string(),
        })?;
        disk.write_checked("state", &body)
    }
}
