//! What officers do with cases: list, read, note, link, move, erase. Each leaves an event.

use super::{
    CASES, Case, CaseEvent, CaseId, CaseKind, CaseState, Clock, Informant, KEYS, Part, Whose,
    index, journal::Journal, public::sealed, record::Record, seal::CaseKey,
};
use crate::{
    canon::DecisionId,
    casework::{Casework, Error, lock, row},
};

/// The most cases of a page.
pub const MAX_CASES: usize = 200;

/// Who does something: an account of the desk and its unit.
#[derive(Debug, Clone)]
pub struct Hand {
    pub name: String,
    pub unit: String,
}

/// Which cases.
#[derive(Debug, Clone, Default)]
pub struct CaseFilter {
    pub state: Option<CaseState>,
    pub kind: Option<CaseKind>,
    pub whose: Whose,
    /// Whether cases against officers are among them: for the Standing Office alone.
    pub about_officers: bool,
    /// The case after which the page begins.
    pub after: Option<CaseId>,
}

/// Cases, newest first.
#[derive(Debug, Clone)]
pub struct CasePage {
    pub cases: Vec<(Case, Vec<Clock>)>,
    /// What to send as `after` for the next page.
    pub next: Option<CaseId>,
    /// How many of these units' there are in each state, of every kind.
    pub counts: Vec<(CaseState, u64)>,
}

/// One case, opened.
#[derive(Debug, Clone)]
pub struct CaseView {
    pub case: Case,
    pub clocks: Vec<Clock>,
    /// What it says; none where that was erased.
    pub text: Option<String>,
    /// Whether its sender said who they are.
    pub has_informant: bool,
    /// Each event, with its note where it has one and that wasn't erased.
    pub events: Vec<(CaseEvent, Option<String>)>,
}

impl Hand {
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        let (name, unit) = (name.into(), unit.into());
        Self { name, unit }
    }

    /// Whoever sends a form.
    pub fn public() -> Self {
        Self::new("public", "")
    }
}

impl Casework {
    /// A page of cases.
    pub fn cases(&self, filter: &CaseFilter, limit: usize) -> Result<CasePage, Error> {
        let store = self.inner.authority.store();
        let limit = limit.clamp(1, MAX_CASES);
        let mut page = CasePage {
            cases: Vec::new(),
            next: None,
            counts: index::counts(store, &filter.whose)?,
        };
        for id in index::walk(store, filter)? {
            let case = self.case_record(&id?)?.case;
            if case.about_officer && !filter.about_officers {
                continue;
            }
            if page.cases.len() == limit {
                page.next = page.cases.last().map(|(last, _)| last.id.clone());
                break;
            }
            let clocks = self.clocks(&case);
            page.cases.push((case, clocks));
        }
        Ok(page)
    }

    /// One case with its events, opened as far as it wasn't erased. Not who brought it.
    pub fn case(&self, id: &CaseId) -> Result<CaseView, Error> {
        let record = self.case_record(id)?;
        let key = self.case_key(id)?;
        let mut view = CaseView {
            clocks: self.clocks(&record.case),
            case: record.case,
            text: None,
            has_informant: false,
            events: Vec::new(),
        };
        for event in self.case_events(id)? {
            let open = |part| opened(key.as_ref(), &event, part);
            view.has_informant |= piece(&event, Part::Informant).is_some();
            if let Some(text) = open(Part::Text)? {
                view.text = Some(text);
            }
            let note = open(Part::Note)?;
            view.events.push((event, note));
        }
        Ok(view)
    }

    /// Who brought a case. That it was asked for, and by whom, stands in the journal first.
    pub fn informant(&self, id: &CaseId, by: &Hand) -> Result<Option<Informant>, Error> {
        let record = self.case_record(id)?;
        let gone = || Error::CaseErased(id.to_string());
        let key = self.case_key(id)?.ok_or_else(gone)?;
        self.event(record, "informant_shown", "", None, by)?;
        for event in self.case_events(id)? {
            if let Some(text) = opened(Some(&key), &event, Part::Informant)? {
                return Ok(Some(row::read(CASES, text.as_bytes())?));
            }
        }
        Ok(None)
    }

    /// Adds a note: a finding, an answer, what somebody said.
    pub fn add_note(&self, id: &CaseId, text: &str, by: &Hand) -> Result<(), Error> {
        self.event(self.case_record(id)?, "note", "", Some(text), by)
    }

    /// Adds what a case is about, or what came of it.
    pub fn link_case(
        &self,
        id: &CaseId,
        subjects: &[String],
        decisions: &[DecisionId],
        by: &Hand,
    ) -> Result<(), Error> {
        let mut record = self.case_record(id)?;
        let case = &mut record.case;
        let mut said: Vec<String> = Vec::new();
        for subject in subjects
            .iter()
            .filter(|s| !case.subjects.contains(s))
            .cloned()
            .collect::<Vec<_>>()
        {
            said.push(subject.clone());
            case.subjects.push(subject);
        }
        for decision in decisions {
            if !case.decisions.contains(decision) {
                said.push(decision.to_string());
                case.decisions.push(decision.clone());
            }
        }
        if said.is_empty() {
            return Ok(());
        }
        // A subject may name somebody: it stands in the note, sealed.
        self.event(record, "linked", "", Some(&said.join(", ")), by)
    }

