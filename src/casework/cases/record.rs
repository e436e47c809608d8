//! A case: what it is, where it stands, and who may be named with it.

use crate::{
    canon::DecisionId,
    casework::{Error, serial},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `<letter>-<year>-<number>`, such as `A-2026-000012`; the letter is the kind's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId(String);

/// What somebody brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Tin báo.
    Tip,
    /// Kiến nghị.
    Petition,
    /// Khiếu nại, by somebody affected, of anything but a listing.
    Complaint,
    /// Tố cáo; one against an officer passes the unit by.
    Denunciation,
    /// Khiếu nại against a decision.
    Appeal,
    /// Hồ sơ đề nghị of an association, a brand, another unit.
    Submission,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    New,
    /// Taken up.
    Open,
    /// An appeal: the entry is out of force by one officer, for 72 hours at most.
    Stayed,
    /// An appeal: a second officer has signed the stay, which lasts until it is answered.
    Confirmed,
    /// An appeal that changed nothing.
    Upheld,
    /// An appeal that ended the entry.
    Revoked,
    Closed,
}

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Form,
    Telephone,
    Letter,
    Mail,
    InPerson,
}

/// A case without what is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    pub id: CaseId,
    pub kind: CaseKind,
    pub state: CaseState,
    pub channel: Channel,
    /// Unix seconds.
    pub opened: u64,
    /// Unix seconds of its last journal entry.
    pub changed: u64,
    /// The number of that entry.
    pub revision: u64,
    /// When it left the state `new`, Unix seconds.
    pub accepted: Option<u64>,
    /// When its entry was stayed, Unix seconds.
    pub stayed: Option<u64>,
    /// When it was answered or closed, Unix seconds.
    pub ended: Option<u64>,
    /// Whose case it is: an id of `lists/units.toml`; empty: nobody's yet.
    pub unit: String,
    /// Whether it is against an officer: it is shown to the Standing Office alone.
    pub about_officer: bool,
    /// What it is about, as typed: subjects, links.
    pub subjects: Vec<String>,
    /// Decisions that it is against, or that came of it.
    pub decisions: Vec<DecisionId>,
    /// Whether what was sealed has been erased.
    pub erased: bool,
}

/// What is kept of a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) case: Case,
    /// SHA-256 of the secret that shows its sender where it stands.
    pub(super) secret: String,
}

/// Who brings it. Sealed apart from what they say; shown by role, and each showing is noted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Informant {
    pub name: String,
    /// Telephone, e-mail, address.
    pub contact: String,
}

/// A case to be opened.
#[derive(Debug, Clone)]
pub struct NewCase {
    pub kind: CaseKind,
    pub channel: Channel,
    pub unit: String,
    pub about_officer: bool,
    pub subjects: Vec<String>,
    pub decisions: Vec<DecisionId>,
    pub text: String,
    pub informant: Informant,
}

/// What is sealed, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Text,
    Informant,
    Note,
}

impl Case {
    /// Whether it is a unit's to work on: its own, one of a unit below, or nobody's yet.
    pub fn is_of(&self, unit: &str) -> bool {
        let below = self.unit.strip_prefix(unit);
        self.unit.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Refuses a state that it can't come to from where it stands.
    pub fn may_become(&self, to: CaseState) -> Result<(), Error> {
        if self.state.next(self.kind).contains(&to) {
            return Ok(());
        }
        Err(Error::Invalid {
            what: "the new state",
            why: format!(
                "a case that is {} can't become {}; load the page again",
                self.state.as_str(),
                to.as_str()
            ),
        })
    }

    pub(super) fn become_state(&mut self, to: CaseState, time: u64) {
        self.state = to;
        self.accepted.get_or_insert(time);
        if to == CaseState::Stayed {
            self.stayed = Some(time);
        }
        if to.is_end() {
            self.ended = Some(time);
        }
    }
}

impl CaseId {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim().to_ascii_uppercase();
        let named = text.split_once('-').filter(|(letter, rest)| {
            CaseKind::ALL.iter().any(|kind| kind.letter() == *letter)
                && serial::split(rest).is_some()
        });
        match named {
            Some(_) => Ok(Self(text)),
            None => Err(Error::NoCase(text.chars().take(40).collect())),
        }
    }

    pub(super) fn new(kind: CaseKind, year: u64, number: u64) -> Self {
        Self(format!("{}-{}", kind.letter(), serial::join(year, number)))
    }

    /// Year and number.
    pub(super) fn numbered(&self) -> (u64, u64) {
        let rest = self.0.split_once('-').map_or("", |(_, rest)| rest);
        serial::split(rest).unwrap_or((0, 0))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CaseId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.0
    }
}

impl CaseKind {
    pub const ALL: [Self; 6] = [
        Self::Tip,
        Self::Petition,
        Self::Complaint,
        Self::Denunciation,
        Self::Appeal,
        Self::Submission,
    ];

    /// As in `lists/deadlines.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tip => "tip",
            Self::Petition => "petition",
            Self::Complaint => "complaint",
            Self::Denunciation => "denunciation",
            Self::Appeal => "appeal",
            Self::Submission => "submission",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    fn letter(self) -> &'static str {
        match self {
            Self::Tip => "T",
            Self::Petition => "P",
            Self::Complaint => "C",
            Self::Denunciation => "D",
            Self::Appeal => "A",
            Self::Submission => "S",
        }
    }
}

impl CaseState {
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Open,
        Self::Stayed,
        Self::Confirmed,
        Self::Upheld,
        Self::Revoked,
        Self::Closed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Stayed => "stayed",
            Self::Confirmed => "confirmed",
            Self::Upheld => "upheld",
            Self::Revoked => "revoked",
            Self::Closed => "closed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    pub fn is_end(self) -> bool {
        matches!(self, Self::Upheld | Self::Revoked | Self::Closed)
    }

    /// Whether the log alone takes a case there: by a stay, or a revocation.
    pub fn is_of_log(self) -> bool {
        matches!(self, Self::Stayed | Self::Confirmed | Self::Revoked)
    }

    /// Whether a case of a kind can come to a state by one step or several.
    pub(super) fn reaches(self, to: Self, kind: CaseKind) -> bool {
        let mut next = self.next(kind).iter();
        next.any(|next| *next == to || next.reaches(to, kind))
    }

    /// Where a case of a kind can go from here.
    pub fn next(self, kind: CaseKind) -> &'static [Self] {
        match (self, kind) {
            (Self::New, CaseKind::Appeal) => &[Self::Open, Self::Stayed, Self::Closed],
            (Self::New, _) => &[Self::Open, Self::Closed],
            (Self::Open, CaseKind::Appeal) => {
                &[Self::Stayed, Self::Upheld, Self::Revoked, Self::Closed]
            }
            (Self::Open, _) => &[Self::Closed],
            (Self::Stayed, _) => &[Self::Confirmed, Self::Upheld, Self::Revoked],
            (Self::Confirmed, _) => &[Self::Upheld, Self::Revoked],
            _ => &[],
        }
    }
}

impl Channel {
    pub const ALL: [Self; 5] = [
        Self::Form,
        Self::Telephone,
        Self::Letter,
        Self::Mail,
        Self::InPerson,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Telephone => "telephone",
            Self::Letter => "letter",
            Self::Mail => "mail",
            Self::InPerson => "in_person",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
    }
}

impl Part {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Informant => "informant",
            Self::Note => "note",
        }
    }
}
