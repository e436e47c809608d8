//! The log's own settings.

use super::compaction::LEAST_BETWEEN;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where the log lies and how it publishes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data directory: `db/`, `high-water`, `public/`.
    pub data: PathBuf,
    /// Seconds between polls that manifests recommend.
    pub poll: u64,
    /// Seconds after which manifests are signed anew though nothing changed.
    pub heartbeat: u64,
    /// The most decisions that share one commit.
    pub batch: usize,
    /// Bytes of disk that are kept free: below that new decisions are refused, below a quarter of
    /// it those that unblock as well. 0: no look at the disk.
    pub reserve: u64,
    /// Lines of `domains` that came or went since the base before the current one, from which on
    /// the base of the zones moves at any hour; 0: never by itself.
    pub compact_at: u64,
    /// The same number for the quiet hour.
    pub compact_quietly: u64,
    /// The hour of the day, UTC, in which the base moves (19 is 2 o'clock in Vietnam); unset:
    /// none is quiet.
    pub quiet_hour: Option<u8>,
    /// Where else the log is published: base URLs or folders of mirrors. Read at the start, so that a
    /// data directory that was put back from an old copy is found out and its tail taken up again.
    pub mirrors: Vec<String>,
    /// Seconds from one compaction to the next. No setting: resolvers need them. Tests don't.
    #[serde(skip)]
    pub least_between_compactions: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "data".into(),
            poll: 60,
            heartbeat: 60,
            batch: 64,
            reserve: 256 << 20,
            compact_at: 20_000,
            compact_quietly: 500,
            quiet_hour: Some(19),
            mirrors: Vec::new(),
            least_between_compactions: LEAST_BETWEEN,
        }
    }
}

impl Config {
    pub fn db(&self) -> PathBuf {
        self.data.join("db")
    }

    pub(super) fn high_water(&self) -> PathBuf {
        self.data.join("high-water")
    }

    /// The directory of everything that is published; any web server or mirror may serve it.
    pub fn public(&self) -> PathBuf {
        self.data.join("public")
    }

    /// The directory of this authority's keys: of the log, the feeds, and what sealed rows lie under.
    pub fn keys(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// The same settings for another data directory.
    pub fn at(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            ..Self::default()
        }
    }
}