    /// Moves a case to another state, for a reason. A stay and a revocation are the log's: a case
    /// follows them, and can't be moved there.
    pub fn move_case(&self, id: &CaseId, to: CaseState, why: &str, by: &Hand) -> Result<(), Error> {
        let mut record = self.case_record(id)?;
        let case = &mut record.case;
        case.may_become(to)?;
        if to.is_of_log() {
            return Err(Error::Invalid {
                what: "the new state",
                why: "the case follows when the stay or the revocation is signed".into(),
            });
        }
        case.become_state(to, self.inner.authority.now());
        if case.unit.is_empty() {
            case.unit.clone_from(&by.unit);
        }
        self.event(record, "state", to.as_str(), Some(why), by)
    }

    /// Gives a case to another unit, for a reason: from then on it is that unit's to see.
    pub fn hand_over(&self, id: &CaseId, unit: &str, why: &str, by: &Hand) -> Result<(), Error> {
        let mut record = self.case_record(id)?;
        unit.clone_into(&mut record.case.unit);
        self.event(record, "handed", unit, Some(why), by)
    }

    /// Destroys a case's key: what it says and who brought it can't be read any more, here and in
    /// every later backup. That it was there, when, and what became of it stays.
    pub fn erase_case(&self, id: &CaseId, by: &Hand) -> Result<(), Error> {
        let mut record = self.case_record(id)?;
        if !record.case.state.is_end() {
            return Err(Error::Invalid {
                what: "the erasure",
                why: "the case isn't answered or closed yet".into(),
            });
        }
        record.case.erased = true;
        record.case.subjects.clear();
        // First who did it: a crash after this line leaves a case that is erased once more.
        self.event(record, "erased", "", None, by)?;
        let store = self.inner.authority.store();
        let bare = row::write(CASES, &self.case_record(id)?)?;
        let key = id.as_str().as_bytes().to_vec();
        self.keep(|| store.overwrite(CASES, &[(key, bare)]))?;
        self.keep(|| store.erase(KEYS, &[id.as_str().as_bytes().to_vec()]))
    }

    /// The key of a case; none where it was destroyed.
    fn case_key(&self, id: &CaseId) -> Result<Option<CaseKey>, Error> {
        let store = self.inner.authority.store();
        let wrapped = store.get(KEYS, id.as_str().as_bytes())?;
        let keeper = &self.inner.cases.keeper;
        wrapped
            .map(|wrapped| keeper.unwrap(id, &wrapped))
            .transpose()
    }

    /// An event that leaves the case as `record` has it.
    fn event(
        &self,
        record: Record,
        what: &str,
        detail: &str,
        note: Option<&str>,
        by: &Hand,
    ) -> Result<(), Error> {
        let mut journal = lock(&self.inner.cases.journal);
        // Somebody else was quicker: what was read before isn't how it stands.
        if self.case_record(&record.case.id)?.case.revision != record.case.revision {
            return Err(Error::Invalid {
                what: "the change",
                why: "the case has changed meanwhile; load the page again".into(),
            });
        }
        self.event_under(&mut journal, record, (what, detail, note), by, None)
    }

    /// The same under the lock: what it is, its detail, and the note. With how many leaves of the log
    /// were followed, where it is the log that moves the case.
    pub(super) fn event_under(
        &self,
        journal: &mut Journal,
        mut record: Record,
        (what, detail, note): (&str, &str, Option<&str>),
        by: &Hand,
        followed: Option<u64>,
    ) -> Result<(), Error> {
        let id = record.case.id.clone();
        let key = self.case_key(&id)?;
        let note = note.filter(|note| !note.trim().is_empty());
        let pieces = match (note, &key) {
            (None, _) => Vec::new(),
            (Some(note), Some(key)) => vec![sealed(key, &id, Part::Note, note.as_bytes())?],
            (Some(_), None) => return Err(Error::CaseErased(id.to_string())),
        };
        let now = self.inner.authority.now();
        record.case.changed = now;
        record.case.revision = journal.number();
        let event = CaseEvent {
            number: journal.number(),
            case: id,
            time: now,
            what: what.to_owned(),
            by: by.name.clone(),
            unit: by.unit.clone(),
            detail: detail.to_owned(),
            sealed: pieces,
        };
        self.enter_event(journal, &record, &event, None, followed)
    }
}

fn piece(event: &CaseEvent, part: Part) -> Option<&[u8]> {
    let found = event
        .sealed
        .iter()
        .find(|sealed| sealed.part == part.as_str());
    found.map(|sealed| sealed.bytes.0.as_slice())
}

fn opened(key: Option<&CaseKey>, event: &CaseEvent, part: Part) -> Result<Option<String>, Error> {
    match (key, piece(event, part)) {
        (Some(key), Some(bytes)) => {
            let text = key.open(&event.case, part, bytes)?;
            Ok(Some(String::from_utf8_lossy(&text).into_owned()))
        }
        _ => Ok(None),
    }
}
