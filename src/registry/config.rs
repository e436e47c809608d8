//! The settings of the facts: where data sets lie, who is asked, and for how long.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Where facts come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The directory of data sets; `sets` in the data directory if it isn't set.
    pub sets: Option<PathBuf>,
    /// Ask data sets and lists alone, and nobody over the network.
    pub offline: bool,
    /// Seconds for one source.
    pub source_seconds: u64,
    /// Seconds for all sources together, which are asked side by side.
    pub total_seconds: u64,
    /// The resolver that the live DNS is asked through; the system's if it isn't set.
    pub resolver: Option<SocketAddr>,
    /// Addresses that aren't public and may be connected to all the same, each with its port: a registry's server in one's
    /// own network. No subject can add to it.
    pub allow: Vec<SocketAddr>,
    /// Public addresses that are never connected to: one's own behind a proxy.
    pub refuse: Vec<IpNet>,
    /// The port of WHOIS servers; it is 43 everywhere.
    pub whois_port: u16,
    /// Names at an address or in a network that are counted; above it is "at least".
    pub neighbours: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            sets: None,
            offline: false,
            source_seconds: 6,
            total_seconds: 10,
            resolver: None,
            allow: Vec::new(),
            refuse: Vec::new(),
            whois_port: 43,
            neighbours: 10_000,
        }
    }
}

impl Config {
    /// The directory of data sets, for this data directory.
    pub fn sets(&self, data: &Path) -> PathBuf {
        self.sets.clone().unwrap_or_else(|| data.join("sets"))
    }

    pub(super) fn source_time(&self) -> Duration {
        Duration::from_secs(self.source_seconds)
    }

    pub(super) fn total_time(&self) -> Duration {
        Duration::from_secs(self.total_seconds)
    }
}
