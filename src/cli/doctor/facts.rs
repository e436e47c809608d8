//! What checks rest on: the lists and the data sets, and how old they are.

use super::Finding;
use crate::{
    cli::{guard, when},
    config::Config,
    registry::{
        Day,
        sets::{Sets, Standing},
    },
};

/// Days after which a list, and the suffix list, is a finding in every check as well.
const LIST_DAYS: u64 = 365;
const SUFFIX_DAYS: u64 = 90;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = lists(config);
    findings.extend(sets(config));
    findings
}

fn lists(config: &Config) -> Vec<Finding> {
    let lists = match guard::lists(config) {
        Ok(lists) => lists,
        Err(error) => {
            let remedy = "Mend the row that it names; the server refuses to start with such lists.";
            return vec![Finding::wrong("lists", error.to_string(), remedy)];
        }
    };
    let today = Day::in_vietnam(i64::try_from(when::now()).unwrap_or(i64::MAX));
    let heads = [
        &lists.protected_names.head,
        &lists.protected_networks.head,
        &lists.popular_names.head,
        &lists.platform_hosts.head,
        &lists.reserved_suffixes.head,
        &lists.shared_networks.head,
    ];
    let mut old = Vec::new();
    for head in heads {
        let days = today.since(head.date);
        if days > LIST_DAYS {
            old.push(format!("{} ({days} days)", head.file));
        }
    }
    let remedy = "Refresh it from its source: `blockfeed lists import --help`.";
    let mut findings = vec![if old.is_empty() {
        Finding::well("lists", format!("{}, none older than a year", lists.hash()))
    } else {
        Finding::note(
            "lists",
            format!("older than a year: {}", old.join(", ")),
            remedy,
        )
    }];
    findings.push(match lists.suffixes.dated() {
        Some(date) if today.since(date) > SUFFIX_DAYS => {
            let found = format!("of {date}, {} days old", today.since(date));
            Finding::note("suffix list", found, remedy)
        }
        Some(date) => Finding::well("suffix list", format!("of {date}")),
        None => Finding::note("suffix list", "it has no day", remedy),
    });
    findings
}

fn sets(config: &Config) -> Vec<Finding> {
    let dir = config.registry.sets(&config.log.data);
    if !dir.is_dir() {
        return Vec::new();
    }
    let now = when::now();
    let standings = Sets::open(&dir).standings();
    standings
        .iter()
        .map(|standing| of_set(standing, now))
        .collect()
}

fn of_set(standing: &Standing, now: u64) -> Finding {
    let remedy = "Import a newer extract: `blockfeed registry import --help`.";
    let name = &standing.name;
    match &standing.description {
        Some(set) if set.fresh_until <= now => Finding::note(
            "data set",
            format!("{name} of {} is too old", set.date),
            remedy,
        ),
        Some(set) => Finding::well(
            "data set",
            format!("{name} of {}, {} rows", set.date, set.rows),
        ),
        None => {
            let why = standing.fault.as_deref().unwrap_or("it can't be read");
            Finding::wrong("data set", format!("{name}: {why}"), remedy)
        }
    }
}
