//! Look-ups: what the sets say of a name, an address or a network.

use std::{collections::BTreeSet, sync::Arc};

use ipnet::IpNet;

use super::{
    Kind, Opened, Set, Sets,
    row::{address_key, net_key, turned},
};
use crate::{
    registry::facts::{
        Allocation, Below, Fault, FaultKind, Licence, Neighbours, Network, Outcome, Popularity,
        Registration, Source, Sourced, Unasked,
    },
    store,
    subject::cover,
};

/// How many names at an address or in a network are counted, and how many are shown.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub count: usize,
    pub sample: usize,
}

impl Bound {
    /// Counts so many, and shows a handful.
    pub fn counting(count: usize) -> Bound {
        Bound { count, sample: 10 }
    }
}

impl Sets {
    /// Whether any set of this kind is there, readable or not.
    pub fn has(&self, kind: Kind) -> bool {
        self.open.load().iter().any(|opened| opened.kind == kind)
    }

    /// The registration of a name under `.vn`: of itself, or of the closest name above that the extract has.
    pub fn registration(&self, name: &str, now: u64) -> Sourced<Registration> {
        self.first(Kind::VnRegistry, now, |set| {
            for name in registrable(name) {
                if let Some(value) = set.text(name.as_bytes())? {
                    return Ok(registration(name, &value));
                }
            }
            Ok(None)
        })
    }

    /// What each register has on a name, or on a name above it.
    pub fn licences(&self, name: &str, now: u64) -> Vec<Sourced<Vec<Licence>>> {
        let open = self.open.load();
        let of_kind = open.iter().filter(|o| o.kind == Kind::Licences);
        let all: Vec<_> = of_kind
            .map(|opened| ask(opened, now, |set| licences(set, name)))
            .collect();
        match all.is_empty() {
            true => vec![Sourced::not_asked(Unasked::NoSource, now)],
            false => all,
        }
    }

    /// The rank of a name, or of the closest name above that has one.
    pub fn popularity(&self, name: &str, now: u64) -> Sourced<Popularity> {
        self.first(Kind::Popularity, now, |set| {
            for name in registrable(name) {
                if let Some(rank) = set.text(&turned(name))? {
                    let rank = rank.parse().ok();
                    return Ok(rank.map(|rank| Popularity {
                        name: name.to_owned(),
                        rank,
                    }));
                }
            }
            Ok(None)
        })
    }

    /// What each register has on names below a name; registers that have nothing there are left out.
    pub fn licences_below(&self, name: &str, now: u64) -> Vec<Sourced<Below<Licence>>> {
        self.below(Kind::Licences, name, now, licence)
    }

    /// Ranks of names below a name, by each set that has any.
    pub fn popularity_below(&self, name: &str, now: u64) -> Vec<Sourced<Below<Popularity>>> {
        self.below(Kind::Popularity, name, now, |name, _, value| {
            let rank = value.parse().ok()?;
            let name = name.to_owned();
            Some(Popularity { name, rank })
        })
    }

    /// What each set of a kind has below a name. Sets that can't be read are kept: that is no "nothing".
    fn below<T>(
        &self,
        kind: Kind,
        name: &str,
        now: u64,
        read: impl Fn(&str, &str, &str) -> Option<T>,
    ) -> Vec<Sourced<Below<T>>> {
        let open = self.open.load();
        open.iter()
            .filter(|opened| opened.kind == kind)
            .map(|opened| ask(opened, now, |set| set.below(name, &read)))
            .filter(|fact| !matches!(fact.outcome, Outcome::Absent))
            .collect()
    }

    /// The longest known prefix that covers a network, with its operator.
    pub fn network(&self, net: IpNet, now: u64) -> Sourced<Network> {
        self.first(Kind::Networks, now, |set| {
            Ok(set.longest(net)?.and_then(|(prefix, value)| {
                let [asn, operator, country] = fields(&value)?;
                Some(Network {
                    prefix,
                    operator: operator.to_owned(),
                    asn: asn.parse().ok(),
                    country: filled(country),
                })
            }))
        })
    }

