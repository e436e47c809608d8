//! What an operator sets about zones and who may take them.

use super::{
    Error,
    name::{Name, Profile},
};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

/// Listeners, zones, access and limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether zones are served at all.
    pub serve: bool,
    /// Where, by UDP and TCP; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where over TLS (XoT, RFC 9103), with a certificate.
    pub tls_listen: Option<SocketAddr>,
    /// PEM file of the certificate and those above it.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of the certificate's key.
    pub tls_key: Option<PathBuf>,
    /// A TOML file of TSIG keys, readable by its owner alone: `[[key]]` with `name`, `subscriber`,
    /// `algorithm` (hmac-sha256, -384, -512), `secret` (base64) and `notify` (addresses with port).
    pub keys: Option<PathBuf>,
    /// Addresses that may take zones without a key.
    pub allow: Vec<IpNet>,
    /// Who is told of changes without a key: addresses with port.
    pub notify: Vec<SocketAddr>,
    /// The zones' names.
    pub zones: Apexes,
    /// What a blocked name answers: `nxdomain`, `nodata`, `drop`, or `redirect:<host>`. Knot
    /// Resolver and unknown software take `nxdomain` alone.
    pub profile: String,
    /// Seconds that a blocked answer lives.
    pub ttl: u32,
    /// Seconds between looks of secondaries that weren't told.
    pub refresh: u32,
    /// Seconds until a secondary tries again after a failure.
    pub retry: u32,
    /// Seconds that a secondary goes on with an old zone if we are gone.
    pub expire: u32,
    /// A folder for the levels as zone files (`block.rpz`, `allow.rpz`, `base.rpz`, `net.rpz`),
    /// for resolvers that transfer nothing.
    pub files: Option<PathBuf>,
    /// The most connections at a time.
    pub connections: usize,
    /// The most connections of one address.
    pub address_connections: usize,
    /// Seconds that a connection may take to send a query.
    pub read_seconds: u64,
    /// Seconds that a reader may take for the next 16 KiB.
    pub write_seconds: u64,
}

/// The names of the five zones; keep them short, they count against the 255 octets of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Apexes {
    /// All names and networks.
    pub rpz: String,
    /// First level: what was listed since the base.
    pub block: String,
    /// Second level: what of the base passes.
    pub allow: String,
    /// Third level: the names at the last compaction.
    pub base: String,
    /// All networks.
    pub net: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            serve: true,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5399),
            tls_listen: None,
            tls_certificate: None,
            tls_key: None,
            keys: None,
            allow: vec![
                IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ],
            notify: Vec::new(),
            zones: Apexes::default(),
            profile: "nxdomain".into(),
            ttl: 60,
            refresh: 60,
            retry: 30,
            expire: 30 * 86_400,
            files: None,
            connections: 256,
            address_connections: 16,
            read_seconds: 10,
            write_seconds: 30,
        }
    }
}

impl Default for Apexes {
    fn default() -> Self {
        let under = |label: &str| format!("{label}.blockfeed");
        Self {
            rpz: under("rpz"),
            block: under("block"),
            allow: under("allow"),
            base: under("base"),
            net: under("net"),
        }
    }
}

impl Config {
    /// What a blocked name answers.
    pub(super) fn profile(&self) -> Result<Profile, Error> {
        let text = self.profile.as_str();
        Ok(match (text, text.strip_prefix("redirect:")) {
            ("nxdomain", _) => Profile::NxDomain,
            ("nodata", _) => Profile::NoData,
            ("drop", _) => Profile::Drop,
            (_, Some(host)) => Profile::Redirect(Name::parse(host).ok_or_else(|| {
                Error::Setting(format!("transfer.profile: {host:?} is no host's name"))
            })?),
            _ => {
                return Err(Error::Setting(format!(
                    "transfer.profile is nxdomain, nodata, drop or redirect:<host>, not {text:?}"
                )));
            }
        })
    }
}
