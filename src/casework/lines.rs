//! The subjects of a decision, as far as a page shows them, and the stays that hold a subject back.

use super::{Casework, Error, Hold, opening::committed_in};
use crate::{
    canon::DecisionId,
    decision::PartRef,
    entries::FeedName,
    subject::{Kind, Line, Scope, feed_of},
};
use std::collections::BTreeMap;

/// One subject of a decision.
#[derive(Debug, Clone)]
pub struct SubjectRow {
    /// With its kind; a seller or account by platform alone.
    pub subject: String,
    pub scope: char,
    /// Whether it stands in the log as a commitment.
    pub sealed: bool,
    /// Whether it is in force by this decision now.
    pub in_force: bool,
}

/// A stay that holds back what somebody asked about.
#[derive(Debug, Clone)]
pub struct HeldBack {
    /// The stay.
    pub stay: DecisionId,
    /// The decision that would be in force.
    pub decision: DecisionId,
    /// Unix seconds.
    pub until: u64,
}

/// One target of an open stay.
struct OpenStay {
    held: HeldBack,
    /// The parts whose lines it holds back.
    parts: Vec<PartRef>,
    /// The parts of the decision whose lines were revoked.
    ended: Vec<PartRef>,
}

impl Casework {
    /// The first subjects of a list decision, in the order of its parts.
    pub fn listings(&self, id: &DecisionId, most: usize) -> Result<Vec<SubjectRow>, Error> {
        let parts = {
            let ledger = self.inner.authority.ledger();
            let record = ledger.lists().get(id);
            record.map_or_else(Vec::new, |record| record.body.parts.clone())
        };
        let mut found = Vec::new();
        for part in &parts {
            let Some(bytes) = self.inner.authority.part(&part.sha256)? else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            for line in text.lines().take(most - found.len()) {
                if let Ok(line) = Line::parse(line) {
                    found.push(self.listing_of(id, &line));
                }
            }
            if found.len() == most {
                break;
            }
        }
        Ok(found)
    }

    fn listing_of(&self, id: &DecisionId, line: &Line<'_>) -> SubjectRow {
        let sealed = committed_in(line).is_some();
        let platform = line.name.split('/').next().unwrap_or_default();
        let current = self.inner.authority.current();
        let view = FeedName::parse(&feed_of(line))
            .ok()
            .and_then(|feed| current.feeds.get(&feed));
        let in_force = view.is_some_and(|view| {
            let entries = view.entries_of(line.name);
            let mut entries = entries.iter();
            entries.any(|e| e.decision == id.as_str() && e.scope == line.scope)
        });
        SubjectRow {
            subject: match sealed {
                true => format!("{}:{platform}", line.kind),
                false => format!("{}:{}", line.kind, line.name),
            },
            scope: line.scope.as_char(),
            sealed,
            in_force,
        }
    }

    /// The open stays that hold back an entry of what was asked about. Reads the parts of open
    /// stays alone, and these are few.
    pub fn held_back(&self, query: &str) -> Result<Vec<HeldBack>, Error> {
        let (line, _) = self.read_query(query)?;
        let line = line.line();
        let names = self.names_of(&line);
        let wanted: Vec<String> = names
            .iter()
            .flat_map(|name| spellings(line.kind, name, name == line.name))
            .collect();
        let mut held = Vec::new();
        for open in self.open_stays() {
            // What was revoked by itself meanwhile isn't held back: it has ended.
            if self.any_names(&open.parts, &wanted)? && !self.any_names(&open.ended, &wanted)? {
                held.push(open.held);
            }
        }
        Ok(held)
    }

    /// The subject's own entries that open stays hold back, one a decision and scope.
    pub(super) fn stayed(&self, query: &str) -> Result<Vec<Hold>, Error> {
        let (line, _) = self.read_query(query)?;
        let line = line.line();
        let feed = FeedName::parse(&feed_of(&line)).map_err(|e| Error::NoFeed(e.to_string()))?;
        let names = self.names_of(&line);
        let own = |name: &&String| **name == line.name || feed.platform().is_some();
        let texts: Vec<String> = names
            .iter()
            .filter(own)
            .flat_map(|name| spellings(line.kind, name, true))
            .collect();
        // Two stays can hold back the same entry.
        let mut found: BTreeMap<(DecisionId, &String), Hold> = BTreeMap::new();
        for open in self.open_stays() {
            for text in &texts {
                let wanted = std::slice::from_ref(text);
                if self.any_names(&open.parts, wanted)? && !self.any_names(&open.ended, wanted)? {
                    let (ledger, decision) = (self.inner.authority.ledger(), &open.held.decision);
                    let line = Line::parse(text).map_err(|e| Error::NoFeed(e.to_string()))?;
                    let hold = Hold::own(&ledger, &feed, line.name, line.scope, decision.as_str());
                    found.insert((decision.clone(), text), hold);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Whether one of these parts has one of these lines.
    fn any_names(&self, parts: &[PartRef], wanted: &[String]) -> Result<bool, Error> {
        for part in parts {
            let Some(bytes) = self.inner.authority.part(&part.sha256)? else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            if text.lines().any(|line| wanted.iter().any(|w| w == line)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn open_stays(&self) -> Vec<OpenStay> {
        let ledger = self.inner.authority.ledger();
        let mut found = Vec::new();
        for (id, stay) in ledger.stays().iter().filter(|(_, stay)| stay.open) {
            for target in &stay.targets {
                let record = ledger.lists().get(&target.decision);
                let Some(record) = record.filter(|record| record.open > 0) else {
                    continue;
                };
                found.push(OpenStay {
                    held: HeldBack {
                        stay: id.clone(),
                        decision: target.decision.clone(),
                        until: stay.until,
                    },
                    parts: (target.parts.clone()).unwrap_or_else(|| record.body.parts.clone()),
                    ended: record.ended_parts.clone(),
                });
            }
        }
        found
    }
}

/// The lines under which a name can stand in a part.
fn spellings(kind: Kind, name: &str, own: bool) -> Vec<String> {
    let line = |scope| {
        let mut text = String::new();
        Line { kind, name, scope }.push_to(&mut text);
        text
    };
    match (kind, own) {
        (Kind::Domain, true) => vec![line(Scope::Subtree), line(Scope::Exact)],
        (Kind::Domain, false) => vec![line(Scope::Subtree)],
        _ => vec![line(Scope::Exact)],
    }
}
