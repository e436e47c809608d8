//! The local never-block list: what this subscriber doesn't enforce, whatever is listed.

use super::Error;
use crate::{
    entries::Entry,
    subject::{Kind, Line, OwnedLine, Scope, cover},
    tlog::Hash,
};
use ipnet::IpNet;
use std::{collections::HashSet, path::Path};

/// Names, networks and identifiers that are spared.
#[derive(Debug, Clone, Default)]
pub(super) struct NeverBlock {
    /// The names, and for each whether all below it is spared too.
    below: HashSet<String>,
    alone: HashSet<String>,
    /// Every parent of a spared name: a subtree listed there would block it.
    above: HashSet<String>,
    networks: Vec<IpNet>,
    others: HashSet<String>,
    /// Of the file's bytes: tells one list from another.
    pub(super) fingerprint: Option<Hash>,
}

impl NeverBlock {
    /// Reads the list; a line that isn't a name, a network or a subject is an error that names it.
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|e| Error::disk("read", path, e))?;
        let damaged = |why: String| Error::Damaged {
            path: path.to_owned(),
            why,
        };
        let text = std::str::from_utf8(&bytes).map_err(|e| damaged(e.to_string()))?;
        let mut list = Self::default();
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            // A commitment has a # inside; a comment's stands at the beginning or after a space.
            let line = line.split(" #").next().unwrap_or_default().trim();
            if !line.is_empty() && !line.starts_with('#') && !list.take(line) {
                return Err(damaged(format!(
                    "line {}: {line:?} is no name (shop.vn, or shop.vn = for the name alone), no \
                     network and no subject in canonical form; a list that was read before stays",
                    n + 1
                )));
            }
        }
        list.fingerprint = Some(Hash::of(&bytes));
        Ok(list)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.below.is_empty()
            && self.alone.is_empty()
            && self.networks.is_empty()
            && self.others.is_empty()
    }

    /// Whether enforcing this entry would touch something that is spared.
    pub(super) fn spares(&self, kind: Kind, entry: &Entry<'_>) -> bool {
        match kind {
            Kind::Domain => {
                self.alone.contains(entry.name)
                    || (entry.scope == Scope::Subtree && self.above.contains(entry.name))
                    || (!self.below.is_empty()
                        && cover::ancestors(entry.name).any(|name| self.below.contains(name)))
            }
            Kind::Net => entry.name.parse::<IpNet>().is_ok_and(|listed| {
                let touches = |spared: &IpNet| spared.contains(&listed) || listed.contains(spared);
                self.networks.iter().any(touches)
            }),
            Kind::Seller | Kind::Account => {
                self.others
                    .contains(&format!("{}:{}", kind.as_str(), entry.name))
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let spelled = [
            text.to_owned(),
            format!("{text} +"),
            format!("domain:{text}"),
            format!("domain:{text} +"),
            format!("net:{text}"),
            format!("net:{text}/32"),
            format!("net:{text}/128"),
        ];
        let Some(owned) = spelled.iter().find_map(|s| OwnedLine::parse(s).ok()) else {
            return false;
        };
        self.put(&owned.line())
    }

    fn put(&mut self, line: &Line<'_>) -> bool {
        match line.kind {
            Kind::Domain => {
                let names = match line.scope {
                    Scope::Subtree => &mut self.below,
                    Scope::Exact => &mut self.alone,
                };
                names.insert(line.name.to_owned());
                let parents = cover::ancestors(line.name).map(str::to_owned);
                self.above.extend(parents);
                true
            }
            Kind::Net => match line.name.parse() {
                Ok(network) => {
                    self.networks.push(network);
                    true
                }
                Err(_) => false,
            },
            Kind::Seller | Kind::Account => {
                self.others.insert(line.to_string());
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> NeverBlock {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("never");
        std::fs::write(&path, text).unwrap();
        NeverBlock::load(&path).unwrap()
    }

    fn spares(list: &NeverBlock, kind: Kind, name: &str, sign: char) -> bool {
        let entry = Entry {
            name,
            scope: Scope::from_char(sign).unwrap(),
            decision: "d",
        };
        list.spares(kind, &entry)
    }

    #[test]
    fn what_would_touch_a_spared_name_is_spared() {
        let list = list("# ours\nisp.example.vn\nwww.shop.vn =\n203.0.113.0/24\n192.0.2.7\n");
        let domain = |name, sign| spares(&list, Kind::Domain, name, sign);
        assert!(domain("isp.example.vn", '+') && domain("a.isp.example.vn", '='));
        assert!(domain("example.vn", '+') && !domain("example.vn", '='));
        assert!(domain("www.shop.vn", '=') && domain("shop.vn", '+'));
        assert!(!domain("a.www.shop.vn", '=') && !domain("other.vn", '+'));
        let net = |name| spares(&list, Kind::Net, name, '=');
        assert!(net("203.0.113.128/25") && net("203.0.0.0/16") && net("192.0.2.0/24"));
        assert!(!net("198.51.100.0/24"));
    }

    #[test]
    fn a_line_that_cant_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("never");
        std::fs::write(&path, "shop.vn\nno name here\n").unwrap();
        let error = NeverBlock::load(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
