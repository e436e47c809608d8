//! Which name stands in which zone: the rules that were measured on four resolvers (design: DNS).
//!
//! | zone | holds |
//! |---|---|
//! | `rpz` | the minimal names of what is listed |
//! | `base` | the minimal names at the last compaction |
//! | `allow` | names of the base, or of the one before, that are covered no longer |
//! | `block` | minimal names that either base doesn't block, and those below a name in `allow` |
//!
//! Both bases count, so that a resolver whose base lags a whole generation is still right. Within
//! a zone nothing stands below a subtree: no empty non-terminal can take its wildcard away.

use super::{
    name::above,
    names::{Mark, Move, Names, merged},
};
use std::collections::BTreeMap;

/// A zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    Rpz,
    Block,
    Allow,
    Base,
    Net,
}

/// What is listed now, and what was at the generations of the base zone.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    /// All names with their scopes.
    pub(super) all: Names,
    /// The base zone: minimal names.
    pub(super) base: Names,
    /// The base zone before it.
    pub(super) before: Names,
}

impl Level {
    pub(super) const ALL: [Self; 5] = [Self::Rpz, Self::Block, Self::Allow, Self::Base, Self::Net];

    /// The name of its files and metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rpz => "rpz",
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Base => "base",
            Self::Net => "net",
        }
    }
}

impl Listing {
    /// How a name stands in a zone of names.
    pub(super) fn mark(&self, level: Level, key: &[u8]) -> Mark {
        match level {
            Level::Rpz => self.all.minimal(key),
            Level::Base => self.base.get(key),
            Level::Allow => self.allowed(key),
            Level::Block => self.blocked(key),
            Level::Net => Mark::NONE,
        }
    }

    /// A whole zone of names.
    pub(super) fn zone(&self, level: Level) -> Names {
        match level {
            Level::Rpz => Names::of_sorted(self.all.iter_minimal()),
            Level::Base => self.base.clone(),
            Level::Allow => {
                let bases = merged(self.base.iter(), self.before.iter());
                let marks = bases.map(|(key, ..)| (key, self.allowed(key)));
                Names::of_sorted(marks.filter(|(_, mark)| !mark.is_none()))
            }
            Level::Block => {
                let marks = self.all.iter_minimal();
                let marks = marks.map(|(key, mark)| (key, self.held_up(key, mark)));
                Names::of_sorted(marks.filter(|(_, mark)| !mark.is_none()))
            }
            Level::Net => Names::default(),
        }
    }

    /// The moves of a zone when `moves` of what is listed led from `old` to this. Costs what stands
    /// at and below the names that moved.
    pub(super) fn moves(&self, old: &Self, level: Level, moves: &[Move]) -> Vec<Move> {
        let mut found = BTreeMap::new();
        for moved in moves {
            self.note(old, level, &moved.key, &mut found);
            let reaches = moved.old.has_subtree() != moved.new.has_subtree();
            let covered = |l: &Self| l.all.is_covered_from_above(&moved.key);
            if !reaches || (covered(old) && covered(self)) {
                continue;
            }
            for names in [&old.all, &self.all, &self.base, &self.before] {
                for (key, _) in names.below(&moved.key) {
                    self.note(old, level, key, &mut found);
                }
            }
        }
        found.into_values().flatten().collect()
    }

    fn note(
        &self,
        before: &Self,
        level: Level,
        key: &[u8],
        found: &mut BTreeMap<Box<[u8]>, Option<Move>>,
    ) {
        if found.contains_key(key) {
            return;
        }
        let (old, new) = (before.mark(level, key), self.mark(level, key));
        let key: Box<[u8]> = key.into();
        let moved = (old != new).then(|| Move {
            key: key.clone(),
            old,
            new,
        });
        found.insert(key, moved);
    }

    /// What `allow` says of a name.
    fn allowed(&self, key: &[u8]) -> Mark {
        if above(key).any(|parent| self.passes_subtree(parent)) {
            return Mark::NONE;
        }
        let mark = self.base.get(key).and(self.before.get(key));
        if mark.has_subtree() && !self.all.holds_subtree(key) {
            Mark::SUBTREE
        } else if mark == Mark::ALONE && !self.all.holds(key) {
            Mark::ALONE
        } else {
            Mark::NONE
        }
    }

    /// Whether a base blocks the name's subtree, and nothing that is listed does any more.
    fn passes_subtree(&self, key: &[u8]) -> bool {
        let mark = self.base.get(key).and(self.before.get(key));
        mark.has_subtree() && !self.all.holds_subtree(key)
    }

    /// What `block` says of a name.
    fn blocked(&self, key: &[u8]) -> Mark {
        self.held_up(key, self.all.minimal(key))
    }

    /// The same of a name whose mark among the minimal ones is known.
    fn held_up(&self, key: &[u8], mark: Mark) -> Mark {
        let by = |base: &Names| match mark {
            Mark::ALONE => base.holds(key),
            _ => base.holds_subtree(key),
        };
        let is_held = by(&self.base) && by(&self.before);
        let passed = || self.passes_subtree(key) || above(key).any(|p| self.passes_subtree(p));
        if mark.is_none() || (is_held && !passed()) {
            Mark::NONE
        } else {
            mark
        }
    }
}
