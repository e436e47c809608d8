//! Fixed keys: root, log, feed, officers, a subscriber. Never used outside tests.

use super::ORIGIN;
use base64::{Engine, engine::general_purpose::STANDARD};
use blockfeed::{
    canon::{Base64, KeyId, OfficerId, Origin},
    casework::request_message,
    decision::{Approval, Body, approval_message},
    log::Keys,
    tlog::Hash,
    trust::{self, Alg, Document, FeedKey, OfficerKey, Role, Root, RootKey, RootSignature},
};
use ed25519_dalek::{Signer, SigningKey};

/// The officers of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Officer {
    /// `o-0001`: propose.
    First,
    /// `o-0002`: approve, senior.
    Second,
    /// `o-0003`: approve, propose, senior.
    Both,
    /// `o-0009`: in no trust document.
    Stranger,
}

/// Every secret key.
#[derive(Clone)]
pub struct Secrets {
    pub log: SigningKey,
    pub feed: SigningKey,
    pub roots: [SigningKey; 3],
    pub subscriber: SigningKey,
}

impl Officer {
    pub const NAMED: [Officer; 3] = [Officer::First, Officer::Second, Officer::Both];

    pub fn id(self) -> OfficerId {
        let id = match self {
            Officer::First => "o-0001",
            Officer::Second => "o-0002",
            Officer::Both => "o-0003",
            Officer::Stranger => "o-0009",
        };
        OfficerId::new(id).unwrap()
    }

    pub fn key(self) -> SigningKey {
        SigningKey::from_bytes(&[100 + self as u8; 32])
    }

    fn roles(self) -> Vec<Role> {
        match self {
            Officer::First => vec![Role::Propose],
            Officer::Second => vec![Role::Approve, Role::Senior],
            Officer::Both => vec![Role::Approve, Role::Propose, Role::Senior],
            Officer::Stranger => Vec::new(),
        }
    }
}

impl Secrets {
    pub fn fixed() -> Self {
        let key = |n: u8| SigningKey::from_bytes(&[n; 32]);
        Self {
            log: key(1),
            feed: key(2),
            roots: [key(11), key(12), key(13)],
            subscriber: key(21),
        }
    }

    pub fn log_keys(&self) -> Keys {
        Keys {
            log: self.log.clone(),
            feed: self.feed.clone(),
        }
    }

    /// Version 1: two of three root keys, no witnesses.
    pub fn first_document(&self) -> Document {
        let feed_key = |key: &SigningKey| FeedKey {
            alg: Alg::Ed25519,
            public: public(key),
        };
        let root = self.roots.iter().enumerate().map(|(n, key)| {
            let public = public(key);
            (
                key_id(&format!("r{}", n + 1)),
                RootKey {
                    alg: Alg::Ed25519,
                    public,
                },
            )
        });
        let officer = |officer: Officer| {
            let key = OfficerKey {
                alg: Alg::Ed25519,
                public: public(&officer.key()),
            };
            let described = trust::Officer {
                unit: "Cục Phát thanh, truyền hình".into(),
                roles: officer.roles(),
                keys: [(key_id("k1"), key)].into(),
            };
            (officer.id(), described)
        };
        Document {
            v: 1,
            kind: "trust".into(),
            origin: Origin::new(ORIGIN).unwrap(),
            version: 1,
            expires: super::now() + 3 * 365 * 86_400,
            root: Root {
                threshold: 2,
                keys: root.collect(),
            },
            log: vec![feed_key(&self.log)],
            feed: vec![feed_key(&self.feed)],
            witnesses: trust::Witnesses {
                quorum: 0,
                keys: Vec::new(),
            },
            webauthn: trust::Webauthn {
                rp_id: "desk.example".into(),
                origins: vec!["https://desk.example".into()],
            },
            officers: Officer::NAMED.into_iter().map(officer).collect(),
        }
    }

    /// A document's bytes with two root signatures.
    pub fn sign_trust(&self, document: &Document) -> (Vec<u8>, Vec<RootSignature>) {
        let bytes = document.to_bytes().unwrap();
        let message = Document::root_message(&document.origin, document.version, &Hash::of(&bytes));
        let sign = |n: usize| RootSignature {
            key: key_id(&format!("r{}", n + 1)),
            sig: Base64(self.roots[n].sign(&message).to_bytes().to_vec()),
        };
        (bytes, vec![sign(0), sign(2)])
    }

    /// An officer's signature under a body.
    pub fn approve(&self, body: &Body, officer: Officer, role: Role) -> Approval {
        let (id, key) = (officer.id(), key_id("k1"));
        let hash = Hash::of(body.to_bytes().unwrap());
        let message = approval_message(body.origin(), body.id(), role, &id, &key, &hash);
        Approval {
            sig: Base64(officer.key().sign(&message).to_bytes().to_vec()),
            officer: id,
            key,
            role,
            alg: Alg::Ed25519,
            auth_data: None,
            client_data: None,
        }
    }

    /// The header by which an officer signs a request with a body.
    pub fn authorization(
        &self,
        officer: Officer,
        method: &str,
        path: &str,
        time: u64,
        body: &[u8],
    ) -> String {
        let origin = Origin::new(ORIGIN).unwrap();
        let message = request_message(&origin, method, path, time, &Hash::of(body));
        let sig = STANDARD.encode(officer.key().sign(&message).to_bytes());
        format!("Blockfeed {} k1 {time} {sig}", officer.id())
    }
}

pub fn public(key: &SigningKey) -> Base64 {
    Base64(key.verifying_key().to_bytes().to_vec())
}

fn key_id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}
