//! Openings at the desk: taken with a proposal, found by the clear subject, erased for good
//! (design: The log, *Privacy*).
//!
//! An opening is kept from the proposal on. That of a proposal that came to nothing is erased:
//! nobody was listed by it. That of an entry that has ended is erased when an officer says so.

use super::{Casework, Error, draft::Draft};
use crate::{
    canon::{DecisionId, OfficerId},
    decision::{Body, Opening, PartError, Parts, is_commitment, openings_text},
    entries::FeedName,
    log::Authority,
    store::Durability,
    subject::{Line, Scope, Subject, feed_of},
    tlog::Hash,
    trust::{Officer, Role},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard},
};

/// The private table of erasures: who destroyed how much of which decision, and when.
const ERASURES: &str = "erasures";

/// All openings that there are, by what they open. Made from the table when the desk opens.
#[derive(Debug, Default)]
pub(super) struct Openings {
    by_subject: HashMap<String, Vec<(DecisionId, Hash)>>,
    /// The identity behind another spelling.
    alias_of: HashMap<String, Subject>,
    /// Decisions that weren't committed when their openings came.
    pending: BTreeSet<DecisionId>,
}

/// What was erased.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Erased {
    pub id: DecisionId,
    pub by: OfficerId,
    /// Unix seconds.
    pub time: u64,
    pub openings: usize,
    pub texts: usize,
}

impl Openings {
    pub(super) fn open(authority: &Authority) -> Result<Self, Error> {
        let mut openings = Self::default();
        authority.each_opening(|commitment, opening| openings.take(commitment, &opening))?;
        let ledger = authority.ledger();
        openings.pending.retain(|id| ledger.leaf_of(id).is_none());
        Ok(openings)
    }

    fn take(&mut self, commitment: Hash, opening: &Opening) {
        self.pending.insert(opening.id.clone());
        let spellings = std::iter::once(&opening.subject).chain(&opening.aliases);
        for spelling in spellings {
            let held = self.by_subject.entry(spelling.to_string()).or_default();
            let row = (opening.id.clone(), commitment);
            if !held.contains(&row) {
                held.push(row);
            }
        }
        for alias in &opening.aliases {
            let identity = opening.subject.clone();
            self.alias_of.insert(alias.to_string(), identity);
        }
    }

    fn forget(&mut self, id: &DecisionId, gone: &[(Hash, Opening)]) {
        self.pending.remove(id);
        for (commitment, opening) in gone {
            for spelling in std::iter::once(&opening.subject).chain(&opening.aliases) {
                let text = spelling.to_string();
                if let Some(held) = self.by_subject.get_mut(&text) {
                    held.retain(|row| row != &(id.clone(), *commitment));
                    if held.is_empty() {
                        self.by_subject.remove(&text);
                        self.alias_of.remove(&text);
                    }
                }
            }
        }
    }
}

impl Casework {
    /// What a commitment of a decision stands for; none where it was erased.
    pub fn opening(
        &self,
        decision: &DecisionId,
        commitment: &Hash,
    ) -> Result<Option<Opening>, Error> {
        Ok(self.inner.authority.opening(decision, commitment)?)
    }

    /// Under which decisions and commitments a seller or account was ever listed or proposed, by
    /// its identity or an alias. Whether that is in force, the feed's set tells.
    pub fn listings_of(&self, subject: &Subject) -> Vec<(DecisionId, Hash)> {
        let openings = self.openings();
        let held = openings.by_subject.get(&subject.to_string());
        held.cloned().unwrap_or_default()
    }

    /// The openings of a proposal, as its proposer sent them: for the officer who is to approve.
    pub fn proposal_openings(&self, id: &DecisionId) -> Result<String, Error> {
        self.proposal(id)?;
        let origin = self.inner.authority.ledger().origin().clone();
        let found = self.inner.authority.openings_of(id)?;
        let openings: Vec<Opening> = found.into_iter().map(|(_, opening)| opening).collect();
        Ok(openings_text(&origin, id, &openings))
    }

