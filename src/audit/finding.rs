//! What an audit found: the first thing that doesn't hold, where it is and why.

use crate::{
    decision::Refusal,
    feed::{self, paths},
    fetch, tlog,
};
use serde::Serialize;
use std::fmt;

/// The first thing that doesn't hold. An audit that gives one back has shown nothing of what
/// would have come after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for the rule; for a leaf that is refused, [`Refusal::code`].
    pub code: &'static str,
    /// The leaf that it is about, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// The published file that it is about, relative to the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is wrong, in a sentence.
    pub why: String,
}

impl std::error::Error for Finding {}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.leaf, &self.file) {
            (Some(leaf), Some(file)) => write!(f, "leaf {leaf}, {file}: ")?,
            (Some(leaf), None) => write!(f, "leaf {leaf}: ")?,
            (None, Some(file)) => write!(f, "{file}: ")?,
            (None, None) => {}
        }
        write!(f, "{} [{}]", self.why, self.code)
    }
}

impl Finding {
    /// About a file.
    pub(super) fn file(
        code: &'static str,
        file: impl Into<String>,
        why: impl fmt::Display,
    ) -> Self {
        Self {
            code,
            leaf: None,
            file: Some(file.into()),
            why: why.to_string(),
        }
    }

    /// About what the auditor was told, such as a pin.
    pub(super) fn given(code: &'static str, why: impl fmt::Display) -> Self {
        Self {
            code,
            leaf: None,
            file: None,
            why: why.to_string(),
        }
    }

    /// About a leaf.
    pub(super) fn leaf(code: &'static str, leaf: u64, why: impl fmt::Display) -> Self {
        Self {
            code,
            leaf: Some(leaf),
            file: None,
            why: why.to_string(),
        }
    }

    /// A leaf that breaks a rule, with the part that it breaks it by.
    pub(super) fn refused(leaf: u64, refusal: &Refusal) -> Self {
        let sha256 = match refusal {
            Refusal::Part { sha256, .. } | Refusal::TrustPart(sha256, _) => Some(sha256),
            _ => None,
        };
        Self {
            file: sha256.map(|sha256| format!("part/{sha256}")),
            ..Self::leaf(refusal.code(), leaf, refusal)
        }
    }

    /// A file that couldn't be read.
    pub(super) fn unread(file: &str, error: &fetch::Error) -> Self {
        let code = match error {
            fetch::Error::NotFound { .. } | fetch::Error::Gone { .. } => "missing",
            fetch::Error::TooLarge { .. } => "too_large",
            fetch::Error::Status {
                code: 401 | 403, ..
            } => "denied",
            _ => "unreadable",
        };
        Self::file(code, file, error)
    }

    /// A checkpoint that isn't one, or that too few have signed.
    pub(super) fn checkpoint(file: &str, error: &tlog::Error) -> Self {
        let code = match error {
            tlog::Error::NoLogSignature { .. } | tlog::Error::BadSignature { .. } => {
                "checkpoint_signature"
            }
            tlog::Error::Quorum { .. } => "quorum",
            tlog::Error::Origin { .. } => "origin",
            _ => "checkpoint",
        };
        Self::file(code, file, error)
    }

    /// A manifest that can't be opened or contradicts itself.
    pub(super) fn manifest(file: &str, error: &feed::Error) -> Self {
        let code = match error {
            feed::Error::Unsigned | feed::Error::Note(tlog::Error::BadSignature { .. }) => {
                "manifest_signature"
            }
            _ => "manifest",
        };
        Self::file(code, file, error)
    }

    /// The checkpoint of the log itself.
    pub(super) fn head(code: &'static str, why: impl fmt::Display) -> Self {
        Self::file(code, paths::CHECKPOINT, why)
    }
}
