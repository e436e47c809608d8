//! The guard: what may be listed, what needs a senior officer's written reason, what is worth a remark. Pure: the lists and
//! the time come in, findings go out.
//!
//! Follows design: Checks (*Judgement*, three grades) and Bad input. [`rules`] is the one table of all codes, with the
//! sentences that officers read. [`Guard`] judges single subjects and whole parts, [`draft`] a decision before it is
//! signed, [`batch`] reads a list file into one outcome a line.

pub mod age;
pub mod batch;
pub mod body;
mod brands;
pub mod collateral;
pub mod draft;
mod guard;
pub mod known;
mod names;
pub mod personal;
mod ranges;
pub mod report;
pub mod rules;
mod sheet;
pub mod together;

pub use draft::{Draft, draft};
pub use guard::{Guard, Judged};
pub use rules::{Grade, Rule, explain};
pub use sheet::sheet;

/// One verdict, with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static Rule,
    /// The line of a list that matched, where the rule reads one.
    pub matched: Option<Matched>,
    /// What in particular, in English; empty where the rule's sentence says it all.
    pub detail: String,
}

/// A line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    pub file: &'static str,
    /// From 1.
    pub line: u32,
    /// The name or network that stands there, and its group.
    pub text: String,
    /// Where the list comes from, as its head says.
    pub source: String,
}

impl Finding {
    pub fn code(&self) -> &'static str {
        self.rule.code
    }

    pub fn grade(&self) -> Grade {
        self.rule.grade
    }

    /// The rule that a sentence of a finding begins with.
    pub fn rule_of(sentence: &str) -> Option<&'static Rule> {
        let (code, _) = sentence.split_once(": ")?;
        explain(code)
    }

    pub(crate) fn of(code: &'static str, detail: impl Into<String>) -> Finding {
        Finding {
            rule: rules::known(code),
            matched: None,
            detail: detail.into(),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule.code, self.rule.en)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        if let Some(matched) = &self.matched {
            write!(
                f,
                " [{} line {}: {}]",
                matched.file, matched.line, matched.text
            )?;
        }
        Ok(())
    }
}

/// The gravest grade among findings.
pub fn gravest(findings: &[Finding]) -> Option<&Finding> {
    // Of equals the first, and the guard pushes the widest harm first.
    findings.iter().min_by_key(|finding| finding.grade())
}
