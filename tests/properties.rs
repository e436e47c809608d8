//! Properties: what holds for every history, not just for those that somebody thought of.
//!
//! snapshot + delta = next snapshot; decode(encode(x)) = x; rebuilt = live; the digest kept is
//! the digest reckoned; a proof shows what is and what isn't in the set; the audit passes.

mod forge;
#[path = "properties/histories.rs"]
mod histories;
#[path = "properties/model.rs"]
mod model;

use blockfeed::{
    audit::{self, Config, Progress},
    decision::{Fold, Interest, Leaf, Lines, PartError, PartRef, Parts},
    entries::{Change, ChangeBuilder, FeedName, Set, bucket_of},
    feed::{Manifest, delta, snapshot},
    subject::Kind,
    tlog::Hash,
};
use forge::{Bag, Log, keys, publish::Publication};
use histories::{Play, moves};
use proptest::{prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

fn cases(number: u32) -> ProptestConfig {
    ProptestConfig {
        cases: number,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// The fold's sets are those of a model that shares nothing with it (`Play` compares them at
    /// every state leaf), and refuses what the model refuses. On the way there:
    #[test]
    fn histories_come_out_as_the_model_says(moves in moves()) {
        let play = Play::new(&moves);
        deltas_lead_from_set_to_set(&play.log);
        kept_digests_are_reckoned_ones(&play.log);
        leaves_are_their_bytes(&play.log);
        rebuilt_is_live(&play.log);
        manifests_are_their_bytes(&play.log);
    }
}

proptest! {
    #![proptest_config(cases(32))]

    /// An agent that starts from any serial of any feeds comes to the same sets, reading no part
    /// but those it was told to fetch.
    #[test]
    fn an_agent_resumes_anywhere(moves in moves(), pick in any::<u8>()) {
        resumes_anywhere(&Play::new(&moves).log, pick);
    }
}

proptest! {
    #![proptest_config(cases(16))]

    /// What is published of it passes the audit, wherever the snapshot stands.
    #[test]
    fn every_history_passes_the_audit(moves in moves(), snapshot in -2_isize..3, merged: bool) {
        let play = Play::new(&moves);
        let how = Publication { snapshot, merged, ..Publication::default() };
        let published = play.log.publish_as(&how);
        let dir = tempfile::tempdir().unwrap();
        published.write(dir.path());
        let config = Config { patience_seconds: 0, ..Config::new(dir.path().to_str().unwrap()) };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let report = runtime.block_on(audit::run(&config, &mut |_: Progress| {}));
        prop_assert!(report.is_ok(), "{}", report.unwrap_err());
    }
}

proptest! {
    #![proptest_config(cases(64))]

    /// Sets apart from decisions: many lines, many changes, whatever they are.
    #[test]
    fn a_set_is_its_lines(steps in prop::collection::vec(lines(), 1..6)) {
        let (origin, feed) = (forge::origin(), FeedName::domains());
        let mut set = Set::new(Kind::Domain);
        let mut held: BTreeSet<String> = BTreeSet::new();
        for step in steps {
            let (removed, added): (Vec<_>, Vec<_>) = step.into_iter().partition(|l| held.contains(l));
            let mut moves = ChangeBuilder::default();
            removed.iter().for_each(|line| moves.remove(line));
            added.iter().for_each(|line| moves.add(line));
            let change = moves.finish(Kind::Domain);
            let before = set.clone();
            set.apply(&change).unwrap();
            // Twice the same change fits no set but the one with nothing to change.
            if !change.is_empty() {
                let digest = set.digest(&origin, &feed);
                prop_assert!(set.apply(&change).is_err());
                prop_assert_eq!(set.digest(&origin, &feed), digest);
                let text = delta::encode(&origin, &feed, 1, 2, &change);
                let read = delta::decode(&text, &origin, &feed, 1, 2).unwrap();
                prop_assert_eq!(&read, &change);
                let mut again = before;
                again.apply(&read).unwrap();
                prop_assert_eq!(again.sorted(), set.sorted());
            }
            removed.iter().for_each(|line| _ = held.remove(line));
            held.extend(added);
            let mut lines: Vec<&str> = set.lines().collect();
            lines.sort_unstable();
            prop_assert_eq!(lines, held.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(set.digest(&origin, &feed), reckoned(&set, &feed));
        }
    }

    /// A proof shows what is in the set and what isn't, and nothing that was changed in it holds.
    #[test]
    fn proofs_show_presence_and_absence(lines in lines(), asked in names(), flip in any::<u8>()) {
        let (origin, feed) = (forge::origin(), FeedName::domains());
        let mut set = Set::new(Kind::Domain);
        set.apply_lines(std::iter::empty(), lines.iter().map(String::as_str)).unwrap();
        let (digest, entries) = (set.digest(&origin, &feed), set.entries());
        let present = lines.iter().filter_map(|l| l.split(' ').nth(1));
        for name in present.chain(asked.iter().map(String::as_str)) {
            let mut proof = set.proof(name);
            prop_assert_eq!(proof.bucket, bucket_of(name));
            prop_assert_eq!(proof.digest(&origin, &feed, entries), digest);
            let of_name = |l: &&String| l.split(' ').nth(1) == Some(name);
            let shown: BTreeSet<&String> = proof.lines.iter().filter(of_name).collect();
            let there: BTreeSet<&String> = lines.iter().filter(of_name).collect();
            prop_assert_eq!(shown, there);
            prop_assert_ne!(proof.digest(&origin, &feed, entries + 1), digest);
            let at = usize::from(flip) % 16;
            proof.path[at].0[usize::from(flip) % 32] ^= 1;
            prop_assert_ne!(proof.digest(&origin, &feed, entries), digest);
            proof.path[at].0[usize::from(flip) % 32] ^= 1;
            proof.lines.push("E hidden.example + 2026-000001".into());
            prop_assert_ne!(proof.digest(&origin, &feed, entries), digest);
        }
    }
}

/// Lines of a domains feed over few names and decisions.
fn lines() -> impl Strategy<Value = BTreeSet<String>> {
    let id = || (1..40_u8).prop_map(|n| format!("2026-{n:06}"));
    let entry = (name(), select(vec!['+', '=']), id())
        .prop_map(|(name, scope, id)| format!("E {name} {scope} {id}"));
    let row = (id(), 0..9_u64).prop_map(|(id, end)| format!("D {id} block_domain {end}"));
    let line = prop_oneof![9 => entry, 1 => row];
    prop::collection::btree_set(line, 0..120)
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..20)
}

fn name() -> impl Strategy<Value = String> {
    "([a-c]{1,3}\\.){1,3}(vn|example|xn--p1ai)".prop_map(String::from)
}

// --- what is asked of a history -------------------------------------------------------------

fn deltas_lead_from_set_to_set(log: &Log) {
    let origin = log.fold.ledger.origin();
    for (feed, points) in &log.points {
        for pair in points.windows(2) {
            let (from, to) = (pair[0].serial, pair[1].serial);
            let text = snapshot::encode(origin, feed, from, &pair[0].set);
            let mut set = snapshot::decode(&text, origin, feed, from).unwrap();
            let text = delta::encode(origin, feed, from, to, &pair[1].change);
            let change = delta::decode(&text, origin, feed, from, to).unwrap();
            assert_eq!(change, pair[1].change);
            set.apply(&change).unwrap();
            let next = snapshot::encode(origin, feed, to, &pair[1].set);
            assert!(
                snapshot::encode(origin, feed, to, &set) == next,
                "{feed} {to}"
            );
            // The same change doesn't fit again.
            assert!(set.apply(&change).is_err());
        }
        // Changes compose: from the first serial to the last at once.
        let change = points[1..].iter().fold(Change::default(), |all, point| {
            all.then(feed.kind(), &point.change)
        });
        let mut set = points[0].set.clone();
        set.apply(&change).unwrap();
        assert_eq!(set.sorted(), points[points.len() - 1].set.sorted());
    }
}

fn kept_digests_are_reckoned_ones(log: &Log) {
    for (feed, points) in &log.points {
        for point in points {
            assert_eq!(
                point.set.digest(&forge::origin(), feed),
                reckoned(&point.set, feed)
            );
        }
    }
}

/// The digest of the design, over all 65,536 buckets, without the set's own tree.
fn reckoned(set: &Set, feed: &FeedName) -> Hash {
    let mut buckets: BTreeMap<u16, BTreeSet<&str>> = BTreeMap::new();
    for line in set.lines() {
        let field = line.split(' ').nth(1).unwrap();
        buckets.entry(bucket_of(field)).or_default().insert(line);
    }
    // Only what isn't empty is hashed by itself; an empty subtree of each height is hashed once.
    let mut empty = Hash::of([0]);
    let leaf = |lines: &BTreeSet<&str>| {
        let text: String = lines.iter().flat_map(|l| [*l, "\n"]).collect();
        Hash::of([&[0], text.as_bytes()].concat())
    };
    let mut level: BTreeMap<u32, Hash> = buckets
        .iter()
        .map(|(n, lines)| (u32::from(*n), leaf(lines)))
        .collect();
    let node = |a: &Hash, b: &Hash| Hash::of([&[1], &a.0[..], &b.0[..]].concat());
    for _ in 0..16 {
        let above: BTreeSet<u32> = level.keys().map(|n| n / 2).collect();
        let child = |n| level.get(&n).unwrap_or(&empty);
        let above = above
            .into_iter()
            .map(|n| (n, node(child(2 * n), child(2 * n + 1))));
        let above: BTreeMap<u32, Hash> = above.collect();
        empty = node(&empty, &empty);
        level = above;
    }
    let root = level.get(&0).unwrap_or(&empty);
    let entries = set.lines().filter(|l| l.starts_with("E ")).count() as u64;
    let head = format!("blockfeed/state/v1\0{}\0{feed}\0", forge::ORIGIN);
    Hash::of([head.as_bytes(), &entries.to_be_bytes(), &root.0].concat())
}

fn leaves_are_their_bytes(log: &Log) {
    for bytes in &log.leaves {
        let leaf = Leaf::parse(bytes).unwrap();
        assert_eq!(leaf.to_bytes().unwrap(), *bytes);
        assert_eq!(Leaf::parse(&leaf.to_bytes().unwrap()).unwrap(), leaf);
    }
}

fn rebuilt_is_live(log: &Log) {
    let mut fold = Fold::begin(&log.leaves[0], Interest::All, &log.parts).unwrap();
    for leaf in &log.leaves[1..] {
        fold.apply(leaf, &log.parts).unwrap();
    }
    assert_eq!(fold.ledger.feeds(), log.fold.ledger.feeds());
    assert_eq!(fold.ledger.next_due(), log.fold.ledger.next_due());
    let sets = fold.lines.sets();
    assert!(sets.keys().eq(log.fold.lines.sets().keys()));
    for (feed, set) in sets {
        assert_eq!(set.sorted(), log.fold.lines.set(feed).unwrap().sorted());
    }
}

fn manifests_are_their_bytes(log: &Log) {
    let published = log.publish();
    for manifest in published.manifests.values() {
        let key = keys::feed_key();
        let bytes = manifest.sign(&key);
        let feed_keys = [key.verifier().public];
        let read = Manifest::open(&bytes, &forge::origin(), &feed_keys).unwrap();
        assert_eq!(read, *manifest);
        let checked = read.check().unwrap();
        assert_eq!(checked.checkpoint.root, log.tree().root());
    }
}

/// Parts that were fetched, and no others.
struct Fetched<'a> {
    bag: &'a Bag,
    allowed: BTreeSet<Hash>,
}

impl Parts for Fetched<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        assert!(
            self.allowed.contains(sha256),
            "a part is read that wasn't announced: {sha256}"
        );
        self.bag.part(sha256)
    }
}

