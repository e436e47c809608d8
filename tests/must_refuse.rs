//! What must never be listed by mistake: a corpus of public and private suffixes, government, banks, telecoms, delivery
//! networks, clouds, resolvers, popular names and default routes, each line as an officer might paste it, each with the
//! grade that must stop it. One that passes fails the test; so does one that an override passes where the corpus says that
//! nothing does.

mod corpora;

use std::collections::BTreeMap;

use blockfeed::check::batch::Outcome;
use blockfeed::check::{Grade, gravest};

/// One line of the corpus: class, expected grade, subject as typed, where it comes from.
fn rows(text: &str) -> impl Iterator<Item = [&str; 4]> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            fields.try_into().unwrap_or_else(|_| panic!("{line}"))
        })
}

/// The grade and the code that stop a line, or nothing where it passes.
fn stopped(typed: &str) -> Option<(Grade, &'static str)> {
    match corpora::judged(typed) {
        // What can't be read can't be listed.
        Outcome::Refused(refusal) if refusal.findings.is_empty() => {
            Some((Grade::Refuse, refusal.code))
        }
        Outcome::Refused(refusal) => {
            gravest(&refusal.findings).map(|finding| (finding.grade(), finding.code()))
        }
        Outcome::Accepted { .. } | Outcome::Merged { .. } | Outcome::Skipped { .. } => None,
    }
}

#[test]
fn the_whole_corpus_is_stopped() {
    let text = std::fs::read_to_string(corpora::here("tests/data/must-refuse.tsv")).unwrap();
    let mut by_rule: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut by_class: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut subjects, mut wrong) = (0, Vec::new());
    for [class, grade, typed, from] in rows(&text) {
        subjects += 1;
        *by_class.entry(class).or_default() += 1;
        let found = stopped(typed);
        let name = found.map_or("passes", |(grade, _)| name(grade));
        if let Some((_, code)) = found {
            *by_rule.entry((name, code)).or_default() += 1;
        }
        if name != grade {
            wrong.push(format!("{typed} ({class}, {from}): {name}, not {grade}"));
        }
    }
    println!("{subjects} subjects, {} not as they must be", wrong.len());
    for ((grade, code), count) in &by_rule {
        println!("  {grade:<8} {code:<18} {count}");
    }
    println!("{by_class:?}");
    assert!(subjects >= 1_500, "{subjects}");
    assert!(
        wrong.is_empty(),
        "{} of {subjects}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn name(grade: Grade) -> &'static str {
    match grade {
        Grade::Refuse => "refuse",
        Grade::Override => "override",
        Grade::Note => "passes",
    }
}
