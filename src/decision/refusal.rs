//! Why a leaf is refused. Each reason has a code that tests, auditors and scripts rely on.

use super::PartError;
use crate::{canon, trust};

/// The first rule that a leaf breaks.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the leaf has {0} bytes; 65,535 is the most")]
    TooLong(usize),
    #[error("the leaf isn't canonical: {0}")]
    Canonical(#[from] canon::Error),
    #[error("this program doesn't know leaves of type {kind:?}, format {v}: upgrade it")]
    Unknown { kind: String, v: u64 },
    #[error("a log begins with a genesis leaf, and only begins with one")]
    Genesis,
    #[error("the leaf's time {leaf} lies before {before}, the time of the leaf before it")]
    TimeFalls { leaf: u64, before: u64 },
    #[error("trust: {0}")]
    Trust(#[from] trust::Error),
    #[error("the trust document {0} can't be read: {1}")]
    TrustPart(String, PartError),
    #[error("the trust document of leaf has another hash than it says")]
    TrustHash,
    #[error("the decision is for the log {0}, not for this one")]
    Origin(String),
    #[error("the decision's id {0} was used before; an id is used once for ever")]
    IdUsed(String),
    #[error("the decision reached the log at {time}, after its submit_by {submit_by}")]
    SubmitBy { time: u64, submit_by: u64 },
    #[error("{0}")]
    Body(String),
    #[error("it needs approvals by {needed}, in this order; it has {found}")]
    Approvals { needed: &'static str, found: String },
    #[error(
        "a decision that is bulk or passes a rule has one approval by the command line: sign it there with `blockfeed approve`"
    )]
    CommandLine,
    #[error("officer {0} signs twice; two different officers must sign")]
    SameOfficer(String),
    #[error("the trust document in force names no officer {0}")]
    UnknownOfficer(String),
    #[error("officer {officer} has no key {key} in the trust document in force")]
    UnknownKey { officer: String, key: String },
    #[error("officer {officer} doesn't have the role {role}")]
    Role { officer: String, role: &'static str },
    #[error("the approval of {officer} as {role}: {why}")]
    Signature {
        officer: String,
        role: &'static str,
        why: trust::Unverified,
    },
    #[error("the trust document expired at {0}: nothing new may be listed or prolonged under it")]
    TrustExpired(u64),
    #[error("its end {not_after} isn't after its time {time}")]
    EndsAtOnce { not_after: u64, time: u64 },
    #[error("a stay by one officer ends within 72 hours; this one lasts {0} seconds")]
    StayTooLong(u64),
    #[error("{0} is no decision or stay of this log")]
    UnknownTarget(String),
    #[error("{0} has ended; nothing can be done to it any more")]
    EndedTarget(String),
    #[error("{0} is named twice")]
    TargetTwice(String),
    #[error("{0} is a stay: it is ended whole, and neither stayed nor amended")]
    TargetIsStay(String),
    #[error("the part {sha256}: {why}")]
    Part { sha256: String, why: PartError },
    #[error("line {line:?} isn't in force under {decision}, so that it can't be revoked or stayed")]
    LineNotHeld { decision: String, line: String },
    #[error("no measure of the decision applies to {0:?}")]
    NoMeasure(String),
    #[error(
        "{0:?} names a seller or an account in clear; only its commitment may stand in the log"
    )]
    InClear(String),
    #[error("the end of {0} hasn't come yet")]
    NotDue(String),
    #[error("an expire leaf that ends nothing, or isn't sorted")]
    EmptyExpire,
    #[error("{0} is due and still open at a state leaf")]
    LeftOpen(String),
    #[error("the state leaf closes nothing and moves no base")]
    EmptyState,
    #[error("the state leaf's base {0} is neither the one before nor, alone, its own size")]
    Base(u64),
    #[error("the state leaf and feed {feed}: {why}")]
    Feed { feed: String, why: &'static str },
    #[error("feed {feed}: the state leaf says digest {stated}, the decisions give {folded}")]
    Digest {
        feed: String,
        stated: String,
        folded: String,
    },
}

impl Refusal {
    /// A stable word for the rule.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "leaf_too_long",
            Self::Canonical(_) => "not_canonical",
            Self::Unknown { .. } => "unknown_leaf",
            Self::Genesis => "genesis",
            Self::TimeFalls { .. } => "time_falls",
            Self::Trust(_) | Self::TrustPart(..) | Self::TrustHash => "trust",
            Self::Origin(_) => "origin",
            Self::IdUsed(_) => "id_used",
            Self::SubmitBy { .. } => "submit_by",
            Self::Body(_) => "body",
            Self::Approvals { .. } => "approvals",
            Self::CommandLine => "command_line",
            Self::SameOfficer(_) => "same_officer",
            Self::UnknownOfficer(_) => "unknown_officer",
            Self::UnknownKey { .. } => "unknown_key",
            Self::Role { .. } => "role",
            Self::Signature { .. } => "signature",
            Self::TrustExpired(_) => "trust_expired",
            Self::EndsAtOnce { .. } => "ends_at_once",
            Self::StayTooLong(_) => "stay_too_long",
            Self::UnknownTarget(_) => "unknown_target",
            Self::EndedTarget(_) => "ended_target",
            Self::TargetTwice(_) => "target_twice",
            Self::TargetIsStay(_) => "target_is_stay",
            Self::Part { .. } => "part",
            Self::LineNotHeld { .. } => "line_not_held",
            Self::NoMeasure(_) => "no_measure",
            Self::InClear(_) => "in_clear",
            Self::NotDue(_) => "not_due",
            Self::EmptyExpire => "empty_expire",
            Self::LeftOpen(_) => "left_open",
            Self::EmptyState => "empty_state",
            Self::Base(_) => "base",
            Self::Feed { .. } => "feed",
            Self::Digest { .. } => "digest",
        }
    }
}
