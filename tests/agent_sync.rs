//! The agent's rules, one by one: what it follows, and what it refuses (design: The agent).

mod agent_world;
mod forge;

use agent_world::{World, copy, files, many, names, once, output, source, trust_document, well};
use blockfeed::{
    agent::{Config, RootPin, TrustConfig, Verify},
    canon::Base64,
    entries::FeedName,
};
use forge::keys::{public_key, seeded, witness};
use std::{fs, path::Path};

fn domains() -> FeedName {
    FeedName::domains()
}

/// Follows the whole history of a world, and says what went wrong.
async fn first_sync(world: &World, config: &Config) -> blockfeed::agent::Report {
    let mut agent = world.agent(config);
    once(&mut agent).await
}

#[tokio::test]
async fn from_nothing_to_the_files() {
    let mut world = World::new();
    let first = world.list(&["a.example", "b.example"]);
    world.list_lines(vec!["net:203.0.113.0/24".into()], agent_world::END, false);
    let mut config = world.config("isp");
    let home = world.dir.path().join("isp");
    config
        .outputs
        .push(output("networks", "cidr", &home.join("networks.cidr")));
    let mut agent = world.agent(&config);
    let plan = agent.plan().await.unwrap();
    assert_eq!(plan.feeds[&domains()].entries, 2, "{plan}");
    assert_eq!(plan.outputs.len(), 2);
    assert!(!home.join("domains.txt").exists(), "a plan writes nothing");
    let report = well(&mut agent).await;
    assert_eq!(report.feeds[&domains()].added, 2);
    assert_eq!(names(&home.join("domains.txt")), ["a.example", "b.example"]);
    assert_eq!(names(&home.join("networks.cidr")), ["203.0.113.0/24"]);
    world.pass(60);
    world.revoke_some(&first, &["a.example"]);
    let report = well(&mut agent).await;
    assert_eq!(report.feeds[&domains()].removed, 1);
    assert_eq!(names(&home.join("domains.txt")), ["b.example"]);
    // Nothing new: nothing is written.
    let report = well(&mut agent).await;
    assert!(
        report
            .outputs
            .iter()
            .all(|o| format!("{:?}", o.outcome) == "Unchanged")
    );
    assert_eq!(
        agent.enforced(&domains()).unwrap(),
        world.in_force(&domains())
    );
}

#[tokio::test]
async fn an_agent_goes_on_after_a_restart() {
    let mut world = World::new();
    let first = world.list(&many("a", 50));
    let config = world.config("isp");
    well(&mut world.agent(&config)).await;
    world.pass(60);
    world.stay(&first, &["a3.example", "a4.example"]);
    well(&mut world.agent(&config)).await;
    // The end of the stay brings lines back that only a kept part names.
    let agent = world.agent(&config);
    assert_eq!(agent.enforced(&domains()).unwrap().len(), 48);
    drop(agent);
    world.pass(3600);
    world.expire();
    well(&mut world.agent(&config)).await;
    let agent = world.agent(&config);
    assert_eq!(
        agent.enforced(&domains()).unwrap(),
        world.in_force(&domains())
    );
    assert_eq!(agent.head().unwrap().size, world.log.leaves.len() as u64);
}

#[tokio::test]
async fn an_empty_log_gives_an_empty_list() {
    let world = World::new();
    let config = world.config("isp");
    well(&mut world.agent(&config)).await;
    assert!(names(&world.dir.path().join("isp/domains.txt")).is_empty());
}

#[tokio::test]
async fn every_part_is_read_where_that_is_asked_for() {
    let mut world = World::new();
    let first = world.list(&many("a", 30));
    world.pass(5);
    world.revoke_some(&first, &["a7.example"]);
    world.list(&many("b", 10));
    let mut config = world.config("isp");
    config.verify = Verify::Full;
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    assert_eq!(
        agent.enforced(&domains()).unwrap(),
        world.in_force(&domains())
    );
    // A lie in a part of the past: the digest way doesn't read it, the full way does.
    let part = world
        .log
        .parts
        .0
        .iter()
        .find(|(_, b)| b.starts_with(b"domain:a0"));
    let path = world
        .public()
        .join("part")
        .join(part.unwrap().0.to_string());
    fs::write(path, "domain:a0.example +\n").unwrap();
    config.state = world.dir.path().join("other");
    let report = first_sync(&world, &config).await;
    assert!(
        report.has_fault("leaf") && report.feeds.is_empty(),
        "{report}"
    );
    config.verify = Verify::Digest;
    assert!(first_sync(&world, &config).await.is_well());
}