    /// The block of a regional registry that covers a network.
    pub fn allocation(&self, net: IpNet, now: u64) -> Sourced<Allocation> {
        self.first(Kind::Delegations, now, |set| {
            Ok(set.longest(net)?.and_then(|(prefix, value)| {
                let [registry, country, status] = fields(&value)?;
                Some(Allocation {
                    prefix,
                    registry: registry.to_owned(),
                    country: filled(country)
                        .filter(|c| c != "-")
                        .map(|c| c.to_uppercase()),
                    status: status.to_owned(),
                })
            }))
        })
    }

    /// The names that were seen in a network, or at an address as the network of it alone.
    pub fn neighbours(&self, net: IpNet, bound: Bound, now: u64) -> Sourced<Neighbours> {
        self.first(Kind::PassiveDns, now, |set| neighbours(set, net, bound))
    }

    /// The first set of a kind that knows, or else what the first one answers.
    fn first<T>(
        &self,
        kind: Kind,
        now: u64,
        look: impl Fn(&Set) -> Result<Option<T>, store::Error>,
    ) -> Sourced<T> {
        let open = self.open.load();
        let mut answer: Option<Sourced<T>> = None;
        for opened in open.iter().filter(|opened| opened.kind == kind) {
            let said = ask(opened, now, &look);
            if said.known().is_some() {
                return said;
            }
            // That one set can't be read must show, whatever the others say.
            if answer.is_none() || said.fault().is_some() {
                answer = Some(said);
            }
        }
        answer.unwrap_or_else(|| Sourced::not_asked(Unasked::NoSource, now))
    }
}

fn ask<T>(
    opened: &Arc<Opened>,
    now: u64,
    look: impl Fn(&Set) -> Result<Option<T>, store::Error>,
) -> Sourced<T> {
    let source = Source::Set {
        name: opened.name.clone(),
    };
    let failed = |detail: String| {
        Outcome::Failed(Fault {
            kind: FaultKind::Set,
            detail,
        })
    };
    match opened.state() {
        Err(detail) => Sourced {
            source,
            at: now,
            fresh_until: None,
            outcome: failed(detail.clone()),
        },
        Ok(set) => Sourced {
            source,
            at: set.description.at,
            fresh_until: Some(set.description.fresh_until),
            outcome: match look(set) {
                Ok(Some(fact)) => Outcome::Known(fact),
                Ok(None) => Outcome::Absent,
                Err(error) => failed(format!("{error}. Import the set again")),
            },
        },
    }
}

