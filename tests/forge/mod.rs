//! Builds logs for tests: leaves, parts, signatures with fixed keys, publication.
//!
//! [`Log`] folds every leaf that it is given by the program's own fold, so that state leaves come
//! out right; [`Log::replace`] then puts other bytes in a leaf's place without asking the fold,
//! and [`Log::publish`] makes tiles, checkpoint, manifests and files anew and signs them. What
//! comes out breaks the one rule that was broken, and no signature or hash besides.

// Every test crate that includes this uses another part of it.
#![allow(dead_code)]

pub mod keys;
pub mod publish;
pub mod vectors;

use blockfeed::{
    canon::{DecisionId, Origin},
    decision::{
        Action, Amend, Approval, Basis, Body, DecisionLeaf, Expire, Fold, Genesis, Guard, Interest,
        Leaf, List, MeasureName, PartError, PartRef, Parts, Refusal, Revoke, State, Stay, Target,
        TextRef, TrustLeaf,
    },
    entries::{Change, FeedName, Set},
    tlog::Hash,
    trust::{Document, RootSignature},
};
use keys::{RootSigner, Signer};
use std::collections::BTreeMap;

pub const ORIGIN: &str = "blocklist.example/399/v1";

/// A log in the making.
#[derive(Clone)]
pub struct Log {
    pub leaves: Vec<Vec<u8>>,
    pub parts: Bag,
    pub fold: Fold,
    /// Every serial of every feed.
    pub points: BTreeMap<FeedName, Vec<Point>>,
}

/// A feed at a serial.
#[derive(Clone)]
pub struct Point {
    pub serial: u64,
    pub set: Set,
    /// Since the point before.
    pub change: Change,
}

/// Parts by hash.
#[derive(Clone, Default)]
pub struct Bag(pub BTreeMap<Hash, Vec<u8>>);

impl Parts for Bag {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        self.0.get(sha256).cloned().ok_or(PartError::Missing)
    }
}

impl Bag {
    /// Adds bytes as they are.
    pub fn add(&mut self, bytes: &[u8]) -> Hash {
        let sha256 = Hash::of(bytes);
        self.0.insert(sha256, bytes.to_vec());
        sha256
    }

    /// Adds a part of these lines, in this order.
    pub fn lines<L: AsRef<str>>(&mut self, lines: &[L]) -> PartRef {
        let text: String = lines
            .iter()
            .flat_map(|line| [line.as_ref(), "\n"])
            .collect();
        self.add(text.as_bytes());
        PartRef::of(text.as_bytes())
    }

    /// Adds reasons.
    pub fn text(&mut self, text: &str) -> TextRef {
        self.add(text.as_bytes());
        TextRef::of(text)
    }
}

impl Log {
    /// Genesis under this trust document, signed by these root keys.
    pub fn begin(time: u64, document: &Document, roots: &[RootSigner]) -> Self {
        let mut parts = Bag::default();
        let (sha256, signatures) = sign_document(&mut parts, document, roots);
        let genesis = Genesis::new(time, document.origin.clone(), sha256, signatures, None);
        let bytes = Leaf::Genesis(genesis).to_bytes().unwrap();
        let fold = Fold::begin(&bytes, Interest::All, &parts).unwrap();
        Self {
            leaves: vec![bytes],
            parts,
            fold,
            points: BTreeMap::new(),
        }
    }

    /// Appends a leaf that the fold accepts.
    pub fn append(&mut self, leaf: &Leaf) {
        let index = self.leaves.len();
        self.try_append(leaf)
            .unwrap_or_else(|e| panic!("leaf {index}: {e}"));
    }

    /// Appends a leaf if the fold accepts it.
    pub fn try_append(&mut self, leaf: &Leaf) -> Result<(), Refusal> {
        let mut changes = self.fold.apply_leaf(leaf, &self.parts)?;
        self.leaves.push(leaf.to_bytes()?);
        if !matches!(leaf, Leaf::State(_)) {
            return Ok(());
        }
        for (feed, state) in self.fold.ledger.feeds() {
            if state.serial == self.fold.ledger.size() {
                let point = Point {
                    serial: state.serial,
                    set: self.fold.lines.set(feed).unwrap().clone(),
                    change: changes.remove(feed).unwrap_or_default(),
                };
                self.points.entry(feed.clone()).or_default().push(point);
            }
        }
        Ok(())
    }

    /// Appends a decision, signed.
    pub fn decide(&mut self, time: u64, body: &Body, signers: &[&Signer]) {
        self.append(&decision(time, body, signers));
    }

    /// The same, if it may come next.
    pub fn try_decide(
        &mut self,
        time: u64,
        body: &Body,
        signers: &[&Signer],
    ) -> Result<(), Refusal> {
        self.try_append(&decision(time, body, signers))
    }

    /// Appends a trust document, signed by these root keys.
    pub fn trust(&mut self, time: u64, document: &Document, roots: &[RootSigner]) {
        let leaf = self.trust_leaf(time, document, roots);
        self.append(&leaf);
    }

    /// A trust leaf; its document becomes a part.
    pub fn trust_leaf(&mut self, time: u64, document: &Document, roots: &[RootSigner]) -> Leaf {
        let (sha256, signatures) = sign_document(&mut self.parts, document, roots);
        Leaf::Trust(TrustLeaf::new(time, document.version, sha256, signatures))
    }