fn fetched(bag: &Bag, parts: Vec<PartRef>) -> Fetched<'_> {
    let allowed = parts.into_iter().map(|part| part.sha256).collect();
    Fetched { bag, allowed }
}

fn resumes_anywhere(log: &Log, pick: u8) {
    // Some feeds; one at least.
    let feeds: BTreeSet<FeedName> = log
        .fold
        .ledger
        .feeds()
        .keys()
        .enumerate()
        .filter(|(n, _)| *n == 0 || pick >> n & 1 == 1)
        .map(|(_, feed)| feed.clone())
        .collect();
    let mut whole = Fold::begin(&log.leaves[0], Interest::All, &log.parts).unwrap();
    let mut agents: Vec<Fold> = Vec::new();
    for bytes in &log.leaves[1..] {
        let leaf = Leaf::parse(bytes).unwrap();
        let changes = whole.apply_leaf(&leaf, &log.parts).unwrap();
        for agent in &mut agents {
            let needs = agent.lines.needs(&leaf, &agent.ledger);
            let mine = agent
                .apply_leaf(&leaf, &fetched(&log.parts, needs))
                .unwrap();
            for feed in &feeds {
                assert_eq!(mine.get(feed), changes.get(feed), "{feed}");
            }
        }
        if !matches!(leaf, Leaf::State(_)) {
            continue;
        }
        for agent in &agents {
            for feed in &feeds {
                same(agent.lines.set(feed), whole.lines.set(feed));
            }
        }
        let sets = feeds.iter().map(|feed| {
            let empty = || Set::new(feed.kind());
            let set = whole.lines.set(feed).cloned().unwrap_or_else(empty);
            (feed.clone(), set)
        });
        let needs = Lines::resume_needs(&feeds, &whole.ledger);
        let parts = fetched(&log.parts, needs);
        let lines = Lines::resume(sets.collect(), &whole.ledger, &parts).unwrap();
        let ledger = whole.ledger.clone();
        agents.push(Fold { ledger, lines });
    }
}

/// A set that isn't there yet is empty.
fn same(a: Option<&Set>, b: Option<&Set>) {
    let lines = |set: Option<&Set>| -> Vec<String> {
        let sorted = set.map(Set::sorted).unwrap_or_default();
        sorted.into_iter().map(Into::into).collect()
    };
    assert_eq!(lines(a), lines(b));
}
