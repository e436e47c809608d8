//! What the desk refuses and why. Each refusal has a code that scripts rely on.

use crate::{
    decision::{PartError, Refusal},
    log, store,
};

/// Why the desk didn't do what it was asked. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent can't be read.
    #[error("{what} can't be read: {why}")]
    Malformed { what: &'static str, why: String },
    #[error("there is no proposal {0}")]
    NoProposal(String),
    #[error("there is no decision {0} in the log")]
    NoDecision(String),
    #[error("there is no feed {0:?}; GET /api/v1/log names those that there are")]
    NoFeed(String),
    #[error("the proposal {id} names no part {sha256}")]
    NoPart { id: String, sha256: String },
    #[error("{feed} can't be shown at {at}: {why}")]
    NoSerial {
        feed: String,
        at: u64,
        why: &'static str,
    },
    #[error(
        "the id {0} was used before; take a new one from /api/v1/ids/next and sign the body again"
    )]
    IdTaken(String),
    #[error("the proposal {0} was withdrawn; propose again under a new id")]
    Withdrawn(String),
    #[error("the proposal {0} is past its submit_by; propose again under a new id")]
    Expired(String),
    #[error("the proposal {0} is being approved at this moment; ask for its status")]
    BeingApproved(String),
    #[error("the proposal {0} is committed, by the approvals of {1}")]
    AlreadyCommitted(String, String),
    #[error("the first signature has the role propose, not {0}")]
    NotProposed(&'static str),
    #[error("only a stay can be committed by one signature; this is another action")]
    NotAlone,
    #[error("the part {0} isn't named by the body, or was sent twice")]
    PartNotNamed(String),
    #[error("the part {0} is named by the body and wasn't sent")]
    PartMissing(String),
    #[error("the text {sha256} {why}")]
    Text { sha256: String, why: &'static str },
    #[error(
        "the commitment {0} isn't opened: send its salt and record in the field openings, so that the guard and the second officer see what is listed"
    )]
    NotOpened(String),
    #[error(
        "{0} is still in force under {1}, or may come back when a stay ends: revoke it, then erase"
    )]
    InForce(String, String),
    /// A subject that is named to be ended, and isn't there by itself.
    #[error("{0}")]
    NotHeld(String),
    #[error("there is no case {0:?}, or the secret isn't its own")]
    NoCase(String),
    #[error("what was said in the case {0} has been erased")]
    CaseErased(String),
    #[error("{0}")]
    Keys(String),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("{0}")]
    Guard(String),
    #[error(
        "this needs an officer's signature in the header Authorization: Blockfeed <officer> <key> <time> <signature>: {0}"
    )]
    Unauthorised(&'static str),
    #[error("this very request was sent before; sign it anew, a second later")]
    Replayed,
    #[error("officer {officer} may not do this: {why}")]
    Forbidden { officer: String, why: &'static str },
    #[error("{query:?} is nothing that can be listed: {why}")]
    Query {
        query: String,
        code: &'static str,
        why: String,
        /// What could be asked instead, in canonical form.
        offer: Option<String>,
    },
    #[error("the subscriber {0:?} isn't registered here with a key")]
    UnknownSubscriber(String),
    #[error("there is no subscriber {0:?}; GET /api/v1/subscribers names those that there are")]
    NoSubscriber(String),
    #[error(
        "the subscriber {0:?} is registered with another key or other feeds; POST /api/v1/subscribers/<name> changes feeds, and a key stays"
    )]
    SubscriberTaken(String),
    #[error("the feed {1} isn't among those of {0}; give it to the subscriber first")]
    NotItsFeed(String, String),
    #[error("{0} has two live tokens; revoke one of them first")]
    TooManyTokens(String),
    #[error("the subscriber {0} has no token {1:?}")]
    NoToken(String, String),
    #[error("this needs a token in the header Authorization: Bearer bf_…: {0}")]
    Token(&'static str),
    #[error("the feed {feed} isn't in the token's scope, which is {scope}")]
    Scope { feed: String, scope: String },
    #[error("{what} can't be used: {why}")]
    Invalid { what: &'static str, why: String },
    #[error("this Idempotency-Key was used for another request; a new request takes a new key")]
    KeyReused,
    #[error("a request under this Idempotency-Key is at hand; ask again in a moment")]
    KeyBusy,
    #[error("one call brings {0} at most; send the rest in another")]
    TooMany(usize),
    #[error("this authority runs without a guard; check on the own machine with `blockfeed check`")]
    NoGuard,
    #[error("the system gives no randomness: {0}")]
    Random(String),
    #[error("a case's key: {0}")]
    Seal(#[from] crate::seal::Error),
    #[error("the receipt {0}")]
    Receipt(&'static str),
    #[error("the receipt's signature isn't by the key that {0} registered")]
    ReceiptSignature(String),
    #[error("{0}")]
    TooSoon(log::Rejected, u64),
    #[error("the log is stopping; try again")]
    Stopping,
    #[error("{0}")]
    NoRoom(log::Rejected),
    #[error("{0}")]
    ReadOnly(log::Rejected),
    #[error("{0}")]
    Unsettled(log::Rejected),
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}")]
    Feed(#[from] crate::feed::Error),
    #[error("a record of the private table {table} can't be read: {why}")]
    Record { table: &'static str, why: String },
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Error {
    /// A stable word for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::NoProposal(_) => "no_proposal",
            Self::NoDecision(_) => "no_decision",
            Self::NoFeed(_) => "no_feed",
            Self::NoPart { .. } => "no_part",
            Self::NoSerial { .. } => "no_serial",
            Self::IdTaken(_) => "id_taken",
            Self::Withdrawn(_) => "withdrawn",
            Self::Expired(_) => "submit_by",
            Self::BeingApproved(_) => "being_approved",
            Self::AlreadyCommitted(..) => "already_committed",
            Self::NotProposed(_) => "role",
            Self::NotAlone => "approvals",
            Self::PartNotNamed(_) => "part_not_named",
            Self::PartMissing(_) => "part_missing",
            Self::Text { .. } => "text",
            Self::NotOpened(_) => "not_opened",
            Self::InForce(..) => "in_force",
            Self::NotHeld(_) => "not_held",
            Self::Refused(Refusal::IdUsed(_)) => "id_taken",
            Self::Refused(refusal) => refusal.code(),
            Self::Guard(_) => "guard",
            Self::Replayed => "replayed",
            Self::Unauthorised(_) => "unauthorised",
            Self::Forbidden { .. } => "forbidden",
            Self::Query { code, .. } => code,
            Self::UnknownSubscriber(_) => "unknown_subscriber",
            Self::NoSubscriber(_) => "no_subscriber",
            Self::NotItsFeed(..) => "not_its_feed",
            Self::TooManyTokens(_) => "too_many_tokens",
            Self::NoToken(..) => "no_token",
            Self::NoCase(_) => "no_case",
            Self::CaseErased(_) => "erased",
            Self::Token(_) => "token",
            Self::Scope { .. } => "scope",
            Self::Invalid { .. } => "invalid",
            Self::TooMany(_) => "too_many",
            Self::NoGuard => "no_guard",
            Self::KeyReused => "key_reused",
            Self::KeyBusy => "key_busy",
            Self::SubscriberTaken(_) => "subscriber_taken",
            Self::Receipt(_) => "receipt",
            Self::ReceiptSignature(_) => "signature",
            Self::TooSoon(..) => "too_soon",
            Self::Stopping => "stopping",
            Self::NoRoom(_) => "no_room",
            Self::ReadOnly(_) => "read_only",
            Self::Unsettled(_) => "unsettled",
            Self::Log(_)
            | Self::Store(_)
            | Self::Feed(_)
            | Self::Record { .. }
            | Self::Random(_)
            | Self::Keys(_)
            | Self::Seal(_)
            | Self::Metrics(_) => "internal",
        }
    }

    pub(super) fn malformed(what: &'static str, why: impl ToString) -> Self {
        Self::Malformed {
            what,
            why: why.to_string(),
        }
    }

    pub(super) fn part(sha256: impl ToString, why: PartError) -> Self {
        Self::Refused(Refusal::Part {
            sha256: sha256.to_string(),
            why,
        })
    }
}

impl From<log::Rejected> for Error {
    fn from(rejected: log::Rejected) -> Self {
        match rejected {
            log::Rejected::Refused(refusal) => Self::Refused(refusal),
            log::Rejected::Guard(why) => Self::Guard(why),
            log::Rejected::TooSoon(wait) => Self::TooSoon(rejected, wait),
            log::Rejected::NoRoom { .. } => Self::NoRoom(rejected),
            log::Rejected::ReadOnly(_) => Self::ReadOnly(rejected),
            log::Rejected::Unsettled(_) => Self::Unsettled(rejected),
            log::Rejected::Stopping => Self::Stopping,
        }
    }
}

impl From<PartError> for Error {
    fn from(why: PartError) -> Self {
        Self::part("", why)
    }
}
