//! What must pass: lists that people run against Vietnamese and foreign frauds, as they are. At most one entry in a hundred
//! is refused, and for each the rule, the list line that matched and that line's source stand in
//! `tests/data/must-pass.refused.tsv`, so that whoever doubts a refusal can look it up. And the Russian register, which took
//! addresses of delivery networks: none of those passes silently.

mod corpora;
#[path = "corpora/data.rs"]
mod data;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use blockfeed::check::batch::{Batch, Options, Outcome, Refusal};
use blockfeed::check::{Grade, Guard, gravest};
use blockfeed::registry::Lists;
use corpora::{here, judged};
use data::shared;
use ipnet::IpNet;

/// The lists, oldest spelling first, and where each lies.
const LISTS: [(&str, &str); 4] = [
    (
        "hostsvn-threat-vn",
        "domains/hostsvn-threat-vn_2022-2024.deltas.jsonl.zst",
    ),
    (
        "durablenapkin-scam-hosts",
        "domains/durablenapkin-scam-hosts_2024.deltas.jsonl.zst",
    ),
    (
        "chongluadao-2023-08-12",
        "domains/chongluadao-urls_2023-08-12.txt",
    ),
    (
        "chongluadao-2023-09-06",
        "domains/chongluadao-urls_2023-09-06.txt",
    ),
];

/// The rows that a history of deltas adds over all versions, and those of the last one.
fn history(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut ever, mut last) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let delta: serde_json::Value = serde_json::from_str(line).unwrap();
        let rows = |key: &str| {
            let array = delta[key].as_array().cloned().unwrap_or_default();
            array
                .into_iter()
                .map(|row| row.as_str().unwrap().to_owned())
        };
        rows("del").for_each(|row| _ = last.remove(&row));
        rows("add").for_each(|row| {
            last.insert(row.clone());
            ever.insert(row);
        });
    }
    (ever, last)
}

fn list(path: &str) -> Option<String> {
    let text = shared(path)?;
    Some(match path.contains(".deltas.") {
        true => history(&text).1.into_iter().collect::<Vec<_>>().join("\n"),
        false => text,
    })
}

/// A refusal as a row of the committed file, without its line number in the list.
fn shown(text: &str, refusal: &Refusal) -> String {
    let worst = gravest(&refusal.findings);
    let grade = worst.map_or(Grade::Refuse, |finding| finding.grade());
    let grade = format!("{grade:?}").to_lowercase();
    let line = refusal.line.as_ref().map(ToString::to_string);
    let matched = worst.and_then(|finding| finding.matched.as_ref());
    let (at, row, source) = matched.map_or_else(Default::default, |m| {
        (
            format!("{}:{}", m.file, m.line),
            m.text.clone(),
            m.source.clone(),
        )
    });
    let code = worst.map_or(refusal.code, |finding| finding.code());
    [
        text.replace('\t', " "),
        line.unwrap_or_default(),
        grade,
        code.to_owned(),
        at,
        row,
        source,
    ]
    .join("\t")
}

#[test]
fn few_entries_of_real_lists_are_refused_and_each_says_why() {
    let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
    let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, path) in LISTS {
        let Some(text) = list(path) else { return };
        let options = Options {
            category: "counterfeit",
            ..Options::default()
        };
        let batch = Batch::read(text.as_bytes(), &guard, &options);
        let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &batch.rows {
            if let Outcome::Refused(refusal) = &row.outcome {
                *codes.entry(refusal.code).or_default() += 1;
                let lists = refused.entry(shown(&row.text, refusal)).or_default();
                if lists.last() != Some(&name) {
                    lists.push(name);
                }
            }
        }
        let entries = batch.counts.lines - batch.counts.skipped;
        let share = batch.counts.refused as f64 / entries.max(1) as f64;
        println!(
            "{name}: {} of {entries} refused ({:.2} %) {codes:?}",
            batch.counts.refused,
            share * 100.0
        );
        assert!(share <= 0.01, "{name}: {share}");
    }
    held("tests/data/must-pass.refused.tsv", &file(&refused));
}

fn file(refused: &BTreeMap<String, Vec<&str>>) -> String {
    let mut file = "# Entries of real lists that the guard stops: text, as understood, grade, rule, the list line that matched, what stands there, that line's source, the lists.\n\
        # Written by tests/must_pass.rs; licences in LICENCES.md. An empty place where no list was asked: the text itself can't be listed.\n"
        .to_owned();
    for (row, lists) in refused {
        file.push_str(&format!("{row}\t{}\n", lists.join(" ")));
    }
    file
}

#[test]
fn an_address_of_a_delivery_network_never_passes_silently() {
    let Some(register) = shared("national/rkn-register_2012-11_2013-12.deltas.jsonl.zst") else {
        return;
    };
    let Some(ranges) = shared("ip/ipranges-cloudflare-ipv4_2026-08-22.txt") else {
        return;
    };
    let ranges: Vec<IpNet> = ranges.lines().map(|net| net.parse().unwrap()).collect();
    let (ever, _) = history(&register);
    let addresses: BTreeSet<IpAddr> = ever
        .iter()
        .filter_map(|row| row.split(';').next())
        .flat_map(|field| field.split('|'))
        .filter_map(|address| address.trim().parse().ok())
        .collect();
    let inside = |address: &IpAddr| ranges.iter().any(|net| net.contains(address));
    let (mut stopped, mut wrong) = (0, Vec::new());
    for address in addresses.iter().filter(|address| inside(address)) {
        match judged(&address.to_string()) {
            Outcome::Refused(refusal)
                if gravest(&refusal.findings).is_some_and(|f| f.code() == "shared_network") =>
            {
                stopped += 1
            }
            other => wrong.push(format!("{address}: {other:?}")),
        }
    }
    println!(
        "{} addresses of the register, {stopped} in Cloudflare's ranges, each an override",
        addresses.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(stopped > 10, "{stopped}");
}

/// The text of a file that stands in the source; with `BLESS=1` it is written anew instead and compared by a
/// person in the diff.
fn held(path: &str, found: &str) {
    let path = here(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let changed = expected
        .lines()
        .map(|line| ("-", line))
        .filter(|(_, line)| !found.lines().any(|other| other == *line))
        .chain(
            found
                .lines()
                .map(|line| ("+", line))
                .filter(|(_, line)| !expected.lines().any(|other| other == *line)),
        );
    let changed: Vec<String> = changed
        .take(20)
        .map(|(sign, line)| format!("{sign}{line}"))
        .collect();
    assert!(
        expected == found,
        "{} is no longer what comes out; look at each line, then write it anew with BLESS=1:\n{}",
        path.display(),
        changed.join("\n")
    );
}
