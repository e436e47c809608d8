//! What is listed already of subjects that are to be: the entries that hold them, those that they would cover, and what was
//! decided of them before (design: Checks, "what is already listed and what covers it").

use super::{Casework, Error, Event, Hold};
use crate::{
    canon::DecisionId,
    decision::{Leaf, Ledger, ListRecord, PartRef, is_commitment},
    entries::{Below, FeedName, below},
    subject::{Kind, Line, OwnedLine, Scope},
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// The most bytes of parts that are read for what was decided before: some hundreds of milliseconds.
const MOST_BYTES: u64 = 128 << 20;
/// The most decisions of its past that a line comes with, the newest first.
const MOST_PAST: usize = 20;

/// A line of which something is, or was, listed.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Listed {
    /// From 1.
    pub line: u64,
    /// The entries that hold it, the nearest first: its own, and those that cover it.
    #[schema(value_type = Vec<Object>)]
    pub holds: Vec<Hold>,
    /// Entries in force below it, which it would cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers: Option<Covers>,
    /// Decisions of exactly this subject that something touched since, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Past>,
}

/// Entries in force below a subject.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Covers {
    pub entries: u64,
    /// Some of them.
    pub some: Vec<Covered>,
}

/// One of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Covered {
    /// In canonical form, with its scope.
    pub subject: String,
    pub decision: String,
}

/// A decision that listed the subject, and what became of it there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Past {
    pub decision: String,
    /// As that decision listed it.
    pub subject: String,
    /// Unix seconds of its leaf.
    pub time: u64,
    pub category: String,
    /// `in_force`, `stayed` or `ended`.
    #[schema(value_type = String)]
    pub state: &'static str,
    /// What touched the subject in it since, ascending.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Event>,
}

/// What is known of all lines that were asked about.
#[derive(Debug, Clone, Default)]
pub(super) struct AllListed {
    pub(super) lines: Vec<Listed>,
    /// Whether all decisions that were touched could be looked at.
    pub(super) whole: bool,
}

/// A list decision that something touched.
struct Touched {
    id: DecisionId,
    leaf: u64,
    time: u64,
    category: String,
    is_open: bool,
    parts: Vec<PartRef>,
    ended: Vec<PartRef>,
    /// Parts that open stays name.
    stayed: Vec<PartRef>,
    /// Whether an open stay names it whole.
    is_stayed: bool,
}

impl Casework {
    /// What is listed already of numbered lines.
    pub(super) fn listed(&self, asked: &[(u64, &OwnedLine)]) -> Result<AllListed, Error> {
        let mut found: BTreeMap<u64, Listed> = BTreeMap::new();
        let (mut past, whole) = self.past(asked)?;
        let mut covers = self.covers(asked)?;
        for (at, (number, line)) in asked.iter().enumerate() {
            let listed = Listed {
                line: *number,
                holds: self.lookup(&line.to_string())?.holds,
                covers: covers.remove(&at),
                history: past.remove(&at).unwrap_or_default(),
            };
            if !listed.holds.is_empty() || listed.covers.is_some() || !listed.history.is_empty() {
                found.insert(*number, listed);
            }
        }
        let lines = found.into_values().collect();
        Ok(AllListed { lines, whole })
    }

    /// Entries below the lines, by their place.
    fn covers(&self, asked: &[(u64, &OwnedLine)]) -> Result<BTreeMap<usize, Covers>, Error> {
        let current = self.inner.authority.current();
        let lines: Vec<Line<'_>> = asked.iter().map(|(_, line)| line.line()).collect();
        let mut covers = BTreeMap::new();
        for feed in [FeedName::domains(), FeedName::networks()] {
            let Some(view) = current.feeds.get(&feed) else {
                continue;
            };
            let found = below(&view.set, &lines);
            covers.extend(
                found
                    .into_iter()
                    .map(|(at, below)| (at, covered(feed.kind(), &below))),
            );
        }
        Ok(covers)
    }

