//! A list file, read to one outcome a line (design: Bad input): accepted, merged, refused or skipped. Every line of the file
//! has exactly one, so the counts add up to the number of lines. Nothing is dropped or mended without being shown.

mod merge;
mod parts;
mod text;
mod view;

use super::{Finding, Grade, Guard, gravest};
use crate::subject::typed::{self, Note, Unusable};
use crate::subject::{Line, OwnedLine, Subject, shortened};
use std::collections::{BTreeMap, HashMap};

pub use parts::{MAX_PART, parts};
pub use view::RowView;

/// The longest line that is read, bytes: no name, address or URL of a shop is longer.
const MAX_LINE: usize = 2048;

/// How a batch is to be read.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// The category of the decision that the list is for.
    pub category: &'a str,
    /// Keep lines that another line of the batch covers; equal ones are merged all the same.
    pub keep_covered: bool,
    pub overrides: &'a [Override],
    /// What facts say of the lines, where they were asked.
    pub known: Option<&'a Known>,
}

/// Findings that rest on facts, by line; a line without any isn't there.
pub type Known = HashMap<OwnedLine, Vec<Finding>>;

/// A senior officer's written reason for passing one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub code: String,
    pub reason: String,
}

/// The outcomes of a file.
#[derive(Clone, Debug)]
pub struct Batch {
    /// In the order of the file.
    pub rows: Vec<Row>,
    /// Other spellings of a seller or account that the file states, by the subject.
    pub aliases: BTreeMap<Subject, Vec<Subject>>,
    pub counts: Counts,
}

/// One line of a file.
#[derive(Clone, Debug)]
pub struct Row {
    /// From 1.
    pub number: u64,
    /// As it stood there, at most its beginning; digits of personal data are masked.
    pub text: Box<str>,
    pub outcome: Outcome,
}

/// What became of a line.
#[derive(Clone, Debug)]
pub enum Outcome {
    Accepted {
        line: OwnedLine,
        /// Other spellings of it that the line states.
        aliases: Box<[Subject]>,
        notes: Box<[Note]>,
        /// What was found and doesn't stop it: rules that an override passes, and notes.
        findings: Box<[Finding]>,
    },
    Merged {
        line: OwnedLine,
        into: u64,
        how: Merge,
    },
    Refused(Box<Refusal>),
    Skipped {
        what: &'static str,
    },
}

/// How a line is merged into another of the same batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It says the same.
    Duplicate,
    /// The other covers it.
    Covered,
    /// The other states it as another spelling of its own subject.
    Alias,
}

/// Why a line is refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: &'static str,
    /// One English sentence: what, why and what to do.
    pub message: String,
    /// What could be entered instead, in canonical form; passes the guard.
    pub offer: Option<String>,
    /// What was understood, where it was the guard that refused.
    pub line: Option<OwnedLine>,
    /// What the guard says of it, the gravest first.
    pub findings: Vec<Finding>,
}

/// How many lines came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Counts {
    pub lines: u64,
    pub accepted: u64,
    pub merged: u64,
    pub refused: u64,
    pub skipped: u64,
}

impl Batch {
    /// Reads a file. Takes UTF-8, with or without byte order mark, LF, CRLF or CR, and UTF-16 with a byte order mark.
    pub fn read(bytes: &[u8], guard: &Guard, options: &Options<'_>) -> Batch {
        let decoded = text::decoded(bytes);
        let numbered = (1u64..).zip(text::lines(&decoded));
        let mut rows: Vec<Row> = numbered
            .map(|(number, line)| read_line(number, line, guard, options))
            .collect();
        let aliases = merge::aliases(&rows);
        merge::merge(&mut rows, &aliases, options.keep_covered);
        let counts = Counts::of(&rows);
        Batch {
            rows,
            aliases,
            counts,
        }
    }

    /// The accepted lines, in the order of the file.
    pub fn accepted(&self) -> impl Iterator<Item = Line<'_>> {
        self.rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Accepted { line, .. } => Some(line.line()),
            _ => None,
        })
    }
}

impl Row {
    /// What was understood, whatever became of it.
    pub fn line(&self) -> Option<&OwnedLine> {
        match &self.outcome {
            Outcome::Accepted { line, .. } | Outcome::Merged { line, .. } => Some(line),
            Outcome::Refused(refusal) => refusal.line.as_ref(),
            Outcome::Skipped { .. } => None,
        }
    }
}

impl Outcome {
    /// `accepted`, `merged`, `refused` or `skipped`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Merged { .. } => "merged",
            Outcome::Refused(_) => "refused",
            Outcome::Skipped { .. } => "skipped",
        }
    }
}

