//! Facts on a whole list: the findings of each line, what each touches, and what is the same for many lines said once.

use std::collections::{BTreeMap, HashMap};

use super::super::batch::{Batch, Known, Options, Outcome};
use super::super::collateral::{Collateral, Touched};
use super::super::{Finding, Guard};
use crate::registry::facts::Facts;
use crate::subject::{OwnedLine, Subject};

/// Findings about a source rather than about the subject: an old data set is old for every line.
const OF_SOURCES: [&str; 4] = ["source_failed", "source_old", "no_source", "not_asked"];

/// Reads a list with what is known of its lines: once to understand them, and again to judge them with the facts. `tell`
/// hears how many lines were asked about; `now` is in Unix seconds.
pub fn read(
    bytes: &[u8],
    guard: &Guard,
    options: &Options<'_>,
    facts_of: impl Fn(&Subject) -> Facts,
    mut tell: impl FnMut(usize),
    now: u64,
) -> (Batch, OfList) {
    // A line that is covered counts for itself where the one that covers it is stopped.
    let all = Options {
        keep_covered: true,
        ..options.clone()
    };
    let understood = Batch::read(bytes, guard, &all);
    let mut of_list = OfList::default();
    // What lists stop is asked about too: all that speaks against it is said at once.
    let lines = understood.rows.iter().filter_map(|row| match &row.outcome {
        Outcome::Merged { .. } => None,
        _ => row.line(),
    });
    for (done, line) in lines.enumerate() {
        of_list.add(line, &facts_of(line.subject()), &facts_of, now);
        tell(done);
    }
    drop(understood);
    let judged = Options {
        known: Some(&of_list.known),
        ..options.clone()
    };
    (Batch::read(bytes, guard, &judged), of_list)
}

/// What is known of the lines of a list.
#[derive(Debug, Default)]
pub struct OfList {
    known: Known,
    touched: HashMap<OwnedLine, Touched>,
    /// Code and detail, with how many lines they were said of.
    of_sources: BTreeMap<(&'static str, String), u64>,
}

impl OfList {
    fn add(
        &mut self,
        line: &OwnedLine,
        facts: &Facts,
        facts_of: &impl Fn(&Subject) -> Facts,
        now: u64,
    ) {
        let mut findings = super::findings(&line.line(), facts, now);
        findings.retain(|finding| {
            let of_source = OF_SOURCES.contains(&finding.code());
            if of_source {
                let said = (finding.code(), finding.detail.clone());
                *self.of_sources.entry(said).or_default() += 1;
            }
            !of_source
        });
        if !findings.is_empty() {
            self.known.insert(line.clone(), findings);
        }
        let mut touched = Touched::of(&line.line(), facts);
        for name in touched.sample().to_vec() {
            if let Ok(subject) = Subject::parse(&format!("domain:{name}")) {
                touched.add_neighbour(&name, &facts_of(&subject));
            }
        }
        if !touched.is_nothing() {
            self.touched.insert(line.clone(), touched);
        }
    }

    /// What holds of the list as a whole: sources that failed, are old or weren't there.
    pub fn whole(&self) -> Vec<Finding> {
        let said = self.of_sources.iter();
        said.map(|((code, detail), lines)| {
            let detail = match lines {
                1 => detail.clone(),
                lines => format!("{detail}: {lines} lines"),
            };
            Finding::of(code, detail)
        })
        .collect()
    }

    /// What the accepted lines of the list touch.
    pub fn collateral(&self, batch: &Batch) -> Collateral {
        let mut collateral = Collateral::default();
        for row in &batch.rows {
            if let Outcome::Accepted { line, .. } = &row.outcome
                && let Some(touched) = self.touched.get(line)
            {
                collateral.add(&line.line(), touched);
            }
        }
        collateral
    }
}
