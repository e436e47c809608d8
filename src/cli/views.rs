//! The authority's answers as the command line reads them.

use crate::{
    canon::{DecisionId, Origin},
    decision::Approval,
    entries::FeedName,
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where the log stands, and what it runs on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogView {
    pub origin: Origin,
    pub session: String,
    pub size: u64,
    pub time: u64,
    pub trust: TrustView,
    pub guard: GuardView,
    pub feeds: BTreeMap<FeedName, FeedView>,
    pub log_vkey: String,
    pub feed_vkey: String,
}

/// The trust document in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrustView {
    pub version: u64,
    pub sha256: Hash,
    pub expires: u64,
}

/// The guard that the sequencer runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuardView {
    pub version: u64,
    pub lists: Hash,
}

/// Where a feed stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedView {
    pub serial: u64,
    pub digest: Hash,
    pub entries: u64,
}

/// A proposal as the authority holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProposalView {
    pub id: DecisionId,
    pub status: String,
    pub body: Value,
    pub body_sha256: Hash,
    pub approvals: Vec<Approval>,
    /// Unix seconds.
    #[serde(default)]
    pub opened: u64,
}

/// Some proposals, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposals {
    pub proposals: Vec<ProposalView>,
    #[serde(default)]
    pub more: bool,
}

/// Where a decision came to stand.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CommittedView {
    pub leaf: u64,
    pub size: u64,
    pub time: u64,
}

/// What came of a proposal or an approval.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<CommittedView>,
}

/// What is in force of a subject.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lookup {
    #[serde(default)]
    pub canonical: Option<String>,
    pub listed: bool,
    #[serde(default)]
    pub holds: Vec<Hold>,
    /// Its own entries that a stay holds back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stayed: Vec<Hold>,
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// One decision that holds a subject, or a wider one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    pub feed: String,
    pub subject: String,
    pub scope: String,
    pub decision: DecisionId,
    /// Whether it is the asked subject's own entry, and none that covers it.
    #[serde(default)]
    pub own: bool,
    #[serde(default)]
    pub not_after: u64,
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}
