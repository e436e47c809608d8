//! The log's own settings.

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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "data".into(),
            poll: 60,
            heartbeat: 60,
            batch: 64,
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

    /// The same settings for another data directory.
    pub fn at(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            ..Self::default()
        }
    }
}
