//! Whom a request comes from where a proxy of ours hands it on.
//!
//! A header that says so is believed from the addresses of `serve.trusted_proxies` alone, and only
//! the one header that the proxy itself sets: nginx hands a `Forwarded` of the client's own on as
//! it came. Hops are read from the right, each added by who stands nearer to us; the first that is
//! no proxy of ours is the client.
//! Follows RFC 7239 (`Forwarded`) and the usage of `X-Forwarded-For`.

use super::Config;
use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// The header in which the proxy names the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

/// Longer chains of proxies are nobody's.
const MAX_HOPS: usize = 32;

/// The proxies that are believed.
#[derive(Debug, Clone)]
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

impl Proxies {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            trusted: config.trusted_proxies.clone(),
            header: config.proxy_header,
        }
    }

    /// Whether an address is a proxy of ours.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// The client of a request that came from `peer`. A chain that can't be read any further ends
    /// at the last address that could.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return nearest;
        }
        for hop in self.hops(headers).iter().rev().take(MAX_HOPS) {
            let Some(address) = address(hop) else {
                break;
            };
            nearest = address;
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }

    /// What the header's lines say, the client's own claims first.
    fn hops(&self, headers: &HeaderMap) -> Vec<String> {
        let name = match self.header {
            ProxyHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let mut hops = Vec::new();
        for line in headers.get_all(name) {
            // Bytes that are no text make a hop that can't be read.
            let line = line.to_str().unwrap_or("?");
            let parts = split(line, ',');
            match self.header {
                ProxyHeader::XForwardedFor => hops.extend(parts),
                ProxyHeader::Forwarded => hops.extend(parts.iter().map(|e| of_element(e))),
            }
        }
        hops
    }
}

/// The `for` of one element; empty where it has none.
fn of_element(element: &str) -> String {
    let pairs = split(element, ';');
    let named = pairs.iter().filter_map(|pair| pair.split_once('='));
    let mut found = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    found.next().map_or(String::new(), |(_, value)| {
        value.trim().trim_matches('"').to_owned()
    })
}

/// Splits where no quotation is open.
fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c == at && !quoted {
            parts.push(String::new());
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let alone = bare.unwrap_or(hop).parse::<IpAddr>().ok();
    let address = alone.or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(header: ProxyHeader, peer: &str, lines: &[(&str, &str)]) -> String {
        let proxies = Proxies::new(&Config {
            trusted_proxies: vec![
                "10.0.0.0/8".parse().unwrap(),
                "2001:db8:f::/48".parse().unwrap(),
            ],
            proxy_header: header,
            ..Config::default()
        });
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_s_header_is_not_read() {
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            let lines = [
                ("x-forwarded-for", "192.0.2.9"),
                ("forwarded", "for=192.0.2.9"),
            ];
            assert_eq!(client(header, "198.51.100.1", &lines), "198.51.100.1");
        }
    }

    #[test]
    fn the_first_hop_from_the_right_that_is_no_proxy_counts() {
        for (value, want) in [
            ("192.0.2.9", "192.0.2.9"),
            ("203.0.113.7, 192.0.2.9, 10.1.1.1", "192.0.2.9"),
            ("203.0.113.7,192.0.2.9:4711", "192.0.2.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("10.1.1.1", "10.1.1.1"),
            // What can't be read ends the chain.
            ("192.0.2.9, unknown", "10.0.0.1"),
            ("192.0.2.9, unknown, 10.3.3.3", "10.3.3.3"),
            ("", "10.0.0.1"),
        ] {
            let lines = [("x-forwarded-for", value), ("forwarded", "for=203.0.113.1")];
            let got = client(ProxyHeader::XForwardedFor, "::ffff:10.0.0.1", &lines);
            assert_eq!(got, want, "{value}");
        }
        let lines = [
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", "192.0.2.9"),
        ];
        assert_eq!(
            client(ProxyHeader::XForwardedFor, "10.0.0.1", &lines),
            "192.0.2.9"
        );
    }

    #[test]
    fn the_standard_s_header_is_read_with_its_quotes() {
        for (value, want) in [
            ("for=192.0.2.9;proto=https;by=10.0.0.1", "192.0.2.9"),
            ("For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            (
                "for=203.0.113.7, host=\"a,b;for=1.2.3.4\";for=192.0.2.9, for=10.2.2.2",
                "192.0.2.9",
            ),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            let lines = [("forwarded", value), ("x-forwarded-for", "203.0.113.1")];
            let got = client(ProxyHeader::Forwarded, "10.0.0.1", &lines);
            assert_eq!(got, want, "{value}");
        }
    }
}
