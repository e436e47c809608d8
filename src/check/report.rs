//! What a check says, as it goes out: the same on the command line, in the API and in a spreadsheet.

use serde::Serialize;
use utoipa::ToSchema;

use super::batch::{Outcome, Row};
use super::{Finding, Grade};
use crate::registry::facts::Facts;

/// One verdict, with its sentences.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// What `blockfeed check --explain` knows.
    #[schema(value_type = String)]
    pub code: &'static str,
    #[schema(value_type = String)]
    pub grade: Grade,
    #[schema(value_type = String)]
    pub vi: &'static str,
    #[schema(value_type = String)]
    pub en: &'static str,
    /// What can be done instead; empty for notes.
    #[schema(value_type = String)]
    pub instead_vi: &'static str,
    #[schema(value_type = String)]
    pub instead_en: &'static str,
    /// What in particular, in English.
    pub detail: String,
    /// The line of a list that matched: file, line, text, source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<MatchedLine>,
}

/// A line of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatchedLine {
    #[schema(value_type = String)]
    pub file: &'static str,
    pub line: u32,
    pub text: String,
    pub source: String,
}

/// What became of one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Checked {
    /// From 1.
    pub line: u64,
    /// As it was given, at most its beginning; personal data is masked.
    pub text: String,
    /// `accepted`, `merged`, `refused` or `skipped`.
    #[schema(value_type = String)]
    pub outcome: &'static str,
    /// What was understood, in canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why it is refused, merged or skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<&'static str>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What could be entered instead, in canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// All that was found, the gravest first.
    pub findings: Vec<Verdict>,
    /// What is known of it, each fact with its source and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub facts: Option<Facts>,
}

impl Verdict {
    pub fn of(finding: &Finding) -> Verdict {
        let rule = finding.rule;
        Verdict {
            code: rule.code,
            grade: rule.grade,
            vi: rule.vi,
            en: rule.en,
            instead_vi: rule.instead_vi,
            instead_en: rule.instead_en,
            detail: finding.detail.clone(),
            matched: finding.matched.as_ref().map(|matched| MatchedLine {
                file: matched.file,
                line: matched.line,
                text: matched.text.clone(),
                source: matched.source.clone(),
            }),
        }
    }
}

impl Checked {
    pub fn of(row: &Row) -> Checked {
        let view = row.view();
        let (findings, offer) = match &row.outcome {
            Outcome::Accepted { findings, .. } => (&findings[..], None),
            Outcome::Refused(refusal) => (&refusal.findings[..], refusal.offer.clone()),
            Outcome::Merged { .. } | Outcome::Skipped { .. } => (&[][..], None),
        };
        Checked {
            line: view.line,
            text: view.text.to_owned(),
            outcome: view.outcome,
            subject: (!view.canonical.is_empty()).then_some(view.canonical),
            code: (!view.code.is_empty()).then_some(view.code),
            detail: view.detail,
            offer,
            findings: findings.iter().map(Verdict::of).collect(),
            facts: None,
        }
    }
}
