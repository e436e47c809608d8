//! The journal: what happened to accounts and sessions, in order, each entry bound to the one
//! before by its hash, so that a changed, missing or moved entry shows. It is only ever added to.
//!
//! Whoever holds the database can write a whole new journal: it is for finding out, and nothing
//! that it says puts anything into the log.

use super::{Accounts, Error, Name};
use crate::store::{Durability, Store, Write};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The private table of the journal, by number, big-endian.
pub(super) const JOURNAL: &str = "accounts-journal";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Created,
    Enrolled,
    SignedIn,
    /// By the identity provider.
    SignedInElsewhere,
    SignInFailed,
    SignInDelayed,
    Confirmed,
    ConfirmFailed,
    SignedOut,
    SignedOutEverywhere,
    Locked,
    Unlocked,
    Reset,
    Roles,
    Linked,
    /// A page was asked for that the account's roles don't open.
    Refused,
    /// A passkey's public part was shown for the next trust document.
    PasskeyShown,
}

impl Event {
    /// The word as it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Enrolled => "enrolled",
            Self::SignedIn => "signed_in",
            Self::SignedInElsewhere => "signed_in_elsewhere",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInDelayed => "sign_in_delayed",
            Self::Confirmed => "confirmed",
            Self::ConfirmFailed => "confirm_failed",
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Reset => "reset",
            Self::Roles => "roles",
            Self::Linked => "linked",
            Self::Refused => "refused",
            Self::PasskeyShown => "passkey_shown",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 0.
    pub number: u64,
    /// Unix seconds.
    pub time: u64,
    pub event: Event,
    /// As typed where there is no such account.
    pub account: String,
    /// Who did it, where that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// SHA-256 of the bytes of the entry before, hex; of nothing for the first.
    pub before: String,
}

/// Some entries, the newest first.
#[derive(Debug, Clone, Serialize)]
pub struct Journal {
    pub entries: Vec<Entry>,
}

/// What a reading of the whole journal found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub entries: u64,
    /// The first entry that isn't as it was written, if there is one.
    pub broken_at: Option<u64>,
    /// SHA-256 of the last entry's bytes: note it elsewhere, and a journal cut short shows too.
    pub last: String,
}

/// An entry before it has its number.
pub(super) struct Told {
    event: Event,
    account: String,
    by: Option<String>,
    address: Option<String>,
    detail: Option<String>,
}

impl Told {
    pub(super) fn of(event: Event, account: &Name) -> Self {
        Self::typed(event, account.as_str())
    }

    pub(super) fn typed(event: Event, account: &str) -> Self {
        Self {
            event,
            account: account.chars().take(80).collect(),
            by: None,
            address: None,
            detail: None,
        }
    }

    pub(super) fn by(mut self, by: &str) -> Self {
        self.by = Some(by.to_owned());
        self
    }

    pub(super) fn from(mut self, address: &str) -> Self {
        self.address = Some(address.to_owned());
        self
    }

    pub(super) fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.chars().take(300).collect());
        self
    }
}

/// Where the journal ends.
pub(super) struct Tail {
    next: u64,
    before: String,
}

impl Tail {
    pub(super) fn of(store: &Store) -> Result<Self, Error> {
        let Some((key, value)) = store.last(JOURNAL)? else {
            return Ok(Self {
                next: 0,
                before: hash(b""),
            });
        };
        let number = key.try_into().map(u64::from_be_bytes).unwrap_or_default();
        Ok(Self {
            next: number + 1,
            before: hash(&value),
        })
    }
}

impl Accounts {
    /// Adds an entry, and with it whatever it is about, in one write.
    pub(super) fn tell(
        &self,
        tail: &mut Tail,
        told: Told,
        now: u64,
        rows: &[Write<'_>],
        durability: Durability,
    ) -> Result<(), Error> {
        let event = told.event;
        let entry = Entry {
            number: tail.next,
            time: now,
            event,
            account: told.account,
            by: told.by,
            address: told.address,
            detail: told.detail,
            before: tail.before.clone(),
        };
        let value = serde_json::to_vec(&entry).map_err(Error::record(JOURNAL))?;
        let key = tail.next.to_be_bytes();
        let entry = Write::Put {
            table: JOURNAL,
            key: &key,
            value: &value,
        };
        let all: Vec<Write<'_>> = std::iter::once(entry).chain(rows.iter().copied()).collect();
        self.store().write(&all, durability)?;
        *tail = Tail {
            next: tail.next + 1,
            before: hash(&value),
        };
        self.inner.metrics.count(event);
        Ok(())
    }

    /// Notes something that changes no account.
    pub fn note(
        &self,
        event: Event,
        account: &Name,
        address: &str,
        detail: &str,
        now: u64,
    ) -> Result<(), Error> {
        let told = Told::of(event, account).from(address).detail(detail);
        self.tell(&mut self.writing(), told, now, &[], Durability::Buffered)
    }

    /// The newest entries before a number (of all, without one).
    pub fn journal(&self, before: Option<u64>, most: usize) -> Result<Journal, Error> {
        let end = before.unwrap_or(self.writing().next);
        let mut entries = Vec::new();
        for number in (0..end).rev().take(most) {
            if let Some(bytes) = self.store().get(JOURNAL, &number.to_be_bytes())? {
                entries.push(serde_json::from_slice(&bytes).map_err(Error::record(JOURNAL))?);
            }
        }
        Ok(Journal { entries })
    }

    /// Reads all of it, and says whether it is as it was written.
    pub fn verify_journal(&self) -> Result<Verified, Error> {
        let mut found = Verified {
            entries: 0,
            broken_at: None,
            last: hash(b""),
        };
        for row in self.store().scan(JOURNAL, b"")? {
            let (key, value) = row?;
            let entry: Option<Entry> = serde_json::from_slice(&value).ok();
            let holds = entry.is_some_and(|entry| {
                key == entry.number.to_be_bytes()
                    && entry.number == found.entries
                    && entry.before == found.last
            });
            if !holds && found.broken_at.is_none() {
                found.broken_at = Some(found.entries);
            }
            found.entries += 1;
            found.last = hash(&value);
        }
        Ok(found)
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
