//! Others' verdicts: a log of 20,000 events of a public blocklist's own machine (saved, dead, parked, whitelist, toplist,
//! tld, subdomain …) against what the guard says of the same names without network: the confusion table, held against
//! `tests/data/others-verdicts.tsv`, which explains each class where the two differ.

mod corpora;
#[path = "corpora/data.rs"]
mod data;

use std::collections::{BTreeMap, BTreeSet};

use blockfeed::check::batch::Outcome;
use blockfeed::check::gravest;
use corpora::{here, judged};
use data::shared;

type Cell = (String, String);

/// `passes`, or grade and code of what stops it.
fn verdict(name: &str) -> String {
    match judged(name) {
        Outcome::Refused(refusal) => match gravest(&refusal.findings) {
            Some(finding) => format!("{:?}:{}", finding.grade(), finding.code()).to_lowercase(),
            None => format!("refuse:{}", refusal.code),
        },
        Outcome::Accepted { .. } | Outcome::Merged { .. } => "passes".to_owned(),
        Outcome::Skipped { what } => format!("skipped:{what}"),
    }
}

#[test]
fn the_confusion_table_is_the_one_that_is_explained() {
    let Some(log) = shared("registry/jarelllama-domain_log_2024-05.csv.zst") else {
        return;
    };
    let mut verdicts: BTreeMap<&str, String> = BTreeMap::new();
    let mut table: BTreeMap<Cell, (u64, BTreeSet<&str>)> = BTreeMap::new();
    let mut events = 0;
    for row in log.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let &[_, event, name, _] = fields.as_slice() else {
            panic!("{row}")
        };
        let verdict = verdicts.entry(name).or_insert_with(|| verdict(name));
        let (count, names) = table
            .entry((event.to_owned(), verdict.clone()))
            .or_default();
        *count += 1;
        names.insert(name);
        events += 1;
    }
    println!("{events} events, {} names", verdicts.len());
    for ((event, verdict), (count, names)) in &table {
        let some: Vec<&str> = names.iter().copied().take(4).collect();
        println!(
            "{event}\t{verdict}\t{count}\t{}\t{}",
            names.len(),
            some.join(" ")
        );
    }
    let found: BTreeMap<Cell, (u64, u64)> = table
        .into_iter()
        .map(|(cell, (count, names))| (cell, (count, names.len() as u64)))
        .collect();
    assert_eq!(found, committed(), "tests/data/others-verdicts.tsv");
}

/// The committed table: events and distinct names, a cell; every cell says whether the two agree, and why not.
fn committed() -> BTreeMap<Cell, (u64, u64)> {
    let text = std::fs::read_to_string(here("tests/data/others-verdicts.tsv")).unwrap();
    let mut table = BTreeMap::new();
    for row in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[event, verdict, events, names, agree, why] = fields.as_slice() else {
            panic!("{row}")
        };
        assert!(matches!(agree, "agree" | "differ"), "{row}");
        assert!(agree == "agree" || why.len() > 20, "unexplained: {row}");
        let cell = (event.to_owned(), verdict.to_owned());
        table.insert(cell, (events.parse().unwrap(), names.parse().unwrap()));
    }
    table
}