impl Counts {
    fn of(rows: &[Row]) -> Counts {
        let mut counts = Counts::default();
        for row in rows {
            counts.lines += 1;
            *match row.outcome {
                Outcome::Accepted { .. } => &mut counts.accepted,
                Outcome::Merged { .. } => &mut counts.merged,
                Outcome::Refused(_) => &mut counts.refused,
                Outcome::Skipped { .. } => &mut counts.skipped,
            } += 1;
        }
        counts
    }
}

fn read_line(number: u64, line: Result<&str, String>, guard: &Guard, options: &Options<'_>) -> Row {
    let text = match line {
        Ok(text) => text,
        Err(lossy) => {
            let message =
                "the line is not UTF-8; save the file as UTF-8 and read it again".to_owned();
            let unusable = Unusable {
                code: typed::Code::NotUtf8,
                message,
                offer: None,
            };
            return Row {
                number,
                text: shortened(&lossy).into(),
                outcome: unreadable(unusable, guard, options),
            };
        }
    };
    if text.len() > MAX_LINE {
        let message =
            format!("the line is longer than {MAX_LINE} bytes; put one subject on a line");
        let unusable = Unusable {
            code: typed::Code::NotAList,
            message,
            offer: None,
        };
        return Row {
            number,
            text: shortened(text).into(),
            outcome: unreadable(unusable, guard, options),
        };
    }
    if let Some(what) = typed::skipped(text) {
        return Row {
            number,
            text: shortened(text).into(),
            outcome: Outcome::Skipped { what },
        };
    }
    match typed::read(text, &guard.lists().platforms) {
        Ok(read) => {
            let outcome = judged(read, guard, options);
            Row {
                number,
                text: shortened(text).into(),
                outcome,
            }
        }
        Err(unusable) => {
            let shown = shortened(text);
            let shown = if unusable.code == typed::Code::PersonalData {
                masked(&shown)
            } else {
                shown
            };
            Row {
                number,
                text: shown.into(),
                outcome: unreadable(unusable, guard, options),
            }
        }
    }
}

/// The guard's word on a line that was understood.
fn judged(read: typed::Read, guard: &Guard, options: &Options<'_>) -> Outcome {
    let mut findings = guard.subject(&read.line.line(), options.category);
    let known = options.known.and_then(|known| known.get(&read.line));
    // A name may be popular by a list and by a data set: once is enough.
    let known = known.into_iter().flatten().cloned();
    let twice =
        |f: &Finding| f.grade() == Grade::Override && findings.iter().any(|g| g.rule == f.rule);
    let known: Vec<Finding> = known.filter(|f| !twice(f)).collect();
    findings.extend(known);
    findings.sort_by_key(Finding::grade);
    let passed = |finding: &Finding| {
        finding.grade() == Grade::Override
            && options.overrides.iter().any(|o| o.code == finding.code())
    };
    let stopping = findings
        .iter()
        .find(|f| f.grade() != Grade::Note && !passed(f));
    let Some(stopping) = stopping else {
        return Outcome::Accepted {
            line: read.line,
            aliases: read.aliases.into(),
            notes: read.notes.into(),
            findings: findings.into(),
        };
    };
    let needed = match stopping.grade() {
        Grade::Override => " It passes with a senior officer's written reason.",
        _ => "",
    };
    let detail = match stopping.detail.as_str() {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    let message = format!(
        "{}{detail} {}{needed}",
        stopping.rule.en, stopping.rule.instead_en
    );
    let code = stopping.code();
    Outcome::Refused(Box::new(Refusal {
        code,
        message,
        offer: None,
        line: Some(read.line),
        findings,
    }))
}

/// A line that was not understood. What the reader offers instead stands only where the guard would let it pass.
fn unreadable(unusable: Unusable, guard: &Guard, options: &Options<'_>) -> Outcome {
    let Unusable {
        code,
        mut message,
        offer,
    } = unusable;
    let code = code.as_str();
    let mut findings = Vec::new();
    let offer = offer.filter(|offer| {
        let Ok(line) = Line::parse(offer) else {
            return false;
        };
        findings = guard.subject(&line, options.category);
        findings.iter().all(|f| f.grade() == Grade::Note)
    });
    if let Some(worst) = gravest(&findings).filter(|f| f.grade() != Grade::Note) {
        message = format!(
            "{}, and the host itself is stopped: {}",
            super::rules::known(code).en.trim_end_matches('.'),
            worst.rule.en
        );
    }
    Outcome::Refused(Box::new(Refusal {
        code,
        message,
        offer,
        line: None,
        findings: Vec::new(),
    }))
}

/// A text with personal data, as it may be shown: digits and all before an @ as x.
fn masked(text: &str) -> String {
    let at = text.find('@').unwrap_or(0);
    let mask = |(position, c): (usize, char)| {
        if c.is_ascii_digit() || position < at {
            'x'
        } else {
            c
        }
    };
    text.char_indices().map(mask).collect()
}

#[cfg(test)]
mod tests;
