//! The way of a proposal: opened, approved or withdrawn, committed.

use super::{Casework, Draft, Error, Proposal, Status, lock, officers, proposal::Record, serial};
use crate::{
    canon::DecisionId,
    decision::{Approval, Body, Leaf, Refusal},
    log::{Committed, Entrant},
    store::Durability,
};
/// The private table of proposals, by id.
pub(super) const PROPOSALS: &str = "proposals";

impl Casework {
    /// The next free id of this year. It isn't reserved: whoever proposes first has it.
    pub fn next_id(&self) -> Result<DecisionId, Error> {
        let year = serial::year(self.inner.authority.now());
        let mut number = lock(&self.inner.desk).highest(year);
        loop {
            number += 1;
            let id = DecisionId::new(serial::join(year, number))
                .map_err(|e| Error::malformed("the id", e))?;
            // Ids of revocations and amendments stand in the log alone after a loss of this table.
            if self.inner.authority.ledger().leaf_of(&id).is_none() {
                return Ok(id);
            }
        }
    }

    /// Opens a proposal: its parts are read, the guard is run, and it is durable afterwards.
    pub fn open_proposal(&self, draft: Draft) -> Result<Proposal, Error> {
        let id = draft.body.id().clone();
        if !draft.again {
            self.judge(&draft)?;
            self.forget_stale()?;
            // Durable before the proposal: a crash between the two leaves openings without one,
            // which the next start forgets.
            self.keep_openings(&draft.openings)?;
            let record = Record {
                body: draft.text,
                approval: draft.approval,
                opened: self.inner.authority.now(),
                withdrawn: None,
                appeal: draft.appeal.clone(),
            };
            self.write_new(&id, &record)?;
            self.count("proposed");
        }
        let proposal = self.proposal(&id)?;
        match proposal.status {
            Status::Withdrawn => Err(Error::Withdrawn(id.to_string())),
            Status::Expired => Err(Error::Expired(id.to_string())),
            Status::Proposed | Status::Committed => Ok(proposal),
        }
    }

    /// Commits a stay by its one signature. The proposal stays on the desk as what it was.
    pub async fn commit_alone(&self, draft: Draft) -> Result<Committed, Error> {
        if !matches!(draft.body, Body::Stay(_)) {
            return Err(Error::NotAlone);
        }
        let (desk, id) = (self.clone(), draft.body.id().clone());
        let proposal = blocking(move || desk.open_proposal(draft)).await?;
        match proposal.status {
            Status::Committed => self.committed(&id),
            _ => match self.enter(id.clone(), None).await {
                // What was refused must not wait for somebody who signs it later.
                Err(error @ (Error::Refused(_) | Error::Guard(_))) => {
                    let record = self.record_of(&id)?;
                    let by = record.approval.officer.clone();
                    self.take_back(&id, record, &by, None)?;
                    Err(error)
                }
                entered => entered,
            },
        }
    }

    /// Takes the second officer's signature; gives back where the decision stands in the log, once
    /// it is durable and published. The same approval again is answered in the same way.
    pub async fn approve(&self, id: &DecisionId, approval: &[u8]) -> Result<Committed, Error> {
        let approval: Approval =
            serde_json::from_slice(approval).map_err(|e| Error::malformed("the approval", e))?;
        let record = self.record_of(id)?;
        let body = record.decoded()?;
        approval.verify(
            &body,
            &record.body_hash(),
            self.inner.authority.ledger().trust(),
        )?;
        if approval.officer == record.approval.officer {
            return Err(Refusal::SameOfficer(approval.officer.to_string()).into());
        }
        match self.status(id, &record, &body)? {
            Status::Withdrawn => Err(Error::Withdrawn(id.to_string())),
            Status::Expired => Err(Error::Expired(id.to_string())),
            Status::Committed => self.confirm(id, Some(&approval)),
            Status::Proposed => {
                self.enter(id.clone(), Some(approval.clone())).await?;
                self.confirm(id, Some(&approval))
            }
        }
    }

    /// One proposal.
    pub fn proposal(&self, id: &DecisionId) -> Result<Proposal, Error> {
        self.view(id, &self.record_of(id)?)
    }

    /// A part that a proposal names, published or not.
    pub fn proposal_part(
        &self,
        id: &DecisionId,
        sha256: &crate::tlog::Hash,
    ) -> Result<Vec<u8>, Error> {
        let body = self.record_of(id)?.decoded()?;
        let named = body.parts().iter().any(|p| p.sha256 == *sha256)
            || body.texts().iter().any(|t| t.sha256 == *sha256);
        let part = if named {
            self.inner.authority.part(sha256)?
        } else {
            None
        };
        part.ok_or_else(|| Error::NoPart {
            id: id.to_string(),
            sha256: sha256.to_string(),
        })
    }

    /// Sends a proposal into the log. Whoever waits for the answer may go away: it is entered all
    /// the same, and asking again tells.
    async fn enter(&self, id: DecisionId, second: Option<Approval>) -> Result<Committed, Error> {
        let desk = self.clone();
        let work = tokio::spawn(async move {
            let record = desk.begin_entering(&id)?;
            let entrant = || {
                Ok::<_, Error>(Entrant::Decision {
                    body: Box::new(record.decoded()?),
                    approvals: std::iter::once(record.approval.clone())
                        .chain(second)
                        .collect(),
                })
            };
            let outcome = match entrant() {
                Ok(entrant) => desk
                    .inner
                    .authority
                    .submit(entrant)
                    .await
                    .map_err(Error::from),
                Err(error) => Err(error),
            };
            lock(&desk.inner.desk).entering.remove(&id);
            if outcome.is_ok() {
                let follower = desk.clone();
                let followed = blocking(move || {
                    follower.let_cases_follow();
                    Ok(())
                });
                followed.await.ok();
            }
            desk.count(if outcome.is_ok() {
                "committed"
            } else {
                "refused"
            });
            outcome
        });
        work.await.map_err(|_| Error::Stopping)?
    }

