//! What the operator may set about HTTP.

use super::ProxyHeader;
use crate::{accounts, entries::FeedName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// Addresses and limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where files and API are served.
    pub listen: SocketAddr,
    /// Where metrics are served.
    pub metrics: SocketAddr,
    /// Where the public reaches this server, such as `https://blocklist.example`: what pages and
    /// commands on them name. Empty: the address that a browser asked.
    pub public_url: String,
    /// Where files and API are served over TLS, HTTP/2 and 1.1, with a certificate.
    pub tls_listen: Option<SocketAddr>,
    /// PEM file of the certificate and those above it. Read anew when it changes, and on SIGHUP.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    pub tls_key: Option<PathBuf>,
    /// Addresses of proxies of ours: what they say of the client is believed, nobody else's word is.
    pub trusted_proxies: Vec<IpNet>,
    /// The header by which they say it: `x-forwarded-for` or `forwarded`. The other isn't read.
    pub proxy_header: ProxyHeader,
    /// The most connections at a time; more wait to be accepted.
    pub connections: usize,
    /// The most long polls at a time; more are answered 503 with `Retry-After`.
    pub long_polls: usize,
    /// The longest that a long poll may ask to wait, seconds.
    pub long_poll: u64,
    /// Seconds until a request that isn't an upload is answered 503.
    pub timeout: u64,
    /// Seconds that an upload may take.
    pub upload_timeout: u64,
    /// The most bytes of a proposal with all its parts.
    pub upload: u64,
    /// The most bytes of rendered files kept in memory.
    pub rendered: u64,
    /// Seconds after which manifests that weren't signed anew make `/readyz` fail.
    pub stale: u64,
    /// Seconds that requests at hand may take to end when the server stops.
    pub grace: u64,
    /// Whether `domains` and `networks` are for everybody; else they want a token, as sellers and
    /// accounts always do.
    pub open_feeds: bool,
    /// The most connections of one address, and the most requests at hand of one behind a trusted
    /// proxy; 0: no limit.
    pub address_connections: usize,
    /// Requests to the API that a token may send each second, on average; 0: no limit.
    pub token_rate: u32,
    /// How many it may send at once after a silence.
    pub token_burst: u32,
    /// The same for an address that shows no token. Behind a proxy that isn't trusted all readers
    /// have its address: name it in `trusted_proxies`.
    pub address_rate: u32,
    /// How many may come from an address at once after a silence.
    pub address_burst: u32,
    /// Tips and appeals that an address may send each hour, on average, and five at once; 0: no
    /// limit, as behind a proxy that has its own.
    pub forms_per_hour: u32,
    /// Seconds that a person takes at least to fill in a form; what is quicker is a robot.
    pub form_seconds: u64,
    /// Signing in at the desk.
    pub accounts: accounts::Config,
}

impl Default for Config {
    fn default() -> Self {
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            listen: local(8399),
            metrics: local(9399),
            public_url: String::new(),
            tls_listen: None,
            tls_certificate: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
            connections: 10_000,
            long_polls: 8_000,
            long_poll: 60,
            timeout: 30,
            upload_timeout: 600,
            upload: 1 << 30,
            rendered: 512 << 20,
            stale: 300,
            grace: 10,
            open_feeds: true,
            address_connections: 500,
            token_rate: 50,
            token_burst: 500,
            address_rate: 100,
            address_burst: 2_000,
            forms_per_hour: 10,
            form_seconds: 3,
            accounts: accounts::Config::default(),
        }
    }
}

impl Config {
    /// Whether a feed is for everybody.
    pub(super) fn is_open(&self, feed: &FeedName) -> bool {
        self.open_feeds && feed.platform().is_none()
    }
}
