//! Who may sign in at the desk: local accounts, sessions, enrolment, and the journal of it all.
//!
//! Owns accounts (name, unit, roles, the officer whom the person signs as), passwords (Argon2id),
//! one-time codes (TOTP, their secrets sealed), delays after failures, sessions, and the journal of sign-ins. Knows no
//! transport and no rule of the log: an account reads and prepares, it never signs. What enters the
//! log is signed by an officer's own key, which no account holds, so that whoever steals a session,
//! this database or the whole server mints nothing (design: The log, "Approvals").
//! Follows OWASP ASVS 5.0 level 2 (chapters 6 and 7), RFC 9106 (Argon2), RFC 6238 (TOTP), design: Words.
//!
//! All functions block, some for a tenth of a second: a server calls them off its event loop.

mod account;
mod config;
mod delay;
mod enrolment;
mod error;
mod journal;
mod metrics;
mod password;
mod secret;
mod session;
mod sign_in;
mod totp;

pub use account::{Account, Change, Name, NewAccount, Role};
pub use config::{Config, Oidc};
pub use enrolment::Enrolment;
pub use error::Error;
pub use journal::{Entry, Event, Journal, Verified};
pub use metrics::Metrics;
pub use secret::{Secret, csrf_token, same};
pub use session::{Opened, Session};
pub use sign_in::Credentials;

use crate::{seal::Key, store::Store};
use delay::Delays;
use password::Hasher;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The accounts of an authority. Clones share them.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    config: Config,
    metrics: Metrics,
    hasher: Hasher,
    /// Seals the secrets of the one-time codes.
    key: Key,
    delays: Mutex<Delays>,
    /// Held while an account, a session or the journal is read and written.
    writing: Mutex<journal::Tail>,
}

impl Accounts {
    /// Opens the accounts of a store; `keys` is the folder of keys beside it.
    pub fn open(
        store: Arc<Store>,
        keys: &Path,
        config: Config,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let tail = journal::Tail::of(&store)?;
        let accounts = Self {
            inner: Arc::new(Inner {
                key: totp::key(keys)?,
                hasher: Hasher::new()?,
                store,
                config,
                metrics,
                delays: Mutex::default(),
                writing: Mutex::new(tail),
            }),
        };
        accounts.seal_codes()?;
        Ok(accounts)
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn writing(&self) -> MutexGuard<'_, journal::Tail> {
        lock(&self.inner.writing)
    }
}

/// What a panic elsewhere left locked is whole all the same: every change under these locks is
/// one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
