//! A decision's life: what it said, who signed, what has touched it, and its proof.

use super::{Casework, Error};
use crate::{
    canon::{DecisionId, KeyId, OfficerId, Origin},
    decision::{Body, DecisionLeaf, Leaf, TextRef},
    log,
    tlog::Hash,
    trust::Role,
};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// A decision as the public reads it.
#[derive(Debug, Clone, Serialize)]
pub struct Dossier {
    pub origin: Origin,
    pub id: DecisionId,
    /// Index of its leaf.
    pub leaf: u64,
    /// Unix seconds of its leaf.
    pub time: u64,
    pub body: Value,
    /// What the approvals are bound to.
    pub body_sha256: Hash,
    pub approvals: Vec<Signer>,
    /// Leaves that touched it, ascending.
    pub history: Vec<Event>,
    /// Lines that haven't ended (`list` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<u64>,
    /// Lines of its parts (`list` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The end in force, after amendments, Unix seconds (`list` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    /// Its reasons and those of its overrides.
    pub texts: Vec<Texts>,
    /// The leaf's bytes, in base64.
    pub leaf_bytes: crate::canon::Base64,
    /// Inclusion of the leaf in the checkpoint.
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Who signed, and for which unit at that time.
#[derive(Debug, Clone, Serialize)]
pub struct Signer {
    pub officer: OfficerId,
    pub key: KeyId,
    pub role: Role,
    pub unit: String,
}

/// A leaf that touched a decision.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    pub leaf: u64,
    /// `amend`, `stay`, `revoke`, `expire`.
    pub what: &'static str,
    /// The decision in that leaf, if it holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<DecisionId>,
    /// Unix seconds.
    pub time: u64,
}

/// A text that a decision names.
#[derive(Debug, Clone, Serialize)]
pub struct Texts {
    /// `reasons`, or the code of an override.
    pub of: String,
    pub sha256: Hash,
    /// None: it was erased.
    pub text: Option<String>,
}

impl Casework {
    /// A decision of any action.
    pub fn dossier(&self, id: &DecisionId) -> Result<Dossier, Error> {
        let index = self.inner.authority.ledger().leaf_of(id);
        let index = index.ok_or_else(|| Error::NoDecision(id.to_string()))?;
        let bytes = self.leaf_bytes(index)?;
        let Leaf::Decision(leaf) = parse(index, &bytes)? else {
            return Err(Error::NoDecision(id.to_string()));
        };
        let current = self.inner.authority.current();
        let ledger = self.inner.authority.ledger();
        let record = ledger.lists().get(id).cloned();
        let origin = ledger.origin().clone();
        drop(ledger);
        let proof = self.history()?.inclusion(index, current.size);
        Ok(Dossier {
            origin,
            id: id.clone(),
            leaf: index,
            time: leaf.time,
            body: serde_json::to_value(&leaf.body).map_err(|e| Error::malformed("the leaf", e))?,
            body_sha256: leaf.body_hash,
            approvals: self.signers(index, &leaf)?,
            history: self.events(id)?,
            open: record.as_ref().map(|r| r.open),
            total: record.as_ref().map(|r| r.total()),
            not_after: record.as_ref().map(|r| r.not_after),
            texts: self.texts(&leaf.body)?,
            leaf_bytes: crate::canon::Base64(bytes),
            proof: proof.ok_or(log::Error::Root)?,
            checkpoint: String::from_utf8_lossy(&current.checkpoint).into_owned(),
        })
    }

    /// A leaf of the log.
    pub(super) fn leaf(&self, index: u64) -> Result<Leaf, Error> {
        parse(index, &self.leaf_bytes(index)?)
    }

    fn leaf_bytes(&self, index: u64) -> Result<Vec<u8>, Error> {
        let bytes = self.inner.authority.leaf(index)?;
        Ok(bytes.ok_or(log::Error::Missing(index))?)
    }

    /// Who signed, with the unit that the trust document of that day gave them.
    fn signers(&self, index: u64, leaf: &DecisionLeaf) -> Result<Vec<Signer>, Error> {
        let trust = self.history()?.trust_before(index).cloned();
        let unit = |officer: &OfficerId| {
            let officer = trust.as_ref()?.officers.get(officer)?;
            Some(officer.unit.clone())
        };
        let signer = |a: &crate::decision::Approval| Signer {
            officer: a.officer.clone(),
            key: a.key.clone(),
            role: a.role,
            unit: unit(&a.officer).unwrap_or_default(),
        };
        Ok(leaf.approvals.iter().map(signer).collect())
    }

    /// What touched a decision, and what ended the stays that did.
    pub(super) fn events(&self, id: &DecisionId) -> Result<Vec<Event>, Error> {
        let mut leaves: BTreeSet<u64> = self.history()?.touches(id).iter().copied().collect();
        let mut events = Vec::new();
        while let Some(index) = leaves.pop_first() {
            let leaf = self.leaf(index)?;
            let (what, by) = match &leaf {
                Leaf::Decision(leaf) => {
                    let what = match leaf.body {
                        Body::List(_) => "list",
                        Body::Amend(_) => "amend",
                        Body::Revoke(_) => "revoke",
                        Body::Stay(_) => "stay",
                    };
                    (what, Some(leaf.body.id().clone()))
                }
                other => (other.kind(), None),
            };
            if let (Some(by), "stay") = (&by, what) {
                leaves.extend(self.history()?.touches(by));
            }
            events.push(Event {
                leaf: index,
                what,
                id: by,
                time: leaf.time(),
            });
        }
        Ok(events)
    }

    fn texts(&self, body: &Body) -> Result<Vec<Texts>, Error> {
        let mut named: Vec<(String, TextRef)> = vec![("reasons".into(), *body.reasons())];
        if let Body::List(list) = body {
            named.extend(
                list.guard
                    .overrides
                    .iter()
                    .map(|o| (o.code.clone(), o.reason)),
            );
        }
        let read = |(of, text): (String, TextRef)| {
            let bytes = self.inner.authority.part(&text.sha256)?;
            Ok(Texts {
                of,
                sha256: text.sha256,
                text: bytes.map(|b| String::from_utf8_lossy(&b).into_owned()),
            })
        };
        named.into_iter().map(read).collect()
    }
}

fn parse(index: u64, bytes: &[u8]) -> Result<Leaf, Error> {
    Ok(Leaf::parse(bytes).map_err(|why| log::Error::Leaf { index, why })?)
}
