//! What accounts refuse and why. Each refusal has a code that texts and scripts rely on.

use crate::{seal, store};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no account {0:?}; `blockfeed account list` names those that there are")]
    NoAccount(String),
    #[error(
        "the account {0:?} is there already; `blockfeed account reset` makes a new link for it"
    )]
    Taken(String),
    #[error("{0:?} is no name for an account: 2 to 64 of a-z 0-9 . _ -, a letter first")]
    Name(String),
    #[error("{what} can't be used: {why}")]
    Invalid { what: &'static str, why: String },
    /// The same for a wrong name, password and code, so that nobody learns which names there are.
    #[error("name, password or code is wrong")]
    Wrong,
    #[error("too many failures: wait {0} seconds")]
    Wait(u64),
    #[error(
        "the account is locked; the operator can say why, and `blockfeed account reset` opens it"
    )]
    Locked,
    #[error("the link was used, or is too old: ask the operator for a new one")]
    Link,
    #[error(
        "the code is wrong, or was used: wait for the next one, and see whether the telephone's clock is right"
    )]
    Code,
    #[error("the password {0}")]
    Weak(&'static str),
    #[error("nobody is signed in here, or not any more")]
    NoSession,
    #[error(
        "no account is linked to {0:?} of this identity provider; `blockfeed account link` does it"
    )]
    NoLink(String),
    #[error("the system gives no randomness: {0}")]
    Random(String),
    #[error("a password can't be hashed: {0}")]
    Hash(String),
    #[error("the key of the one-time codes: {0}")]
    Seal(#[from] seal::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("a record of the private table {table} can't be read: {why}")]
    Record { table: &'static str, why: String },
}

impl Error {
    /// A stable word for the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoAccount(_) => "no_account",
            Self::Taken(_) => "account_taken",
            Self::Name(_) => "account_name",
            Self::Invalid { .. } => "invalid",
            Self::Wrong => "wrong",
            Self::Wait(_) => "wait",
            Self::Locked => "locked",
            Self::Link => "link",
            Self::Code => "code",
            Self::Weak(_) => "weak",
            Self::NoSession => "no_session",
            Self::NoLink(_) => "no_link",
            Self::Random(_)
            | Self::Hash(_)
            | Self::Seal(_)
            | Self::Store(_)
            | Self::Record { .. } => "internal",
        }
    }

    pub(super) fn record(table: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |why| Self::Record {
            table,
            why: why.to_string(),
        }
    }
}