    /// Destroys what ended entries of a decision stand for: all of them, or those of the named
    /// subjects; with `texts` also its reasons. The log, its proofs and its digests stay as they
    /// are. Erasing twice is no error.
    pub fn erase(
        &self,
        id: &DecisionId,
        subjects: Option<&[Subject]>,
        texts: bool,
        by: &OfficerId,
        officer: &Officer,
    ) -> Result<Erased, Error> {
        if !officer.roles.contains(&Role::Senior) {
            return Err(Error::Forbidden {
                officer: by.to_string(),
                why: "a senior officer erases: what is erased can't be brought back",
            });
        }
        let body = self.dossier(id)?.body;
        let body = Body::decode(body)?;
        let mut found = self.inner.authority.openings_of(id)?;
        if let Some(wanted) = subjects {
            found.retain(|(_, o)| {
                wanted.contains(&o.subject) || o.aliases.iter().any(|a| wanted.contains(a))
            });
        }
        self.check_ended(id, &found, texts)?;
        let texts = if texts { body.texts() } else { Vec::new() };
        let erased = Erased {
            id: id.clone(),
            by: by.clone(),
            time: self.inner.authority.now(),
            openings: found.len(),
            texts: texts.len(),
        };
        // First who did it: a crash after this line leaves a note of an erasure that is repeated.
        self.note_erasure(&erased)?;
        self.destroy(id, &found)?;
        for text in texts {
            self.keep(|| self.inner.authority.erase_text(&text.sha256))?;
        }
        Ok(erased)
    }

    /// Erases the openings of proposals that can't be committed any more.
    pub(super) fn forget_stale(&self) -> Result<(), Error> {
        let pending = self.openings().pending.clone();
        let now = self.inner.authority.now();
        for id in pending {
            if self.inner.authority.ledger().leaf_of(&id).is_some() {
                self.openings_mut().pending.remove(&id);
                continue;
            }
            let waits = match self.read(&id)? {
                Some(record) => record.withdrawn.is_none() && now <= record.decoded()?.submit_by(),
                None => false,
            };
            if !waits {
                self.forget(&id)?;
            }
        }
        Ok(())
    }

    /// Erases the openings of a proposal.
    pub(super) fn forget(&self, id: &DecisionId) -> Result<(), Error> {
        let found = self.inner.authority.openings_of(id)?;
        self.destroy(id, &found)
    }

    /// Makes openings durable and findable.
    pub(super) fn keep_openings(&self, openings: &[Opening]) -> Result<(), Error> {
        if openings.is_empty() {
            return Ok(());
        }
        self.keep(|| self.inner.authority.keep_openings(openings))?;
        let mut index = self.openings_mut();
        for opening in openings {
            let commitment = opening.commitment();
            index.take(
                commitment.map_err(|e| Error::malformed("an opening", e))?,
                opening,
            );
        }
        Ok(())
    }

    /// Every commitment of a list is opened, every opening is of a commitment in it, and no
    /// subject hides behind another spelling of one that is known.
    pub(super) fn check_openings(
        &self,
        draft: &Draft,
        parts: &DraftParts<'_>,
        committed: &BTreeSet<Hash>,
    ) -> Result<(), Error> {
        if let Some(closed) = committed.iter().find(|c| !parts.openings.contains_key(c)) {
            return Err(Error::NotOpened(closed.to_string()));
        }
        if let Some((_, stray)) = parts.openings.iter().find(|(c, _)| !committed.contains(c)) {
            return Err(Error::malformed(
                "the openings",
                format!("{} is opened and isn't in the parts", stray.subject),
            ));
        }
        let known = self.openings();
        for opening in &draft.openings {
            if let Some(identity) = known.alias_of.get(&opening.subject.to_string()) {
                return Err(Error::Query {
                    query: opening.subject.to_string(),
                    code: "known_alias",
                    why: format!("it is another spelling of {identity}; list that one"),
                    offer: Some(identity.to_string()),
                });
            }
        }
        Ok(())
    }

