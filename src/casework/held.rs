//! What a subscriber holds, by the cursor that it asks with (design: Words, "receipt": *held*).

use super::{Casework, Error, row};
use crate::{entries::FeedName, store::Durability};
use serde::{Deserialize, Serialize};

/// The private table of cursors, by subscriber and feed.
const TABLE: &str = "held";

/// How old a note of the same serial may grow before it is written again, seconds.
const FRESH: u64 = 60;

/// A row of the table.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) serial: u64,
    /// Unix seconds.
    pub(super) time: u64,
}

impl Casework {
    /// Notes the cursor that a subscriber asked with: it holds that serial.
    pub fn note_cursor(&self, subscriber: &str, feed: &FeedName, serial: u64) -> Result<(), Error> {
        let time = self.inner.authority.now();
        let last = self.cursor_of(subscriber, feed)?;
        let known = |c: &Cursor| c.serial == serial && c.time.saturating_add(FRESH) > time;
        if last.as_ref().is_some_and(known) {
            return Ok(());
        }
        let store = self.inner.authority.store();
        let key = row::key(&[subscriber, feed.as_str()]);
        let value = row::write(TABLE, &Cursor { serial, time })?;
        // Reading goes on when writing can't.
        if self.inner.authority.closed().is_some() {
            return Ok(());
        }
        // A crash may lose it; the subscriber asks again within the minute.
        self.keep(|| store.put(TABLE, &key, &value, Durability::Buffered))
    }

    /// The cursor that a subscriber asked with last.
    pub(super) fn cursor_of(
        &self,
        subscriber: &str,
        feed: &FeedName,
    ) -> Result<Option<Cursor>, Error> {
        let key = row::key(&[subscriber, feed.as_str()]);
        let bytes = self.inner.authority.store().get(TABLE, &key)?;
        bytes.map(|bytes| row::read(TABLE, &bytes)).transpose()
    }
}
