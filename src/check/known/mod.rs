//! What follows from facts: findings on one subject, from what registries, registers, the DNS and data sets say of it. Pure:
//! facts and the time come in, findings go out, each naming its source and day.
//!
//! Follows design: Checks (*Facts*, *Judgement*). A source that failed, is too old or wasn't there to ask is a note that
//! names it, never a silent pass.

mod domains;
mod list;
mod networks;

use crate::registry::Day;
use crate::registry::facts::{Facts, Outcome, Source, Sourced, Unasked};
use crate::subject::{Kind, Line};

use super::Finding;

pub use list::{OfList, read};

/// A name of this rank or better in a list by popularity needs a senior officer; one behind it is worth a note.
pub const POPULAR: u64 = 100_000;
/// So many other names at an address, and a block by address needs a senior officer.
pub const CROWD: u64 = 10;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What the facts say against, and for whoever decides about, listing a subject. `now` is in Unix seconds.
pub fn findings(line: &Line<'_>, facts: &Facts, now: u64) -> Vec<Finding> {
    let mut judge = Judge {
        now,
        findings: Vec::new(),
        unasked: Vec::new(),
    };
    match line.kind {
        Kind::Domain => domains::judge(&mut judge, line, facts),
        Kind::Net => networks::judge(&mut judge, facts),
        // Of sellers and accounts nobody but their platform knows anything.
        Kind::Seller | Kind::Account => {}
    }
    judge.finish()
}

/// Findings as they come.
struct Judge {
    now: u64,
    findings: Vec<Finding>,
    /// What nobody was asked for, since live sources were off.
    unasked: Vec<&'static str>,
}

impl Judge {
    /// What is known of a fact; says what hinders it from being known, or from being trusted.
    fn known<'f, T>(&mut self, what: &'static str, fact: &'f Sourced<T>) -> Option<&'f T> {
        match &fact.outcome {
            Outcome::Failed(fault) => {
                self.say("source_failed", format!("{what}: {}", fault.detail));
            }
            Outcome::NotAsked(Unasked::Offline) => self.unasked.push(what),
            Outcome::NotAsked(Unasked::NoSource) => self.say("no_source", what),
            Outcome::NotAsked(Unasked::NotApplicable) => {}
            Outcome::Known(_) | Outcome::Absent if fact.is_stale(self.now) => {
                let detail = format!("{what}, {} of {}", fact.source, day(fact.at));
                self.say("source_old", detail);
            }
            Outcome::Known(_) | Outcome::Absent => {}
        }
        fact.known()
    }

    fn say(&mut self, code: &'static str, detail: impl Into<String>) {
        self.findings.push(Finding::of(code, detail));
    }

    fn finish(mut self) -> Vec<Finding> {
        if !self.unasked.is_empty() {
            let what = self.unasked.join(", ");
            self.say("not_asked", what);
        }
        self.findings.sort_by_key(Finding::grade);
        self.findings
    }
}

/// Whether the source answered that there is no such thing.
fn is_absent<T>(fact: &Sourced<T>) -> bool {
    matches!(fact.outcome, Outcome::Absent)
}

/// Where a fact comes from: `data set vn-registry of 2026-11-20`.
fn of<T>(fact: &Sourced<T>) -> String {
    match fact.source {
        Source::Resolver { .. } | Source::Rdap { .. } | Source::Whois { .. } => {
            fact.source.to_string()
        }
        _ => format!("{} of {}", fact.source, day(fact.at)),
    }
}

/// The day of a Unix time, by Vietnam's clock.
pub(super) fn day(at: u64) -> Day {
    Day::in_vietnam(i64::try_from(at).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
