//! A publisher, its folder and subscribers of it, for tests: a clock that tests turn, decisions
//! signed with the fixed keys of `forge`, a publication after each of them.

// Every test crate that includes this uses another part of it.
#![allow(dead_code)]

use crate::forge::{
    Log,
    keys::{Signer, approver, document, proposer, root},
    list,
    publish::Publication,
    revoke, stay, target,
};
use blockfeed::{
    agent::{Agent, Config, OutputConfig, Report, SourceConfig, TrustConfig},
    canon::OfficerId,
    decision::{Body, MeasureName},
    entries::FeedName,
    trust::{Document, Role},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;

pub const BEGIN: u64 = 1_790_000_000;

/// When decisions end, unless a test says otherwise.
pub const END: u64 = BEGIN + 20_000_000;

pub struct World {
    pub dir: TempDir,
    pub log: Log,
    pub how: Publication,
    clock: Arc<AtomicU64>,
    decisions: u64,
}

impl World {
    /// A log that holds nothing, published.
    pub fn new() -> Self {
        Self::under(trust_document())
    }

    /// The same under a trust document of one's own.
    pub fn under(document: Document) -> Self {
        let mut log = Log::begin(BEGIN, &document, &[root(1), root(3)]);
        log.close(BEGIN);
        let world = Self {
            dir: folder(),
            log,
            how: Publication {
                time: BEGIN + 30,
                ..Publication::default()
            },
            clock: Arc::new(AtomicU64::new(BEGIN + 40)),
            decisions: 0,
        };
        world.publish();
        world
    }

    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Turns the clock, the publisher's and the agents'.
    pub fn pass(&mut self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
        self.how.time = self.now();
    }

    /// The folder that is published.
    pub fn public(&self) -> PathBuf {
        self.dir.path().join("public")
    }

    /// Publishes the log as it stands, over what was there.
    pub fn publish(&self) {
        self.log.publish_as(&self.how).write(&self.public());
    }

    /// Lists domains and publishes. Gives the decision's id.
    pub fn list<N: AsRef<str>>(&mut self, names: &[N]) -> String {
        self.list_as(names, END, false)
    }

    /// Lists domains until a time, in bulk or not.
    pub fn list_as<N: AsRef<str>>(&mut self, names: &[N], end: u64, bulk: bool) -> String {
        let lines: Vec<String> = names
            .iter()
            .map(|name| format!("domain:{} +", name.as_ref()))
            .collect();
        self.list_lines(lines, end, bulk)
    }

    /// Lists lines of a part.
    pub fn list_lines(&mut self, mut lines: Vec<String>, end: u64, bulk: bool) -> String {
        lines.sort();
        let id = self.next_id();
        let now = self.now();
        let parts = lines
            .chunks(20_000)
            .map(|run| self.log.parts.lines(run))
            .collect();
        let measures = [MeasureName::BlockDomain, MeasureName::BlockIp];
        let mut body = list(&id, now, end, &measures, &mut self.log.parts, parts);
        body.bulk = bulk;
        let second = if bulk { senior() } else { approver(1) };
        self.decide(Body::List(body), &[&proposer(), &second]);
        id
    }

    /// Revokes a decision, whole.
    pub fn revoke(&mut self, decision: &str) {
        let (id, now) = (self.next_id(), self.now());
        let targets = vec![target(decision, None)];
        let body = revoke(&id, now, targets, &mut self.log.parts);
        self.decide(Body::Revoke(body), &[&proposer(), &approver(1)]);
    }

    /// Revokes some domains of a decision.
    pub fn revoke_some<N: AsRef<str>>(&mut self, decision: &str, names: &[N]) {
        let (id, now) = (self.next_id(), self.now());
        let part = self.domains(names);
        let targets = vec![target(decision, Some(vec![part]))];
        let body = revoke(&id, now, targets, &mut self.log.parts);
        self.decide(Body::Revoke(body), &[&proposer(), &approver(1)]);
    }

    /// Stays some domains of a decision for an hour.
    pub fn stay<N: AsRef<str>>(&mut self, decision: &str, names: &[N]) {
        let (id, now) = (self.next_id(), self.now());
        let part = self.domains(names);
        let targets = vec![target(decision, Some(vec![part]))];
        let body = stay(&id, now, targets, now + 3600, &mut self.log.parts);
        self.decide(Body::Stay(body), &[&proposer()]);
    }

    /// Ends what is due, and publishes.
    pub fn expire(&mut self) {
        let now = self.now();
        self.log.expire(now);
        self.log.close(now);
        self.publish();
    }

    /// Appends a decision, closes the commit, publishes.
    pub fn decide(&mut self, body: Body, signers: &[&Signer]) {
        let now = self.now();
        self.log.decide(now, &body, signers);
        self.log.close(now);
        self.publish();
    }

    pub fn next_id(&mut self) -> String {
        self.decisions += 1;
        format!("2026-{:06}", self.decisions)
    }

    /// The settings of a subscriber: the folder, the pin, `domains` as a plain list.
    pub fn config(&self, name: &str) -> Config {
        let home = self.dir.path().join(name);
        Config {
            state: home.join("state"),
            sources: vec![source(&self.public().display().to_string())],
            trust: TrustConfig {
                genesis: Some(self.log.fold.ledger.session()),
                ..TrustConfig::default()
            },
            outputs: vec![output("domains", "txt", &home.join("domains.txt"))],
            ..Config::default()
        }
    }

    /// An agent by the test's clock.
    pub fn agent(&self, config: &Config) -> Agent {
        self.try_agent(config).unwrap()
    }

    pub fn try_agent(&self, config: &Config) -> Result<Agent, blockfeed::agent::Error> {
        let clock = self.clock.clone();
        let agent = Agent::open(config.clone(), &prometheus::Registry::new())?;
        Ok(agent.with_clock(move || clock.load(Ordering::SeqCst)))
    }

    /// What the log says is in force, as `E` lines in feed order.
    pub fn in_force(&self, feed: &FeedName) -> Vec<String> {
        let set = self.log.fold.lines.set(feed).unwrap();
        let entries = set.sorted().into_iter().filter(|l| l.starts_with('E'));
        entries.map(str::to_owned).collect()
    }

    fn domains<N: AsRef<str>>(&mut self, names: &[N]) -> blockfeed::decision::PartRef {
        let mut lines: Vec<String> = names
            .iter()
            .map(|name| format!("domain:{} +", name.as_ref()))
            .collect();
        lines.sort();
        self.log.parts.lines(&lines)
    }
}

/// A folder in memory where the machine has such a place: what is tested isn't the disk.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// Trust document 1 with a senior officer.
pub fn trust_document() -> Document {
    let mut document = document(1);
    let officer = OfficerId::new("o-0042").unwrap();
    document.officers.get_mut(&officer).unwrap().roles =
        vec![Role::Approve, Role::Propose, Role::Senior];
    document
}

pub fn senior() -> Signer {
    Signer {
        role: Role::Senior,
        ..approver(1)
    }
}

pub fn source(at: &str) -> SourceConfig {
    SourceConfig {
        at: at.into(),
        token_file: None,
    }
}

pub fn output(feed: &str, format: &str, path: &Path) -> OutputConfig {
    OutputConfig {
        feed: FeedName::parse(feed).unwrap(),
        format: format.into(),
        path: path.into(),
        reload: Vec::new(),
        nft: false,
        bird: false,
        bird_socket: None,
        mode: "0644".into(),
        reload_seconds: 10,
    }
}

/// The names of a plain list.
pub fn names(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `n` names that begin with a word.
pub fn many(word: &str, n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{word}{i}.example")).collect()
}

pub async fn once(agent: &mut Agent) -> Report {
    agent.once().await.unwrap()
}

/// One round that goes well.
pub async fn well(agent: &mut Agent) -> Report {
    let report = agent.once().await.unwrap();
    assert!(report.is_well(), "{report}");
    report
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Every file below a folder, by relative path.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    fn walk(dir: &Path, base: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, base, found),
                false => found.push(path.strip_prefix(base).unwrap().into()),
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, dir, &mut found);
    found.sort();
    found
}
