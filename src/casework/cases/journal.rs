//! The case journal: every event of every case, in order, each bound to the one before by an HMAC
//! whose key lies outside the database. An event that was changed, taken out, moved or put in shows
//! from there on; one cut off at the end shows by the head that is kept beside the keys.
//!
//! Whoever has the machine with its keys can write a whole new journal: nothing here puts
//! anything into the log, and what is in the log the log itself proves.

use super::{CaseId, Part, seal::Keeper};
use crate::{
    canon::Base64,
    casework::{Error, row},
    store::{Store, files},
};
use ring::hmac;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The private table of the journal, by number, big-endian.
pub(super) const JOURNAL: &str = "case-journal";

/// The private table of a case's events: case, zero, number.
pub(super) const OF_CASE: &str = "case-events";

/// How far the journal has come, beside the keys.
const HEAD: &str = "cases.head";

const MAC: usize = 32;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseEvent {
    /// From 0.
    pub number: u64,
    pub case: CaseId,
    /// Unix seconds.
    pub time: u64,
    /// `opened`, `note`, `state`, `linked`, `handed`, `informant_shown`, `erased`.
    pub what: String,
    /// An account of the desk; `public` for a form.
    pub by: String,
    pub unit: String,
    /// Nothing personal: states, ids.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What was said, sealed under the case's key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sealed: Vec<Sealed>,
}

/// A sealed piece of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) part: String,
    pub(super) bytes: Base64,
}

/// What a walk over the journal found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JournalState {
    pub events: u64,
    /// The first event that isn't as it was written.
    pub broken_at: Option<u64>,
    /// The chain's last link, in hex: noted elsewhere, it shows a rewritten journal.
    pub head: String,
}

/// Where the chain stands.
pub(super) struct Journal {
    next: u64,
    link: [u8; MAC],
    head: PathBuf,
    /// Leaves of the log that were followed, in this process.
    pub(super) followed: u64,
}

impl Sealed {
    pub(super) fn new(part: Part, bytes: Vec<u8>) -> Self {
        Self {
            part: part.as_str().to_owned(),
            bytes: Base64(bytes),
        }
    }
}

impl Journal {
    /// Where the journal ends, by its last event alone.
    pub(super) fn open(store: &Store, keys: &Path) -> Result<Self, Error> {
        let mut journal = Self {
            next: 0,
            link: [0; MAC],
            head: keys.to_owned(),
            followed: 0,
        };
        if let Some((key, value)) = store.last(JOURNAL)? {
            let broken = |why: &str| Error::Record {
                table: JOURNAL,
                why: why.to_owned(),
            };
            let number = key
                .try_into()
                .map_err(|_| broken("its last key is no number"))?;
            journal.next = u64::from_be_bytes(number) + 1;
            let link = value.split_first_chunk::<MAC>();
            journal.link = *link.ok_or_else(|| broken("its last event has no code"))?.0;
        }
        Ok(journal)
    }

    /// The event that comes next.
    pub(super) fn number(&self) -> u64 {
        self.next
    }

    /// Key and value of an event, for the batch that makes it durable.
    pub(super) fn written(
        &self,
        keeper: &Keeper,
        event: &CaseEvent,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let text = row::write(JOURNAL, event)?;
        let mac = link(keeper, &self.link, self.next, &text);
        Ok((
            self.next.to_be_bytes().into(),
            [mac.as_slice(), &text].concat(),
        ))
    }

    /// Goes on after the event is durable. A crash before the head is written leaves one that the
    /// journal has passed, which is as good.
    pub(super) fn advance(&mut self, value: &[u8]) -> Result<(), Error> {
        if let Some((mac, _)) = value.split_first_chunk::<MAC>() {
            self.link = *mac;
        }
        self.next += 1;
        let head = format!("{} {}\n", self.next, hex::encode(self.link));
        Ok(files::write_synced(&self.head, HEAD, head.as_bytes())?)
    }
}

/// Walks over all events.
pub(super) fn walk(store: &Store, keeper: &Keeper, keys: &Path) -> Result<JournalState, Error> {
    let mut state = JournalState::default();
    let mut before = [0; MAC];
    // Read first: the journal may go on meanwhile, and then has passed through it.
    let kept = read_head(keys);
    let mut met = kept.is_none();
    for found in store.scan(JOURNAL, b"")? {
        let (key, value) = found?;
        let good = value.split_first_chunk::<MAC>().is_some_and(|(mac, text)| {
            let expected = link(keeper, &before, state.events, text);
            before = *mac;
            key == state.events.to_be_bytes() && expected == *mac
        });
        if !good && state.broken_at.is_none() {
            state.broken_at = Some(state.events);
        }
        state.events += 1;
        met |= kept == Some((state.events, before));
    }
    // The head was written at some event; a journal that never passed through it was cut.
    if !met && state.broken_at.is_none() {
        state.broken_at = Some(state.events);
    }
    state.head = hex::encode(before);
    Ok(state)
}

/// An event from its stored form.
pub(super) fn read(value: &[u8]) -> Result<CaseEvent, Error> {
    row::read(JOURNAL, value.get(MAC..).unwrap_or_default())
}

/// Key of an event among those of its case.
pub(super) fn of_case(id: &CaseId, number: u64) -> Vec<u8> {
    [
        row::prefix(&[id.as_str()]).as_slice(),
        &number.to_be_bytes(),
    ]
    .concat()
}

fn link(keeper: &Keeper, before: &[u8; MAC], number: u64, text: &[u8]) -> [u8; MAC] {
    let mut chain = hmac::Context::with_key(&keeper.chain);
    chain.update(before);
    chain.update(&number.to_be_bytes());
    chain.update(text);
    let mut mac = [0; MAC];
    for (to, from) in mac.iter_mut().zip(chain.sign().as_ref()) {
        *to = *from;
    }
    mac
}

fn read_head(keys: &Path) -> Option<(u64, [u8; MAC])> {
    let text = fs::read_to_string(keys.join(HEAD)).ok()?;
    let (number, link) = text.trim().split_once(' ')?;
    let link = hex::decode(link).ok()?.try_into().ok()?;
    Some((number.parse().ok()?, link))
}
