//! Checks of typed texts, before anybody proposes them: what the guard says of each, and what is in force already.

use super::{Casework, Error, Listed};
use crate::check::{
    Finding, Grade, age,
    batch::{Batch, Counts, Options, Row},
    collateral::Collateral,
    draft,
    known::{self, OfList},
    report::{Checked, Verdict},
    together,
};
use crate::registry::Day;
use crate::subject::Subject;
use serde::Serialize;
use utoipa::ToSchema;

/// The most texts of a call.
pub const MAX_CHECKS: usize = 10_000;

/// So many lines come with the facts on each.
const FEW: usize = 20;

/// What would become of a list, and what is in force of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    /// SHA-256 of the lists that judged, as in `guard.lists` of a decision.
    pub lists: String,
    pub counts: Counts,
    /// Whether a line, or the list as a whole, is refused or needs an override.
    pub stopped: bool,
    /// What holds of the list as a whole: old lists, networks that are one together.
    pub findings: Vec<Verdict>,
    /// What the accepted lines would touch, as far as data sets know.
    pub collateral: Collateral,
    /// One a text, in order; with the facts on each where there are few.
    pub lines: Vec<Checked>,
    /// What is listed already, or was, by the line from 1; a line without anything isn't there.
    pub listed: Vec<Listed>,
    /// Whether the past was looked through to its beginning; of a long one the newest part is.
    pub past_is_whole: bool,
}

impl Casework {
    /// Checks texts as they were typed, each for itself and all together. `now` is in Unix seconds.
    pub fn check(&self, texts: &[String], category: &str, now: u64) -> Result<Checks, Error> {
        if texts.len() > MAX_CHECKS {
            return Err(Error::TooMany(MAX_CHECKS));
        }
        let Some(guard) = &self.rules().guard else {
            return Err(Error::NoGuard);
        };
        // A line end inside a text would make two lines of one.
        let mut bytes = String::new();
        for text in texts {
            bytes.push_str(&text.replace(['\n', '\r'], " "));
            bytes.push('\n');
        }
        let options = Options {
            category,
            ..Options::default()
        };
        let (batch, of_list) = match &self.rules().gatherer {
            Some(gatherer) => {
                gatherer.refresh();
                let facts = |subject: &Subject| gatherer.offline(subject, now);
                known::read(bytes.as_bytes(), guard, &options, facts, |_| (), now)
            }
            None => (
                Batch::read(bytes.as_bytes(), guard, &options),
                OfList::default(),
            ),
        };
        let lists = guard.lists();
        let mut whole: Vec<Finding> = draft::category(lists, category, today(now))
            .into_iter()
            .collect();
        whole.extend(age::old(lists, today(now)));
        let made = together::findings(&together::networks(batch.accepted()), &lists.caps);
        whole.extend(made.into_iter().map(|(_, finding)| finding));
        whole.extend(of_list.whole());
        let rows = batch.rows.iter();
        let asked: Vec<_> = rows
            .filter_map(|row| Some((row.number, row.line()?)))
            .collect();
        let listed = self.listed(&asked)?;
        let stops = |finding: &Finding| finding.grade() != Grade::Note;
        Ok(Checks {
            lists: lists.hash().to_string(),
            counts: batch.counts,
            stopped: batch.counts.refused > 0 || whole.iter().any(stops),
            findings: whole.iter().map(Verdict::of).collect(),
            collateral: of_list.collateral(&batch),
            lines: self.lines(&batch, now),
            listed: listed.lines,
            past_is_whole: listed.whole,
        })
    }
}

impl Casework {
    /// The lines as they go out.
    fn lines(&self, batch: &Batch, now: u64) -> Vec<Checked> {
        let few = batch.rows.len() <= FEW;
        let gatherer = self.rules().gatherer.as_ref().filter(|_| few);
        let line = |row: &Row| {
            let known = gatherer.zip(row.line());
            Checked {
                facts: known.map(|(gatherer, line)| gatherer.offline(line.subject(), now)),
                ..Checked::of(row)
            }
        };
        batch.rows.iter().map(line).collect()
    }
}

fn today(now: u64) -> Day {
    Day::in_vietnam(i64::try_from(now).unwrap_or(i64::MAX))
}
