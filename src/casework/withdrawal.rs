//! Proposals that are taken back: by an officer, or because the log refused what one officer wanted
//! alone.

use super::{
    Casework, Error, Proposal, Status, lock,
    proposal::{Record, Withdrawal},
};
use crate::{
    canon::{DecisionId, OfficerId},
    trust::{Officer, Role},
};

impl Casework {
    /// Takes a proposal back: its proposer, or a senior officer. Doing it twice is no error.
    pub fn withdraw(
        &self,
        id: &DecisionId,
        by: &OfficerId,
        officer: &Officer,
    ) -> Result<Proposal, Error> {
        let record = self.record_of(id)?;
        if record.approval.officer != *by && !officer.roles.contains(&Role::Senior) {
            return Err(Error::Forbidden {
                officer: by.to_string(),
                why: "its proposer or a senior officer withdraws a proposal",
            });
        }
        let desk = lock(&self.inner.desk);
        if desk.entering.contains(id) {
            return Err(Error::BeingApproved(id.to_string()));
        }
        match self.status(id, &record, &record.decoded()?)? {
            Status::Committed => return Err(self.taken(id)?),
            Status::Withdrawn => {}
            Status::Expired | Status::Proposed => {
                self.take_back(id, record, by, None)?;
            }
        }
        drop(desk);
        self.forget(id)?;
        self.proposal(id)
    }

    /// Turns a proposal down with a reason: its second officer, or its proposer. Nothing enters the
    /// log by it, so that no signature is needed; what was turned down can be proposed again.
    pub fn reject(
        &self,
        id: &DecisionId,
        by: &OfficerId,
        second: bool,
        reason: &str,
    ) -> Result<(), Error> {
        let record = self.record_of(id)?;
        if record.approval.officer != *by && !second {
            return Err(Error::Forbidden {
                officer: by.to_string(),
                why: "its proposer or an approving officer turns a proposal down",
            });
        }
        let desk = lock(&self.inner.desk);
        if desk.entering.contains(id) {
            return Err(Error::BeingApproved(id.to_string()));
        }
        match self.status(id, &record, &record.decoded()?)? {
            Status::Committed => return Err(self.taken(id)?),
            Status::Withdrawn => return Err(Error::Withdrawn(id.to_string())),
            Status::Expired => return Err(Error::Expired(id.to_string())),
            Status::Proposed => self.take_back(id, record, by, Some(reason))?,
        }
        drop(desk);
        self.forget(id)
    }

    /// Marks a proposal as taken back.
    pub(super) fn take_back(
        &self,
        id: &DecisionId,
        mut record: Record,
        by: &OfficerId,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        record.withdrawn = Some(Withdrawal {
            by: by.clone(),
            time: self.inner.authority.now(),
            reason: reason.map(str::to_owned),
        });
        self.put(id, &record)?;
        self.count(if reason.is_some() {
            "rejected"
        } else {
            "withdrawn"
        });
        Ok(())
    }
}