#[tokio::test]
async fn a_first_contact_needs_a_pin_that_holds() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let document = trust_document();
    let log_key = world.how.log_key.verifier().to_string();
    let roots = |n: usize| RootPin {
        threshold: n,
        keys: document
            .root
            .keys
            .values()
            .map(|k| k.public.clone().into())
            .collect(),
    };
    let genesis = blockfeed::tlog::leaf_hash(&world.log.leaves[0]).to_string();
    let pin = |edit: &dyn Fn(&mut TrustConfig)| {
        let mut trust = TrustConfig::default();
        edit(&mut trust);
        trust
    };
    let good = [
        pin(&|t| t.genesis = Some(genesis.clone())),
        pin(&|t| t.root = Some(roots(2))),
        pin(&|t| t.log_key = Some(log_key.clone())),
        pin(&|t| t.trust_on_first_use = true),
    ];
    let other_root = Base64(public_key(&seeded(9)).public.0);
    let bad = [
        pin(&|_| {}),
        pin(&|t| t.genesis = Some("00b8b3e1b11c426c".into())),
        pin(&|t| t.genesis = Some(genesis[..8].into())),
        pin(&|t| t.root = Some(roots(3))),
        pin(&|t| {
            t.root = Some(RootPin {
                threshold: 1,
                keys: [other_root.clone().into()].into(),
            });
        }),
        pin(&|t| t.log_key = Some(witness(1).verifier().to_string())),
        pin(&|t| {
            t.trust_on_first_use = true;
            t.origin = Some(blockfeed::canon::Origin::new("other.example").unwrap());
        }),
    ];
    for (n, trust) in good.into_iter().enumerate() {
        let mut config = world.config(&format!("good{n}"));
        config.trust = trust;
        assert!(first_sync(&world, &config).await.is_well(), "{n}");
    }
    for (n, trust) in bad.into_iter().enumerate() {
        let mut config = world.config(&format!("bad{n}"));
        config.trust = trust;
        let report = first_sync(&world, &config).await;
        assert!(
            report.has_fault("pin") && report.has_alarm("pin"),
            "{n}: {report}"
        );
        assert!(!config.outputs[0].path.exists());
    }
}

#[tokio::test]
async fn an_older_state_is_refused() {
    let mut world = World::new();
    let first = world.list(&["a.example"]);
    let older = world.dir.path().join("older");
    copy(&world.public(), &older);
    world.pass(60);
    world.revoke(&first);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let mut stale = config.clone();
    stale.sources = vec![source(&older.display().to_string())];
    drop(agent);
    let mut agent = world.agent(&stale);
    let report = once(&mut agent).await;
    assert!(report.has_fault("rollback"), "{report}");
    assert!(
        names(&config.outputs[0].path).is_empty(),
        "the revocation stands"
    );
    // The same with the copy of the log lost: the head is remembered.
    drop(agent);
    fs::remove_file(config.state.join("leaves")).unwrap();
    let mut agent = world.agent(&stale);
    let report = once(&mut agent).await;
    assert!(
        report.has_fault("rollback") && report.has_alarm("damaged"),
        "{report}"
    );
    drop(agent);
    let report = well(&mut world.agent(&config)).await;
    assert_eq!(report.head.unwrap().size, world.log.leaves.len() as u64);
}

#[tokio::test]
async fn two_histories_are_seen_and_kept_as_evidence() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    // The same size, another root: the last decision is another one, properly signed.
    let mut other = World::new();
    other.list(&["b.example"]);
    let there = other.log.publish_as(&other.how);
    there.write(&world.public());
    let report = once(&mut agent).await;
    assert!(
        report.has_fault("fork") && report.has_alarm("fork"),
        "{report}"
    );
    assert_eq!(files(&config.state.join("evidence")).len(), 2);
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    // A longer one of that other history.
    other.list(&["c.example"]);
    other.log.publish_as(&other.how).write(&world.public());
    let report = once(&mut agent).await;
    assert!(report.has_fault("root"), "{report}");
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
}

