//! Whom to ask about a name: the RDAP bootstrap file as IANA publishes it (RFC 9224), and the WHOIS servers of the
//! top-level domains that have no RDAP.

use std::collections::HashMap;

use serde::Deserialize;
use url::Url;

use super::{Error, Head, fault, plain::rows};
use crate::subject::{cover, domain};

/// RDAP servers by the suffix that they answer for.
#[derive(Clone, Debug, Default)]
pub struct RdapServers {
    by_suffix: HashMap<Box<str>, Url>,
}

/// WHOIS servers by top-level domain.
#[derive(Clone, Debug)]
pub struct WhoisServers {
    pub head: Head,
    by_suffix: HashMap<Box<str>, Box<str>>,
}

/// The file: either IANA's whole document or its `services` alone, as some packages carry it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bootstrap {
    Whole { services: Vec<Service> },
    Services(Vec<Service>),
}

/// Suffixes, and the base URLs that answer for them.
type Service = (Vec<String>, Vec<String>);

impl RdapServers {
    /// Reads a bootstrap file.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<RdapServers, String> {
        let bootstrap: Bootstrap = serde_json::from_str(text)
            .map_err(|e| format!("it is no RDAP bootstrap file (RFC 9224): {e}"))?;
        let services = match bootstrap {
            Bootstrap::Whole { services } | Bootstrap::Services(services) => services,
        };
        let mut by_suffix = HashMap::new();
        for (suffixes, urls) in services {
            let mut urls: Vec<Url> = urls
                .iter()
                .map(|url| base(url).ok_or_else(|| format!("{url:?} is no base URL of a server")))
                .collect::<Result<_, _>>()?;
            // A server that can be asked with TLS is.
            urls.sort_by_key(|url| url.scheme() != "https");
            let Some(url) = urls.into_iter().next() else {
                continue;
            };
            for suffix in suffixes {
                by_suffix.insert(suffix.to_ascii_lowercase().into_boxed_str(), url.clone());
            }
        }
        match by_suffix.is_empty() {
            true => Err("it names no server".to_owned()),
            false => Ok(RdapServers { by_suffix }),
        }
    }

    /// The server that answers for a name: that of its longest suffix.
    pub fn of(&self, name: &str) -> Option<&Url> {
        cover::ancestors(name).find_map(|suffix| self.by_suffix.get(suffix))
    }
}

/// A base URL, with the slash at its end that joining needs.
fn base(text: &str) -> Option<Url> {
    let url = match text.ends_with('/') {
        true => Url::parse(text),
        false => Url::parse(&format!("{text}/")),
    };
    url.ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.query().is_none()
    })
}

impl WhoisServers {
    pub(super) fn parse(file: &'static str, text: &str) -> Result<WhoisServers, Error> {
        let head = Head::parse(file, text)?;
        let mut by_suffix = HashMap::new();
        for (line, _, row) in rows(text) {
            let fields: Vec<&str> = row.split(' ').collect();
            let [suffix, server] = fields.as_slice() else {
                let what = format!("`{row}` is not of the form <top-level domain> <server>");
                return Err(fault(file, line, what));
            };
            domain::check(server)
                .map_err(|what| fault(file, line, format!("`{server}`: {what}")))?;
            by_suffix.insert((*suffix).into(), (*server).into());
        }
        Ok(WhoisServers { head, by_suffix })
    }

    /// The server that answers for a name.
    pub fn of(&self, name: &str) -> Option<&str> {
        cover::ancestors(name).find_map(|suffix| self.by_suffix.get(suffix).map(|s| &**s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_suffix_counts_and_tls_comes_first() {
        let text = r#"{"version":"1.0","services":[[["vn","VN.com"],["http://a.example/x","https://b.example/rdap"]],[["com"],["https://c.example/"]]]}"#;
        let servers = RdapServers::parse(text).unwrap();
        let of = |name| servers.of(name).map(Url::as_str);
        assert_eq!(of("shop.vn"), Some("https://b.example/rdap/"));
        assert_eq!(of("shop.vn.com"), Some("https://b.example/rdap/"));
        assert_eq!(of("shop.com"), Some("https://c.example/"));
        assert_eq!(of("shop.org"), None);
        assert!(RdapServers::parse(r#"[[["com"],["https://c.example/"]]]"#).is_ok());
        for bad in [
            "",
            "{}",
            "[]",
            r#"[[["com"],["ftp://c.example/"]]]"#,
            r#"[[["com"],["https://u@c.example/"]]]"#,
        ] {
            assert!(RdapServers::parse(bad).is_err(), "{bad}");
        }
    }
}