impl Set {
    fn text(&self, key: &[u8]) -> Result<Option<String>, store::Error> {
        let value = self.reader.get(key)?;
        Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The rows on names below a name: the first [`MOST_BELOW`] of them, read from name, rest of the key and value.
    fn below<T>(
        &self,
        name: &str,
        read: impl Fn(&str, &str, &str) -> Option<T>,
    ) -> Result<Option<Below<T>>, store::Error> {
        let from = [&turned(name), b".".as_slice()].concat();
        // The character after the dot: no key in between is of a name elsewhere.
        let to = [&turned(name), b"/".as_slice()].concat();
        let (mut rows, mut at_least) = (Vec::new(), false);
        for (looked, row) in self.reader.range(&from, &to).enumerate() {
            let (key, value) = row?;
            if looked >= MOST_BELOW {
                at_least = true;
                break;
            }
            let mut parts = key.splitn(2, |byte| *byte == 0);
            let name: Vec<u8> = parts
                .next()
                .unwrap_or_default()
                .iter()
                .rev()
                .copied()
                .collect();
            let rest = String::from_utf8_lossy(parts.next().unwrap_or_default());
            let value = String::from_utf8_lossy(&value);
            rows.extend(read(&String::from_utf8_lossy(&name), &rest, &value));
        }
        Ok(Some(Below { rows, at_least }).filter(|below| !below.rows.is_empty()))
    }

    /// The longest prefix of the set that covers a network, with its value.
    fn longest(&self, net: IpNet) -> Result<Option<(IpNet, String)>, store::Error> {
        let lengths = match net {
            IpNet::V4(_) => &self.description.lengths.v4,
            IpNet::V6(_) => &self.description.lengths.v6,
        };
        for length in lengths.range(..=net.prefix_len()).rev() {
            let Ok(prefix) = IpNet::new(net.network(), *length) else {
                continue;
            };
            let prefix = prefix.trunc();
            if let Some(value) = self.text(&net_key(prefix))? {
                return Ok(Some((prefix, value)));
            }
        }
        Ok(None)
    }
}

/// A name and those above it, down to two labels.
fn registrable(name: &str) -> impl Iterator<Item = &str> {
    cover::ancestors(name).filter(|name| name.contains('.'))
}

fn registration(name: &str, value: &str) -> Option<Registration> {
    let [statuses, registrar, created, expires, changed, servers] = fields(value)?;
    let statuses: Vec<String> = statuses
        .split([';', ','])
        .map(|status| status.trim().to_owned())
        .filter(|status| !status.is_empty())
        .collect();
    Some(Registration {
        name: name.to_owned(),
        registered: !statuses.iter().any(|s| UNREGISTERED.contains(&s.as_str())),
        registrar: filled(registrar),
        created: created.parse().ok(),
        expires: expires.parse().ok(),
        changed: changed.parse().ok(),
        statuses,
        name_servers: servers.split_whitespace().map(str::to_owned).collect(),
        abuse_contact: None,
    })
}

fn licences(set: &Set, name: &str) -> Result<Option<Vec<Licence>>, store::Error> {
    let mut found = Vec::new();
    for name in registrable(name) {
        let from = [&turned(name), b"\0".as_slice()].concat();
        let to = [&turned(name), b"\x01".as_slice()].concat();
        for row in set.reader.range(&from, &to).take(MOST) {
            let (key, value) = row?;
            let number = String::from_utf8_lossy(key.get(from.len()..).unwrap_or_default());
            found.extend(licence(name, &number, &String::from_utf8_lossy(&value)));
        }
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

fn licence(name: &str, number: &str, value: &str) -> Option<Licence> {
    let [register, holder, status, until] = fields(value)?;
    Some(Licence {
        name: name.to_owned(),
        register: register.to_owned(),
        number: number.to_owned(),
        holder_kind: filled(holder),
        status: status.to_owned(),
        valid_to: until.parse().ok(),
    })
}

fn neighbours(set: &Set, net: IpNet, bound: Bound) -> Result<Option<Neighbours>, store::Error> {
    let from = address_key(net.network());
    let mut to = address_key(net.broadcast());
    // Names are ASCII, so this comes after every name at the last address.
    to.push(0xFF);
    let width = from.len();
    let mut names = BTreeSet::new();
    let mut at_least = false;
    for (looked, row) in set.reader.range(&from, &to).enumerate() {
        let (key, _) = row?;
        if names.len() >= bound.count || looked >= bound.count.saturating_mul(ROWS_A_NAME) {
            at_least = true;
            break;
        }
        let name = key.get(width..).unwrap_or_default();
        names.insert(String::from_utf8_lossy(name).into_owned());
    }
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(Neighbours {
        names: names.len() as u64,
        at_least,
        sample: names.into_iter().take(bound.sample).collect(),
    }))
}

fn fields<const N: usize>(value: &str) -> Option<[&str; N]> {
    let mut fields = value.split('\t');
    let mut all = [""; N];
    for field in &mut all {
        *field = fields.next()?;
    }
    Some(all)
}

fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Statuses of a row that say that the name is nobody's.
const UNREGISTERED: [&str; 5] = ["available", "free", "reserved", "withdrawn", "deleted"];
/// The most licences of one name that are read from one register.
const MOST: usize = 100;
/// The most rows on names below one name that are read from one set.
const MOST_BELOW: usize = 1_000;
/// A name may be seen at many addresses of a network: so many rows are read for each name that is counted.
const ROWS_A_NAME: usize = 8;
