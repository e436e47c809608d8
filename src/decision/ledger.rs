//! The fold of what leaves alone say: trust, ids, ends, stays, feeds' states. No part is read.

use super::{Body, Leaf, List, PartRef, Refusal, State, Target, leaf::FeedState, rules};
use crate::{
    canon::{DecisionId, Origin},
    entries::FeedName,
    tlog::Hash,
    trust::{self, Document},
};
use std::collections::{BTreeMap, BTreeSet};

/// The state after the leaves absorbed so far.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) origin: Origin,
    pub(super) session: [u8; 8],
    pub(super) size: u64,
    pub(super) time: u64,
    pub(super) trust: Document,
    pub(super) lists: BTreeMap<DecisionId, ListRecord>,
    pub(super) stays: BTreeMap<DecisionId, StayRecord>,
    /// Every id ever used, with its leaf.
    pub(super) ids: BTreeMap<DecisionId, u64>,
    /// Open decisions by their end, and open stays by theirs.
    pub(super) due_lists: BTreeSet<(u64, DecisionId)>,
    pub(super) due_stays: BTreeSet<(u64, DecisionId)>,
    pub(super) feeds: BTreeMap<FeedName, FeedState>,
    pub(super) base: u64,
    /// Whether the last leaf was a state leaf.
    pub(super) closed: bool,
}

/// A `list` decision through its life.
#[derive(Debug, Clone)]
pub struct ListRecord {
    pub leaf: u64,
    /// Unix seconds of its leaf.
    pub time: u64,
    pub body: List,
    /// The end in force, after amendments.
    pub not_after: u64,
    /// Lines not ended yet (in force or stayed). 0: the decision has ended.
    pub open: u64,
    /// The parts whose lines were revoked by themselves.
    pub ended_parts: Vec<PartRef>,
    /// Leaves that touched it after its own: amendments, revocations, stays, its expiry.
    pub touched_by: Vec<u64>,
}

/// A stay through its life.
#[derive(Debug, Clone)]
pub struct StayRecord {
    pub leaf: u64,
    pub until: u64,
    pub targets: Vec<Target>,
    pub open: bool,
}

impl ListRecord {
    /// All lines of its parts.
    pub fn total(&self) -> u64 {
        count(&self.body.parts)
    }
}

impl Ledger {
    /// Begins with the genesis leaf and trust document 1.
    pub fn begin(bytes: &[u8], document: &[u8]) -> Result<Self, Refusal> {
        let Leaf::Genesis(genesis) = Leaf::parse(bytes)? else {
            return Err(Refusal::Genesis);
        };
        if Hash::of(document) != genesis.trust {
            return Err(Refusal::TrustHash);
        }
        let trust = trust::verify_first(document, &genesis.origin, &genesis.signatures)?;
        let mut session = [0; 8];
        session.copy_from_slice(&crate::tlog::leaf_hash(bytes).0[..8]);
        Ok(Self {
            origin: genesis.origin,
            session,
            size: 1,
            time: genesis.time,
            trust,
            lists: BTreeMap::new(),
            stays: BTreeMap::new(),
            ids: BTreeMap::new(),
            due_lists: BTreeSet::new(),
            due_stays: BTreeSet::new(),
            feeds: BTreeMap::new(),
            base: 0,
            closed: false,
        })
    }

    /// The log's name.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Identity of this history: the first 8 bytes of leaf 0's hash, in hex.
    pub fn session(&self) -> String {
        hex::encode(self.session)
    }

    /// How many leaves were absorbed.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The time of the last leaf, Unix seconds.
    pub fn time(&self) -> u64 {
        self.time
    }

    /// The trust document in force.
    pub fn trust(&self) -> &Document {
        &self.trust
    }

    /// Where every feed stood at the last state leaf.
    pub fn feeds(&self) -> &BTreeMap<FeedName, FeedState> {
        &self.feeds
    }

    /// The size that the base zones stand at.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Whether the last leaf closed a commit.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// All `list` decisions.
    pub fn lists(&self) -> &BTreeMap<DecisionId, ListRecord> {
        &self.lists
    }

    /// All stays.
    pub fn stays(&self) -> &BTreeMap<DecisionId, StayRecord> {
        &self.stays
    }

    /// The leaf of a decision of any action.
    pub fn leaf_of(&self, id: &DecisionId) -> Option<u64> {
        self.ids.get(id).copied()
    }

    /// Open decisions and open stays whose end has come at `time`.
    pub fn due(&self, time: u64) -> (Vec<DecisionId>, Vec<DecisionId>) {
        (due(&self.due_lists, time), due(&self.due_stays, time))
    }