    /// Decisions of exactly these subjects that something touched, by the line's place; and whether all were looked at.
    fn past(
        &self,
        asked: &[(u64, &OwnedLine)],
    ) -> Result<(BTreeMap<usize, Vec<Past>>, bool), Error> {
        let mut texts: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, (_, line)) in asked.iter().enumerate() {
            for text in self.texts_of(&line.line()) {
                texts.entry(text).or_default().push(at);
            }
        }
        let mut past: BTreeMap<usize, Vec<Past>> = BTreeMap::new();
        let mut read = 0;
        let all = touched(&self.inner.authority.ledger());
        for touched in all {
            read += touched.parts.iter().map(|part| part.length).sum::<u64>();
            if read > MOST_BYTES {
                return Ok((past, false));
            }
            for text in self.among(&touched.parts, &texts)? {
                let over = texts.get(&text).map(Vec::as_slice).unwrap_or_default();
                let wanted = over
                    .iter()
                    .filter(|at| past.get(*at).is_none_or(|p| p.len() < MOST_PAST));
                let wanted: Vec<usize> = wanted.copied().collect();
                if !wanted.is_empty() {
                    let told = self.told(&touched, &text)?;
                    for at in wanted {
                        past.entry(at).or_default().push(told.clone());
                    }
                }
            }
        }
        Ok((past, true))
    }

    /// As what a subject can stand in a part: with either scope, or under its commitments.
    fn texts_of(&self, line: &Line<'_>) -> Vec<String> {
        let kind = line.kind.as_str();
        match line.kind {
            Kind::Domain => ["+", "="]
                .map(|scope| format!("{kind}:{} {scope}", line.name))
                .to_vec(),
            Kind::Seller | Kind::Account if !is_commitment(line) => {
                let names = self.names_of(line).into_iter();
                names.map(|name| format!("{kind}:{name}")).collect()
            }
            _ => vec![line.to_string()],
        }
    }

    /// Those of the texts that are lines of the parts.
    fn among(
        &self,
        parts: &[PartRef],
        texts: &HashMap<String, Vec<usize>>,
    ) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for part in parts {
            // What was erased says nothing any more.
            let Some(bytes) = self.inner.authority.part(&part.sha256)? else {
                continue;
            };
            let lines = std::str::from_utf8(&bytes).unwrap_or_default().lines();
            found.extend(
                lines
                    .filter(|line| texts.contains_key(*line))
                    .map(str::to_owned),
            );
        }
        Ok(found)
    }

    /// What became of a subject in a decision.
    fn told(&self, touched: &Touched, text: &str) -> Result<Past, Error> {
        let one = HashMap::from([(text.to_owned(), Vec::new())]);
        let is_in = |parts: &[PartRef]| self.among(parts, &one).map(|found| !found.is_empty());
        let state = if !touched.is_open || is_in(&touched.ended)? {
            "ended"
        } else if touched.is_stayed || is_in(&touched.stayed)? {
            "stayed"
        } else {
            "in_force"
        };
        let mut events = Vec::new();
        // A stay that ends doesn't name what it stayed: its end counts where its begin does.
        let mut stays = Vec::new();
        for event in self.events(&touched.id)? {
            let concerns = match self.leaf(event.leaf)? {
                Leaf::Decision(leaf) if !leaf.body.targets().is_empty() => {
                    let targets = leaf.body.targets().iter();
                    let mut own =
                        targets.filter(|t| t.decision == touched.id || stays.contains(&t.decision));
                    own.try_fold(false, |concerns, target| match &target.parts {
                        Some(parts) => Ok::<_, Error>(concerns || is_in(parts)?),
                        None => Ok(true),
                    })?
                }
                Leaf::Expire(leaf) => {
                    leaf.decisions.contains(&touched.id)
                        || leaf.stays.iter().any(|stay| stays.contains(stay))
                }
                _ => true,
            };
            if !concerns {
                continue;
            }
            if let (Some(id), "stay") = (&event.id, event.what) {
                stays.push(id.clone());
            }
            events.push(event);
        }
        Ok(Past {
            decision: touched.id.to_string(),
            subject: text.to_owned(),
            time: touched.time,
            category: touched.category.clone(),
            state,
            events,
        })
    }
}

/// List decisions that something touched, the newest first.
fn touched(ledger: &Ledger) -> Vec<Touched> {
    let records = ledger.lists().iter();
    let mut touched: Vec<Touched> = records
        .filter(|(_, record)| !record.touched_by.is_empty())
        .map(|(id, record)| Touched::of(id, record, ledger))
        .collect();
    touched.sort_by_key(|touched| std::cmp::Reverse(touched.leaf));
    touched
}

impl Touched {
    fn of(id: &DecisionId, record: &ListRecord, ledger: &Ledger) -> Touched {
        let open = ledger.stays().values().filter(|stay| stay.open);
        let targets = open
            .flat_map(|stay| &stay.targets)
            .filter(|t| t.decision == *id);
        let (mut stayed, mut is_stayed) = (Vec::new(), false);
        for target in targets {
            match &target.parts {
                Some(parts) => stayed.extend(parts.iter().copied()),
                None => is_stayed = true,
            }
        }
        Touched {
            id: id.clone(),
            leaf: record.leaf,
            time: record.time,
            category: record.body.category.clone(),
            is_open: record.open > 0,
            parts: record.body.parts.clone(),
            ended: record.ended_parts.clone(),
            stayed,
            is_stayed,
        }
    }
}

fn covered(kind: Kind, below: &Below<'_>) -> Covers {
    let some = below.some.iter().map(|entry| {
        let scope = match (kind, entry.scope) {
            (Kind::Domain, Scope::Subtree) => " +",
            (Kind::Domain, Scope::Exact) => " =",
            _ => "",
        };
        Covered {
            subject: format!("{kind}:{}{scope}", entry.name),
            decision: entry.decision.to_owned(),
        }
    });
    Covers {
        entries: below.entries,
        some: some.collect(),
    }
}
