//! A proposal being received: body and signature are judged first, parts are taken after that.

use super::{
    CaseId, Casework, Error,
    opening::{DraftParts, committed_in},
};
use crate::{
    canon::{self, OfficerId},
    decision::{
        Action, Approval, Body, Opening, Refusal, Target, read_openings, read_part, read_text,
    },
    tlog::Hash,
    trust::Role,
};
use std::collections::{BTreeMap, BTreeSet};

/// A body whose first signature holds, and the parts that it names.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) body: Body,
    pub(super) text: String,
    pub(super) hash: Hash,
    pub(super) approval: Approval,
    /// Parts that weren't taken yet, with their lengths.
    wanted: BTreeMap<Hash, u64>,
    /// What its commitments stand for.
    pub(super) openings: Vec<Opening>,
    /// It was opened before, word for word: the answer may have been lost.
    pub(super) again: bool,
    /// The case that it answers.
    pub(super) appeal: Option<CaseId>,
}

impl Draft {
    /// What the signature is bound to.
    pub fn body_hash(&self) -> Hash {
        self.hash
    }

    /// Who proposes it.
    pub fn officer(&self) -> &OfficerId {
        &self.approval.officer
    }

    /// What it wants to do.
    pub fn action(&self) -> Action {
        self.body.action()
    }
}

impl Casework {
    /// Judges a body and its first signature, before any part is read. `body` is the canonical
    /// JSON that was signed, `approval` the JSON of the signature as it will stand in the leaf.
    pub fn draft(&self, body: &[u8], approval: &[u8]) -> Result<Draft, Error> {
        let unread = |what| move |e: canon::Error| Error::malformed(what, e);
        let text = std::str::from_utf8(body).map_err(|e| Error::malformed("the body", e))?;
        let decoded = Body::decode(canon::value(body).map_err(unread("the body"))?)?;
        let approval: Approval =
            serde_json::from_slice(approval).map_err(|e| Error::malformed("the approval", e))?;
        let hash = Hash::of(body);
        let ledger = self.inner.authority.ledger();
        if decoded.origin() != ledger.origin() {
            return Err(Refusal::Origin(decoded.origin().to_string()).into());
        }
        approval.verify(&decoded, &hash, ledger.trust())?;
        self.inner.authority.check_room(&decoded)?;
        if approval.role != Role::Propose {
            return Err(Error::NotProposed(approval.role.as_str()));
        }
        let known_leaf = ledger.leaf_of(decoded.id());
        drop(ledger);
        let again = match self.read(decoded.id())? {
            Some(record) if record.body == text && record.approval == approval => true,
            Some(_) => return Err(Error::IdTaken(decoded.id().to_string())),
            None if known_leaf.is_some() => return Err(Error::IdTaken(decoded.id().to_string())),
            None => false,
        };
        let time = self.inner.authority.now();
        if !again && time > decoded.submit_by() {
            return Err(Refusal::SubmitBy {
                time,
                submit_by: decoded.submit_by(),
            }
            .into());
        }
        if !again {
            self.check_targets(&decoded)?;
        }
        Ok(Draft {
            wanted: wanted(&decoded),
            openings: Vec::new(),
            text: text.to_owned(),
            body: decoded,
            hash,
            approval,
            again,
            appeal: None,
        })
    }

    /// Takes one part that the draft's body names. Those that aren't named are refused.
    pub fn take_part(&self, draft: &mut Draft, bytes: &[u8]) -> Result<(), Error> {
        let hash = Hash::of(bytes);
        match draft.wanted.remove(&hash) {
            Some(length) if length == bytes.len() as u64 => {}
            _ => return Err(Error::PartNotNamed(hash.to_string())),
        }
        // A crash, or a draft that is never finished, leaves a part that no leaf names: litter
        // that is never published.
        self.keep(|| self.inner.authority.keep_part(bytes).map(drop))
    }