#[tokio::test]
async fn a_frozen_source_is_told_by_age_and_another_is_asked() {
    let mut world = World::new();
    let first = world.list(&["a.example"]);
    let frozen = world.dir.path().join("frozen");
    copy(&world.public(), &frozen);
    let mut config = world.config("isp");
    let live = config.sources[0].clone();
    config.sources = vec![source(&frozen.display().to_string())];
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    for (seconds, code) in [
        (900, "stale_15m"),
        (3600, "stale_1h"),
        (86_400, "stale_24h"),
    ] {
        world.pass(seconds);
        let report = once(&mut agent).await;
        assert!(report.has_alarm(code), "{report}");
    }
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    world.revoke(&first);
    drop(agent);
    config.sources.push(live);
    let report = well(&mut world.agent(&config)).await;
    assert_eq!(report.feeds[&domains()].removed, 1);
    assert!(names(&config.outputs[0].path).is_empty());
}

#[tokio::test]
async fn mixed_serials_are_refused_and_the_other_feed_goes_on() {
    let mut world = World::new();
    let first = world.list(&["a.example"]);
    world.list_lines(vec!["net:203.0.113.0/24".into()], agent_world::END, false);
    let mut config = world.config("isp");
    config.feeds.insert(FeedName::networks());
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let manifest = world.public().join("feeds/domains/manifest");
    let older = fs::read(&manifest).unwrap();
    world.pass(60);
    world.revoke(&first);
    let newer = fs::read(&manifest).unwrap();
    fs::write(&manifest, older).unwrap();
    let report = once(&mut agent).await;
    assert!(report.has_fault("mixed"), "{report}");
    assert!(report.feeds[&FeedName::networks()].current);
    assert!(!report.feeds[&domains()].current);
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    // After a restart it still stands where it stood, and goes on from there.
    drop(agent);
    let mut agent = world.agent(&config);
    assert!(!once(&mut agent).await.is_well());
    fs::write(&manifest, newer).unwrap();
    well(&mut agent).await;
    assert!(names(&config.outputs[0].path).is_empty());
}

#[tokio::test]
async fn a_served_delta_that_says_other_than_the_decisions_is_refused() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    world.pass(60);
    world.list(&["b.example"]);
    // Whoever holds the feed key alone signs a manifest with a delta of their own.
    let mut there = world.log.publish_as(&world.how);
    let delta = there.manifests[&domains()].deltas.last().copied().unwrap();
    let text = format!(
        "blockfeed/delta/v1 {} domains {} {}\n+D 2026-000002 block_domain {}\n+E bank.example + 2026-000002\n",
        forge::ORIGIN,
        delta.from,
        delta.to,
        agent_world::END
    );
    let file = there.put_delta(&domains(), text.as_bytes());
    there.edit_manifest(&domains(), |m| m.deltas.last_mut().unwrap().file = file);
    there.write(&world.public());
    let report = once(&mut agent).await;
    assert!(report.has_fault("delta"), "{report}");
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    // And a first contact finds that it doesn't lead to the digest.
    let report = first_sync(&world, &world.config("other")).await;
    assert!(report.has_fault("digest"), "{report}");
    world.publish();
    well(&mut agent).await;
}

