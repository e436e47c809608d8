//! Sessions: 256 random bits in a cookie, of which only the hash is kept. A session ends after a
//! silence, after a day's work, when its person signs out, and when the account changes.

use super::{Account, Accounts, Error, Event, Name, Secret, account::Record, journal::Told};
use crate::store::{Durability, Write};
use serde::{Deserialize, Serialize};

/// The private table of sessions, by the SHA-256 of their ids.
pub(super) const SESSIONS: &str = "sessions";

/// A session is written again only when it was seen so long ago, seconds.
const TOUCH: u64 = 60;

/// A session that was opened: the one time that its id is seen.
#[derive(Debug, Clone)]
pub struct Opened {
    pub id: Secret,
    pub name: Name,
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Session {
    pub account: Account,
    /// Whether the person has shown password and code lately, as sensitive steps want.
    pub fresh: bool,
    /// Whether it was opened by the identity provider.
    pub elsewhere: bool,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    account: Name,
    epoch: u64,
    opened: u64,
    seen: u64,
    /// When password and code were shown last.
    shown: u64,
    #[serde(default)]
    elsewhere: bool,
}

impl Accounts {
    /// Opens a session for somebody whose credentials were verified.
    pub(super) fn open_session(
        &self,
        tail: &mut super::journal::Tail,
        name: &Name,
        record: &Record,
        told: Told,
        elsewhere: bool,
        now: u64,
    ) -> Result<Opened, Error> {
        let id = Secret::draw()?;
        let row = Row {
            account: name.clone(),
            epoch: record.epoch,
            opened: now,
            seen: now,
            shown: now,
            elsewhere,
        };
        let value = row.to_bytes()?;
        let put = Write::Put {
            table: SESSIONS,
            key: &id.hash(),
            value: &value,
        };
        self.tell(tail, told, now, &[put], Durability::Synced)?;
        self.forget_sessions(now)?;
        Ok(Opened {
            id,
            name: name.clone(),
        })
    }

    /// Who a session's id belongs to. A session that is over is forgotten.
    pub fn session(&self, id: &Secret, now: u64) -> Result<Session, Error> {
        let key = id.hash();
        let Some(mut row) = self.row(&key)? else {
            return Err(Error::NoSession);
        };
        let record = self.record(&row.account)?;
        let config = self.config();
        let Some(record) = record.filter(|r| row.lives(r, config, now)) else {
            self.store().delete(SESSIONS, &key, Durability::Buffered)?;
            return Err(Error::NoSession);
        };
        if now.saturating_sub(row.seen) >= TOUCH {
            row.seen = now;
            // Under the lock, and only where it still is: signing out at this moment wins.
            let _writing = self.writing();
            if self.row(&key)?.is_some() {
                let value = row.to_bytes()?;
                self.store()
                    .put(SESSIONS, &key, &value, Durability::Buffered)?;
            }
        }
        Ok(Session {
            account: record.view(&row.account),
            fresh: now.saturating_sub(row.shown) < config.fresh,
            elsewhere: row.elsewhere,
        })
    }

    /// Ends a session.
    pub fn sign_out(&self, id: &Secret, address: &str, now: u64) -> Result<(), Error> {
        let mut tail = self.writing();
        let key = id.hash();
        let Some(row) = self.row(&key)? else {
            return Ok(());
        };
        let told = Told::of(Event::SignedOut, &row.account).from(address);
        let delete = Write::Delete {
            table: SESSIONS,
            key: &key,
        };
        self.tell(&mut tail, told, now, &[delete], Durability::Synced)
    }

    /// Ends every session of the session's account.
    pub fn sign_out_everywhere(&self, id: &Secret, address: &str, now: u64) -> Result<(), Error> {
        let mut tail = self.writing();
        let Some(row) = self.row(&id.hash())? else {
            return Ok(());
        };
        let mut record = self.known(&row.account)?;
        record.epoch += 1;
        let told = Told::of(Event::SignedOutEverywhere, &row.account).from(address);
        self.save(&mut tail, &row.account, &record, told, now)
    }

    /// Ends a session without a word: another takes its place.
    pub(super) fn replace(&self, id: &Secret) -> Result<(), Error> {
        Ok(self
            .store()
            .delete(SESSIONS, &id.hash(), Durability::Synced)?)
    }

    fn row(&self, key: &[u8]) -> Result<Option<Row>, Error> {
        let bytes = self.store().get(SESSIONS, key)?;
        let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(Error::record(SESSIONS));
        bytes.map(read).transpose()
    }

    /// Forgets sessions that are over; there are few.
    fn forget_sessions(&self, now: u64) -> Result<(), Error> {
        for row in self.store().scan(SESSIONS, b"")? {
            let (key, value) = row?;
            let row: Row = serde_json::from_slice(&value).map_err(Error::record(SESSIONS))?;
            let config = self.config();
            if now > row.opened + config.longest || now > row.seen + config.idle {
                self.store().delete(SESSIONS, &key, Durability::Buffered)?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn lives(&self, record: &Record, config: &super::Config, now: u64) -> bool {
        !record.locked
            && record.epoch == self.epoch
            && now <= self.seen + config.idle
            && now <= self.opened + config.longest
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::record(SESSIONS))
    }
}
