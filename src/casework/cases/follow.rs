//! Where the log takes a case: the stay of an appeal, its confirmation by a second officer, the revocation.
//!
//! A case is never moved there by hand. It follows the leaf that names it (a stay says which appeal it
//! answers, a revocation's proposal keeps it privately), in one write with how far the log was followed:
//! whatever a crash leaves behind is taken up when the desk opens.

use super::{CaseId, CaseState, Hand, index, journal::Journal};
use crate::{
    casework::{Casework, Error, lock},
    decision::{Body, DecisionLeaf, Leaf},
    store::{Durability, Write},
};

/// Leaves that were followed, among the numbers of the index.
pub(super) const FOLLOWED: &str = "followed";

/// So many leaves that touch no case are passed before it is noted.
const NOTED: u64 = 1_000;

impl Casework {
    /// Takes cases to where the published leaves have them. What fails here fails no decision: it is
    /// made up for at the next one, and when the desk opens.
    pub(in crate::casework) fn let_cases_follow(&self) {
        if let Err(error) = self.follow_log() {
            tracing::error!(%error, "a case hasn't followed its decision; it is tried again at the next one");
        }
    }

    fn follow_log(&self) -> Result<(), Error> {
        let store = self.inner.authority.store();
        let mut journal = lock(&self.inner.cases.journal);
        let size = self.inner.authority.current().size;
        let mut noted = index::number(store, FOLLOWED)?;
        let from = noted.max(journal.followed);
        for at in from..size {
            if let Leaf::Decision(leaf) = self.leaf(at)?
                && let Some((id, to)) = self.led(&leaf)?
            {
                match self.lead(&mut journal, &id, to, at, &leaf) {
                    Ok(true) => noted = at + 1,
                    Ok(false) => {}
                    // A case that somebody has damaged holds up no other.
                    Err(error @ (Error::Seal(_) | Error::Record { .. })) => {
                        tracing::error!(%error, case = %id, "a case can't follow its decision");
                    }
                    Err(error) => return Err(error),
                }
            }
            if at + 1 - noted >= NOTED {
                self.note_followed(at + 1)?;
                noted = at + 1;
            }
            journal.followed = at + 1;
        }
        Ok(())
    }

    /// Buffered: leaves that touch no case may be passed again.
    fn note_followed(&self, leaves: u64) -> Result<(), Error> {
        let mut rows = index::Rows::default();
        rows.number(FOLLOWED, leaves);
        let writes: Vec<Write<'_>> = rows.writes().collect();
        let store = self.inner.authority.store();
        self.keep(|| store.write(&writes, Durability::Buffered))
    }

    /// The case that a decision answers, and where it takes it.
    fn led(&self, leaf: &DecisionLeaf) -> Result<Option<(CaseId, CaseState)>, Error> {
        let led = match &leaf.body {
            Body::Stay(stay) => {
                let id = stay.appeal.as_deref().map(CaseId::parse);
                let to = match leaf.approvals.len() {
                    1 => CaseState::Stayed,
                    _ => CaseState::Confirmed,
                };
                id.and_then(Result::ok).map(|id| (id, to))
            }
            Body::Revoke(revoke) => {
                let appeal = self.read(&revoke.id)?.and_then(|record| record.appeal);
                appeal.map(|id| (id, CaseState::Revoked))
            }
            Body::List(_) | Body::Amend(_) => None,
        };
        Ok(led)
    }

    /// Takes a case there; whether anything was written.
    fn lead(
        &self,
        journal: &mut Journal,
        id: &CaseId,
        to: CaseState,
        at: u64,
        leaf: &DecisionLeaf,
    ) -> Result<bool, Error> {
        let mut record = match self.case_record(id) {
            Err(Error::NoCase(_)) => return Ok(false),
            found => found?,
        };
        let decision = leaf.body.id();
        let case = &mut record.case;
        if !case.decisions.contains(decision) {
            case.decisions.push(decision.clone());
        } else if !case.state.reaches(to, case.kind) {
            return Ok(false);
        }
        let moves = case.state.reaches(to, case.kind);
        if moves {
            case.become_state(to, leaf.time);
        }
        let what = if moves { "state" } else { "linked" };
        let detail = if moves { to.as_str() } else { "" };
        let by = self.last_signer(at, leaf)?;
        let note = Some(decision.as_str()).filter(|_| !record.case.erased);
        self.event_under(journal, record, (what, detail, note), &by, Some(at + 1))?;
        Ok(true)
    }

    /// Who put a decision in force, by the trust document of that day.
    fn last_signer(&self, at: u64, leaf: &DecisionLeaf) -> Result<Hand, Error> {
        let trust = self.history()?.trust_before(at).cloned();
        let officer = leaf.approvals.last().map(|approval| &approval.officer);
        let known = officer.and_then(|id| trust.as_ref()?.officers.get(id));
        let unit = known.map_or("", |officer| officer.unit.as_str());
        Ok(Hand::new(officer.map_or("", |id| id.as_str()), unit))
    }
}