    /// Appends an expire leaf for what is due, if anything is.
    pub fn expire(&mut self, time: u64) {
        let (decisions, stays) = self.fold.ledger.due(time);
        if !decisions.is_empty() || !stays.is_empty() {
            self.append(&Leaf::Expire(Expire::new(time, decisions, stays)));
        }
    }

    /// Closes the commit.
    pub fn close(&mut self, time: u64) {
        let state = self.fold.closing(time, false);
        self.append(&Leaf::State(state));
    }

    /// Appends the state leaf that moves the base.
    pub fn compact(&mut self, time: u64) {
        let state = self.fold.closing(time, true);
        self.append(&Leaf::State(state));
    }

    /// Puts other bytes in a leaf's place. The fold isn't asked.
    pub fn replace(&mut self, index: usize, bytes: Vec<u8>) {
        self.leaves[index] = bytes;
    }

    /// The same for a leaf at hand.
    pub fn replace_leaf(&mut self, index: usize, leaf: &Leaf) {
        self.replace(index, leaf.to_bytes().unwrap());
    }

    /// Changes a state leaf.
    pub fn edit_state(&mut self, index: usize, edit: impl FnOnce(&mut State)) {
        let Leaf::State(mut state) = self.leaf(index) else {
            panic!("leaf {index} is no state leaf");
        };
        edit(&mut state);
        self.replace_leaf(index, &Leaf::State(state));
    }

    /// Changes the body of a decision leaf and signs it anew with these keys.
    pub fn edit_body(&mut self, index: usize, signers: &[&Signer], edit: impl FnOnce(&mut Body)) {
        let mut leaf = self.decision(index);
        edit(&mut leaf.body);
        self.replace_leaf(index, &decision(leaf.time, &leaf.body, signers));
    }

    /// The decision leaf there.
    pub fn decision(&self, index: usize) -> DecisionLeaf {
        match self.leaf(index) {
            Leaf::Decision(leaf) => *leaf,
            other => panic!("leaf {index} is a {} leaf", other.kind()),
        }
    }

    /// The leaf there.
    pub fn leaf(&self, index: usize) -> Leaf {
        Leaf::parse(&self.leaves[index]).unwrap()
    }
}

/// A decision leaf, signed.
pub fn decision(time: u64, body: &Body, signers: &[&Signer]) -> Leaf {
    let approvals: Vec<Approval> = signers.iter().map(|s| s.approve(body)).collect();
    Leaf::Decision(Box::new(
        DecisionLeaf::new(time, body.clone(), approvals).unwrap(),
    ))
}

/// Root signatures over a document, which becomes a part.
pub fn sign_document(
    parts: &mut Bag,
    document: &Document,
    roots: &[RootSigner],
) -> (Hash, Vec<RootSignature>) {
    let sha256 = parts.add(&document.to_bytes().unwrap());
    let message = Document::root_message(&document.origin, document.version, &sha256);
    let signatures = roots.iter().map(|root| root.sign(&message)).collect();
    (sha256, signatures)
}

pub fn origin() -> Origin {
    Origin::new(ORIGIN).unwrap()
}

pub fn id(text: &str) -> DecisionId {
    DecisionId::new(text).unwrap()
}

fn basis() -> Basis {
    Basis {
        authority: "Cục Thương mại điện tử và Kinh tế số".into(),
        number: "12/QĐ-TMĐT".into(),
        date: "2026-09-01".into(),
    }
}

/// A list that anybody could sign: one week to submit it, no override.
pub fn list(
    name: &str,
    now: u64,
    not_after: u64,
    measures: &[MeasureName],
    log: &mut Bag,
    parts: Vec<PartRef>,
) -> List {
    List {
        origin: origin(),
        id: id(name),
        action: Action::List,
        submit_by: now + WEEK,
        category: "counterfeit".into(),
        head: "counterfeit".into(),
        goods: "cosmetics".into(),
        method: "fake_brand_site".into(),
        measures: measures.to_vec(),
        basis: basis(),
        not_after,
        bulk: false,
        reasons: reasons(log, name),
        guard: Guard {
            version: 1,
            lists: Hash([0; 32]),
            overrides: Vec::new(),
        },
        parts,
    }
}

pub fn amend(name: &str, now: u64, target: &str, not_after: u64, log: &mut Bag) -> Amend {
    Amend {
        origin: origin(),
        id: id(name),
        action: Action::Amend,
        submit_by: now + WEEK,
        basis: basis(),
        reasons: reasons(log, name),
        target: id(target),
        not_after,
    }
}

pub fn revoke(name: &str, now: u64, targets: Vec<Target>, log: &mut Bag) -> Revoke {
    Revoke {
        origin: origin(),
        id: id(name),
        action: Action::Revoke,
        submit_by: now + WEEK,
        basis: basis(),
        reasons: reasons(log, name),
        targets,
    }
}

pub fn stay(name: &str, now: u64, targets: Vec<Target>, until: u64, log: &mut Bag) -> Stay {
    Stay {
        origin: origin(),
        id: id(name),
        action: Action::Stay,
        submit_by: now + WEEK,
        basis: basis(),
        reasons: reasons(log, name),
        targets,
        until,
        appeal: None,
    }
}

/// A decision, whole or some parts of its own.
pub fn target(decision: &str, parts: Option<Vec<PartRef>>) -> Target {
    Target {
        decision: id(decision),
        parts,
    }
}

fn reasons(log: &mut Bag, name: &str) -> TextRef {
    log.text(&format!("Lý do của {name}"))
}

/// Seconds.
pub const WEEK: u64 = 7 * 86_400;
