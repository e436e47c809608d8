//! Many subjects at once against the sets in force: a marketplace's own sellers, a registrar's
//! names. Touches memory alone.

use super::{Casework, Error, Reader, lookup::names_over, sandbox::Made};
use crate::{
    entries::{FeedName, Measure, Set},
    log::Current,
    subject::{Kind, Line, OwnedLine, Scope, Subject, cover, feed_of, is_committed, typed},
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use utoipa::ToSchema;

/// The most subjects of a call.
pub const MAX_MATCHES: usize = 10_000;

/// The longest text that is read, bytes.
const MAX_QUERY: usize = 2048;

/// What is in force of one subject, or why it couldn't be asked.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Match {
    /// What was understood, in canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub listed: bool,
    /// The entries that hold it, the nearest first.
    pub holds: Vec<MatchHold>,
    /// Why it wasn't asked: what `blockfeed check --explain` knows, `too_long`, or `scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What could be asked instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
}

/// An entry in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MatchHold {
    pub decision: String,
    #[schema(value_type = String)]
    pub measure: &'static str,
    /// Unix seconds.
    pub not_after: u64,
    pub feed: FeedName,
    /// The entry's stable name.
    pub key: String,
}

/// The sets that one call is held against.
struct Sets<'a> {
    desk: &'a Casework,
    reader: &'a Reader,
    current: Arc<Current>,
    /// Of a sandbox, by feed.
    made: HashMap<FeedName, Made>,
    is_open: &'a dyn Fn(&FeedName) -> bool,
}

impl Casework {
    /// What is in force of each text, in order. A text whose feed is neither open nor in the
    /// token's scope isn't asked.
    pub fn matches(
        &self,
        reader: &Reader,
        is_open: &dyn Fn(&FeedName) -> bool,
        texts: &[String],
    ) -> Result<Vec<Match>, Error> {
        if texts.len() > MAX_MATCHES {
            return Err(Error::TooMany(MAX_MATCHES));
        }
        let mut sets = Sets {
            desk: self,
            reader,
            current: self.inner.authority.current(),
            made: HashMap::new(),
            is_open,
        };
        Ok(texts.iter().map(|text| sets.one(text)).collect())
    }
}

impl Sets<'_> {
    fn one(&mut self, text: &str) -> Match {
        if text.len() > MAX_QUERY {
            return refused("too_long", "it is longer than 2,048 bytes".into());
        }
        let read = match self.read(text) {
            Ok(read) => read,
            Err(e) => {
                return Match {
                    offer: e.offer,
                    ..refused(e.code.as_str(), e.message)
                };
            }
        };
        let line = read.line();
        let subject = Some(read.subject().to_string());
        let feed = match line.kind {
            Kind::Domain => Ok(FeedName::domains()),
            Kind::Net => Ok(FeedName::networks()),
            _ => FeedName::parse(&feed_of(&line)),
        };
        let Ok(feed) = feed else {
            return refused("scope", "there is no feed for it".into());
        };
        if let Err(error) = self.may_ask(&feed) {
            return Match {
                subject,
                ..refused("scope", error.to_string())
            };
        }
        let holds = self.holds(&feed, &line, read.subject());
        Match {
            subject,
            listed: !holds.is_empty(),
            holds,
            ..Match::default()
        }
    }

    /// Reads a text as an officer's is read. In a sandbox a canonical subject passes as it is: made
    /// ids are ones that no platform gives out.
    fn read(&self, text: &str) -> Result<OwnedLine, typed::Unusable> {
        let made = Subject::parse(text).ok().filter(|_| self.reader.sandbox);
        match made {
            Some(subject) => Ok(OwnedLine::new(subject, Scope::Exact)),
            None => Ok(typed::read(text, &self.desk.inner.rules.platforms)?.line),
        }
    }

    fn may_ask(&self, feed: &FeedName) -> Result<(), Error> {
        match (self.is_open)(feed) && !self.reader.sandbox {
            true => Ok(()),
            false => self.reader.may_read(feed),
        }
    }

    fn holds(&mut self, feed: &FeedName, line: &Line<'_>, subject: &Subject) -> Vec<MatchHold> {
        if self.reader.sandbox {
            let desk = self.desk;
            let made = self.made.entry(feed.clone());
            let made = made.or_insert_with(|| Made::of(desk, feed));
            return match is_clear(line) {
                true => under(&made.set, feed, line, &made.names_of(subject)),
                false => over(&made.set, feed, line),
            };
        }
        let Some(view) = self.current.feeds.get(feed) else {
            return Vec::new();
        };
        if !is_clear(line) {
            return over(&view.set, feed, line);
        }
        let platform = feed.platform().unwrap_or_default();
        let listings = self.desk.listings_of(subject);
        let names = listings.iter().map(|(_, c)| format!("{platform}/#{c}"));
        under(&view.set, feed, line, &names.collect::<Vec<_>>())
    }
}

/// Whether a subject stands in the log under its commitments alone.
fn is_clear(line: &Line<'_>) -> bool {
    super::item::is_private(line.kind) && !is_committed(line.name)
}

/// What holds a line, by its own name or one that covers it. Of a domain that nobody listed
/// nothing is copied.
fn over(set: &Set, feed: &FeedName, line: &Line<'_>) -> Vec<MatchHold> {
    if line.kind != Kind::Domain {
        return under(set, feed, line, &names_over(line.kind, line.name));
    }
    let mut holds = Vec::new();
    // A single label can't be listed: it would only cost a hash.
    for name in cover::ancestors(line.name).filter(|name| name.contains('.')) {
        push_holds(set, feed, line, name, &mut holds);
    }
    holds
}

/// What holds a line by one of these names.
fn under(set: &Set, feed: &FeedName, line: &Line<'_>, names: &[String]) -> Vec<MatchHold> {
    let mut holds = Vec::new();
    for name in names {
        push_holds(set, feed, line, name, &mut holds);
    }
    holds
}

fn push_holds(set: &Set, feed: &FeedName, line: &Line<'_>, name: &str, holds: &mut Vec<MatchHold>) {
    for entry in set.entries_of(name) {
        if line.kind == Kind::Domain && entry.scope == Scope::Exact && name != line.name {
            continue;
        }
        let row = set.row(entry.decision);
        holds.push(MatchHold {
            decision: entry.decision.to_owned(),
            measure: Measure::of(line.kind).as_str(),
            not_after: row.map_or(0, |row| row.not_after),
            feed: feed.clone(),
            key: format!("{name} {} {}", entry.scope.as_char(), entry.decision),
        });
    }
}

fn refused(code: &'static str, detail: String) -> Match {
    Match {
        code: Some(code),
        detail: Some(detail),
        ..Match::default()
    }
}
