//! Look-up: is it in force now, and by what.

use super::{Casework, Error};
use crate::{
    canon::{DecisionId, Origin},
    decision::{Basis, Ledger, is_commitment},
    entries::{Entry, FeedName, Measure},
    log::{Current, FeedView},
    subject::{Kind, Line, OwnedLine, Scope, cover, feed_of, net, typed},
};
use ipnet::IpNet;
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest text that is looked up, bytes.
const MAX_QUERY: usize = 2048;

/// What is in force about a subject.
#[derive(Debug, Clone, Serialize)]
pub struct Lookup {
    pub origin: Origin,
    /// As it was typed.
    pub query: String,
    /// The subject that was understood.
    pub canonical: String,
    /// Codes of what was understood from the shape of the text.
    pub notes: Vec<&'static str>,
    pub listed: bool,
    /// Every entry that holds it, the nearest first.
    pub holds: Vec<Hold>,
    /// Its own entries that a stay holds back, where these were asked for: what a longer stay or a
    /// revocation can name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stayed: Vec<Hold>,
    /// Subjects above it that cover it.
    pub covered_by: Vec<String>,
    /// The serial of each feed that was asked.
    pub serials: BTreeMap<FeedName, u64>,
}

/// An entry in force.
#[derive(Debug, Clone, Serialize)]
pub struct Hold {
    pub feed: FeedName,
    /// With its kind.
    pub subject: String,
    /// `+` or `=`.
    pub scope: char,
    /// Whether it is the subject's own entry, and none that covers it.
    pub own: bool,
    pub decision: String,
    pub measure: &'static str,
    /// Unix seconds.
    pub not_after: u64,
    pub category: String,
    pub basis: Option<Basis>,
}

impl Casework {
    /// Looks up whatever was typed or pasted: a name, an address, a network, a URL, a subject.
    pub fn lookup(&self, query: &str) -> Result<Lookup, Error> {
        let (line, notes) = self.read_query(query)?;
        let current = self.inner.authority.current();
        let ledger = self.inner.authority.ledger();
        let feed =
            FeedName::parse(&feed_of(&line.line())).map_err(|e| Error::NoFeed(e.to_string()))?;
        let names = self.names_of(&line.line());
        let holds = holds(&current, &ledger, &feed, &line.line(), &names);
        let own = line.subject().to_string();
        let covering = holds.iter().filter(|h| !h.own);
        let mut covered_by: Vec<String> = covering.map(|h| h.subject.clone()).collect();
        covered_by.dedup();
        let serial = current.feeds.get(&feed).map(|view| view.state.serial);
        Ok(Lookup {
            origin: ledger.origin().clone(),
            query: query.to_owned(),
            canonical: own,
            notes,
            listed: !holds.is_empty(),
            holds,
            stayed: Vec::new(),
            covered_by,
            serials: serial.map(|serial| (feed, serial)).into_iter().collect(),
        })
    }

    /// The same with what is stayed, for which the parts of open stays are read.
    pub fn lookup_with_stays(&self, query: &str) -> Result<Lookup, Error> {
        let stayed = self.stayed(query)?;
        Ok(Lookup {
            stayed,
            ..self.lookup(query)?
        })
    }

    /// The names under which a subject can stand in its feed: a seller or account in clear under
    /// its commitments.
    pub(super) fn names_of(&self, line: &Line<'_>) -> Vec<String> {
        if !matches!(line.kind, Kind::Seller | Kind::Account) || is_commitment(line) {
            return names_over(line.kind, line.name);
        }
        let platform = line.name.split('/').next().unwrap_or_default();
        let listings = self.listings_of(line.to_owned_line().subject());
        let sealed = listings
            .into_iter()
            .map(|(_, c)| format!("{platform}/#{c}"));
        sealed.collect()
    }

    /// The one place where a typed text becomes a subject.
    pub(super) fn read_query(&self, query: &str) -> Result<(OwnedLine, Vec<&'static str>), Error> {
        let refuse = |code, why, offer| Error::Query {
            query: query.chars().take(120).collect(),
            code,
            why,
            offer,
        };
        if query.len() > MAX_QUERY {
            return Err(refuse(
                "too_long",
                "it is longer than 2,048 bytes".into(),
                None,
            ));
        }
        let read = typed::read(query, &self.inner.rules.platforms)
            .map_err(|e| refuse(e.code.as_str(), e.message, e.offer))?;
        Ok((
            read.line,
            read.notes.into_iter().map(typed::Note::code).collect(),
        ))
    }
}

/// The names under which a subject can be held, the nearest first: for a domain itself and its
/// ancestors, for a network itself and every prefix that covers it.
pub(super) fn names_over(kind: Kind, name: &str) -> Vec<String> {
    match (kind, net::parse(name)) {
        (Kind::Domain, _) => cover::ancestors(name).map(str::to_owned).collect(),
        (Kind::Net, Ok(inner)) => (0..=inner.prefix_len())
            .rev()
            .filter_map(|length| IpNet::new(inner.addr(), length).ok())
            .map(|outer| outer.trunc().to_string())
            .collect(),
        _ => vec![name.to_owned()],
    }
}

fn holds(
    current: &Current,
    ledger: &Ledger,
    feed: &FeedName,
    line: &Line<'_>,
    names: &[String],
) -> Vec<Hold> {
    let Some(view) = current.feeds.get(feed) else {
        return Vec::new();
    };
    let mut holds = Vec::new();
    for name in names {
        let own = name == line.name || matches!(line.kind, Kind::Seller | Kind::Account);
        let reaches =
            |entry: &Entry<'_>| line.kind != Kind::Domain || entry.scope == Scope::Subtree || own;
        let entries = view.entries_of(name);
        let of = |entry| hold(view, ledger, feed, entry, own);
        holds.extend(entries.iter().filter(|e| reaches(e)).map(of));
    }
    holds
}

fn hold(view: &FeedView, ledger: &Ledger, feed: &FeedName, entry: &Entry<'_>, own: bool) -> Hold {
    let not_after = view.row(entry.decision).map_or(0, |row| row.not_after);
    Hold {
        own,
        not_after,
        ..Hold::own(ledger, feed, entry.name, entry.scope, entry.decision)
    }
}

impl Hold {
    /// A subject's own entry under a decision, in force or not.
    pub(super) fn own(
        ledger: &Ledger,
        feed: &FeedName,
        name: &str,
        scope: Scope,
        decision: &str,
    ) -> Self {
        let id = DecisionId::new(decision).ok();
        let record = id.and_then(|id| ledger.lists().get(&id));
        Self {
            feed: feed.clone(),
            subject: format!("{}:{name}", feed.kind()),
            scope: scope.as_char(),
            own: true,
            decision: decision.to_owned(),
            measure: Measure::of(feed.kind()).as_str(),
            not_after: record.map_or(0, |record| record.not_after),
            category: record.map_or_else(String::new, |r| r.body.category.clone()),
            basis: record.map(|r| r.body.basis.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_above() {
        assert_eq!(names_over(Kind::Domain, "a.b.vn"), ["a.b.vn", "b.vn", "vn"]);
        let nets = names_over(Kind::Net, "203.0.113.7/32");
        assert_eq!(nets.len(), 33);
        assert_eq!(nets[8], "203.0.113.0/24");
        assert_eq!(nets[32], "0.0.0.0/0");
        assert_eq!(names_over(Kind::Net, "2001:db8::/32").len(), 33);
        assert_eq!(names_over(Kind::Seller, "shopee.vn/1"), ["shopee.vn/1"]);
    }
}
