//! The base of the zones moves: by itself, at an officer's wish, never too soon; auditors and agents follow, and
//! nothing that is in force changes (design: The log, `base`).

mod house;

use blockfeed::{
    agent::{self, Agent, SourceConfig, TrustConfig},
    audit,
    entries::FeedName,
    log::LEAST_BETWEEN,
};
use house::{House, ListOptions, Officer, Options};
use std::time::{Duration, Instant};

fn quick(log: fn(&mut blockfeed::log::Config)) -> House {
    House::with(Options {
        log,
        ..Options::default()
    })
}

fn base(house: &House) -> u64 {
    house.authority.ledger().base()
}

fn names(from: usize, count: usize) -> Vec<String> {
    (from..from + count)
        .map(|n| format!("domain:n{n}.example +"))
        .collect()
}

fn list(house: &House, from: usize, count: usize) {
    let lines = names(from, count);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    house.list(&lines, ListOptions::default());
}

/// Waits until the base has moved on from where it was, and all of it is published.
fn moved(house: &House, before: u64) -> u64 {
    let began = Instant::now();
    let published = || house.authority.current().size == house.authority.ledger().size();
    while base(house) == before || !published() {
        assert!(began.elapsed() < Duration::from_secs(60), "the base stays");
        std::thread::sleep(Duration::from_millis(10));
    }
    base(house)
}

fn audited(house: &House) {
    let config = audit::Config::new(house.url());
    let report = house.wait(audit::run(&config, &mut |_| {})).unwrap();
    assert_eq!(report.size, house.authority.ledger().size());
}

#[test]
fn it_moves_by_itself_when_enough_has_changed_and_everybody_follows() {
    let house = quick(|log| {
        log.compact_at = 20;
        log.quiet_hour = None;
        log.least_between_compactions = 0;
    });
    let dir = tempfile::tempdir().unwrap();
    let config = agent::Config {
        state: dir.path().join("state"),
        sources: vec![SourceConfig {
            at: house.url(),
            token_file: None,
        }],
        trust: TrustConfig {
            genesis: Some(house.authority.ledger().session()),
            ..TrustConfig::default()
        },
        feeds: [FeedName::domains()].into(),
        ..agent::Config::default()
    };
    let mut agent = Agent::open(config, &prometheus::Registry::new()).unwrap();
    let first = base(&house);
    list(&house, 0, 19);
    assert_eq!(base(&house), first, "19 aren't enough");
    assert!(house.wait(agent.once()).unwrap().is_well());
    list(&house, 100, 1);
    // One takes up what has changed, the next one lets the small zones forget it.
    let second = moved(&house, first);
    moved(&house, second);
    let last = base(&house);
    let serial = house.authority.current().feeds[&FeedName::domains()]
        .state
        .serial;
    assert!(serial < second, "a compaction is no change of the feed");
    let report = house.wait(agent.once()).unwrap();
    assert!(report.is_well(), "{report}");
    assert_eq!(agent.head().unwrap().size, house.authority.ledger().size());
    assert_eq!(
        agent.verified(&FeedName::domains()).unwrap().1.entries(),
        20
    );
    audited(&house);
    // How much has changed is known after a restart too.
    list(&house, 200, 19);
    assert_eq!(base(&house), last);
    let house = house.restart();
    assert_eq!(base(&house), last);
    list(&house, 300, 1);
    let third = moved(&house, last);
    moved(&house, third);
    audited(&house);
}

#[test]
fn an_officer_moves_it_but_not_too_soon() {
    let house = House::new();
    let before = base(&house);
    list(&house, 0, 3);
    let ask = |officer| house.signed(officer, "POST", "/api/v1/compaction", b"");
    let refused = ask(Officer::Second);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(refused.json()["code"], "too_soon");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=LEAST_BETWEEN).contains(&wait), "{wait}");
    assert_eq!(ask(Officer::First).status, 403, "no senior officer");
    assert_eq!(base(&house), before);
    let house = quick(|log| log.least_between_compactions = 0);
    list(&house, 0, 3);
    let done = house.signed(Officer::Second, "POST", "/api/v1/compaction", b"");
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(base(&house), house.authority.ledger().size());
    assert_eq!(done.json()["committed"]["size"], base(&house));
    audited(&house);
}
