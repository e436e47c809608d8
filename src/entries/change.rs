//! The change between two sets: the lines to take away and the lines to add.

use super::FeedLine;
use crate::subject::Kind;
use std::collections::BTreeMap;

/// A change of one feed, both halves in feed order. Nothing stands in both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    removed: Vec<Box<str>>,
    added: Vec<Box<str>>,
}

/// Gathers moves of lines; what is added and taken away again cancels out.
#[derive(Debug, Clone, Default)]
pub struct ChangeBuilder {
    /// true: added; false: removed.
    moves: BTreeMap<Box<str>, bool>,
}

impl Change {
    /// Takes two halves that stand in feed order.
    pub fn of_sorted(removed: Vec<Box<str>>, added: Vec<Box<str>>) -> Self {
        Self { removed, added }
    }

    /// Lines to take away, in feed order.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(|l| &**l)
    }

    /// Lines to add, in feed order.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(|l| &**l)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// How many `E` lines it (adds, takes away).
    pub fn counts(&self) -> (u64, u64) {
        let count = |lines: &[Box<str>]| lines.iter().filter(|l| l.starts_with('E')).count() as u64;
        (count(&self.added), count(&self.removed))
    }

    /// This change and then the next one, as one.
    pub fn then(&self, kind: Kind, next: &Change) -> Change {
        let mut both = ChangeBuilder::default();
        for change in [self, next] {
            change.removed().for_each(|l| both.remove(l));
            change.added().for_each(|l| both.add(l));
        }
        both.finish(kind)
    }
}

impl ChangeBuilder {
    /// Adds a line.
    pub fn add(&mut self, line: &str) {
        self.push(line, true);
    }

    /// Takes a line away.
    pub fn remove(&mut self, line: &str) {
        self.push(line, false);
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty()
    }

    /// The change in feed order.
    pub fn finish(self, kind: Kind) -> Change {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for (line, adds) in self.moves {
            if adds {
                added.push(line)
            } else {
                removed.push(line)
            }
        }
        Change {
            removed: sort(kind, removed),
            added: sort(kind, added),
        }
    }

    fn push(&mut self, line: &str, adds: bool) {
        match self.moves.get(line) {
            Some(before) if *before != adds => drop(self.moves.remove(line)),
            Some(_) => {}
            None => drop(self.moves.insert(line.into(), adds)),
        }
    }
}

/// Lines of a feed in feed order.
pub(super) fn sorted<'a>(kind: Kind, lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut parsed: Vec<(FeedLine<'a>, &'a str)> = lines
        .filter_map(|l| Some((FeedLine::of_checked(kind, l)?, l)))
        .collect();
    parsed.sort_by(|a, b| a.0.compare(&b.0, kind));
    parsed.into_iter().map(|(_, line)| line).collect()
}

fn sort(kind: Kind, lines: Vec<Box<str>>) -> Vec<Box<str>> {
    sorted(kind, lines.iter().map(|l| &**l))
        .into_iter()
        .map(Into::into)
        .collect()
}
