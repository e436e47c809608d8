//! Cases: what the public and officers bring before anything is decided, and what is brought against
//! what was: tips, petitions, complaints, denunciations, appeals, submissions (design: Words, Private
//! casework; plan399: three kinds of word from the public).
//!
//! Owns the case journal, which is only ever added to and is the audit trail ([`journal`]); what each
//! case says, sealed under the case's own key, so that destroying the key erases it ([`seal`]); the
//! index of cases; their clocks, from dated data in `lists/deadlines.toml`. Full casework (work
//! orders, period reports) comes beside.
//!
//! Tables: `case-journal` by number, `cases` by id (how the journal left each), `case-keys` by id (the
//! case's key, wrapped). Beside the database, in `keys/`: `cases.key`, which wraps the keys and
//! chains the journal, and `cases.head`, how far the journal had come. A stolen database reads no
//! case and can't write one.

mod clock;
mod journal;
mod public;
mod record;
mod seal;
mod work;

pub use clock::Clock;
pub use journal::{CaseEvent, JournalState};
pub use public::{CaseOpened, CaseStatus};
pub use record::{Case, CaseId, CaseKind, CaseState, Channel, Informant, NewCase, Part};
pub use work::{CaseFilter, CasePage, CaseView, Hand, MAX_CASES};

use super::{Error, row};
use crate::log::Authority;
use journal::Journal;
use record::Record;
use seal::Keeper;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// How the journal left each case.
const CASES: &str = "cases";

/// The wrapped key of each case.
const KEYS: &str = "case-keys";

/// All cases, with what is needed to list them.
pub(super) struct Cases {
    keeper: Keeper,
    journal: Journal,
    by_id: HashMap<CaseId, Case>,
    /// Newest first, in each state, and in all.
    by_state: BTreeMap<CaseState, BTreeSet<Place>>,
    all: BTreeSet<Place>,
    /// The highest number given, by year.
    highest: BTreeMap<u64, u64>,
}

/// A case's place in a list.
type Place = (Reverse<u64>, Reverse<CaseId>);

impl Cases {
    /// Reads the cases and walks the journal; a journal that was edited is told and refused no
    /// reader, since it is then that it is read.
    pub(super) fn open(authority: &Authority) -> Result<Self, Error> {
        let store = authority.store();
        let keys = authority.public().with_file_name("keys");
        let is_new = store.scan(journal::JOURNAL, b"")?.next().is_none();
        let keeper = Keeper::open(&keys, is_new)?;
        let journal = Journal::open(store, &keeper, &keys)?;
        if let Some(at) = journal.state().broken_at {
            tracing::error!(
                at,
                "the case journal isn't as it was written; see the journal's page"
            );
        }
        let mut cases = Self {
            keeper,
            journal,
            by_id: HashMap::new(),
            by_state: BTreeMap::new(),
            all: BTreeSet::new(),
            highest: BTreeMap::new(),
        };
        for found in store.scan(CASES, b"")? {
            let record: Record = row::read(CASES, &found?.1)?;
            cases.take(record.case);
        }
        Ok(cases)
    }

    /// Puts a case where its state has it.
    fn take(&mut self, case: Case) {
        let place = (Reverse(case.opened), Reverse(case.id.clone()));
        if let Some(before) = self.by_id.get(&case.id)
            && let Some(places) = self.by_state.get_mut(&before.state)
        {
            places.remove(&place);
        }
        let (year, number) = case.id.numbered();
        let highest = self.highest.entry(year).or_default();
        *highest = number.max(*highest);
        self.by_state
            .entry(case.state)
            .or_default()
            .insert(place.clone());
        self.all.insert(place);
        self.by_id.insert(case.id.clone(), case);
    }

    fn known(&self, id: &CaseId) -> Result<&Case, Error> {
        let case = self.by_id.get(id);
        case.ok_or_else(|| Error::NoCase(id.to_string()))
    }
}
