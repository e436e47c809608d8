//! A proposal: a body with its first signature, waiting for the second.

use super::{CaseId, Error};
use crate::{
    canon::{self, DecisionId, OfficerId},
    decision::{Approval, Body},
    log::Committed,
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for the second officer.
    Proposed,
    /// In the log.
    Committed,
    /// Taken back before it was approved.
    Withdrawn,
    /// Past its `submit_by`.
    Expired,
}

/// A proposal as officers see it.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    pub id: DecisionId,
    pub status: Status,
    pub body: Value,
    /// What approvals are bound to.
    pub body_sha256: Hash,
    pub approvals: Vec<Approval>,
    /// Unix seconds.
    pub opened: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<Committed>,
}

/// Some proposals, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct Proposals {
    pub proposals: Vec<Proposal>,
    /// Whether older ones were left out.
    pub more: bool,
}

/// Who took a proposal back, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    pub by: OfficerId,
    /// Unix seconds.
    pub time: u64,
    /// Why another officer turned it down; none where it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A row of the private table `proposals`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The canonical bytes, as they were received.
    pub(super) body: String,
    pub(super) approval: Approval,
    pub(super) opened: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdrawn: Option<Withdrawal>,
    /// The case that a revocation answers; a stay names it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) appeal: Option<CaseId>,
}

/// What of a row is needed to list it.
#[derive(Deserialize)]
pub(super) struct Known {
    pub(super) opened: u64,
    #[serde(default)]
    withdrawn: Option<serde::de::IgnoredAny>,
}

impl Known {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| broken(e.to_string()))
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawn.is_some()
    }
}

impl Record {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|e| broken(e.to_string()))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|e| broken(e.to_string()))
    }

    pub(super) fn value(&self) -> Result<Value, Error> {
        canon::value(self.body.as_bytes()).map_err(|e| broken(e.to_string()))
    }

    pub(super) fn decoded(&self) -> Result<Body, Error> {
        Ok(Body::decode(self.value()?)?)
    }

    pub(super) fn body_hash(&self) -> Hash {
        Hash::of(self.body.as_bytes())
    }
}

fn broken(why: String) -> Error {
    Error::Record {
        table: super::desk::PROPOSALS,
        why,
    }
}
