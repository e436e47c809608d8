//! What the guard says, in the reader's language: of a line, and of anything it has found.

use crate::{
    check::{
        Finding, Grade,
        batch::{Merge, Outcome},
        explain,
        report::{Checked, Verdict},
    },
    serve::pages::texts::Lang,
};

/// A line's verdict as an officer reads it.
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) text: String,
    pub(super) outcome: &'static str,
    pub(super) canonical: String,
    pub(super) said: Vec<Said>,
    pub(super) offer: Option<String>,
}

/// A finding in the reader's language.
pub(super) struct Said {
    pub(super) code: &'static str,
    pub(super) text: String,
    pub(super) instead: &'static str,
    pub(super) detail: String,
    pub(super) stops: bool,
}

impl Said {
    /// The sign beside its colour.
    pub(super) fn sign(&self) -> &'static str {
        if self.stops { "✕" } else { "i" }
    }
}

/// A line with all that is said of it.
pub(super) fn of_line(lang: Lang, line: Checked, outcome: &Outcome) -> Row {
    let mut said: Vec<Said> = line.findings.iter().map(|v| verdict(lang, v)).collect();
    said.extend(merged(lang, outcome));
    if let (true, Some(rule)) = (said.is_empty(), line.code.and_then(explain)) {
        said.push(Said {
            code: rule.code,
            text: lang.pick(rule.vi, rule.en).to_owned(),
            instead: lang.pick(rule.instead_vi, rule.instead_en),
            detail: String::new(),
            stops: line.outcome == "refused",
        });
    }
    Row {
        line: line.line,
        text: line.text,
        outcome: line.outcome,
        canonical: line.subject.unwrap_or_default(),
        said,
        offer: line.offer,
    }
}

/// What a line was merged with.
fn merged(lang: Lang, outcome: &Outcome) -> Option<Said> {
    let Outcome::Merged { into, how, .. } = outcome else {
        return None;
    };
    let (code, key) = match how {
        Merge::Duplicate => ("duplicate", "desk.merged.duplicate"),
        Merge::Covered => ("covered", "desk.merged.covered"),
        Merge::Alias => ("alias", "desk.merged.alias"),
    };
    Some(Said {
        code,
        text: lang.fill(key, [("n", into)]),
        instead: "",
        detail: String::new(),
        stops: false,
    })
}

fn verdict(lang: Lang, verdict: &Verdict) -> Said {
    Said {
        code: verdict.code,
        text: lang.pick(verdict.vi, verdict.en).to_owned(),
        instead: lang.pick(verdict.instead_vi, verdict.instead_en),
        detail: verdict.detail.clone(),
        stops: verdict.grade != Grade::Note,
    }
}

/// A finding, and whether it stops what it is about.
pub(super) fn said(lang: Lang, finding: &Finding, stops: bool) -> Said {
    Said {
        stops,
        ..verdict(lang, &Verdict::of(finding))
    }
}
