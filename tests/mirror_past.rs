//! A mirror over hundreds of decisions: deltas are merged and dropped, snapshots move, names come and go, and
//! whatever the authority lists anew is held against the decisions that led there, never folded again from the first.

mod house;

use blockfeed::{
    audit::{self, mirror},
    canon::DecisionId,
};
use house::{House, ListOptions, Options};
use std::{collections::VecDeque, path::Path};

/// Four decisions: three that list, one that takes the first of all that still stand back.
fn four(house: &House, standing: &mut VecDeque<DecisionId>, n: usize) {
    for i in 0..3 {
        let lines: Vec<String> = (0..=n % 5)
            .map(|l| format!("domain:n{l}.d{n}x{i}.example +"))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        standing.push_back(house.list(&lines, ListOptions::default()));
    }
    if let Some(oldest) = standing.pop_front() {
        house.revoke(&oldest, None);
    }
}

fn open(house: &House, to: &Path) -> mirror::Mirror {
    let config = mirror::Config {
        sources: vec![house.authority.public().display().to_string()],
        to: to.to_owned(),
        trust_on_first_use: true,
        ..mirror::Config::default()
    };
    house.wait(mirror::Mirror::open(config)).unwrap()
}

/// One look, which has to bring everything and find nothing to say of the source.
fn look(house: &House, mirror: &mut mirror::Mirror) {
    let round = house.wait(mirror.round()).unwrap();
    assert!(round.faults.is_empty(), "{:?}", round.faults);
    assert_eq!(round.size, house.authority.ledger().size());
}

fn audited(house: &House, folder: &Path) {
    let config = audit::Config::new(folder.display().to_string());
    let report = house.wait(audit::run(&config, &mut |_| {})).unwrap();
    assert_eq!(report.size, house.authority.ledger().size());
}

#[test]
fn a_mirror_follows_merged_deltas_and_whoever_was_away_or_comes_late() {
    let house = House::with(Options::default());
    let dir = tempfile::tempdir().unwrap();
    let [steady, late, new] = ["steady", "late", "new"].map(|name| dir.path().join(name));
    let mut standing = VecDeque::new();
    let mut follower = open(&house, &steady);
    let mut sleeper = open(&house, &late);
    look(&house, &mut sleeper);
    for n in 0..60 {
        four(&house, &mut standing, n);
        // Looks lie one to five times four decisions apart, so that steps come alone and together.
        if n % 5 == 0 || n % 7 == 0 {
            look(&house, &mut follower);
        }
    }
    look(&house, &mut follower);
    look(&house, &mut sleeper);
    look(&house, &mut open(&house, &new));
    // One that was restarted goes on from its folder.
    let mut again = open(&house, &late);
    four(&house, &mut standing, 60);
    look(&house, &mut again);
    look(&house, &mut follower);
    for folder in [&steady, &late] {
        audited(&house, folder);
    }
}
