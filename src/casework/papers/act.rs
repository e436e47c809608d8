//! What a paper wants: as it was typed.

use crate::{canon::DecisionId, casework::CaseId, check::batch, decision::Basis};
use serde::{Deserialize, Serialize};

/// A decision that is being prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub act: Act,
    pub basis: Basis,
    pub reasons: String,
    /// Days that the second officer has.
    pub days: u64,
}

/// The four actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Act {
    List {
        /// As it was pasted, a subject a line.
        list: String,
        category: String,
        head: String,
        goods: String,
        method: String,
        /// None: the block of each kind that is there.
        measures: Vec<String>,
        /// Unix seconds.
        not_after: u64,
        bulk: bool,
        /// Codes of rules, and the reasons for passing them.
        overrides: Vec<(String, String)>,
    },
    Revoke {
        /// Subjects, or ids of decisions.
        named: Vec<String>,
        only: Vec<DecisionId>,
        #[serde(default)]
        appeal: Option<String>,
    },
    Stay {
        named: Vec<String>,
        only: Vec<DecisionId>,
        /// Unix seconds.
        until: u64,
        appeal: Option<String>,
        /// By one officer, at once.
        alone: bool,
    },
    Amend {
        target: DecisionId,
        not_after: u64,
    },
}

impl Act {
    /// The action's word, as in a body.
    pub fn action(&self) -> &'static str {
        match self {
            Self::List { .. } => "list",
            Self::Revoke { .. } => "revoke",
            Self::Stay { .. } => "stay",
            Self::Amend { .. } => "amend",
        }
    }

    /// The beginning of what it is about.
    pub fn about(&self) -> String {
        let text = match self {
            Self::List { list, .. } => list.lines().find(|l| !l.trim().is_empty()).unwrap_or(""),
            Self::Revoke { named, .. } | Self::Stay { named, .. } => {
                named.first().map_or("", String::as_str)
            }
            Self::Amend { target, .. } => target.as_str(),
        };
        text.trim().chars().take(80).collect()
    }

    /// The case that it answers.
    pub(super) fn appeal(&self) -> Option<CaseId> {
        let (Self::Revoke { appeal, .. } | Self::Stay { appeal, .. }) = self else {
            return None;
        };
        appeal.as_deref().and_then(|id| CaseId::parse(id).ok())
    }

    pub(super) fn lines(&self) -> usize {
        match self {
            Self::List { list, .. } => list.lines().count(),
            _ => 1,
        }
    }

    pub(super) fn overrides(&self) -> Vec<batch::Override> {
        let Self::List { overrides, .. } = self else {
            return Vec::new();
        };
        let of = |(code, reason): &(String, String)| batch::Override {
            code: code.clone(),
            reason: reason.clone(),
        };
        overrides.iter().map(of).collect()
    }
}
