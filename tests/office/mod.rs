//! An authority's office for tests and benchmarks: fixed keys, two officers, decisions signed by both.

#![allow(dead_code, reason = "each test uses its own part of the office")]

use blockfeed::{
    canon::{Base64, DecisionId, KeyId, OfficerId, Origin},
    decision::{
        Action, Amend, Approval, Basis, Body, DecisionLeaf, Genesis, Guard, Leaf, List,
        MeasureName, PartRef, Revoke, Stay, Target, TextRef, approval_message,
    },
    log::{Config, Keys},
    tlog::Hash,
    trust::{
        Alg, Document, FeedKey, Officer, OfficerKey, Role, Root, RootKey, RootSignature, Webauthn,
        Witnesses,
    },
};
use ed25519_dalek::{Signer, SigningKey};
use std::{
    collections::BTreeMap,
    error::Error,
    time::{SystemTime, UNIX_EPOCH},
};

pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// The log's name.
pub const ORIGIN: &str = "office.example/399/v1";

/// An authority's keys and two officers.
pub struct Office {
    root: SigningKey,
    log: SigningKey,
    feed: SigningKey,
    officers: [SigningKey; 2],
    origin: Origin,
    now: u64,
}

impl Office {
    /// Opens the office now.
    pub fn new() -> Fallible<Self> {
        let key = |n: u8| SigningKey::from_bytes(&[n; 32]);
        Ok(Self {
            log: key(1),
            feed: key(2),
            root: key(3),
            officers: [key(4), key(5)],
            origin: Origin::new(ORIGIN)?,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        })
    }

    /// Begins a log.
    pub fn init(&self, config: &Config) -> Fallible<()> {
        let public = |key: &SigningKey| Base64(key.verifying_key().to_bytes().to_vec());
        let feed_key = |key: &SigningKey| FeedKey {
            alg: Alg::Ed25519,
            public: public(key),
        };
        let officer = |roles: Vec<Role>, key: &SigningKey| -> Fallible<Officer> {
            let key = OfficerKey {
                alg: Alg::Ed25519,
                public: public(key),
            };
            Ok(Officer {
                unit: "office".into(),
                roles,
                keys: BTreeMap::from([(KeyId::new("k1")?, key)]),
            })
        };
        let document = Document {
            v: 1,
            kind: "trust".into(),
            origin: self.origin.clone(),
            version: 1,
            expires: self.now + 365 * 86_400,
            root: Root {
                threshold: 1,
                keys: BTreeMap::from([(
                    KeyId::new("r1")?,
                    RootKey {
                        alg: Alg::Ed25519,
                        public: public(&self.root),
                    },
                )]),
            },
            log: vec![feed_key(&self.log)],
            feed: vec![feed_key(&self.feed)],
            witnesses: Witnesses {
                quorum: 0,
                keys: vec![],
            },
            webauthn: Webauthn {
                rp_id: "office.example".into(),
                origins: vec![],
            },
            officers: BTreeMap::from([
                (
                    OfficerId::new("o-0001")?,
                    officer(vec![Role::Propose], &self.officers[0])?,
                ),
                (
                    OfficerId::new("o-0002")?,
                    officer(vec![Role::Approve, Role::Senior], &self.officers[1])?,
                ),
            ]),
        };
        let bytes = document.to_bytes()?;
        let sha256 = Hash::of(&bytes);
        let sig = self
            .root
            .sign(&Document::root_message(&self.origin, 1, &sha256));
        let signature = RootSignature {
            key: KeyId::new("r1")?,
            sig: Base64(sig.to_bytes().to_vec()),
        };
        let genesis = Genesis::new(self.now, self.origin.clone(), sha256, vec![signature], None);
        Ok(blockfeed::log::init(
            config,
            &Leaf::Genesis(genesis),
            &bytes,
        )?)
    }

