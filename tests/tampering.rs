//! Tampering: seeded mutations of everything published, each offered to an agent that holds an
//! earlier good state, or none. None may ever be applied (issue 1, "Tampering").
//!
//! Kinds 0 to 6 are what a mirror, a network or a disk can do. Kinds 7 to 9 are what a thief of
//! the log key *and* the feed key can do: everything is signed anew, and only an approval is
//! another one's. 2,500 of them by default;
//! `MUTATIONS=10000 cargo test --test tampering -- --nocapture` for the figure of the issue.

mod agent_world;
mod forge;

use agent_world::{END, World, copy, folder, many, names, output};
use blockfeed::{
    agent::{Agent, Config},
    canon::{Base64, Origin},
    decision::{DecisionLeaf, Leaf, approval_message},
    entries::FeedName,
    tlog::Hash,
    trust::Role,
};
use ed25519_dalek::Signer as _;
use forge::{
    keys::{RootSigner, Secret, approver, proposer, root, seeded},
    publish::Published,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

type Files = BTreeMap<String, Vec<u8>>;

/// Files to put, or to take away.
type Mutation = Vec<(String, Option<Vec<u8>>)>;

const KINDS: [&str; 10] = [
    "bit flipped",
    "cut short",
    "lost",
    "two files swapped",
    "bytes put in",
    "an older file",
    "two serials mixed",
    "approval of another decision",
    "approval in another role",
    "approval for another log",
];

/// A history, with all that was published along it.
struct Stage {
    world: World,
    /// Everything as it is published at the end, with what was left of before.
    last: Files,
    /// Publications at earlier sizes.
    older: Vec<Published>,
    /// Homes of agents that hold an earlier state; the first holds none.
    held: Vec<PathBuf>,
    /// Each feed's names at each serial.
    truth: BTreeMap<FeedName, BTreeMap<u64, Truth>>,
    /// Publications with one approval exchanged, by kind.
    forged: [Vec<Mutation>; 3],
}

/// A set that was published.
struct Truth {
    digest: Hash,
    lines: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    rejected: u64,
    harmless: u64,
    wrong: u64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_tampered_with_is_ever_applied() {
    let mutations: u64 = std::env::var("MUTATIONS").map_or(2_500, |n| n.parse().unwrap());
    let stage = Arc::new(Stage::build().await);
    // No common divisor with the kinds: each worker gets them all.
    let workers = 21;
    let mut work = tokio::task::JoinSet::new();
    for worker in 0..workers {
        let stage = stage.clone();
        work.spawn(async move {
            let mut desk = Desk::new(&stage, worker);
            let mut counts = [Count::default(); KINDS.len()];
            for n in (worker..mutations).step_by(workers as usize) {
                let (kind, mutation) = stage.mutation(n);
                desk.offer(&stage, n, &mutation, &mut counts[kind]).await;
            }
            counts
        });
    }
    let mut sum = [Count::default(); KINDS.len()];
    while let Some(counts) = work.join_next().await {
        for (sum, count) in sum.iter_mut().zip(counts.unwrap()) {
            sum.rejected += count.rejected;
            sum.harmless += count.harmless;
            sum.wrong += count.wrong;
        }
    }
    println!(
        "{:<30} {:>8} {:>8} {:>13}",
        "mutation", "rejected", "harmless", "applied wrong"
    );
    for (kind, count) in KINDS.iter().zip(sum) {
        println!(
            "{kind:<30} {:>8} {:>8} {:>13}",
            count.rejected, count.harmless, count.wrong
        );
    }
    let total = |of: fn(&Count) -> u64| sum.iter().map(of).sum::<u64>();
    let (rejected, harmless) = (total(|c| c.rejected), total(|c| c.harmless));
    let wrong = total(|c| c.wrong);
    println!("applied-wrong {wrong}, rejected {rejected}, harmless {harmless}");
    assert_eq!(wrong, 0);
    assert_eq!(rejected + harmless, mutations);
    let forged: u64 = sum[7..].iter().map(|c| c.harmless).sum();
    assert_eq!(forged, 0, "every exchanged approval is refused");
    assert!(rejected > mutations / 4, "the mutations are too tame");
}

impl Stage {
    /// Thirty leaves: lists, revocations, stays, an amended and an expired end, a trust document.
    async fn build() -> Self {
        let mut world = World::new();
        let (mut older, mut held) = (Vec::new(), vec![world.dir.path().join("held0")]);
        fs::create_dir_all(&held[0]).unwrap();
        let first = world.list(&many("a", 30));
        world.list_lines(
            vec!["net:203.0.113.0/24".into(), "domain:exact.example =".into()],
            END,
            false,
        );
        older.push(world.log.publish_as(&world.how));
        world.pass(60);
        world.stay(&first, &["a1.example", "a2.example"]);
        let short = world.list_as(&many("b", 10), world.now() + 4000, false);
        held.push(hold(&world, "held1").await);
        older.push(world.log.publish_as(&world.how));
        world.pass(60);
        let mut document = agent_world::trust_document();
        document.version = 2;
        let now = world.now();
        let roots: [RootSigner; 2] = [root(1), root(2)];
        world.log.trust(now, &document, &roots);
        world.log.close(now);
        world.revoke_some(&first, &["a3.example"]);
        world.list_lines(vec!["net:198.51.100.0/25".into()], END, false);
        held.push(hold(&world, "held2").await);
        older.push(world.log.publish_as(&world.how));
        world.pass(3600);
        world.expire();
        world.list(&many("c", 10));
        world.pass(400);
        world.expire();
        assert!(world.log.fold.ledger.lists()[&forge::id(&short)].open == 0);
        held.push(hold(&world, "held3").await);
        older.push(world.log.publish_as(&world.how));
        world.pass(60);
        let last = world.list(&many("d", 5));
        world.revoke(&last);
        world.list(&many("e", 5));
        world.list_lines(vec!["net:192.0.2.0/24".into()], END, false);
        let mut files = Files::new();
        for published in older.iter().chain([&world.log.publish_as(&world.how)]) {
            files.extend(published.files.clone());
        }
        let forged = [0, 1, 2].map(|kind| forgeries(&world, kind, &files));
        let truth = truth(&world);
        Self {
            world,
            last: files,
            older,
            held,
            truth,
            forged,
        }
    }

    /// The n-th mutation: which kind, and what it does to the last publication.
    fn mutation(&self, n: u64) -> (usize, Mutation) {
        let mut random = Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x399);
        let kind = (n % KINDS.len() as u64) as usize;
        loop {
            let mutation = match kind {
                0..=4 => self.ruined(kind, &mut random),
                5 => self.aged(1, &mut random),
                6 => {
                    let files = 2 + random.below(6);
                    self.aged(files, &mut random)
                }
                _ => random.pick(&self.forged[kind - 7]).clone(),
            };
            let changes =
                |(path, bytes): &(String, Option<Vec<u8>>)| self.last.get(path) != bytes.as_ref();
            if mutation.iter().any(changes) {
                return (kind, mutation);
            }
        }
    }

    /// Damage to bytes.
    fn ruined(&self, kind: usize, random: &mut Random) -> Mutation {
        let (path, bytes) = self.any_file(random);
        let at = random.below(bytes.len() as u64) as usize;
        let mut new = bytes.clone();
        match kind {
            0 => new[at] ^= 1 << random.below(8),
            1 => new.truncate(at),
            2 => return vec![(path.clone(), None)],
            3 => {
                let (other, others) = self.any_file(random);
                return vec![
                    (path.clone(), Some(others.clone())),
                    (other.clone(), Some(bytes.clone())),
                ];
            }
            _ => {
                let some = (0..=random.below(4)).map(|_| random.below(256) as u8);
                let some: Vec<u8> = some.collect();
                new.splice(at..at, some);
            }
        }
        vec![(path.clone(), Some(new))]
    }

    /// Files as an earlier publication had them: at their own path, or at one of their kind.
    fn aged(&self, files: u64, random: &mut Random) -> Mutation {
        let older = random.pick(&self.older);
        let changed: Vec<_> = older
            .files
            .iter()
            .filter(|(path, bytes)| self.last.get(*path) != Some(bytes))
            .collect();
        let one = |random: &mut Random| {
            if random.below(2) == 0 {
                let (path, bytes) = *random.pick(&changed);
                return (path.clone(), Some(bytes.clone()));
            }
            let (path, _) = self.any_file(random);
            let folder = |path: &str| path.rsplit_once('/').map(|(dir, _)| dir.to_owned());
            let of_kind: Vec<_> = older
                .files
                .iter()
                .filter(|(p, _)| folder(p) == folder(path))
                .collect();
            match of_kind.is_empty() {
                true => (path.clone(), None),
                false => (path.clone(), Some(random.pick(&of_kind).1.clone())),
            }
        };
        (0..files).map(|_| one(random)).collect()
    }

    /// Any file, but often one that an agent reads.
    fn any_file(&self, random: &mut Random) -> (&String, &Vec<u8>) {
        let all: Vec<_> = self
            .last
            .iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .collect();
        let read = |path: &str| path.ends_with("manifest") || path.contains("entries");
        let core: Vec<_> = all.iter().filter(|(path, _)| read(path)).copied().collect();
        match random.below(3) {
            0 => *random.pick(&core),
            _ => *random.pick(&all),
        }
    }
}

/// One worker's folder, home and agent.
struct Desk {
    dir: tempfile::TempDir,
    config: Config,
    /// Which of the earlier states its agent holds.
    held: usize,
    agent: Option<Agent>,
}

impl Desk {
    fn new(stage: &Stage, worker: u64) -> Self {
        let dir = folder();
        for (path, bytes) in &stage.last {
            put(&dir.path().join("public"), path, Some(bytes));
        }
        let mut config = stage.world.config("none");
        let home = dir.path().join("home");
        config.state = home.join("state");
        config.sources[0].at = dir.path().join("public").display().to_string();
        config.outputs[0].path = home.join("domains.txt");
        config
            .outputs
            .push(output("networks", "cidr", &home.join("networks.cidr")));
        let held = (worker % stage.held.len() as u64) as usize;
        if worker.is_multiple_of(8) {
            config.verify = blockfeed::agent::Verify::Full;
        }
        Self {
            dir,
            config,
            held,
            agent: None,
        }
    }

    /// Offers a mutation, looks at what came of it, and takes it back.
    async fn offer(&mut self, stage: &Stage, n: u64, mutation: &Mutation, count: &mut Count) {
        let public = self.dir.path().join("public");
        for (path, bytes) in mutation {
            put(&public, path, bytes.as_deref());
        }
        let mut agent = self.take(stage);
        let before = serials(&agent);
        let report = agent.once().await.unwrap();
        let after = serials(&agent);
        let wrong = self.wrong(stage, &agent, &before);
        match (
            wrong,
            report.feeds.len() == 2 && report.feeds.values().all(|f| f.current),
        ) {
            (Some(why), _) => {
                println!("mutation {n} ({:?}): {why}\n{report}", paths(mutation));
                count.wrong += 1;
            }
            (None, true) => count.harmless += 1,
            (None, false) => {
                assert!(
                    !report.faults.is_empty(),
                    "{n}: refused without a word: {report}"
                );
                count.rejected += 1;
            }
        }
        // An agent that still stands where it stood is asked again.
        let stood = before == after && agent.head().map(|h| h.size) == stage.size_of(self.held);
        self.agent = stood.then_some(agent);
        for (path, _) in mutation {
            put(&public, path, stage.last.get(path).map(Vec::as_slice));
        }
    }

    fn take(&mut self, stage: &Stage) -> Agent {
        if let Some(agent) = self.agent.take() {
            return agent;
        }
        let home = self.dir.path().join("home");
        let _ = fs::remove_dir_all(&home);
        copy(&stage.held[self.held], &home);
        stage.world.agent(&self.config)
    }

    /// What is wrong with what the agent believes or has written, if anything.
    fn wrong(
        &self,
        stage: &Stage,
        agent: &Agent,
        before: &BTreeMap<FeedName, u64>,
    ) -> Option<String> {
        for (feed, truth) in &stage.truth {
            let path = match feed.as_str() {
                "domains" => &self.config.outputs[0].path,
                _ => &self.config.outputs[1].path,
            };
            let Some((serial, set)) = agent.verified(feed) else {
                if before.contains_key(feed) {
                    return Some(format!("{feed}: what was held is gone"));
                }
                if path.exists() {
                    return Some(format!("{feed}: a file was written of nothing"));
                }
                continue;
            };
            let Some(published) = truth.get(&serial) else {
                return Some(format!("{feed}: there was no serial {serial}"));
            };
            if before.get(feed).is_some_and(|before| serial < *before) {
                return Some(format!("{feed}: back to {serial}"));
            }
            if set.digest(&forge::origin(), feed) != published.digest {
                return Some(format!("{feed}: another set at {serial}"));
            }
            let written: BTreeSet<String> = names(path).into_iter().collect();
            let listed = enforced(&published.lines, agent.trusted_time());
            if written != listed {
                return Some(format!(
                    "{feed}: the file has other names than serial {serial}"
                ));
            }
        }
        None
    }
}

impl Stage {
    fn size_of(&self, held: usize) -> Option<u64> {
        let checked = fs::read_to_string(self.held[held].join("state/state")).ok()?;
        let body = checked.split_once('\n')?.1;
        let state: serde_json::Value = serde_json::from_str(body).ok()?;
        state["head"]["size"].as_u64()
    }
}

/// The home of an agent that follows the world as it stands.
async fn hold(world: &World, name: &str) -> PathBuf {
    let mut config = world.config(name);
    config.feeds.insert(FeedName::networks());
    agent_world::well(&mut world.agent(&config)).await;
    world.dir.path().join(name)
}

fn truth(world: &World) -> BTreeMap<FeedName, BTreeMap<u64, Truth>> {
    let of = |feed: &FeedName, point: &forge::Point| Truth {
        digest: point.set.digest(&forge::origin(), feed),
        lines: point.set.lines().map(Into::into).collect(),
    };
    let points = world.log.points.iter();
    points
        .map(|(feed, points)| {
            let points = points.iter().map(|point| (point.serial, of(feed, point)));
            (feed.clone(), points.collect())
        })
        .collect()
}

/// Whole publications, properly signed, in which one approval is exchanged; as differences.
fn forgeries(world: &World, kind: usize, last: &Files) -> Vec<Mutation> {
    let decisions: Vec<(usize, DecisionLeaf)> = world
        .log
        .leaves
        .iter()
        .enumerate()
        .filter_map(|(index, bytes)| match Leaf::parse(bytes) {
            Ok(Leaf::Decision(leaf)) => Some((index, *leaf)),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for (n, (index, leaf)) in decisions.iter().enumerate() {
        for which in 0..leaf.approvals.len() {
            let mut forged = leaf.clone();
            let approval = &mut forged.approvals[which];
            match kind {
                0 => {
                    let (_, other) = &decisions[(n + 1 + which) % decisions.len()];
                    let Some(moved) = other.approvals.get(which) else {
                        continue;
                    };
                    *approval = moved.clone();
                }
                1 => {
                    approval.role = match approval.role {
                        Role::Propose => Role::Approve,
                        Role::Approve => Role::Senior,
                        Role::Senior => Role::Propose,
                    };
                }
                _ => approval.sig = for_another_log(leaf, which),
            }
            let mut log = world.log.clone();
            log.replace_leaf(*index, &Leaf::Decision(Box::new(forged)));
            let files = log.publish_as(&world.how).files;
            let differs = files
                .into_iter()
                .filter(|(path, bytes)| last.get(path) != Some(bytes));
            found.push(differs.map(|(path, bytes)| (path, Some(bytes))).collect());
        }
    }
    found
}

/// The officer's own signature of the same body, for a log of another name.
fn for_another_log(leaf: &DecisionLeaf, which: usize) -> Base64 {
    let approval = &leaf.approvals[which];
    let known = [proposer(), approver(1)];
    let signer = known
        .iter()
        .find(|s| s.officer == approval.officer.as_str());
    let secret = match signer.map(|s| &s.secret) {
        Some(Secret::Ed25519(secret)) => secret.clone(),
        _ => seeded(0),
    };
    let other = Origin::new("other.example/399/v1").unwrap();
    let message = approval_message(
        &other,
        leaf.body.id(),
        approval.role,
        &approval.officer,
        &approval.key,
        &leaf.body_hash,
    );
    Base64(secret.sign(&message).to_bytes().to_vec())
}

fn serials(agent: &Agent) -> BTreeMap<FeedName, u64> {
    let feeds = [FeedName::domains(), FeedName::networks()];
    let serial = |feed: FeedName| agent.verified(&feed).map(|(serial, _)| (feed, serial));
    feeds.into_iter().filter_map(serial).collect()
}

fn paths(mutation: &Mutation) -> Vec<&str> {
    mutation.iter().map(|(path, _)| path.as_str()).collect()
}

/// The names of a set, less those whose every decision has ended by trusted time.
fn enforced(set: &[String], time: u64) -> BTreeSet<String> {
    let field = |line: &str, n: usize| line.split(' ').nth(n).map(str::to_owned);
    let (rows, entries): (Vec<_>, Vec<_>) = set.iter().partition(|line| line.starts_with("D "));
    let open: BTreeSet<String> = rows
        .into_iter()
        .filter(|row| field(row, 3).and_then(|end| end.parse().ok()) > Some(time))
        .filter_map(|row| field(row, 1))
        .collect();
    entries
        .into_iter()
        .filter(|entry| field(entry, 3).is_some_and(|id| open.contains(&id)))
        .filter_map(|entry| field(entry, 1))
        .collect()
}

fn put(base: &Path, path: &str, bytes: Option<&[u8]>) {
    let path = base.join(path);
    match bytes {
        Some(bytes) => {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        None => drop(fs::remove_file(path)),
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}