    /// An entry that is or may come back in force is acted upon: its opening is needed.
    fn check_ended(
        &self,
        id: &DecisionId,
        found: &[(Hash, Opening)],
        texts: bool,
    ) -> Result<(), Error> {
        let ledger = self.inner.authority.ledger();
        let open = ledger.lists().get(id).is_some_and(|list| list.open > 0);
        let mut stays = ledger.stays().values();
        let stayed = stays.any(|s| s.open && s.targets.iter().any(|t| t.decision == *id));
        drop(ledger);
        if !open {
            return Ok(());
        }
        let in_force = |opening: &Opening, commitment: &Hash| {
            let name = committed_name(opening, commitment);
            let line = Line {
                kind: opening.subject.kind(),
                name: &name,
                scope: Scope::Exact,
            };
            let Ok(feed) = FeedName::parse(&feed_of(&line)) else {
                return true;
            };
            let current = self.inner.authority.current();
            let Some(view) = current.feeds.get(&feed) else {
                return false;
            };
            let entries = view.entries_of(&name);
            entries.iter().any(|e| e.decision == id.as_str())
        };
        match found.iter().find(|(c, o)| in_force(o, c)) {
            Some((_, opening)) => Err(Error::InForce(opening.subject.to_string(), id.to_string())),
            None if stayed || texts => Err(Error::InForce("a part of it".into(), id.to_string())),
            None => Ok(()),
        }
    }

    fn destroy(&self, id: &DecisionId, found: &[(Hash, Opening)]) -> Result<(), Error> {
        if !found.is_empty() {
            let commitments: Vec<Hash> = found.iter().map(|(c, _)| *c).collect();
            self.erase_reasons(id, &commitments)?;
            self.keep(|| self.inner.authority.erase_openings(id, &commitments))?;
        }
        self.openings_mut().forget(id, found);
        Ok(())
    }

    fn note_erasure(&self, erased: &Erased) -> Result<(), Error> {
        let value = serde_json::to_vec(erased).map_err(|e| Error::Record {
            table: ERASURES,
            why: e.to_string(),
        })?;
        let key = [
            erased.id.as_str().as_bytes(),
            &[0],
            &erased.time.to_be_bytes(),
        ]
        .concat();
        let store = self.inner.authority.store();
        self.keep(|| store.put(ERASURES, &key, &value, Durability::Synced))
    }

    fn openings(&self) -> RwLockReadGuard<'_, Openings> {
        let openings = self.inner.openings.read();
        openings.unwrap_or_else(PoisonError::into_inner)
    }

    fn openings_mut(&self) -> RwLockWriteGuard<'_, Openings> {
        let openings = self.inner.openings.write();
        openings.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A draft's parts as they lie in the store, and its openings as they came.
pub(super) struct DraftParts<'a> {
    authority: &'a Authority,
    id: &'a DecisionId,
    openings: BTreeMap<Hash, &'a Opening>,
}

impl<'a> DraftParts<'a> {
    pub(super) fn new(authority: &'a Authority, draft: &'a Draft) -> Result<Self, Error> {
        let mut openings = BTreeMap::new();
        for opening in &draft.openings {
            let commitment = opening.commitment();
            let commitment = commitment.map_err(|e| Error::malformed("an opening", e))?;
            openings.insert(commitment, opening);
        }
        Ok(Self {
            authority,
            id: draft.body.id(),
            openings,
        })
    }
}

impl Parts for DraftParts<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        super::AuthorityParts(self.authority).part(sha256)
    }

    fn opening(&self, id: &DecisionId, commitment: &Hash) -> Result<Option<Opening>, PartError> {
        let opening = self.openings.get(commitment).filter(|_| id == self.id);
        Ok(opening.map(|opening| (*opening).clone()))
    }
}

/// The commitment in a line of a part.
pub(super) fn committed_in(line: &Line<'_>) -> Option<Hash> {
    if !is_commitment(line) {
        return None;
    }
    let (_, hex) = line.name.split_once("/#")?;
    Hash::from_hex(hex).ok()
}

/// The name under which a commitment stands in a feed: `shopee.vn/#<hex>`.
pub(super) fn committed_name(opening: &Opening, commitment: &Hash) -> String {
    let name = opening.subject.name();
    let platform = name.split('/').next().unwrap_or_default();
    format!("{platform}/#{commitment}")
}