    /// Marks a proposal as on its way, so that it can't be withdrawn meanwhile.
    fn begin_entering(&self, id: &DecisionId) -> Result<Record, Error> {
        let mut desk = lock(&self.inner.desk);
        let record = self
            .read(id)?
            .ok_or_else(|| Error::NoProposal(id.to_string()))?;
        if record.withdrawn.is_some() {
            return Err(Error::Withdrawn(id.to_string()));
        }
        if !desk.entering.insert(id.clone()) {
            return Err(Error::BeingApproved(id.to_string()));
        }
        Ok(record)
    }

    /// Where a committed decision stands, if this approval is one of those in its leaf.
    fn confirm(&self, id: &DecisionId, approval: Option<&Approval>) -> Result<Committed, Error> {
        let approvals = self.leaf_approvals(id)?;
        let counts = |a: &Approval| {
            approvals
                .iter()
                .any(|b| (&a.officer, a.role) == (&b.officer, b.role))
        };
        if approval.is_none_or(counts) {
            self.committed(id)
        } else {
            Err(self.taken(id)?)
        }
    }

    /// Where a decision of the log stands in it.
    fn committed(&self, id: &DecisionId) -> Result<Committed, Error> {
        let none = || Error::NoDecision(id.to_string());
        let leaf = self.inner.authority.ledger().leaf_of(id).ok_or_else(none)?;
        let time = self.leaf(leaf)?.time();
        let size = self.history()?.closed_at(leaf);
        Ok(Committed { leaf, size, time })
    }

    pub(super) fn taken(&self, id: &DecisionId) -> Result<Error, Error> {
        let officers = officers(&self.leaf_approvals(id)?);
        let by = officers.into_iter().collect::<Vec<_>>().join(" and ");
        Ok(Error::AlreadyCommitted(id.to_string(), by))
    }

    fn leaf_approvals(&self, id: &DecisionId) -> Result<Vec<Approval>, Error> {
        let index = self.inner.authority.ledger().leaf_of(id);
        let index = index.ok_or_else(|| Error::NoDecision(id.to_string()))?;
        match self.leaf(index)? {
            Leaf::Decision(leaf) => Ok(leaf.approvals),
            _ => Ok(Vec::new()),
        }
    }

    fn view(&self, id: &DecisionId, record: &Record) -> Result<Proposal, Error> {
        let status = self.status(id, record, &record.decoded()?)?;
        let committed = status == Status::Committed;
        Ok(Proposal {
            id: id.clone(),
            status,
            body: record.value()?,
            body_sha256: record.body_hash(),
            approvals: if committed {
                self.leaf_approvals(id)?
            } else {
                vec![record.approval.clone()]
            },
            opened: record.opened,
            withdrawn: record.withdrawn.clone(),
            committed: committed.then(|| self.committed(id)).transpose()?,
        })
    }

    pub(super) fn status(
        &self,
        id: &DecisionId,
        record: &Record,
        body: &Body,
    ) -> Result<Status, Error> {
        let now = self.inner.authority.now();
        Ok(if self.inner.authority.ledger().leaf_of(id).is_some() {
            Status::Committed
        } else if record.withdrawn.is_some() {
            Status::Withdrawn
        } else if now > body.submit_by() {
            Status::Expired
        } else {
            Status::Proposed
        })
    }

    pub(super) fn record_of(&self, id: &DecisionId) -> Result<Record, Error> {
        self.read(id)?
            .ok_or_else(|| Error::NoProposal(id.to_string()))
    }

    pub(super) fn read(&self, id: &DecisionId) -> Result<Option<Record>, Error> {
        let key = id.as_str().as_bytes();
        let bytes = self.inner.authority.store().get(PROPOSALS, key)?;
        bytes.map(|bytes| Record::from_bytes(&bytes)).transpose()
    }

    /// Writes a proposal whose id nobody had. Its parts are durable with it: their records stand
    /// before this one in the store's log.
    fn write_new(&self, id: &DecisionId, record: &Record) -> Result<(), Error> {
        let mut desk = lock(&self.inner.desk);
        let used = self.inner.authority.ledger().leaf_of(id).is_some();
        match self.read(id)? {
            Some(known) if known.body == record.body && known.approval == record.approval => {
                return Ok(());
            }
            None if !used => {}
            _ => return Err(Error::IdTaken(id.to_string())),
        }
        self.put(id, record)?;
        desk.used(id.as_str());
        desk.take(id, record.opened);
        Ok(())
    }

    pub(super) fn put(&self, id: &DecisionId, record: &Record) -> Result<(), Error> {
        let (key, value) = (id.as_str().as_bytes(), record.to_bytes()?);
        let store = self.inner.authority.store();
        self.keep(|| store.put(PROPOSALS, key, &value, Durability::Synced))
    }

    pub(super) fn count(&self, outcome: &str) {
        self.inner
            .metrics
            .proposals
            .with_label_values(&[outcome])
            .inc();
    }
}

/// Runs what blocks beside the event loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Stopping)?
}
