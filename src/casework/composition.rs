//! The change between two serials, composed once and cut into pages (design: Feeds).

use super::{Item, Op};
use crate::{
    entries::{Change, FeedLine, FeedName},
    subject::Kind,
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

/// How many compositions stay in memory, and of how many lines together.
const KEPT: usize = 8;
const KEPT_LINES: usize = 500_000;

/// The change between two serials, ready to be cut into pages.
pub(super) struct Composition {
    pub(super) feed: FeedName,
    pub(super) since: u64,
    pub(super) serial: u64,
    removed: Vec<Box<str>>,
    added: Vec<Box<str>>,
    /// Decisions with another end.
    ends: Vec<(Box<str>, u64)>,
    /// The ends, at `serial`, of the decisions that entries are added of.
    terms: HashMap<Box<str>, u64>,
}

/// The compositions asked for last.
#[derive(Default)]
pub(super) struct Compositions(VecDeque<Arc<Composition>>);

impl Composition {
    /// `end_of` tells the end, at `serial`, of a decision whose row the change leaves alone.
    pub(super) fn new(
        feed: &FeedName,
        since: u64,
        serial: u64,
        change: &Change,
        end_of: impl Fn(&str) -> Option<u64>,
    ) -> Self {
        let rows = |lines: &mut dyn Iterator<Item = &str>| -> BTreeMap<Box<str>, u64> {
            lines.filter_map(|line| row(feed.kind(), line)).collect()
        };
        let before = rows(&mut change.removed());
        let after = rows(&mut change.added());
        let mut terms = HashMap::new();
        for line in change.added() {
            let Some(FeedLine::Entry(entry)) = FeedLine::of_checked(feed.kind(), line) else {
                continue;
            };
            if !terms.contains_key(entry.decision) {
                let end = after.get(entry.decision).copied();
                if let Some(end) = end.or_else(|| end_of(entry.decision)) {
                    terms.insert(entry.decision.into(), end);
                }
            }
        }
        // A row that stands in both halves was amended; else it came or went with its entries.
        let ends = after
            .into_iter()
            .filter(|(decision, _)| before.contains_key(decision))
            .collect();
        let entries = |lines: &mut dyn Iterator<Item = &str>| -> Vec<Box<str>> {
            let entries = lines.filter(|line| line.starts_with('E'));
            entries.map(Into::into).collect()
        };
        Self {
            feed: feed.clone(),
            since,
            serial,
            removed: entries(&mut change.removed()),
            added: entries(&mut change.added()),
            ends,
            terms,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.removed.len() + self.added.len() + self.ends.len()
    }

    /// Some of its items: what is removed, what is added, what has another end.
    pub(super) fn items(&self, from: usize, limit: usize) -> Vec<Item> {
        let kind = self.feed.kind();
        let removed = self.removed.iter().map(|line| (Op::Remove, line));
        let added = self.added.iter().map(|line| (Op::Add, line));
        let lines = removed.chain(added).map(|(op, line)| {
            let mut item = Item::of_line(op, kind, line)?;
            if op == Op::Add {
                item.not_after = self.terms.get(item.decision.as_str()).copied();
            }
            Some(item)
        });
        let ends = self.ends.iter();
        let ends = ends.map(|(decision, end)| Some(Item::of_end(kind, decision, *end)));
        lines.chain(ends).skip(from).take(limit).flatten().collect()
    }
}

impl Compositions {
    pub(super) fn find(
        &self,
        feed: &FeedName,
        since: u64,
        serial: u64,
    ) -> Option<Arc<Composition>> {
        let fits =
            |c: &&Arc<Composition>| c.since == since && c.serial == serial && c.feed == *feed;
        self.0.iter().find(fits).cloned()
    }

    pub(super) fn keep(&mut self, made: Arc<Composition>) {
        self.0.push_front(made);
        let mut lines = 0;
        let fitting = self.0.iter().take_while(|c| {
            lines += c.len();
            lines <= KEPT_LINES
        });
        let kept = fitting.count().clamp(1, KEPT);
        self.0.truncate(kept);
    }
}

pub(super) fn row(kind: Kind, line: &str) -> Option<(Box<str>, u64)> {
    match FeedLine::of_checked(kind, line)? {
        FeedLine::Row(row) => Some((row.decision.into(), row.not_after)),
        FeedLine::Entry(_) => None,
    }
}
