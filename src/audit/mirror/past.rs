//! One feed's way back from the present: the changes between the serials that manifests lead between.
//!
//! A new delta is held against the changes that lie between its ends, a new snapshot against the
//! present with what came after it undone. So what was costs the lines that moved; copies of the
//! set at each of a hundred serials would cost a hundred times whatever they don't share.

use crate::{
    entries::{Change, ChangeBuilder, Set},
    subject::Kind,
};
use std::collections::BTreeSet;

/// Changes in order; each begins where the one before ends, the last at the present.
#[derive(Default)]
pub(super) struct Past {
    steps: Vec<Step>,
}

struct Step {
    from: u64,
    to: u64,
    change: Change,
}

impl Past {
    /// The feed came to a new serial.
    pub(super) fn advance(&mut self, from: u64, to: u64, change: Change) {
        self.steps.push(Step { from, to, change });
    }

    /// The change from one serial to another; `None` where one of them isn't at hand.
    pub(super) fn between(&self, kind: Kind, from: u64, to: u64) -> Option<Change> {
        let first = self.steps.iter().position(|step| step.from == from)?;
        let last = self.steps.iter().position(|step| step.to == to)?;
        self.steps.get(first..=last).map(|run| joined(kind, run))
    }

    /// The set at a serial, by undoing what `now` has taken since.
    pub(super) fn set_at(&self, now: &Set, present: u64, serial: u64) -> Option<Set> {
        let mut set = now.clone();
        if serial < present {
            let since = self.between(now.kind(), serial, present)?;
            set.apply_lines(since.added(), since.removed()).ok()?;
        }
        (serial <= present).then_some(set)
    }

    /// Lets go of what lies before the oldest of these serials, and joins steps that meet at none.
    pub(super) fn forget(&mut self, kind: Kind, bounds: &BTreeSet<u64>) {
        let oldest = bounds.first().copied().unwrap_or(u64::MAX);
        self.steps.retain(|step| step.from >= oldest);
        let runs = self.steps.chunk_by(|step, _| !bounds.contains(&step.to));
        if runs.clone().all(|run| run.len() == 1) {
            return;
        }
        let one = |run: &[Step]| {
            Some(Step {
                from: run.first()?.from,
                to: run.last()?.to,
                change: joined(kind, run),
            })
        };
        self.steps = runs.filter_map(one).collect();
    }
}

fn joined(kind: Kind, run: &[Step]) -> Change {
    if let [only] = run {
        return only.change.clone();
    }
    let mut moves = ChangeBuilder::default();
    for step in run {
        step.change.removed().for_each(|line| moves.remove(line));
        step.change.added().for_each(|line| moves.add(line));
    }
    moves.finish(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(removed: &[&str], added: &[&str]) -> Change {
        let mut moves = ChangeBuilder::default();
        removed.iter().for_each(|line| moves.remove(line));
        added.iter().for_each(|line| moves.add(line));
        moves.finish(Kind::Domain)
    }

    /// Four steps between the serials 2, 4, 6, 9 and 12, and the set at each.
    fn course() -> (Past, Vec<(u64, Set)>) {
        let [a, b, c] = ["a", "b", "c"].map(|name| format!("E {name}.example + 2026-000001"));
        let steps = [
            (2, 4, change(&[], &[&a, &b])),
            (4, 6, change(&[&a], &[])),
            (6, 9, change(&[&b], &[&a, &c])),
            (9, 12, change(&[], &[&b])),
        ];
        let mut set = Set::new(Kind::Domain);
        let (mut past, mut sets) = (Past::default(), vec![(2, set.clone())]);
        for (from, to, change) in steps {
            set.apply(&change).unwrap();
            sets.push((to, set.clone()));
            past.advance(from, to, change);
        }
        (past, sets)
    }

    fn lines(set: &Set) -> BTreeSet<&str> {
        set.lines().collect()
    }

    #[test]
    fn every_set_and_every_change_can_be_had_again() {
        let (past, sets) = course();
        let (present, now) = sets.last().unwrap();
        for (at, (serial, set)) in sets.iter().enumerate() {
            let undone = past.set_at(now, *present, *serial).unwrap();
            assert_eq!(lines(&undone), lines(set), "at {serial}");
            for (later, newer) in &sets[at + 1..] {
                let change = past.between(Kind::Domain, *serial, *later).unwrap();
                let mut followed = set.clone();
                followed.apply(&change).unwrap();
                assert_eq!(lines(&followed), lines(newer), "{serial} to {later}");
            }
        }
        assert!(past.set_at(now, *present, 5).is_none());
        assert!(past.set_at(now, *present, 13).is_none());
        assert!(past.between(Kind::Domain, 4, 7).is_none());
        assert!(past.between(Kind::Domain, 9, 4).is_none());
    }

    #[test]
    fn what_is_forgotten_joins_and_nothing_else_is_lost() {
        let (mut past, sets) = course();
        let (present, now) = sets.last().unwrap();
        past.forget(Kind::Domain, &BTreeSet::from([4, 9, 12]));
        assert_eq!(past.steps.len(), 2);
        let joined = past.between(Kind::Domain, 4, 9).unwrap();
        let [b, c] = ["b", "c"].map(|name| format!("E {name}.example + 2026-000001"));
        // What went and came again has left no move.
        assert_eq!(joined, change(&[&b], &[&c]));
        assert_eq!(
            lines(&past.set_at(now, *present, 4).unwrap()),
            lines(&sets[1].1)
        );
        assert!(
            past.between(Kind::Domain, 2, 4).is_none()
                && past.between(Kind::Domain, 4, 6).is_none()
        );
        past.forget(Kind::Domain, &BTreeSet::new());
        assert!(past.steps.is_empty());
        assert!(past.set_at(now, *present, *present).is_some());
    }
}
