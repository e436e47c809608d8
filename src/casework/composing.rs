//! Making a decision's body from what an officer wants: the same on the officer's own machine and
//! at the console, so that what is signed doesn't depend on where.

use super::{Error, Subjects};
use crate::{
    canon::{DecisionId, Origin},
    check::{
        Finding, Guard,
        batch::{self, Batch},
        body, together,
    },
    decision::{
        self, Action, Amend, Basis, Body, List, MeasureName, Override, PartRef, Revoke, Stay,
        Target, TextRef,
    },
    entries::Measure,
    subject::Kind,
};
use serde_json::json;
use std::collections::BTreeSet;

/// What a decision rests on.
#[derive(Debug, Clone)]
pub struct Grounds {
    pub basis: Basis,
    pub reasons: String,
    /// Unix seconds.
    pub submit_by: u64,
}

/// What a decision that lists says beside its grounds and its lines.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    pub category: String,
    pub head: String,
    pub goods: String,
    pub method: String,
    /// None: the block of each kind that is there.
    pub measures: Vec<MeasureName>,
    /// Unix seconds.
    pub not_after: u64,
    pub bulk: bool,
    pub overrides: Vec<batch::Override>,
}

/// A body, the parts that it names, and what its commitments stand for.
#[derive(Debug, Clone)]
pub struct Made {
    pub body: Body,
    pub files: Vec<Vec<u8>>,
    pub openings: Option<String>,
}

/// A decision that lists, but for its id and its parts.
#[derive(Clone)]
pub struct Listing {
    list: List,
    subjects: Subjects,
    texts: Vec<Vec<u8>>,
}

impl Listing {
    /// Of the lines that a guard accepted.
    pub fn new(
        guard: &Guard,
        batch: &Batch,
        grounds: &Grounds,
        mut terms: Terms,
    ) -> Result<Self, Error> {
        if terms.measures.is_empty() {
            let kinds: BTreeSet<Kind> = batch.accepted().map(|line| line.kind).collect();
            let blocks = kinds.into_iter().map(|kind| Measure::of(kind).as_str());
            terms.measures = blocks.filter_map(measure).collect();
        }
        terms.measures.sort();
        terms.measures.dedup();
        terms.overrides.sort_by(|a, b| a.code.cmp(&b.code));
        let mut texts = vec![grounds.reasons.clone().into_bytes()];
        texts.extend(
            terms
                .overrides
                .iter()
                .map(|o| o.reason.clone().into_bytes()),
        );
        let reason = |o: &batch::Override| Override {
            code: o.code.clone(),
            reason: TextRef::of(&o.reason),
        };
        let unnamed = |e| Error::malformed("the name", e);
        let list = List {
            // Whoever opens the proposal says which log and which id.
            origin: Origin::new("blockfeed.check").map_err(unnamed)?,
            id: DecisionId::new("0").map_err(unnamed)?,
            action: Action::List,
            submit_by: grounds.submit_by,
            category: terms.category,
            head: terms.head,
            goods: terms.goods,
            method: terms.method,
            measures: terms.measures,
            basis: grounds.basis.clone(),
            not_after: terms.not_after,
            bulk: terms.bulk,
            reasons: TextRef::of(&grounds.reasons),
            guard: decision::Guard {
                version: body::VERSION,
                lists: guard.lists().hash(),
                overrides: terms.overrides.iter().map(reason).collect(),
            },
            parts: Vec::new(),
        };
        Ok(Self {
            list,
            subjects: Subjects::new(batch.accepted(), &batch.aliases)?,
            texts,
        })
    }

    /// The decision under an id, with its parts.
    pub fn made(&self, origin: Origin, id: DecisionId) -> Result<Made, Error> {
        let sealed = self.subjects.parts(&origin, &id)?;
        let parts = sealed.parts.iter().map(|part| PartRef::of(part)).collect();
        let mut files = sealed.parts;
        files.extend_from_slice(&self.texts);
        Ok(Made {
            body: Body::List(List {
                origin,
                id,
                parts,
                ..self.list.clone()
            }),
            files,
            openings: sealed.openings,
        })
    }

    /// What the guard says of it as a whole, lines apart.
    pub fn findings(&self, guard: &Guard, batch: &Batch, now: u64) -> Vec<Finding> {
        let kinds = batch.accepted().map(|line| line.kind).collect();
        let mut findings = body::whole(guard, &self.list, now, &kinds);
        let networks = together::networks(batch.accepted());
        let made = together::findings(&networks, &guard.lists().caps);
        findings.extend(made.into_iter().map(|(_, finding)| finding));
        let personal =
            |text: &Vec<u8>| body::personal("the reasons", &String::from_utf8_lossy(text));
        findings.extend(self.texts.iter().filter_map(personal));
        findings.extend(body::personal("the legal basis", &self.list.basis.number));
        findings
    }
}

impl Grounds {
    /// A decision that ends what was listed, for ever.
    pub fn revoke(&self, origin: Origin, id: DecisionId, targets: Vec<Target>) -> Body {
        Body::Revoke(Revoke {
            origin,
            id,
            action: Action::Revoke,
            submit_by: self.submit_by,
            basis: self.basis.clone(),
            reasons: TextRef::of(&self.reasons),
            targets,
        })
    }

    /// One that takes it out of force for a while.
    pub fn stay(
        &self,
        origin: Origin,
        id: DecisionId,
        targets: Vec<Target>,
        until: u64,
        appeal: Option<String>,
    ) -> Body {
        Body::Stay(Stay {
            origin,
            id,
            action: Action::Stay,
            submit_by: self.submit_by,
            basis: self.basis.clone(),
            reasons: TextRef::of(&self.reasons),
            targets,
            until,
            appeal,
        })
    }

    /// One that moves an end.
    pub fn amend(
        &self,
        origin: Origin,
        id: DecisionId,
        target: DecisionId,
        not_after: u64,
    ) -> Body {
        Body::Amend(Amend {
            origin,
            id,
            action: Action::Amend,
            submit_by: self.submit_by,
            basis: self.basis.clone(),
            reasons: TextRef::of(&self.reasons),
            target,
            not_after,
        })
    }
}

/// A measure by its code.
pub fn measure(code: &str) -> Option<MeasureName> {
    serde_json::from_value(json!(code)).ok()
}
