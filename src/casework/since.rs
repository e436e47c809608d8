//! What has changed since a proposal was opened: what its second officer should see before signing.

use super::{Casework, Error, Hold};
use crate::{
    canon::DecisionId,
    check::{Finding, body},
    decision::{Body, PartError, Parts, read_part},
    subject::Line,
};

/// So many lines are looked up one by one; of longer lists the first.
const LOOKED_UP: usize = 2_000;

/// What has changed.
#[derive(Debug, Clone)]
pub struct Since {
    /// Whether the guard's lists are other ones.
    pub lists: bool,
    /// Whether a trust document came after the proposal.
    pub trust: bool,
    /// What the guard says of the lines now, with their texts: rules that are passed, and notes.
    pub findings: Vec<(String, Finding)>,
    /// The sentence by which it would be refused now.
    pub refused: Option<String>,
    /// Lines of it that other decisions hold already, or listed meanwhile.
    pub listed: Vec<(String, Hold)>,
    /// How many lines were looked up of how many.
    pub looked_up: (usize, usize),
}

impl Casework {
    /// Runs the guard again over an open proposal, and looks its lines up.
    pub fn since(&self, id: &DecisionId) -> Result<Since, Error> {
        let record = self.record_of(id)?;
        let body = record.decoded()?;
        let parts = super::AuthorityParts(&self.inner.authority);
        let ledger = self.inner.authority.ledger().clone();
        let now = self.inner.authority.now();
        let mut since = Since {
            lists: false,
            trust: self.history()?.trusted_at() >= record.opened,
            findings: Vec::new(),
            refused: (self.inner.rules.judge)(&body, &ledger, now, &parts).err(),
            listed: Vec::new(),
            looked_up: (0, 0),
        };
        if let Body::List(list) = &body {
            since.lists = list.guard.lists != self.inner.rules.lists;
            if let Some(guard) = &self.inner.rules.guard {
                let (found, _) = body::lines(guard, list, &parts).map_err(Error::Guard)?;
                since.findings = found.into_iter().map(|f| (f.text, f.finding)).collect();
            }
            self.listed_since(&body, &parts, &mut since)?;
        }
        Ok(since)
    }

    fn listed_since(&self, body: &Body, parts: &dyn Parts, since: &mut Since) -> Result<(), Error> {
        let mut last = String::new();
        let mut lines: Vec<String> = Vec::new();
        for part in body.parts() {
            read_part(parts, &part, &mut last, |line: Line<'_>| {
                lines.push(line.to_string());
                Ok::<(), PartError>(())
            })
            .map_err(|e| Error::part(part.sha256, e))?;
        }
        since.looked_up = (lines.len().min(LOOKED_UP), lines.len());
        for line in lines.iter().take(LOOKED_UP) {
            let (name, _) = super::targets::of_line(line);
            let name = self.clear_name(body.id(), name)?;
            for hold in self.lookup(&name)?.holds {
                since.listed.push((name.clone(), hold));
            }
        }
        Ok(())
    }

    /// A subject of a part in clear, where what it stands for is still kept.
    pub fn clear_name(&self, id: &DecisionId, name: &str) -> Result<String, Error> {
        let sealed = name.split_once("/#");
        let hash = sealed.and_then(|(_, hex)| crate::tlog::Hash::from_hex(hex).ok());
        let Some(commitment) = hash else {
            return Ok(name.to_owned());
        };
        let opening = self.opening(id, &commitment)?;
        Ok(opening.map_or_else(|| name.to_owned(), |o| o.subject.to_string()))
    }
}
