//! The five types of leaf, and their canonical bytes (design: Leaves).

use super::{Approval, Body, Refusal};
use crate::{
    canon::{self, DecisionId, Origin},
    entries::FeedName,
    tlog::Hash,
    trust::RootSignature,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most bytes that a leaf may have: an entry bundle prefixes it with a u16.
pub const MAX_LEAF: usize = 65_535;

/// A leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    Genesis(Genesis),
    Trust(TrustLeaf),
    Decision(Box<DecisionLeaf>),
    Expire(Expire),
    State(State),
}

/// The first leaf: the log's name and its first trust document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    pub time: u64,
    pub origin: Origin,
    /// SHA-256 of trust document 1.
    pub trust: Hash,
    pub signatures: Vec<RootSignature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<Continues>,
}

/// The log that this one goes on from, after a loss or a succession.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continues {
    pub origin: Origin,
    pub size: u64,
    pub root: Hash,
}

/// A new version of the trust document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustLeaf {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    pub time: u64,
    pub version: u64,
    pub sha256: Hash,
    pub signatures: Vec<RootSignature>,
}

/// A decision with its approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionLeaf {
    pub time: u64,
    pub body: Body,
    /// SHA-256 of the canonical body: what the approvals are bound to.
    pub body_hash: Hash,
    pub approvals: Vec<Approval>,
}

/// What has come to its end by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expire {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    pub time: u64,
    /// Sorted, none twice.
    pub decisions: Vec<DecisionId>,
    /// Sorted, none twice.
    pub stays: Vec<DecisionId>,
}

/// Closes a commit: where every feed stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    pub time: u64,
    pub feeds: BTreeMap<FeedName, FeedState>,
    /// Size, own leaf counted, of the state leaf that the base zones stand at.
    pub base: u64,
}

/// Where one feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedState {
    pub serial: u64,
    pub digest: Hash,
    pub entries: u64,
}

/// A decision leaf as JSON; the body stays a value, so that its own bytes can be hashed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    time: u64,
    body: Value,
    approvals: Vec<Approval>,
}

impl Leaf {
    /// Reads the bytes of a leaf; only the canonical spelling passes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_LEAF {
            return Err(Refusal::TooLong(bytes.len()));
        }
        let value = canon::value(bytes)?;
        let kind = value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let v = value.get("v").and_then(Value::as_u64).unwrap_or_default();
        if v != 1 {
            return Err(Refusal::Unknown { kind, v });
        }
        Ok(match kind.as_str() {
            "genesis" => Self::Genesis(canon::decode(value)?),
            "trust" => Self::Trust(canon::decode(value)?),
            "expire" => Self::Expire(canon::decode(value)?),
            "state" => Self::State(canon::decode(value)?),
            "decision" => {
                let envelope: Envelope = canon::decode(value)?;
                Self::Decision(Box::new(DecisionLeaf {
                    time: envelope.time,
                    body_hash: Hash::of(&canon::to_vec(&envelope.body)?),
                    body: Body::decode(envelope.body)?,
                    approvals: envelope.approvals,
                }))
            }
            _ => return Err(Refusal::Unknown { kind, v }),
        })
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        let bytes = match self {
            Self::Genesis(leaf) => canon::to_vec(leaf)?,
            Self::Trust(leaf) => canon::to_vec(leaf)?,
            Self::Expire(leaf) => canon::to_vec(leaf)?,
            Self::State(leaf) => canon::to_vec(leaf)?,
            Self::Decision(leaf) => canon::to_vec(&Envelope {
                v: 1,
                kind: "decision".into(),
                time: leaf.time,
                body: serde_json::to_value(&leaf.body).map_err(canon::Error::Shape)?,
                approvals: leaf.approvals.clone(),
            })?,
        };
        if bytes.len() > MAX_LEAF {
            return Err(Refusal::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Unix seconds.
    pub fn time(&self) -> u64 {
        match self {
            Self::Genesis(leaf) => leaf.time,
            Self::Trust(leaf) => leaf.time,
            Self::Decision(leaf) => leaf.time,
            Self::Expire(leaf) => leaf.time,
            Self::State(leaf) => leaf.time,
        }
    }

    /// The word of its type.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Genesis(_) => "genesis",
            Self::Trust(_) => "trust",
            Self::Decision(_) => "decision",
            Self::Expire(_) => "expire",
            Self::State(_) => "state",
        }
    }
}

impl Genesis {
    /// The first leaf of a log.
    pub fn new(
        time: u64,
        origin: Origin,
        trust: Hash,
        signatures: Vec<RootSignature>,
        continues: Option<Continues>,
    ) -> Self {
        Self {
            v: 1,
            kind: "genesis".into(),
            time,
            origin,
            trust,
            signatures,
            continues,
        }
    }
}

impl TrustLeaf {
    /// A leaf that puts a trust document in force.
    pub fn new(time: u64, version: u64, sha256: Hash, signatures: Vec<RootSignature>) -> Self {
        Self {
            v: 1,
            kind: "trust".into(),
            time,
            version,
            sha256,
            signatures,
        }
    }
}

impl DecisionLeaf {
    /// A decision with its approvals, at the time of its commit.
    pub fn new(time: u64, body: Body, approvals: Vec<Approval>) -> Result<Self, Refusal> {
        let body_hash = Hash::of(&body.to_bytes()?);
        Ok(Self {
            time,
            body,
            body_hash,
            approvals,
        })
    }
}

impl Expire {
    /// What has come to its end at `time`; sorts both lists.
    pub fn new(time: u64, mut decisions: Vec<DecisionId>, mut stays: Vec<DecisionId>) -> Self {
        decisions.sort();
        stays.sort();
        Self {
            v: 1,
            kind: "expire".into(),
            time,
            decisions,
            stays,
        }
    }
}

impl State {
    /// The leaf that closes a commit.
    pub fn new(time: u64, feeds: BTreeMap<FeedName, FeedState>, base: u64) -> Self {
        Self {
            v: 1,
            kind: "state".into(),
            time,
            feeds,
            base,
        }
    }
}
