//! One TOML file, joined from each room's own settings (issue 1, "Command line").
//!
//! Owns how the settings are found and named, and none of their meaning: defaults, then the file,
//! then `BLOCKFEED_<SECTION>_<KEY>` variables, then `--set section.key=value`, then the verb's
//! own flags. Whatever names an unknown key is refused with the nearest known one, so that a
//! slip of the pen is never a setting that silently isn't there.

mod keys;
mod overlay;

pub use keys::{Key, Shape};
pub use overlay::{Environment, load};

use crate::{agent, audit, fetch, log, registry, serve, transfer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Every setting of the program, one section a room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The authority's log.
    pub log: log::Config,
    /// The authority's online keys.
    pub keys: Keys,
    /// The authority's HTTP.
    pub serve: serve::Config,
    /// The authority's DNS.
    pub transfer: transfer::Config,
    /// The lists that the guard judges by.
    pub lists: Lists,
    /// The facts that checks rest on: data sets, live registries, DNS.
    pub registry: registry::Config,
    /// Who signs here, and where decisions go.
    pub officer: Officer,
    /// A subscriber's agent.
    pub agent: agent::Config,
    /// A mirror of somebody's log.
    pub mirror: audit::mirror::Config,
    /// Limits of reading from others.
    pub fetch: fetch::Config,
    /// What the process says on standard error.
    pub logging: Logging,
}

/// Where the authority's online keys lie.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Encrypted key file of the log key; `keys/log.pem` beside the data directory's content.
    pub log: Option<PathBuf>,
    /// Encrypted key file of the feed key; `keys/feed.pem` there.
    pub feed: Option<PathBuf>,
    /// A file that holds their passphrase; else `BLOCKFEED_PASSPHRASE`, else it is asked for.
    pub passphrase_file: Option<PathBuf>,
}

impl Keys {
    /// Where log and feed key lie; `folder` is [`log::Config::keys`].
    pub fn paths(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let or = |named: &Option<PathBuf>, name| named.clone().unwrap_or_else(|| folder.join(name));
        (or(&self.log, "log.pem"), or(&self.feed, "feed.pem"))
    }
}

/// Where the lists come from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// A directory of lists; those that the program was built with if it isn't set.
    pub directory: Option<PathBuf>,
}

/// An officer's desk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Officer {
    /// Base URL of the authority.
    pub server: Option<String>,
    /// Pseudonym, such as `o-0017`.
    pub id: Option<String>,
    /// Name of the key in the trust document, such as `k2`.
    pub key: Option<String>,
    /// Encrypted key file.
    pub key_file: Option<PathBuf>,
    /// A file that holds its passphrase; else `BLOCKFEED_PASSPHRASE`, else it is asked for.
    pub passphrase_file: Option<PathBuf>,
}

/// What `serve` and `agent` say on standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,blockfeed::log=debug`.
    pub level: String,
    /// One JSON object a line.
    pub json: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            level: "info".into(),
            json: false,
        }
    }
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}. Name the file with --config or BLOCKFEED_CONFIG")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error("{place}: there is no key {key:?}{}", nearest(.near))]
    Unknown {
        /// File and line, variable or flag.
        place: String,
        key: String,
        near: Option<String>,
    },
    #[error("{place}: {why}")]
    Value { place: String, why: String },
}

fn nearest(near: &Option<String>) -> String {
    match near {
        Some(near) => format!("; the nearest known one is {near:?}"),
        None => "; `blockfeed config` prints all keys".into(),
    }
}
