//! A paper is signed: from here on it is a proposal, or a stay in force.

use super::{Act, Paper, Stage, key};
use crate::{
    canon::DecisionId,
    casework::{Casework, Error, Status},
    decision::Approval,
};

impl Casework {
    /// Opens the proposal that a paper was made into, under the officer's signature; a stay that is
    /// to be alone is put in force. The paper is thrown away after that.
    pub async fn sign_paper(
        &self,
        account: &str,
        paper: &Paper,
        approval: &Approval,
    ) -> Result<(DecisionId, Status), Error> {
        let Stage::Ready(prepared) = &paper.stage else {
            return Err(Error::Invalid {
                what: "the paper",
                why: "it isn't checked yet".into(),
            });
        };
        let made = prepared.made.as_ref().filter(|_| !prepared.stopped);
        let made = made.ok_or(Error::Invalid {
            what: "the paper",
            why: "the guard stops it, or no line was accepted".into(),
        })?;
        let approval = serde_json::to_vec(approval);
        let approval = approval.map_err(|e| Error::malformed("the approval", e))?;
        let (desk, kept, appeal) = (self.clone(), prepared.clone(), paper.order.act.appeal());
        let receive = move || {
            let Some(made) = &kept.made else {
                return Err(Error::NoGuard);
            };
            let mut draft = desk.draft(made.text.as_bytes(), &approval)?;
            draft.appeal = appeal;
            for file in &made.files {
                desk.take_part(&mut draft, file)?;
            }
            if let Some(openings) = &made.openings {
                desk.take_openings(&mut draft, openings.as_bytes())?;
            }
            Ok(draft)
        };
        let id = made.body.id().clone();
        let draft = match super::super::desk::blocking(receive).await {
            Err(error @ Error::IdTaken(_)) => {
                self.unmake(&key(account, &paper.id)?);
                return Err(error);
            }
            received => received?,
        };
        let status = if matches!(paper.order.act, Act::Stay { alone: true, .. }) {
            self.commit_alone(draft).await?;
            Status::Committed
        } else {
            let desk = self.clone();
            super::super::desk::blocking(move || desk.open_proposal(draft))
                .await?
                .status
        };
        // A crash before this leaves a paper whose id is taken: it is made anew when it is opened.
        self.drop_paper(account, &paper.id)?;
        Ok((id, status))
    }
}
