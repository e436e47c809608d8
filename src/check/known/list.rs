//! Facts on a whole list: the findings of each line, what each touches, and what is the same for many lines said once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipnet::IpNet;

use super::super::batch::{Batch, Known, Options, Outcome};
use super::super::collateral::{Collateral, Touched};
use super::super::{Finding, Guard};
use super::CROWD;
use crate::registry::facts::{Facts, Neighbours};
use crate::subject::{Kind, OwnedLine, Subject, net};

/// Findings about a source rather than about the subject: an old data set is old for every line.
const OF_SOURCES: [&str; 4] = ["source_failed", "source_old", "no_source", "not_asked"];
/// Networks inside one of these lengths, of IPv4 and IPv6, are counted together: what is usually given to one customer.
const TOGETHER: (u8, u8) = (24, 48);

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
    of_list.judge_together();
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
    /// Lines with few names each, by the wider network that they lie in.
    few: BTreeMap<IpNet, Few>,
    /// Code and detail, with how many lines they were said of.
    of_sources: BTreeMap<(&'static str, String), u64>,
}

/// Networks of a list that lie in one wider network, none of them crowded.
#[derive(Debug, Default)]
struct Few {
    names: BTreeSet<String>,
    lines: Vec<OwnedLine>,
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
        if let Some(seen) = facts.neighbours.known() {
            self.note_few(line, seen);
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

    fn note_few(&mut self, line: &OwnedLine, seen: &Neighbours) {
        let line_of = line.line();
        if line_of.kind != Kind::Net || seen.names >= CROWD {
            return;
        }
        let Ok(inner) = net::parse(line_of.name) else {
            return;
        };
        let length = match inner {
            IpNet::V4(_) => TOGETHER.0,
            IpNet::V6(_) => TOGETHER.1,
        };
        // A network as wide as that was judged by itself.
        let Some(wider) = IpNet::new(inner.network(), length)
            .ok()
            .filter(|_| inner.prefix_len() > length)
        else {
            return;
        };
        let few = self.few.entry(wider.trunc()).or_default();
        // Of so few all are in the sample; one name at many addresses counts once.
        few.names.extend(seen.sample.iter().cloned());
        few.lines.push(line.clone());
    }

    /// Many narrow networks must not take, each with a few names, what a wider one would need a senior officer for.
    fn judge_together(&mut self) {
        for (wider, few) in std::mem::take(&mut self.few) {
            let names = few.names.len();
            if few.lines.len() < 2 || names < usize::try_from(CROWD).unwrap_or(usize::MAX) {
                continue;
            }
            let some: Vec<&str> = few.names.iter().map(String::as_str).take(5).collect();
            let detail = format!(
                "{names} names together at {} networks of the list in {wider}, such as {}",
                few.lines.len(),
                some.join(", ")
            );
            for line in few.lines {
                let said = self.known.entry(line).or_default();
                said.push(Finding::of("crowded_address", detail.clone()));
                said.sort_by_key(Finding::grade);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::facts::{Outcome, Source, Sourced, Unasked};

    #[test]
    fn narrow_networks_are_judged_together() {
        let stopped = |names_each: usize, lines: &[&str]| {
            let mut of_list = OfList::default();
            for (at, text) in lines.iter().enumerate() {
                let mut facts = Facts::unasked(text, Unasked::NotApplicable, 0);
                let sample: Vec<String> =
                    (0..names_each).map(|n| format!("n{n}-{at}.vn")).collect();
                facts.neighbours = Sourced {
                    source: Source::Nobody,
                    at: 0,
                    fresh_until: None,
                    outcome: Outcome::Known(Neighbours {
                        names: names_each as u64,
                        at_least: false,
                        sample,
                    }),
                };
                let line = OwnedLine::parse(text).unwrap();
                let nothing = |_: &Subject| Facts::unasked("", Unasked::NotApplicable, 0);
                of_list.add(&line, &facts, &nothing, 0);
            }
            of_list.judge_together();
            let crowded = |all: &&Vec<Finding>| all.iter().any(|f| f.code() == "crowded_address");
            of_list.known.values().filter(crowded).count()
        };
        let near = ["net:203.0.113.7/32", "net:203.0.113.8/32"];
        assert_eq!(stopped(5, &near), 2);
        assert_eq!(stopped(4, &near), 0);
        assert_eq!(stopped(9, &near[..1]), 0);
        assert_eq!(
            stopped(5, &["net:203.0.113.7/32", "net:198.51.100.7/32"]),
            0
        );
    }
}
