//! What a verb can fail with. The text is what the user reads: what, why, what to do.

use crate::{
    accounts, agent, backup, canon, casework, check, config, decision, feed, fetch, log, probe,
    registry, serve, subject, tlog, transfer, trust,
};
use serde::Deserialize;

/// Why a verb didn't do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A whole sentence.
    #[error("{0}")]
    Said(String),
    /// It was printed already; only the exit code is left to say.
    #[error("")]
    Shown,
    /// It was printed already: neither yes nor no.
    #[error("")]
    Unsure,
    #[error("{path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    /// The disk takes writes again after one failed; the next start finds out what it holds.
    #[error("{0}: the process ends to start anew")]
    Disk(log::Error),
    #[error("the guard: {}{}", .0.rule.en, instead(.0))]
    Guard(Box<check::Finding>),
    /// The authority's own words.
    #[error("{server} refuses: {problem}")]
    Refused { server: String, problem: Problem },
    #[error(
        "{place} answers with something that can't be read: {why}. Is a blockfeed authority there, of this version?"
    )]
    Answer { place: String, why: String },
    #[error(transparent)]
    Config(#[from] config::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Trust(#[from] trust::Error),
    #[error(transparent)]
    Canonical(#[from] canon::Error),
    #[error(transparent)]
    Name(#[from] canon::NameError),
    #[error("the decision: {0}")]
    Decision(#[from] decision::Refusal),
    #[error("the lists: {0}")]
    Lists(#[from] registry::Error),
    #[error(transparent)]
    Sets(#[from] registry::sets::Error),
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error(transparent)]
    Note(#[from] tlog::Error),
    #[error(transparent)]
    Feed(#[from] feed::Error),
    #[error(transparent)]
    Subject(#[from] subject::SyntaxError),
    #[error(transparent)]
    Accounts(#[from] accounts::Error),
    #[error(transparent)]
    Casework(#[from] casework::Error),
    #[error(transparent)]
    Serve(#[from] serve::Error),
    #[error(transparent)]
    Transfer(#[from] transfer::Error),
    #[error(transparent)]
    Backup(#[from] backup::Error),
    #[error(transparent)]
    Agent(#[from] agent::Error),
    #[error(transparent)]
    Probe(#[from] probe::Error),
}

/// A problem document (RFC 9457), as far as it is shown.
#[derive(Debug, Clone, Deserialize)]
pub struct Problem {
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub status: u16,
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub code: String,
}

impl Error {
    /// A sentence of the verb's own.
    pub fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }

    /// Names the file that refused.
    pub fn io(path: impl AsRef<std::path::Path>) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            path: path.as_ref().display().to_string(),
            source,
        }
    }

    /// The code of the authority's refusal, if it was one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => Some(&problem.code),
            _ => None,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        f.write_str(text)?;
        if self.code.is_empty() {
            write!(f, " ({})", self.status)
        } else {
            write!(f, " ({} {})", self.status, self.code)
        }
    }
}

fn instead(finding: &check::Finding) -> String {
    let mut text = String::new();
    if !finding.detail.is_empty() {
        text.push_str(&format!(" ({})", finding.detail));
    }
    if let Some(matched) = &finding.matched {
        text.push_str(&format!(
            " [{} line {}: {}]",
            matched.file, matched.line, matched.text
        ));
    }
    if !finding.rule.instead_en.is_empty() {
        text.push_str(&format!(" {}", finding.rule.instead_en));
    }
    text.push_str(&format!(
        "\n  {}: {} {}",
        finding.rule.code, finding.rule.vi, finding.rule.instead_vi
    ));
    text
}
