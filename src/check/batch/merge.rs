//! Merging within one batch: equal lines, and lines that another covers. Never across decisions, since a subject is blocked
//! while any decision holds it (design: The log, *Semantics*).

use std::collections::{BTreeMap, HashMap};

use ipnet::IpNet;

use super::{Merge, Outcome, Row};
use crate::subject::{Kind, Line, Scope, Subject, cover, net, order};

/// Turns accepted rows into merged ones. The first of equals stays; a covered line goes into the widest that covers it.
pub(super) fn merge(rows: &mut [Row], aliases: &Aliases, keep_covered: bool) {
    let mut merged = domains(rows, keep_covered);
    merged.extend(duplicates(rows));
    merged.extend(spellings(rows, aliases));
    if !keep_covered {
        merged.extend(covered_networks(rows));
    }
    for (at, into, how) in merged {
        let Some(row) = rows.get_mut(at) else {
            continue;
        };
        if let Outcome::Accepted { line, .. } = &row.outcome {
            row.outcome = Outcome::Merged {
                line: line.clone(),
                into,
                how,
            };
        }
    }
}

/// Other spellings that the lines state, by subject, each once.
pub(super) type Aliases = BTreeMap<Subject, Vec<Subject>>;

pub(super) fn aliases(rows: &[Row]) -> Aliases {
    let mut all = Aliases::new();
    for row in rows {
        let Outcome::Accepted { line, aliases, .. } = &row.outcome else {
            continue;
        };
        if !aliases.is_empty() {
            let known = all.entry(line.subject().clone()).or_default();
            known.extend(aliases.iter().cloned());
            known.sort();
            known.dedup();
        }
    }
    all
}

/// Rows whose subject another row states as a spelling of its own.
fn spellings(rows: &[Row], aliases: &Aliases) -> Vec<Merged> {
    if aliases.is_empty() {
        return Vec::new();
    }
    let pairs = aliases
        .iter()
        .flat_map(|(of, names)| names.iter().map(move |name| (name, of)));
    let of: HashMap<&Subject, &Subject> = pairs.collect();
    let mut first: HashMap<String, u64> = HashMap::new();
    for (_, number, line) in accepted(rows) {
        first.entry(line.to_string()).or_insert(number);
    }
    let joined = accepted(rows).filter_map(|(at, _, line)| {
        let identity = of.get(line.to_owned_line().subject())?;
        Some((at, *first.get(&identity.to_string())?, Merge::Alias))
    });
    joined.collect()
}

/// Index of the row to merge, number of the line that it goes into, and why.
type Merged = (usize, u64, Merge);

/// Where a name stands first, in either scope: line numbers, 0 where it doesn't.
#[derive(Clone, Copy, Default)]
struct First {
    subtree: u64,
    exact: u64,
}

fn accepted(rows: &[Row]) -> impl Iterator<Item = (usize, u64, Line<'_>)> {
    rows.iter()
        .enumerate()
        .filter_map(|(at, row)| match &row.outcome {
            Outcome::Accepted { line, .. } => Some((at, row.number, line.line())),
            _ => None,
        })
}

/// Equal and covered domains, by one map of all names.
fn domains(rows: &[Row], keep_covered: bool) -> Vec<Merged> {
    let domains = || accepted(rows).filter(|(_, _, line)| line.kind == Kind::Domain);
    let mut names: HashMap<&str, First> = HashMap::with_capacity(rows.len());
    let mut merged = Vec::new();
    for (at, number, line) in domains() {
        let first = names.entry(line.name).or_default();
        let first = if line.scope == Scope::Subtree {
            &mut first.subtree
        } else {
            &mut first.exact
        };
        match *first {
            0 => *first = number,
            into => merged.push((at, into, Merge::Duplicate)),
        }
    }
    if keep_covered {
        return merged;
    }
    let widest = |line: &Line<'_>| {
        let own = usize::from(line.scope == Scope::Subtree);
        let above = cover::ancestors(line.name)
            .skip(own)
            .filter_map(|above| names.get(above));
        above
            .map(|first| first.subtree)
            .filter(|&number| number != 0)
            .last()
    };
    merged.extend(domains().filter_map(|(at, _, line)| Some((at, widest(&line)?, Merge::Covered))));
    merged
}

/// Equal lines of the other kinds.
fn duplicates(rows: &[Row]) -> Vec<Merged> {
    let mut first = HashMap::new();
    let others = accepted(rows).filter(|(_, _, line)| line.kind != Kind::Domain);
    let again = others.filter_map(|(at, number, line)| {
        let into = *first.entry(line).or_insert(number);
        (into != number).then_some((at, into, Merge::Duplicate))
    });
    again.collect()
}

fn covered_networks(rows: &[Row]) -> Vec<Merged> {
    let nets = accepted(rows).filter(|(_, _, line)| line.kind == Kind::Net);
    let mut nets: Vec<(_, usize, u64, IpNet)> = nets
        .filter_map(|(at, number, line)| {
            Some((
                order::net_key(line.name)?,
                at,
                number,
                net::parse(line.name).ok()?,
            ))
        })
        .collect();
    // A network sorts before all that it holds, the first of equals before the others.
    nets.sort_unstable_by_key(|(key, at, _, _)| (*key, *at));
    let mut outer: Option<(u64, IpNet)> = None;
    let mut merged = Vec::new();
    for (_, at, number, net) in nets {
        match outer {
            Some((into, wide)) if wide != net && wide.contains(&net) => {
                merged.push((at, into, Merge::Covered))
            }
            Some((_, wide)) if wide == net => {}
            _ => outer = Some((number, net)),
        }
    }
    merged
}