#[tokio::test]
async fn keys_are_changed_by_trust_leaves() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let mut document = trust_document();
    document.version = 2;
    document.log = vec![public_key(&seeded(0x11))];
    document.feed = vec![public_key(&seeded(0x33))];
    let now = world.now();
    world.log.trust(
        now,
        &document,
        &[forge::keys::root(1), forge::keys::root(2)],
    );
    world.log.close(now);
    world.how.log_key = blockfeed::tlog::SignerKey::new(forge::ORIGIN, seeded(0x11)).unwrap();
    world.how.feed_key =
        blockfeed::tlog::SignerKey::new(&format!("{}/feed", forge::ORIGIN), seeded(0x33)).unwrap();
    world.list(&["b.example"]);
    well(&mut agent).await;
    assert_eq!(names(&config.outputs[0].path), ["a.example", "b.example"]);
    // The old keys sign no more.
    world.how.log_key = forge::keys::log_key();
    world.list(&["c.example"]);
    let report = once(&mut agent).await;
    assert!(report.has_fault("checkpoint"), "{report}");
    drop(agent);
    assert_eq!(world.agent(&config).enforced(&domains()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_quorum_is_asked_for_and_its_clock_is_the_clock() {
    let mut document = trust_document();
    document.witnesses.quorum = 2;
    document.witnesses.keys = (1..=3).map(|n| witness(n).verifier().to_string()).collect();
    let mut world = World::under(document);
    world.how.witnesses = vec![witness(1), witness(2)];
    world.list(&["a.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    assert_eq!(
        agent.trusted_time(),
        world.how.time,
        "the later of the two needs the other"
    );
    world.pass(60);
    world.how.witnesses = vec![witness(1)];
    world.list(&["b.example"]);
    let report = once(&mut agent).await;
    assert!(report.has_fault("quorum"), "{report}");
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    world.how.witnesses = vec![witness(3), witness(1)];
    world.publish();
    well(&mut agent).await;
    // Time never runs back, whatever witnesses say later.
    let time = agent.trusted_time();
    world.how.time -= 600;
    world.publish();
    once(&mut agent).await;
    assert_eq!(agent.trusted_time(), time);
}

#[tokio::test]
async fn an_unknown_leaf_stops_everything_but_what_is_held() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let mut log = world.log.clone();
    let at = log.leaves.len();
    world.list(&["b.example"]);
    log.leaves = world.log.leaves.clone();
    log.points = world.log.points.clone();
    log.replace(at, br#"{"type":"testament","v":1}"#.to_vec());
    log.publish_as(&world.how).write(&world.public());
    let report = once(&mut agent).await;
    assert!(report.has_fault("unknown_leaf"), "{report}");
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
}

#[tokio::test]
async fn limits_end_a_round_before_anything_is_parsed() {
    let mut world = World::new();
    world.list(&many("a", 200));
    for edit in [
        |l: &mut blockfeed::agent::Limits| l.max_leaves = 2,
        |l: &mut blockfeed::agent::Limits| l.max_log_bytes = 200,
        |l: &mut blockfeed::agent::Limits| l.max_file_bytes = 60,
    ] {
        let mut config = world.config("isp");
        edit(&mut config.limits);
        let report = first_sync(&world, &config).await;
        assert!(report.has_fault("limit"), "{report}");
    }
}

#[tokio::test]
async fn each_single_altered_file_leaves_the_last_good_set() {
    let mut world = World::new();
    let first = world.list(&many("a", 20));
    let config = world.config("isp");
    well(&mut world.agent(&config)).await;
    world.pass(60);
    world.revoke_some(&first, &["a3.example"]);
    world.list(&["b.example"]);
    let held = names(&config.outputs[0].path);
    let next: Vec<String> = {
        let other = world.config("other");
        well(&mut world.agent(&other)).await;
        names(&other.outputs[0].path)
    };
    let mut refused = 0;
    for path in files(&world.public()) {
        let path = world.public().join(path);
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 4;
        for bad in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new()] {
            fs::write(&path, &bad).unwrap();
            let copied = world.dir.path().join("try");
            let _ = fs::remove_dir_all(&copied);
            copy(config.state.parent().unwrap(), &copied);
            let mut tried = config.clone();
            tried.state = copied.join("state");
            tried.outputs[0].path = copied.join("domains.txt");
            let report = once(&mut world.agent(&tried)).await;
            let found = names(&tried.outputs[0].path);
            assert!(
                found == held || found == next,
                "{}: {found:?}",
                path.display()
            );
            assert_eq!(found == held, !report.feeds[&domains()].current, "{report}");
            refused += usize::from(found == held);
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(refused > 10, "{refused}");
}

#[tokio::test]
async fn the_shared_vectors_are_followed() {
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        Into::into,
    );
    let vectors = shared.join("vectors");
    if !vectors.is_dir() {
        return println!("../shared isn't there: left out");
    }
    let world = World::new();
    for verify in [Verify::Digest, Verify::Full] {
        let mut config = world.config(&format!("{verify:?}"));
        config.verify = verify;
        config.sources = vec![source(&vectors.display().to_string())];
        config.trust.genesis = Some("00b8b3e1b11c426c".into());
        config.feeds.insert(FeedName::networks());
        config
            .feeds
            .insert(FeedName::parse("sellers/shopee.vn").unwrap());
        let agent = blockfeed::agent::Agent::open(config, &prometheus::Registry::new()).unwrap();
        let mut agent = agent.with_clock(|| 1_790_864_040);
        let report = well(&mut agent).await;
        let feed = &report.feeds[&domains()];
        assert_eq!((feed.serial, feed.entries), (18, 3));
        assert_eq!(
            feed.digest,
            "889e1c6575c5f41c3ef982cfe2817a6679a1874d1b1a00e035267b2739361cdf"
        );
        assert_eq!(report.feeds.len(), 3);
    }
}
