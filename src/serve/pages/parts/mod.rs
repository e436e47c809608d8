//! Pieces that pages are put together from. Each is written as HTML by `{{ piece }}`.

mod chart;
mod field;
mod paging;

pub(in crate::serve) use chart::{Bar, Bars, Columns};
pub(in crate::serve) use field::{Choice, Field};
pub(in crate::serve) use paging::Paging;

use askama::{Template, filters::HtmlSafe};

/// What a colour says; a sign and the text say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::serve) enum Tone {
    Good,
    Note,
    Warn,
    Bad,
    /// Neither good nor bad: ended, of no account now.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Note => "i",
            Self::Warn => "!",
            Self::Bad => "✕",
            Self::Plain => "–",
        }
    }
}

/// A short word of a state.
#[derive(Template)]
#[template(path = "parts/badge.html")]
pub(in crate::serve) struct Badge {
    tone: Tone,
    text: String,
}

impl Badge {
    pub(in crate::serve) fn new(tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { tone, text }
    }
}

/// A box with something that its reader should know.
#[derive(Template)]
#[template(path = "parts/notice.html")]
pub(in crate::serve) struct Notice {
    tone: Tone,
    text: String,
}

impl Notice {
    pub(in crate::serve) fn new(tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { tone, text }
    }
}

/// Texts of different lengths as rows of what and what of it; a table's poor relation.
#[derive(Template, Default)]
#[template(path = "parts/facts.html")]
pub(in crate::serve) struct Facts {
    rows: Vec<(String, String)>,
}

impl Facts {
    /// One more row; both are texts, escaped when they are shown.
    pub(in crate::serve) fn row(mut self, what: impl Into<String>, of: impl Into<String>) -> Self {
        self.rows.push((what.into(), of.into()));
        self
    }
}

impl HtmlSafe for Badge {}
impl HtmlSafe for Notice {}
impl HtmlSafe for Facts {}
