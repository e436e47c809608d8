//! Answers to writes, kept a day by the key that the writer gave: a program that doesn't know
//! whether its request arrived asks again and hears the same (the header `Idempotency-Key`).
//!
//! The private table `idempotency` is bounded for each writer, so that none can drive out
//! another's answers. What may be told but once isn't kept: the answer without it is.

use super::{Casework, Error, lock, row};
use crate::{
    canon::Base64,
    store::{Durability, Store},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};

const TABLE: &str = "idempotency";

/// How long an answer is told again, seconds.
const KEPT: u64 = 86_400;

/// The most answers of one writer, and of how many bytes together.
const MAX_ROWS: usize = 2_000;
const MAX_BYTES: usize = 16 << 20;

/// The most bytes of an answer that is kept.
pub const MAX_ANSWER: usize = 4 << 20;

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub status: u16,
    pub media: String,
    pub body: Base64,
}

/// A row of the table.
#[derive(Serialize, Deserialize)]
struct Row {
    /// Hash of method, path and body.
    request: Hash,
    /// Unix seconds.
    time: u64,
    told: Told,
}

/// What lies in the table, without the answers.
#[derive(Default)]
pub(super) struct Keys {
    /// By writer, oldest first: time, the row's key, its bytes.
    kept: HashMap<String, VecDeque<(u64, Vec<u8>, usize)>>,
    /// Requests at hand.
    entering: HashSet<Vec<u8>>,
}

/// A request that is at hand; dropped, its key is free again.
pub struct Once {
    desk: Casework,
    writer: String,
    key: Vec<u8>,
    request: Hash,
}

impl Keys {
    pub(super) fn open(store: &Store) -> Result<Self, Error> {
        let mut keys = Self::default();
        for found in store.scan(TABLE, b"")? {
            let (key, value) = found?;
            let row: Row = row::read(TABLE, &value)?;
            let writer = key.split(|b| *b == 0).next().unwrap_or_default();
            let writer = String::from_utf8_lossy(writer).into_owned();
            let rows = keys.kept.entry(writer).or_default();
            rows.push_back((row.time, key, value.len()));
        }
        for rows in keys.kept.values_mut() {
            rows.make_contiguous().sort_unstable();
        }
        Ok(keys)
    }

    /// The rows of a writer that have to go: what is older than a day, or too much.
    fn outdated(&mut self, writer: &str, now: u64) -> Vec<Vec<u8>> {
        let rows = self.kept.entry(writer.to_owned()).or_default();
        let mut bytes: usize = rows.iter().map(|(.., bytes)| bytes).sum();
        let mut gone = Vec::new();
        while let Some((time, _, length)) = rows.front() {
            let old = time.saturating_add(KEPT) <= now;
            if !old && rows.len() <= MAX_ROWS && bytes <= MAX_BYTES {
                break;
            }
            bytes = bytes.saturating_sub(*length);
            gone.extend(rows.pop_front().map(|(_, key, _)| key));
        }
        gone
    }
}

impl Casework {
    /// Begins a request under a key: gives back what was told to the same request before, or the
    /// hand that will keep what is told now. `key` has no zero byte.
    pub fn once(
        &self,
        writer: &str,
        key: &str,
        request: Hash,
    ) -> Result<Result<Once, Told>, Error> {
        let row_key = row::key(&[writer, key]);
        let mut keys = lock(&self.inner.idempotency);
        if keys.entering.contains(&row_key) {
            return Err(Error::KeyBusy);
        }
        let now = self.inner.authority.now();
        let found = self.inner.authority.store().get(TABLE, &row_key)?;
        if let Some(bytes) = found {
            let row: Row = row::read(TABLE, &bytes)?;
            if row.time.saturating_add(KEPT) > now {
                return match row.request == request {
                    true => Ok(Err(row.told)),
                    false => Err(Error::KeyReused),
                };
            }
        }
        keys.entering.insert(row_key.clone());
        Ok(Ok(Once {
            desk: self.clone(),
            writer: writer.to_owned(),
            key: row_key,
            request,
        }))
    }
}

impl Once {
    /// Keeps what is told.
    pub fn keep(self, told: Told) -> Result<(), Error> {
        let authority = &self.desk.inner.authority;
        let row = Row {
            request: self.request,
            time: authority.now(),
            told,
        };
        let bytes = row::write(TABLE, &row)?;
        let mut keys = lock(&self.desk.inner.idempotency);
        let rows = keys.kept.entry(self.writer.clone()).or_default();
        rows.retain(|(_, key, _)| *key != self.key);
        rows.push_back((row.time, self.key.clone(), bytes.len()));
        let gone = keys.outdated(&self.writer, row.time);
        drop(keys);
        let store = authority.store();
        // A crash may lose it: then the request is carried out anew, as one without a key.
        self.desk
            .keep(|| store.put(TABLE, &self.key, &bytes, Durability::Buffered))?;
        for key in gone {
            self.desk
                .keep(|| store.delete(TABLE, &key, Durability::Buffered))?;
        }
        Ok(())
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        lock(&self.desk.inner.idempotency)
            .entering
            .remove(&self.key);
    }
}
