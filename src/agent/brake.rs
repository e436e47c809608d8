//! The brake: a step that announces too much at once waits for a person (design: The agent).

use super::BrakeConfig;
use crate::{
    canon::DecisionId,
    decision::Ledger,
    entries::{Change, FeedName, Set},
};
use std::collections::BTreeMap;

/// Announced lines that wait, each with the serial that announced it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct HeldBack {
    lines: BTreeMap<Box<str>, u64>,
}

/// One state leaf's change of a feed, judged by the brake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) serial: u64,
    /// Entries before it.
    pub(super) before: u64,
    /// Entries announced and withdrawn.
    pub(super) added: u64,
    pub(super) removed: u64,
    /// Announced without `bulk`, and more than the brake lets pass.
    pub(super) braked: u64,
    /// More was withdrawn than passes without an alarm.
    pub(super) withdraws_much: bool,
}

impl HeldBack {
    /// Takes in one step: what is withdrawn waits no more, what is announced may have to.
    pub(super) fn step(
        &mut self,
        config: &BrakeConfig,
        serial: u64,
        before: u64,
        change: &Change,
        ledger: &Ledger,
    ) -> Step {
        for line in change.removed() {
            self.lines.remove(line);
        }
        let entries = |line: &&str| line.starts_with('E');
        let (added, removed) = change.counts();
        let judged = before >= config.from_entries;
        let over = |count: u64, percent: u64| {
            judged && u128::from(count) * 100 > u128::from(before) * u128::from(percent)
        };
        let bulk = bulk_decisions(change, ledger);
        let small: Vec<&str> = change
            .added()
            .filter(entries)
            .filter(|line| !bulk.get(decision_of(line)).copied().unwrap_or(false))
            .collect();
        let braked = over(small.len() as u64, config.announce_percent);
        if braked {
            self.lines
                .extend(small.iter().map(|line| (Box::from(*line), serial)));
        }
        Step {
            serial,
            before,
            added,
            removed,
            braked: if braked { small.len() as u64 } else { 0 },
            withdraws_much: over(removed, config.withdraw_percent),
        }
    }

    /// What of it stands in a set: all that has to wait of one that was verified anew.
    pub(super) fn within(&self, set: &Set) -> Self {
        let lines = self.lines.iter().filter(|(line, _)| set.contains(line));
        Self {
            lines: lines
                .map(|(line, serial)| (line.clone(), *serial))
                .collect(),
        }
    }

    /// Lets pass what was announced up to a serial. Whether there was anything.
    pub(super) fn accept(&mut self, serial: u64) -> bool {
        let before = self.lines.len();
        self.lines.retain(|_, announced| *announced > serial);
        self.lines.len() != before
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.keys().map(|line| &**line)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    /// The serial that a person has to accept to let everything pass.
    pub(super) fn newest(&self) -> u64 {
        self.lines.values().copied().max().unwrap_or(0)
    }

    /// Lines of `<serial> <line>`.
    pub(super) fn encode(&self) -> Vec<u8> {
        let text: String = self
            .lines
            .iter()
            .map(|(line, serial)| format!("{serial} {line}\n"))
            .collect();
        text.into_bytes()
    }

    /// Reads them back. `None`: it isn't what `encode` writes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let lines = text.lines().map(|line| {
            let (serial, line) = line.split_once(' ')?;
            Some((line.into(), serial.parse().ok()?))
        });
        Some(Self {
            lines: lines.collect::<Option<_>>()?,
        })
    }
}

/// Which of the decisions that announce lines are `bulk`.
fn bulk_decisions<'a>(change: &'a Change, ledger: &Ledger) -> BTreeMap<&'a str, bool> {
    let mut bulk = BTreeMap::new();
    for line in change.added().filter(|line| line.starts_with('E')) {
        let id = decision_of(line);
        bulk.entry(id).or_insert_with(|| {
            DecisionId::new(id)
                .ok()
                .and_then(|id| ledger.lists().get(&id))
                .is_some_and(|record| record.body.bulk)
        });
    }
    bulk
}

fn decision_of(line: &str) -> &str {
    line.rsplit(' ').next().unwrap_or_default()
}

/// A word for people about a step that waits.
pub(super) fn sentence(feed: &FeedName, held: &HeldBack) -> String {
    format!(
        "{feed}: {} entries were announced in one step, more than the brake lets pass, and no \
         decision of theirs is marked bulk. They wait; everything else is applied. If the \
         publisher confirms them: blockfeed agent --accept {}",
        held.len(),
        held.newest()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_kept_and_let_pass_by_serial() {
        let mut held = HeldBack::default();
        held.lines.insert("E a.example + d".into(), 4);
        held.lines.insert("E b.example + d".into(), 6);
        assert_eq!(HeldBack::decode(&held.encode()), Some(held.clone()));
        assert!(held.accept(5) && !held.accept(5));
        assert_eq!(held.lines().collect::<Vec<_>>(), ["E b.example + d"]);
        assert_eq!(held.newest(), 6);
        assert!(HeldBack::decode(b"x").is_none());
    }
}
