//! The trust document: root, log and feed keys, witnesses, passkey settings, officers.

use super::Error;
use crate::{
    canon::{self, Base64, KeyId, OfficerId, Origin},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alg {
    #[serde(rename = "ed25519")]
    Ed25519,
    #[serde(rename = "webauthn-es256")]
    WebauthnEs256,
    #[serde(rename = "webauthn-eddsa")]
    WebauthnEddsa,
}

/// What an officer's signature may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Approve,
    Propose,
    Senior,
}

/// One version of the trust document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub v: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub origin: Origin,
    pub version: u64,
    /// Unix seconds. From then on nothing new is listed under this version (see `decision`).
    pub expires: u64,
    pub root: Root,
    /// Keys that sign checkpoints, newest last.
    pub log: Vec<FeedKey>,
    /// Keys that sign manifests, newest last.
    pub feed: Vec<FeedKey>,
    pub witnesses: Witnesses,
    pub webauthn: Webauthn,
    pub officers: BTreeMap<OfficerId, Officer>,
}

/// The offline keys and how many of them it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    pub threshold: usize,
    pub keys: BTreeMap<KeyId, RootKey>,
}

/// One root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootKey {
    pub alg: Alg,
    pub public: Base64,
}

/// A log or feed key; always Ed25519.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedKey {
    pub alg: Alg,
    pub public: Base64,
}

/// The witnesses: verifier keys (C2SP vkey texts, type 0x04) and how many must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witnesses {
    pub quorum: usize,
    pub keys: Vec<String>,
}

/// What a passkey's assertion is checked against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webauthn {
    pub rp_id: String,
    pub origins: Vec<String>,
}

/// An officer: a pseudonym with unit and roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    pub unit: String,
    /// Sorted, none twice.
    pub roles: Vec<Role>,
    pub keys: BTreeMap<KeyId, OfficerKey>,
}

/// One of an officer's keys; a passkey's public key is the uncompressed point (ES256).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerKey {
    pub alg: Alg,
    pub public: Base64,
}

impl Role {
    /// The word as it stands in approvals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Propose => "propose",
            Self::Senior => "senior",
        }
    }
}

impl Document {
    /// Reads canonical bytes and checks that the document makes sense by itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let document: Self = canon::parse(bytes)?;
        document.check()?;
        Ok(document)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        Ok(canon::to_vec(self)?)
    }

    /// The bytes that root keys sign: origin, version and hash of this document's bytes.
    pub fn root_message(origin: &Origin, version: u64, sha256: &Hash) -> Vec<u8> {
        format!("blockfeed/trust/v1\n{origin}\n{version}\n{sha256}\n").into_bytes()
    }

    /// Log keys as raw Ed25519 public keys.
    pub fn log_keys(&self) -> Vec<[u8; 32]> {
        raw(&self.log)
    }

    /// Feed keys as raw Ed25519 public keys.
    pub fn feed_keys(&self) -> Vec<[u8; 32]> {
        raw(&self.feed)
    }

    fn check(&self) -> Result<(), Error> {
        let content = |ok: bool, what| {
            if ok {
                Ok(())
            } else {
                Err(Error::Content(what))
            }
        };
        if self.kind != "trust" || self.v != 1 {
            return Err(Error::Unknown(self.kind.clone(), self.v));
        }
        content(self.version >= 1, "has version 0; versions begin with 1")?;
        content(
            self.root.threshold >= 1 && self.root.threshold <= self.root.keys.len(),
            "asks for no root signature, or for more than it has root keys",
        )?;
        let root: Vec<_> = self.root.keys.values().map(|k| &k.public).collect();
        content(
            self.root
                .keys
                .values()
                .all(|k| k.alg == Alg::Ed25519 && k.public.len() == 32),
            "has a root key that isn't a 32-byte ed25519 key",
        )?;
        content(
            distinct(root),
            "has one root key under two names: it would count twice",
        )?;
        content(
            !self.log.is_empty() && !self.feed.is_empty(),
            "names no log key or no feed key",
        )?;
        content(
            self.log
                .iter()
                .chain(&self.feed)
                .all(|k| k.alg == Alg::Ed25519 && k.public.len() == 32),
            "has a log or feed key that isn't a 32-byte ed25519 key",
        )?;
        content(
            self.witnesses.quorum <= self.witnesses.keys.len(),
            "asks for more witnesses than it names",
        )?;
        self.check_officers()
    }

    fn check_officers(&self) -> Result<(), Error> {
        let mut publics = Vec::new();
        for officer in self.officers.values() {
            if !officer.roles.is_sorted_by(|a, b| a.as_str() < b.as_str()) {
                return Err(Error::Content(
                    "has an officer whose roles aren't sorted, or stand twice",
                ));
            }
            for key in officer.keys.values() {
                let length = if key.alg == Alg::WebauthnEs256 {
                    65
                } else {
                    32
                };
                if key.public.len() != length {
                    return Err(Error::Content("has an officer's key of a wrong length"));
                }
                publics.push(&key.public);
            }
        }
        if !distinct(publics) {
            return Err(Error::Content(
                "gives one key to two officers: one person could sign twice",
            ));
        }
        Ok(())
    }
}

fn raw(keys: &[FeedKey]) -> Vec<[u8; 32]> {
    keys.iter()
        .filter_map(|k| k.public[..].try_into().ok())
        .collect()
}

fn distinct(mut keys: Vec<&Base64>) -> bool {
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    keys.len() == all
}
