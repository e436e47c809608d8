//! Which proposals there are, and which of them wait for a second officer: kept in memory, so that the
//! queue reads none that is over.

use super::{Casework, Error, Proposals, Status, desk::PROPOSALS, lock, proposal::Known, serial};
use crate::{canon::DecisionId, log::Authority};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

/// The most proposals that one answer lists.
const MAX_LISTED: usize = 200;

/// What the desk keeps in memory.
#[derive(Default)]
pub(super) struct Desk {
    /// The highest number proposed, by year.
    highest: BTreeMap<u64, u64>,
    /// Proposals, newest first.
    all: BTreeSet<Place>,
    /// Those of them that may wait for a second officer still.
    waiting: BTreeSet<Place>,
    /// Proposals on their way into the log.
    pub(super) entering: BTreeSet<DecisionId>,
}

/// A proposal's place in a list: when it was opened, and its id.
type Place = (Reverse<u64>, Reverse<DecisionId>);

impl Desk {
    pub(super) fn open(authority: &Authority) -> Result<Self, Error> {
        let mut desk = Self::default();
        let ledger = authority.ledger();
        for row in authority.store().scan(PROPOSALS, b"")? {
            let (key, value) = row?;
            let id = String::from_utf8(key).unwrap_or_default();
            desk.used(&id);
            if let Ok(id) = DecisionId::new(id) {
                let known = Known::from_bytes(&value)?;
                desk.take(&id, known.opened);
                if known.is_withdrawn() || ledger.leaf_of(&id).is_some() {
                    desk.no_longer(&id, known.opened);
                }
            }
        }
        for id in ledger.lists().keys().chain(ledger.stays().keys()) {
            desk.used(id.as_str());
        }
        Ok(desk)
    }

    /// The highest number proposed in a year.
    pub(super) fn highest(&self, year: u64) -> u64 {
        self.highest.get(&year).copied().unwrap_or(0)
    }

    pub(super) fn take(&mut self, id: &DecisionId, opened: u64) {
        let place = (Reverse(opened), Reverse(id.clone()));
        self.all.insert(place.clone());
        self.waiting.insert(place);
    }

    /// It waits for nobody any more.
    fn no_longer(&mut self, id: &DecisionId, opened: u64) {
        self.waiting.remove(&(Reverse(opened), Reverse(id.clone())));
    }

    /// The next places of a list behind one.
    fn behind(&self, waiting: bool, place: Option<&Place>) -> Vec<Place> {
        let list = if waiting { &self.waiting } else { &self.all };
        let from = place.map_or(Bound::Unbounded, Bound::Excluded);
        let places = list.range((from, Bound::Unbounded));
        places.take(MAX_LISTED).cloned().collect()
    }

    pub(super) fn used(&mut self, id: &str) {
        if let Some((year, number)) = serial::split(id) {
            let highest = self.highest.entry(year).or_default();
            *highest = number.max(*highest);
        }
    }
}

impl Casework {
    /// Proposals, newest first; of one status, if one is named. At most 200.
    pub fn proposals(&self, status: Option<Status>) -> Result<Proposals, Error> {
        let waiting = status == Some(Status::Proposed);
        let mut found = Proposals {
            proposals: Vec::new(),
            more: false,
        };
        let mut last: Option<Place> = None;
        loop {
            let places = lock(&self.inner.desk).behind(waiting, last.as_ref());
            for (opened, id) in &places {
                let proposal = self.proposal(&id.0)?;
                if waiting && proposal.status != Status::Proposed {
                    lock(&self.inner.desk).no_longer(&id.0, opened.0);
                }
                if status.is_some_and(|status| proposal.status != status) {
                    continue;
                }
                if found.proposals.len() == MAX_LISTED {
                    found.more = true;
                    return Ok(found);
                }
                found.proposals.push(proposal);
            }
            last = places.last().cloned();
            if last.is_none() {
                return Ok(found);
            }
        }
    }
}
