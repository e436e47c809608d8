//! Many subjects at once against the sets in force: a marketplace's own sellers, a registrar's
//! names. Touches memory alone.

use super::{Casework, Error, Reader, lookup::names_over, sandbox::Made};
use crate::{
    entries::{FeedName, Index, Measure, Set},
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
    ends: Ends,
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
            ends: Ends::default(),
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
        let subject = Some(said(line.kind.as_str(), ":", line.name));
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
            let names = is_clear(line).then(|| made.names_of(subject));
            return Feed::of(feed, &made.set, &made.index).holds(line, names, &mut self.ends);
        }
        let Some(view) = self.current.feeds.get(feed) else {
            return Vec::new();
        };
        let names = is_clear(line).then(|| {
            let platform = feed.platform().unwrap_or_default();
            let listings = self.desk.listings_of(subject);
            let names = listings.iter().map(|(_, c)| format!("{platform}/#{c}"));
            names.collect()
        });
        Feed::of(feed, &view.set, &view.index).holds(line, names, &mut self.ends)
    }
}

/// Whether a subject stands in the log under its commitments alone.
fn is_clear(line: &Line<'_>) -> bool {
    super::item::is_private(line.kind) && !is_committed(line.name)
}

/// A feed that is asked.
#[derive(Clone, Copy)]
struct Feed<'a> {
    name: &'a FeedName,
    set: &'a Set,
    index: &'a Index,
}

impl<'a> Feed<'a> {
    fn of(name: &'a FeedName, set: &'a Set, index: &'a Index) -> Self {
        Self { name, set, index }
    }

    /// What holds a line: by these names, else by its own or one that covers it. Of a domain that
    /// nobody listed nothing is copied.
    fn holds(self, line: &Line<'_>, names: Option<Vec<String>>, ends: &mut Ends) -> Vec<MatchHold> {
        let mut holds = Vec::new();
        if line.kind == Kind::Domain {
            // A single label can't be listed.
            let listable = cover::ancestors(line.name).filter(|name| name.contains('.'));
            listable.for_each(|name| self.push(line, name, ends, &mut holds));
        } else {
            let names = names.unwrap_or_else(|| names_over(line.kind, line.name));
            let names = names.iter();
            names.for_each(|name| self.push(line, name, ends, &mut holds));
        }
        holds
    }

    fn push(self, line: &Line<'_>, name: &str, ends: &mut Ends, holds: &mut Vec<MatchHold>) {
        self.index.each_entry_of(self.set, name, |entry| {
            if line.kind == Kind::Domain && entry.scope == Scope::Exact && name != line.name {
                return;
            }
            let scope = if entry.scope == Scope::Subtree {
                " + "
            } else {
                " = "
            };
            holds.push(MatchHold {
                decision: entry.decision.to_owned(),
                measure: Measure::of(line.kind).as_str(),
                not_after: ends.of(self, entry.decision),
                feed: self.name.clone(),
                key: said(name, scope, entry.decision),
            });
        });
    }
}

/// The end of the decision asked last: most of a call's subjects stand under a few.
#[derive(Default)]
struct Ends(Option<(FeedName, String, u64)>);

impl Ends {
    fn of(&mut self, feed: Feed<'_>, decision: &str) -> u64 {
        match &self.0 {
            Some((of, id, end)) if of == feed.name && id == decision => *end,
            _ => {
                let row = feed.index.row(feed.set, decision);
                let end = row.map_or(0, |row| row.not_after);
                self.0 = Some((feed.name.clone(), decision.to_owned(), end));
                end
            }
        }
    }
}

/// Three texts in one, allocated once.
fn said(first: &str, between: &str, last: &str) -> String {
    let mut text = String::with_capacity(first.len() + between.len() + last.len());
    text.extend([first, between, last]);
    text
}

fn refused(code: &'static str, detail: String) -> Match {
    Match {
        code: Some(code),
        detail: Some(detail),
        ..Match::default()
    }
}