    /// When the next decision or stay ends by itself, Unix seconds.
    pub fn next_due(&self) -> Option<u64> {
        let first = |set: &BTreeSet<(u64, DecisionId)>| set.first().map(|(time, _)| *time);
        first(&self.due_lists)
            .into_iter()
            .chain(first(&self.due_stays))
            .min()
    }

    /// Whether a leaf may come next. `document`: the bytes of a trust leaf's document.
    pub fn judge(&self, leaf: &Leaf, document: Option<&[u8]>) -> Result<Option<Document>, Refusal> {
        rules::judge(self, leaf, document)
    }

    /// Takes in a leaf that `judge` has let pass, with the trust document it gave back.
    pub fn absorb(&mut self, leaf: &Leaf, trust: Option<Document>) {
        let index = self.size;
        self.size += 1;
        self.time = leaf.time();
        self.closed = false;
        match leaf {
            Leaf::Genesis(_) => {}
            Leaf::Trust(_) => self.trust = trust.unwrap_or_else(|| self.trust.clone()),
            Leaf::Decision(decision) => self.absorb_body(index, decision.time, &decision.body),
            Leaf::Expire(expire) => {
                expire
                    .decisions
                    .iter()
                    .for_each(|id| self.end_list(id, index, u64::MAX));
                expire.stays.iter().for_each(|id| self.end_stay(id));
            }
            Leaf::State(State { feeds, base, .. }) => {
                self.feeds.clone_from(feeds);
                self.base = *base;
                self.closed = true;
            }
        }
    }

    fn absorb_body(&mut self, leaf: u64, time: u64, body: &Body) {
        self.ids.insert(body.id().clone(), leaf);
        match body {
            Body::List(list) => {
                self.due_lists.insert((list.not_after, list.id.clone()));
                let record = ListRecord {
                    leaf,
                    time,
                    body: list.clone(),
                    not_after: list.not_after,
                    open: count(&list.parts),
                    ended_parts: Vec::new(),
                    touched_by: Vec::new(),
                };
                self.lists.insert(list.id.clone(), record);
            }
            Body::Amend(amend) => {
                if let Some(record) = self.lists.get_mut(&amend.target) {
                    self.due_lists
                        .remove(&(record.not_after, amend.target.clone()));
                    self.due_lists
                        .insert((amend.not_after, amend.target.clone()));
                    record.not_after = amend.not_after;
                    record.touched_by.push(leaf);
                }
            }
            Body::Revoke(revoke) => {
                for target in &revoke.targets {
                    let ended = target.parts.as_deref().map_or(u64::MAX, count);
                    self.end_list(&target.decision, leaf, ended);
                    if let Some(record) = self.lists.get_mut(&target.decision) {
                        record.ended_parts.extend(target.parts.iter().flatten());
                    }
                    self.end_stay(&target.decision);
                }
            }
            Body::Stay(stay) => {
                self.due_stays.insert((stay.until, stay.id.clone()));
                for target in &stay.targets {
                    if let Some(record) = self.lists.get_mut(&target.decision) {
                        record.touched_by.push(leaf);
                    }
                }
                let targets = stay.targets.clone();
                self.stays.insert(
                    stay.id.clone(),
                    StayRecord {
                        leaf,
                        until: stay.until,
                        targets,
                        open: true,
                    },
                );
            }
        }
    }

    /// Ends `lines` of a decision's lines; with the last of them it is due no more.
    fn end_list(&mut self, id: &DecisionId, leaf: u64, lines: u64) {
        if let Some(record) = self.lists.get_mut(id) {
            record.open = record.open.saturating_sub(lines);
            record.touched_by.push(leaf);
            if record.open == 0 {
                self.due_lists.remove(&(record.not_after, id.clone()));
            }
        }
    }

    fn end_stay(&mut self, id: &DecisionId) {
        if let Some(record) = self.stays.get_mut(id) {
            record.open = false;
            self.due_stays.remove(&(record.until, id.clone()));
        }
    }
}

/// Lines in these parts.
pub(super) fn count(parts: &[PartRef]) -> u64 {
    parts
        .iter()
        .fold(0, |sum, part| sum.saturating_add(part.count))
}

fn due(open: &BTreeSet<(u64, DecisionId)>, time: u64) -> Vec<DecisionId> {
    open.iter()
        .take_while(|(end, _)| *end <= time)
        .map(|(_, id)| id.clone())
        .collect()
}
