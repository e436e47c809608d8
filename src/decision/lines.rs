//! The fold of the subjects: which lines stand in which feed (design: Semantics).

use super::{
    Body, FeedState, Leaf, Ledger, ListRecord, PartRef, Parts, Refusal, Target,
    moves::{Moves, entry_line, home},
    status::{Home, Status},
};
use crate::{
    canon::DecisionId,
    entries::{Change, ChangeBuilder, FeedName, Set},
    subject::Line,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The feeds that a reader follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interest {
    /// Every feed, and the entries that stand in none: the sequencer and the auditor.
    All,
    /// Some feeds: an agent.
    Feeds(BTreeSet<FeedName>),
}

/// The lines in force, the stayed ones, and what changed since the last state leaf.
#[derive(Clone)]
pub struct Lines {
    pub(super) interest: Interest,
    pub(super) sets: BTreeMap<FeedName, Set>,
    /// `E` lines, kind included, in force under work orders alone.
    silent: BTreeSet<String>,
    pub(super) stayed: HashMap<(Home, String), u32>,
    /// Entries of a decision in a feed.
    pub(super) held: HashMap<(FeedName, String), u64>,
    pub(super) pending: BTreeMap<FeedName, ChangeBuilder>,
}

impl Lines {
    /// No line is in force.
    pub fn new(interest: Interest) -> Self {
        let mut lines = Self {
            sets: BTreeMap::new(),
            silent: BTreeSet::new(),
            stayed: HashMap::new(),
            held: HashMap::new(),
            pending: BTreeMap::new(),
            interest,
        };
        for name in [FeedName::domains(), FeedName::networks()] {
            if lines.follows(&Some(name.clone())) {
                lines.sets.insert(name.clone(), Set::new(name.kind()));
            }
        }
        lines
    }

    /// Takes up sets as they stand at the ledger's state leaf, verified by their digests. Lines
    /// under stays that are open are read from the parts, as they come back when these end.
    pub fn resume(
        feeds: BTreeMap<FeedName, Set>,
        ledger: &Ledger,
        parts: &dyn Parts,
    ) -> Result<Self, Refusal> {
        let mut lines = Self::new(Interest::Feeds(feeds.keys().cloned().collect()));
        for (name, set) in &feeds {
            for line in set.lines().filter(|l| l.starts_with('E')) {
                let id = line.rsplit(' ').next().unwrap_or_default().to_owned();
                *lines.held.entry((name.clone(), id)).or_default() += 1;
            }
        }
        lines.sets = feeds;
        for stay in ledger.stays.values().filter(|s| s.open) {
            for target in &stay.targets {
                lines.resume_stay(ledger, target, parts)?;
            }
        }
        Ok(lines)
    }

    /// The set of a feed.
    pub fn set(&self, feed: &FeedName) -> Option<&Set> {
        self.sets.get(feed)
    }

    /// All sets.
    pub fn sets(&self) -> &BTreeMap<FeedName, Set> {
        &self.sets
    }

    /// Whether an entry of this line under this decision is stayed.
    pub fn is_stayed(&self, record: &ListRecord, line: &Line<'_>) -> bool {
        let home = home(&record.body, line);
        self.stayed
            .contains_key(&(home.clone(), entry_line(&home, line, &record.body.id)))
    }

    /// The parts that judging this leaf will read: what an agent has to fetch first.
    pub fn needs(&self, leaf: &Leaf, ledger: &Ledger) -> Vec<PartRef> {
        let of_target = |target: &Target| match ledger.lists.get(&target.decision) {
            Some(record) if !self.touches(&record.body) => Vec::new(),
            Some(record) => target
                .parts
                .clone()
                .unwrap_or_else(|| record.body.parts.clone()),
            None => ledger
                .stays
                .get(&target.decision)
                .map_or_else(Vec::new, |stay| self.of_stay(stay, ledger)),
        };
        match leaf {
            Leaf::Decision(leaf) => match &leaf.body {
                Body::List(list) if self.touches(list) => list.parts.clone(),
                body => body.targets().iter().flat_map(of_target).collect(),
            },
            Leaf::Expire(leaf) => {
                let whole = |id: &DecisionId| Target {
                    decision: id.clone(),
                    parts: None,
                };
                leaf.decisions
                    .iter()
                    .chain(&leaf.stays)
                    .flat_map(|id| of_target(&whole(id)))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The parts that `resume` will read.
    pub fn resume_needs(feeds: &BTreeSet<FeedName>, ledger: &Ledger) -> Vec<PartRef> {
        let lines = Self::new(Interest::Feeds(feeds.clone()));
        let mut needs: Vec<PartRef> = Vec::new();
        for stay in ledger.stays.values().filter(|s| s.open) {
            needs.extend(lines.of_stay(stay, ledger));
            for target in &stay.targets {
                needs.extend(
                    ledger
                        .lists
                        .get(&target.decision)
                        .into_iter()
                        .flat_map(|r| r.ended_parts.clone()),
                );
            }
        }
        needs
    }

    /// Where every followed feed stands if the commit is closed at this size. A feed that was
    /// moved and moved back keeps its serial.
    pub fn close(&self, ledger: &Ledger, size: u64) -> BTreeMap<FeedName, FeedState> {
        let mut feeds = ledger.feeds.clone();
        for (name, set) in &self.sets {
            let before = feeds.get(name).copied();
            if before.is_some()
                && self
                    .pending
                    .get(name)
                    .is_none_or(ChangeBuilder::is_untouched)
            {
                continue;
            }
            let digest = set.digest(&ledger.origin, name);
            let had = before.is_some() || name.platform().is_none() || set.entries() > 0;
            if had && before.is_none_or(|b| b.digest != digest) {
                feeds.insert(
                    name.clone(),
                    FeedState {
                        serial: size,
                        digest,
                        entries: set.entries(),
                    },
                );
            }
        }
        feeds
    }

    /// Takes in what `judge` gave back. At a state leaf, gives the change of each feed.
    pub(super) fn absorb(&mut self, leaf: &Leaf, moves: Moves) -> BTreeMap<FeedName, Change> {
        for (name, (removed, added)) in moves.feeds {
            let set = self
                .sets
                .entry(name.clone())
                .or_insert_with(|| Set::new(name.kind()));
            // The moves were made from this very set, so that they fit it.
            let fits = set.apply_lines(
                removed.iter().map(String::as_str),
                added.iter().map(String::as_str),
            );
            debug_assert!(fits.is_ok(), "{fits:?}");
            let pending = self.pending.entry(name).or_default();
            removed.iter().for_each(|l| pending.remove(l));
            added.iter().for_each(|l| pending.add(l));
        }
        for (line, adds) in moves.silent {
            if adds {
                self.silent.insert(line)
            } else {
                self.silent.remove(&line)
            };
        }
        for (home, line, stays) in moves.stayed {
            match stays {
                Some(n) => self.stayed.insert((home, line), n),
                None => self.stayed.remove(&(home, line)),
            };
        }
        for (key, change) in moves.held {
            let held = self
                .held
                .get(&key)
                .copied()
                .unwrap_or_default()
                .saturating_add_signed(change);
            if held == 0 {
                self.held.remove(&key)
            } else {
                self.held.insert(key, held)
            };
        }
        if !matches!(leaf, Leaf::State(_)) {
            return BTreeMap::new();
        }
        std::mem::take(&mut self.pending)
            .into_iter()
            .map(|(name, moves)| (name.clone(), moves.finish(name.kind())))
            .filter(|(_, change)| !change.is_empty())
            .collect()
    }

    pub(super) fn follows(&self, home: &Home) -> bool {
        match (&self.interest, home) {
            (Interest::All, _) => true,
            (Interest::Feeds(feeds), Some(name)) => feeds.contains(name),
            (Interest::Feeds(_), None) => false,
        }
    }

    pub(super) fn status(&self, home: &Home, line: &str) -> Status {
        let in_force = match home {
            Some(name) => self.sets.get(name).is_some_and(|set| set.contains(line)),
            None => self.silent.contains(line),
        };
        if in_force {
            return Status::InForce;
        }
        match self.stayed.get(&(home.clone(), line.to_owned())) {
            Some(n) => Status::Stayed(*n),
            None => Status::Gone,
        }
    }
}