    /// Takes the openings of the draft's commitments. They are kept with the proposal, not before.
    pub fn take_openings(&self, draft: &mut Draft, bytes: &[u8]) -> Result<(), Error> {
        let (origin, id) = (draft.body.origin(), draft.body.id());
        draft.openings =
            read_openings(bytes, origin, id).map_err(|e| Error::malformed("the openings", e))?;
        Ok(())
    }

    /// Reads all parts of a draft as the log will, and runs the guard.
    pub(super) fn judge(&self, draft: &Draft) -> Result<(), Error> {
        let parts = DraftParts::new(&self.inner.authority, draft)?;
        for sha256 in draft.wanted.keys() {
            // It may lie here from before: a revocation names parts that a list brought.
            if self.inner.authority.part(sha256)?.is_none() {
                return Err(Error::PartMissing(sha256.to_string()));
            }
        }
        for text in draft.body.texts() {
            let bytes = read_text(&parts, &text).map_err(|e| Error::part(text.sha256, e))?;
            check_text(&text.sha256, &bytes)?;
        }
        let lists: Vec<Vec<_>> = match &draft.body {
            Body::List(list) => vec![list.parts.clone()],
            body => body
                .targets()
                .iter()
                .filter_map(|t| t.parts.clone())
                .collect(),
        };
        let mut committed = BTreeSet::new();
        for list in lists {
            let mut last = String::new();
            for part in &list {
                read_part(&parts, part, &mut last, |line| {
                    committed.extend(committed_in(&line));
                    Ok::<(), crate::decision::PartError>(())
                })
                .map_err(|e| Error::part(part.sha256, e))?;
            }
        }
        if matches!(draft.body, Body::List(_)) {
            self.check_openings(draft, &parts, &committed)?;
        }
        // A copy: the guard may read a million lines, and a commit waits for the ledger.
        let ledger = self.inner.authority.ledger().clone();
        let time = self.inner.authority.now();
        (self.inner.rules.judge)(&draft.body, &ledger, time, &parts).map_err(Error::Guard)
    }

    /// Targets that aren't there, or have ended: the log would refuse them later.
    pub(super) fn check_targets(&self, body: &Body) -> Result<(), Error> {
        let ledger = self.inner.authority.ledger();
        let amended = match body {
            Body::Amend(amend) => vec![Target {
                decision: amend.target.clone(),
                parts: None,
            }],
            _ => Vec::new(),
        };
        for target in body.targets().iter().chain(&amended) {
            let id = &target.decision;
            let open = match (ledger.lists().get(id), ledger.stays().get(id)) {
                (Some(list), _) => list.open > 0,
                (None, Some(stay)) => stay.open,
                (None, None) => return Err(Refusal::UnknownTarget(id.to_string()).into()),
            };
            if !open {
                return Err(Refusal::EndedTarget(id.to_string()).into());
            }
        }
        Ok(())
    }

    /// Runs a write of the store. After one that failed nobody knows what the disk holds, so
    /// that the log takes in nothing more.
    pub(super) fn keep<E: Into<Error>>(
        &self,
        write: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), Error> {
        if let Some(why) = self.inner.authority.closed() {
            return Err(why.into());
        }
        write().map_err(|error| {
            let error = error.into();
            let fault = crate::log::Error::Desk(error.to_string());
            self.inner.authority.fail(fault);
            error
        })
    }
}

fn wanted(body: &Body) -> BTreeMap<Hash, u64> {
    let parts = body.parts();
    let texts = body.texts();
    let parts = parts.iter().map(|p| (p.sha256, p.length));
    parts
        .chain(texts.iter().map(|t| (t.sha256, t.length)))
        .collect()
}

/// Reasons are published: text that shows as it reads, in lines.
fn check_text(sha256: &Hash, bytes: &[u8]) -> Result<(), Error> {
    let refuse = |why| Error::Text {
        sha256: sha256.to_string(),
        why,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refuse("isn't UTF-8"))?;
    if !text.chars().all(|c| c == '\n' || canon::is_plain(c)) {
        return Err(refuse(
            "holds a control or bidirectional character other than a line feed",
        ));
    }
    Ok(())
}
