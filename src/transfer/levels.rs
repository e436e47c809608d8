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
            Level::Rpz => self.all.to_minimal(),
            Level::Base => self.base.clone(),
            Level::Allow => {
                let bases = merged(self.base.iter(), self.before.iter());
                let marks = bases.map(|(key, ..)| (key, self.allowed(key)));
                Names::of_sorted(marks.filter(|(_, mark)| !mark.is_none()))
            }
            Level::Block => {
                let minimal = self.all.to_minimal();
                minimal.kept(|key, mark| self.held_up(key, mark))
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

#[cfg(test)]
mod tests {
    use super::{super::name::key_of, *};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// What a resolver makes of a zone: owners of records, in text.
    struct Policy {
        owners: BTreeSet<String>,
        passes: bool,
    }

    /// How resolvers look for a wildcard: as DNS does, where an empty non-terminal takes it away
    /// (BIND, Unbound), or up from the name until there is one (PowerDNS, Knot Resolver).
    #[derive(Clone, Copy)]
    enum Way {
        Closest,
        Upwards,
    }

    type Set = BTreeMap<String, Mark>;

    impl Policy {
        fn new(names: &Names, passes: bool) -> Self {
            let mut owners = BTreeSet::new();
            for (key, mark) in names.iter() {
                let labels = key.split(|b| *b == 0).rev();
                let labels: Vec<_> = labels.map(|l| std::str::from_utf8(l).unwrap()).collect();
                let name = labels.join(".");
                if mark.has_subtree() {
                    owners.insert(format!("*.{name}"));
                }
                owners.insert(name);
            }
            Self { owners, passes }
        }

        fn exists(&self, name: &str) -> bool {
            let below = format!(".{name}");
            self.owners.contains(name) || self.owners.iter().any(|o| o.ends_with(&below))
        }

        fn hits(&self, name: &str, way: Way) -> bool {
            if self.owners.contains(name) {
                return true;
            }
            if matches!(way, Way::Closest) && self.exists(name) {
                return false;
            }
            let mut rest = name;
            while let Some((_, parent)) = rest.split_once('.') {
                if self.owners.contains(&format!("*.{parent}")) {
                    return true;
                }
                if matches!(way, Way::Closest) && self.exists(parent) {
                    return false;
                }
                rest = parent;
            }
            false
        }
    }

    fn blocks(zones: &[Policy], name: &str, way: Way) -> bool {
        let first = zones.iter().find(|zone| zone.hits(name, way));
        first.is_some_and(|zone| !zone.passes)
    }

    fn is_listed(set: &Set, name: &str) -> bool {
        set.iter().any(|(listed, mark)| {
            listed == name || mark.has_subtree() && name.ends_with(&format!(".{listed}"))
        })
    }

    fn names_of(set: &Set) -> Names {
        let sorted: BTreeMap<_, _> = set.iter().map(|(n, m)| (key_of(n), *m)).collect();
        Names::of_sorted(sorted.iter().map(|(key, mark)| (&**key, *mark)))
    }

    fn minimal(names: &Names) -> Names {
        names.to_minimal()
    }

    fn name() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..5)
            .prop_map(|labels| format!("{}.vn", labels.join(".")))
    }

    /// A day: names that come, go or change their scope, and whether the base moves afterwards.
    fn day() -> impl Strategy<Value = (Vec<(String, u8)>, bool)> {
        let marks = prop::collection::vec((name(), 0_u8..4), 1..8);
        (marks, prop::bool::weighted(0.3))
    }

    /// All names that could be asked for, and one below each that nobody lists.
    fn questions() -> Vec<String> {
        let mut all = vec!["vn".to_owned()];
        let mut from = 0;
        for _ in 0..4 {
            let to = all.len();
            for at in from..to {
                let below = ["a", "b", "c", "z"].map(|label| format!("{label}.{}", all[at]));
                all.extend(below);
            }
            from = to;
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(
            std::env::var("LEVELS").map_or(60, |n| n.parse().unwrap())
        ))]

        #[test]
        fn no_resolver_answers_wrongly(days in prop::collection::vec(day(), 1..10)) {
            let questions = questions();
            let mut set = Set::new();
            let mut listing = Listing::default();
            for (marks, compacts) in days {
                let mut moves = BTreeMap::new();
                for (name, bits) in marks {
                    let new = Mark::of_bits(bits).unwrap();
                    if new.is_none() { set.remove(&name); } else { set.insert(name.clone(), new); }
                    moves.insert(key_of(&name), new);
                }
                let moves: Vec<Move> = moves
                    .into_iter()
                    .map(|(key, new)| Move { old: listing.all.get(&key), key, new })
                    .filter(|m| m.old != m.new)
                    .collect();
                let mut next = listing.clone();
                next.all = next.all.with(&moves);
                prop_assert!(next.all.iter().eq(names_of(&set).iter()));
                for level in [Level::Rpz, Level::Block, Level::Allow, Level::Base] {
                    let stepped = listing.zone(level).with(&next.moves(&listing, level, &moves));
                    prop_assert!(stepped.iter().eq(next.zone(level).iter()), "{level:?}");
                }
                listing = next;
                right(&listing, &set, &questions)?;
                if compacts {
                    // A resolver may have the new base with the levels of before, or the other way round.
                    let mut behind = listing.clone();
                    behind.base = minimal(&listing.all);
                    let [block, allow] = [Level::Block, Level::Allow].map(|l| listing.zone(l));
                    agree(&block, &allow, &behind.base, &set, &questions)?;
                    listing.before = std::mem::replace(&mut listing.base, behind.base);
                    right(&listing, &set, &questions)?;
                }
            }
        }
    }

    /// With either generation of the base, and in the zone of all.
    fn right(listing: &Listing, set: &Set, questions: &[String]) -> Result<(), TestCaseError> {
        let [block, allow] = [Level::Block, Level::Allow].map(|l| listing.zone(l));
        agree(&block, &allow, &listing.base, set, questions)?;
        agree(&block, &allow, &listing.before, set, questions)?;
        let nothing = Names::default();
        agree(
            &nothing,
            &nothing,
            &listing.zone(Level::Rpz),
            set,
            questions,
        )
    }

    fn agree(
        block: &Names,
        allow: &Names,
        base: &Names,
        set: &Set,
        questions: &[String],
    ) -> Result<(), TestCaseError> {
        let zones = [(block, false), (allow, true), (base, false)];
        let zones = zones.map(|(names, passes)| Policy::new(names, passes));
        for name in questions {
            let want = is_listed(set, name);
            for way in [Way::Closest, Way::Upwards] {
                prop_assert_eq!(blocks(&zones, name, way), want, "{} with {:?}", name, set);
            }
        }
        Ok(())
    }
}
