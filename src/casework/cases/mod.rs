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
//! case's key, wrapped), `case-lists` and `case-counts` (the index of cases, [`index`]). Beside the
//! database, in `keys/`: `cases.key`, which wraps the keys and chains the journal, and `cases.head`,
//! how far the journal had come. A stolen database reads no case and can't write one.

mod clock;
mod follow;
mod index;
mod journal;
mod look;
mod public;
mod record;
mod seal;
mod work;

pub use clock::Clock;
pub use index::Whose;
pub use journal::{CaseEvent, JournalState};
pub use look::Looked;
pub use public::{CaseOpened, CaseStatus};
pub use record::{Case, CaseId, CaseKind, CaseState, Channel, Informant, NewCase, Part};
pub use work::{CaseFilter, CasePage, CaseView, Hand, MAX_CASES};

use super::Error;
use crate::log::Authority;
use journal::Journal;
use seal::Keeper;
use std::{path::PathBuf, sync::Mutex};

/// How the journal left each case.
const CASES: &str = "cases";

/// The wrapped key of each case.
const KEYS: &str = "case-keys";

/// What is needed to read cases and to go on with them.
pub(super) struct Cases {
    keeper: Keeper,
    /// The folder of key and head.
    keys: PathBuf,
    /// Held while a case is read and written.
    journal: Mutex<Journal>,
    look: Mutex<look::Look>,
}

impl Cases {
    /// Reads the key, and where the journal ends. Whether the journal is as it was written is looked
    /// at beside; one that was edited is told and refused no reader, since it is then that it is read.
    pub(super) fn open(authority: &Authority) -> Result<Self, Error> {
        let store = authority.store();
        let keys = authority.keys();
        let is_new = store.scan(journal::JOURNAL, b"")?.next().is_none();
        let keeper = Keeper::open(&keys, is_new)?;
        index::open(store)?;
        Ok(Self {
            journal: Mutex::new(Journal::open(store, &keys)?),
            keeper,
            keys,
            look: Mutex::default(),
        })
    }
}
