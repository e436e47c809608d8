//! What officers do with cases: list, read, note, link, move, erase. Each leaves an event.

use super::{
    CASES, Case, CaseEvent, CaseId, CaseKind, CaseState, Clock, Informant, JournalState, KEYS,
    Part, journal, public::sealed, record::Record, seal::CaseKey,
};
use crate::{
    canon::DecisionId,
    casework::{Casework, Error, lock, row},
};
use std::cmp::Reverse;

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
    /// How many there are in each state, of every kind.
    pub counts: Vec<(CaseState, usize)>,
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
    /// A page of cases. Walks the index from the case before, whatever lies in front of it.
    pub fn cases(&self, filter: &CaseFilter, limit: usize) -> CasePage {
        let cases = lock(&self.inner.cases);
        let limit = limit.clamp(1, MAX_CASES);
        let counts = CaseState::ALL.map(|s| (s, cases.by_state.get(&s).map_or(0, |p| p.len())));
        let mut page = CasePage {
            cases: Vec::new(),
            next: None,
            counts: counts.into(),
        };
        let places = match filter.state {
            None => Some(&cases.all),
            Some(state) => cases.by_state.get(&state),
        };
        let Some(places) = places else {
            return page;
        };
        let after = filter.after.as_ref().and_then(|id| cases.by_id.get(id));
        let after = after.map(|case| (Reverse(case.opened), Reverse(case.id.clone())));
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let fits = |case: &&Case| {
            filter.kind.is_none_or(|kind| case.kind == kind)
                && (filter.about_officers || !case.about_officer)
        };
        let found = places.range((from, std::ops::Bound::Unbounded));
        let found = found
            .filter_map(|(_, id)| cases.by_id.get(&id.0))
            .filter(fits);
        for case in found {
            if page.cases.len() == limit {
                page.next = page.cases.last().map(|(last, _)| last.id.clone());
                break;
            }
            page.cases.push((case.clone(), self.clocks(case)));
        }
        page
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

    /// Moves a case to another state, for a reason.
    pub fn move_case(&self, id: &CaseId, to: CaseState, why: &str, by: &Hand) -> Result<(), Error> {
        let mut record = self.case_record(id)?;
        let now = self.inner.authority.now();
        let case = &mut record.case;
        if !case.state.next(case.kind).contains(&to) {
            return Err(Error::Invalid {
                what: "the new state",
                why: format!(
                    "a case that is {} can't become {}; load the page again",
                    case.state.as_str(),
                    to.as_str()
                ),
            });
        }
        case.state = to;
        case.accepted.get_or_insert(now);
        if case.unit.is_empty() {
            case.unit.clone_from(&by.unit);
        }
        if to == CaseState::Stayed {
            case.stayed = Some(now);
        }
        if to.is_end() {
            case.ended = Some(now);
        }
        self.event(record, "state", to.as_str(), Some(why), by)
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

    /// Walks the whole journal again.
    pub fn check_cases(&self) -> Result<JournalState, Error> {
        let cases = lock(&self.inner.cases);
        let keys = self.inner.authority.public().with_file_name("keys");
        let store = self.inner.authority.store();
        Ok(journal::Journal::open(store, &cases.keeper, &keys)?.state())
    }

    /// The key of a case; none where it was destroyed.
    fn case_key(&self, id: &CaseId) -> Result<Option<CaseKey>, Error> {
        let store = self.inner.authority.store();
        let wrapped = store.get(KEYS, id.as_str().as_bytes())?;
        let cases = lock(&self.inner.cases);
        wrapped
            .map(|wrapped| cases.keeper.unwrap(id, &wrapped))
            .transpose()
    }

    /// An event that leaves the case as `record` has it.
    fn event(
        &self,
        mut record: Record,
        what: &str,
        detail: &str,
        note: Option<&str>,
        by: &Hand,
    ) -> Result<(), Error> {
        let id = record.case.id.clone();
        let key = self.case_key(&id)?;
        let note = note.filter(|note| !note.trim().is_empty());
        let pieces = match (note, &key) {
            (None, _) => Vec::new(),
            (Some(note), Some(key)) => vec![sealed(key, &id, Part::Note, note.as_bytes())?],
            (Some(_), None) => return Err(Error::CaseErased(id.to_string())),
        };
        let mut cases = lock(&self.inner.cases);
        // Somebody else was quicker: what was read before isn't how it stands.
        if cases.known(&id)?.revision != record.case.revision {
            return Err(Error::Invalid {
                what: "the change",
                why: "the case has changed meanwhile; load the page again".into(),
            });
        }
        let now = self.inner.authority.now();
        record.case.changed = now;
        record.case.revision = cases.journal.number();
        let event = CaseEvent {
            number: cases.journal.number(),
            case: id,
            time: now,
            what: what.to_owned(),
            by: by.name.clone(),
            unit: by.unit.clone(),
            detail: detail.to_owned(),
            sealed: pieces,
        };
        self.enter_event(&mut cases, record, &event, None)
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