    /// A list decision over canonical, LF-ended lines, with its parts and its reasons.
    pub fn list(&self, id: &str, mut lines: Vec<String>) -> Fallible<(Body, Vec<Vec<u8>>)> {
        lines.sort();
        let mut parts = vec![Vec::new()];
        for line in &lines {
            if parts
                .last()
                .is_some_and(|p: &Vec<u8>| p.len() + line.len() > 1 << 20)
            {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                part.extend_from_slice(line.as_bytes());
            }
        }
        let body = Body::List(List {
            origin: self.origin.clone(),
            id: DecisionId::new(id)?,
            action: Action::List,
            submit_by: self.now + 86_400,
            category: "counterfeit".into(),
            head: "counterfeit".into(),
            goods: "other".into(),
            method: "other".into(),
            measures: vec![MeasureName::BlockDomain, MeasureName::BlockIp],
            basis: self.basis(),
            not_after: self.now + 30 * 86_400,
            bulk: lines.len() > 100,
            reasons: TextRef::of("office"),
            guard: Guard {
                version: 1,
                lists: Hash([0; 32]),
                overrides: vec![],
            },
            parts: parts.iter().map(|p| PartRef::of(p)).collect(),
        });
        parts.push(b"office".to_vec());
        Ok((body, parts))
    }

    pub fn revoke(&self, id: &str, target: &str, line: &str) -> Fallible<(Body, Vec<u8>)> {
        let part = line.as_bytes().to_vec();
        let body = Body::Revoke(Revoke {
            origin: self.origin.clone(),
            id: DecisionId::new(id)?,
            action: Action::Revoke,
            submit_by: self.now + 86_400,
            basis: self.basis(),
            reasons: TextRef::of("office"),
            targets: vec![Target {
                decision: DecisionId::new(target)?,
                parts: Some(vec![PartRef::of(&part)]),
            }],
        });
        Ok((body, part))
    }

    /// Stays a decision whole until a time; by one officer.
    pub fn stay(&self, id: &str, target: &str, until: u64) -> Fallible<Body> {
        Ok(Body::Stay(Stay {
            origin: self.origin.clone(),
            id: DecisionId::new(id)?,
            action: Action::Stay,
            submit_by: self.now + 86_400,
            basis: self.basis(),
            reasons: TextRef::of("office"),
            targets: vec![Target {
                decision: DecisionId::new(target)?,
                parts: None,
            }],
            until,
            appeal: None,
        }))
    }

    /// Moves the end of a decision.
    pub fn amend(&self, id: &str, target: &str, not_after: u64) -> Fallible<Body> {
        Ok(Body::Amend(Amend {
            origin: self.origin.clone(),
            id: DecisionId::new(id)?,
            action: Action::Amend,
            submit_by: self.now + 86_400,
            basis: self.basis(),
            reasons: TextRef::of("office"),
            target: DecisionId::new(target)?,
            not_after,
        }))
    }

    /// The log's online keys.
    pub fn keys(&self) -> Keys {
        Keys {
            log: self.log.clone(),
            feed: self.feed.clone(),
        }
    }

    /// The public feed key.
    pub fn feed_public(&self) -> [u8; 32] {
        self.feed.verifying_key().to_bytes()
    }

    /// Unix seconds when the office opened.
    pub fn now(&self) -> u64 {
        self.now
    }

    fn basis(&self) -> Basis {
        Basis {
            authority: "office".into(),
            number: "1".into(),
            date: "2026-09-01".into(),
        }
    }

    /// The approvals that the body needs.
    pub fn sign(&self, body: &Body) -> Fallible<Vec<Approval>> {
        let hash = DecisionLeaf::new(0, body.clone(), vec![])?.body_hash;
        let second = match body {
            Body::List(list) if list.bulk => Role::Senior,
            _ => Role::Approve,
        };
        let sign = |n: usize, role: Role| -> Fallible<Approval> {
            let (officer, key) = (
                OfficerId::new(format!("o-000{}", n + 1))?,
                KeyId::new("k1")?,
            );
            let message = approval_message(&self.origin, body.id(), role, &officer, &key, &hash);
            let sig = self.officers[n].sign(&message).to_bytes().to_vec();
            let sig = Base64(sig);
            Ok(Approval {
                officer,
                key,
                role,
                alg: Alg::Ed25519,
                sig,
                auth_data: None,
                client_data: None,
            })
        };
        if matches!(body, Body::Stay(_)) {
            return Ok(vec![sign(0, Role::Propose)?]);
        }
        Ok(vec![sign(0, Role::Propose)?, sign(1, second)?])
    }
}
