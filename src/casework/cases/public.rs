//! What the public does with cases: brings one, and asks where it stands with the secret that it was
//! given.

use super::{
    CASES, Case, CaseEvent, CaseId, CaseState, Clock, Informant, KEYS, NewCase, Part,
    follow::FOLLOWED,
    index,
    journal::{self, Journal, Sealed},
    record::Record,
    seal,
};
use crate::{
    casework::{Casework, Error, lock, row, serial},
    store::{Durability, Write},
    tlog::Hash,
};
use serde::Serialize;

/// Letters of a secret: none that is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters of a secret: 80 bits.
const SECRET: usize = 16;

/// The most bytes of what a case says.
const MAX_TEXT: usize = 64 * 1024;

/// What whoever brought a case is told, once.
#[derive(Debug, Clone, Serialize)]
pub struct CaseOpened {
    pub id: CaseId,
    pub secret: String,
}

/// Where a case stands, for whoever brought it.
#[derive(Debug, Clone, Serialize)]
pub struct CaseStatus {
    pub case: Case,
    pub clocks: Vec<Clock>,
    /// When its state changed, and to what, Unix seconds.
    pub states: Vec<(u64, CaseState)>,
}

impl Casework {
    /// Opens a case: durable when this returns. `by` is an account of the desk, or `public`.
    pub fn open_case(&self, new: NewCase, by: &super::Hand) -> Result<CaseOpened, Error> {
        if new.text.len() > MAX_TEXT {
            return Err(Error::Invalid {
                what: "the text of the case",
                why: format!("it has more than {MAX_TEXT} bytes"),
            });
        }
        let now = self.inner.authority.now();
        let mut journal = lock(&self.inner.cases.journal);
        let year = serial::year(now);
        let number = index::highest(self.inner.authority.store(), year)? + 1;
        let id = CaseId::new(new.kind, year, number);
        let (key, wrapped) = self.inner.cases.keeper.new_key(&id)?;
        let mut sealed = vec![sealed(&key, &id, Part::Text, new.text.as_bytes())?];
        if new.informant != Informant::default() {
            let informant = row::write(CASES, &new.informant)?;
            sealed.push(self::sealed(&key, &id, Part::Informant, &informant)?);
        }
        let secret = secret()?;
        let case = Case {
            id: id.clone(),
            kind: new.kind,
            state: CaseState::New,
            channel: new.channel,
            opened: now,
            changed: now,
            revision: journal.number(),
            accepted: None,
            stayed: None,
            ended: None,
            unit: new.unit,
            about_officer: new.about_officer,
            subjects: new.subjects,
            decisions: new.decisions,
            erased: false,
        };
        let record = Record {
            case,
            secret: Hash::of(secret.as_bytes()).to_string(),
        };
        let event = CaseEvent {
            number: journal.number(),
            case: id.clone(),
            time: now,
            what: "opened".into(),
            by: by.name.clone(),
            unit: by.unit.clone(),
            detail: format!("{} {}", new.kind.as_str(), new.channel.as_str()),
            sealed,
        };
        self.enter_event(&mut journal, &record, &event, Some(&wrapped), None)?;
        Ok(CaseOpened { id, secret })
    }

    /// Where a case stands, for whoever knows its secret. A wrong one is told as a missing case.
    pub fn case_status(&self, id: &CaseId, secret: &str) -> Result<CaseStatus, Error> {
        let none = || Error::NoCase(id.to_string());
        let record = self.case_record(id)?;
        let shown = Hash::of(secret.trim().to_ascii_lowercase().as_bytes()).to_string();
        // Hashes of 80 random bits: how long it takes to compare them tells nothing of the secret.
        if shown != record.secret {
            return Err(none());
        }
        let mut states = vec![(record.case.opened, CaseState::New)];
        for event in self.case_events(id)? {
            if event.what == "state"
                && let Some(state) = CaseState::parse(&event.detail)
            {
                states.push((event.time, state));
            }
        }
        Ok(CaseStatus {
            clocks: self.clocks(&record.case),
            case: record.case,
            states,
        })
    }

    /// Makes an event durable together with how it leaves the case and how far the log was followed,
    /// and goes on.
    pub(super) fn enter_event(
        &self,
        journal: &mut Journal,
        record: &Record,
        event: &CaseEvent,
        wrapped: Option<&[u8]>,
        followed: Option<u64>,
    ) -> Result<(), Error> {
        let store = self.inner.authority.store();
        let (key, value) = journal.written(&self.inner.cases.keeper, event)?;
        let of_case = journal::of_case(&event.case, event.number);
        let id = event.case.as_str().as_bytes();
        let row = row::write(CASES, record)?;
        let before = match wrapped {
            Some(_) => None,
            None => Some(self.case_record(&event.case)?.case),
        };
        let mut lists = index::Rows::of(store, before.as_ref(), &record.case)?;
        if let Some(leaves) = followed {
            lists.number(FOLLOWED, leaves);
        }
        let mut changes = vec![
            put(journal::JOURNAL, &key, &value),
            put(journal::OF_CASE, &of_case, &key),
            put(CASES, id, &row),
        ];
        changes.extend(wrapped.map(|wrapped| put(KEYS, id, wrapped)));
        changes.extend(lists.writes());
        self.keep(|| store.write(&changes, Durability::Synced))?;
        self.keep(|| journal.advance(&value))
    }

    /// What is kept of a case.
    pub(super) fn case_record(&self, id: &CaseId) -> Result<Record, Error> {
        let store = self.inner.authority.store();
        let bytes = store.get(CASES, id.as_str().as_bytes())?;
        row::read(CASES, &bytes.ok_or_else(|| Error::NoCase(id.to_string()))?)
    }

    /// The events of a case, in order.
    pub(super) fn case_events(&self, id: &CaseId) -> Result<Vec<CaseEvent>, Error> {
        let store = self.inner.authority.store();
        let mut events = Vec::new();
        for found in store.scan(journal::OF_CASE, &row::prefix(&[id.as_str()]))? {
            let (_, number) = found?;
            if let Some(value) = store.get(journal::JOURNAL, &number)? {
                events.push(journal::read(&value)?);
            }
        }
        Ok(events)
    }
}

fn put<'a>(table: &'a str, key: &'a [u8], value: &'a [u8]) -> Write<'a> {
    Write::Put { table, key, value }
}

pub(super) fn sealed(
    key: &seal::CaseKey,
    id: &CaseId,
    part: Part,
    bytes: &[u8],
) -> Result<Sealed, Error> {
    Ok(Sealed::new(part, key.seal(id, part, bytes)?))
}

fn secret() -> Result<String, Error> {
    let mut bytes = [0; SECRET];
    seal::random(&mut bytes)?;
    let letter =
        |byte: &u8| char::from(LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'a'));
    Ok(bytes.iter().map(letter).collect())
}
