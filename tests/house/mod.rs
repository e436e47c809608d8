//! A whole authority in a temporary directory: log, desk, HTTP on free ports, officers' keys.
//!
//! ```no_run
//! let house = House::new();
//! let first = house.list(&["domain:a.example +"], ListOptions::default());
//! house.stay(&first, None, 3600);
//! let answer = house.get("/feeds/domains/manifest");
//! ```
//!
//! All calls block; use it from plain `#[test]` functions.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

pub mod bodies;
pub mod http;
pub mod keys;
pub mod readers;

pub use bodies::{ListOptions, Proposal};

pub use keys::{Officer, Secrets};

use blockfeed::{
    canon::{DecisionId, Origin},
    casework::{self, Casework, Rules},
    check::Guard,
    decision::{Approval, Body, Genesis, Leaf},
    log::{self, Authority, Committed},
    registry::Lists,
    serve,
    tlog::Hash,
    trust::{Document, Role},
};
use prometheus::Registry;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle};

/// The name of the log.
pub const ORIGIN: &str = "blocklist.example/399/v1";

/// The guard of the lists that ship, for whoever asks what would become of a list; it stops nothing here.
static GUARD: LazyLock<Arc<Guard>> =
    LazyLock::new(|| Arc::new(Guard::new(Arc::new(Lists::embedded().unwrap()))));

/// What may differ from house to house.
pub struct Options {
    /// The guard; lets everything pass.
    pub rules: Rules,
    pub serve: serve::Config,
    /// Changes the log's settings.
    pub log: fn(&mut log::Config),
}

/// An authority that runs.
pub struct House {
    pub authority: Authority,
    pub casework: Casework,
    pub secrets: Secrets,
    pub registry: Registry,
    address: SocketAddr,
    metrics: SocketAddr,
    options: Options,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    /// Before `dir`: nothing runs any more when the directory goes.
    runtime: Option<Runtime>,
    dir: Option<TempDir>,
}

impl Default for Options {
    fn default() -> Self {
        let local = "127.0.0.1:0".parse().unwrap();
        let mut rules = Rules::permissive(GUARD.lists().platforms.clone());
        rules.guard = Some(GUARD.clone());
        Self {
            rules,
            serve: serve::Config {
                listen: local,
                metrics: local,
                ..serve::Config::default()
            },
            log: |_| {},
        }
    }
}

impl House {
    /// A new log with a permissive guard, serving.
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    /// A new log.
    pub fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::fixed();
        begin(dir.path(), &secrets);
        Self::open(dir, secrets, options)
    }

    /// Stops everything and starts it again on the same directory (on other ports).
    pub fn restart(mut self) -> Self {
        let secrets = self.secrets.clone();
        let options = std::mem::take(&mut self.options);
        Self::open(self.close(), secrets, options)
    }

    /// Stops everything; gives back the directory, for another program to open.
    pub fn close(mut self) -> TempDir {
        self.stop();
        self.dir.take().unwrap()
    }

    fn open(dir: TempDir, secrets: Secrets, options: Options) -> Self {
        let runtime = Runtime::new().unwrap();
        let registry = Registry::new();
        let authority = open_log(dir.path(), &secrets, &options, &registry);
        let desk = casework::Metrics::new(&registry).unwrap();
        let casework = Casework::open(authority.clone(), options.rules.clone(), desk).unwrap();
        let bound = runtime
            .block_on(serve::Server::bind(options.serve.clone()))
            .unwrap();
        let (address, metrics) = bound.addresses().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = bound.serve(casework.clone(), registry.clone(), async {
            // A sender that is dropped stops it as well.
            let _ = stopped.await;
        });
        let task = runtime.spawn(async move { served.await.unwrap() });
        Self {
            authority,
            casework,
            secrets,
            registry,
            address,
            metrics,
            options,
            running: Some((stop, task)),
            runtime: Some(runtime),
            dir: Some(dir),
        }
    }

    /// Ends server and sequencer.
    pub fn stop(&mut self) {
        if let (Some((stop, task)), Some(runtime)) = (self.running.take(), &self.runtime) {
            let _ = stop.send(());
            let _ = runtime.block_on(task);
        }
        self.authority.stop();
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// The folder of published files.
    pub fn public(&self) -> &Path {
        self.authority.public()
    }

    pub fn origin(&self) -> Origin {
        Origin::new(ORIGIN).unwrap()
    }

    /// Waits for what is async.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    /// Lists subjects by two officers; gives back the decision's id. Lines need no order.
    pub fn list(&self, lines: &[&str], options: ListOptions) -> DecisionId {
        self.enact(&Proposal::list(self.next_id(), lines, &options))
    }

    /// Revokes a decision, or some of its lines.
    pub fn revoke(&self, target: &DecisionId, lines: Option<&[&str]>) -> DecisionId {
        self.enact(&Proposal::revoke(self.next_id(), target, lines))
    }

    /// Stays a decision, or some of its lines, for so many seconds, by one officer.
    pub fn stay(&self, target: &DecisionId, lines: Option<&[&str]>, seconds: u64) -> DecisionId {
        self.enact_alone(&Proposal::stay(
            self.next_id(),
            target,
            lines,
            now() + seconds,
        ))
    }

    /// Puts a stay in force by its one officer.
    pub fn enact_alone(&self, stay: &Proposal) -> DecisionId {
        let draft = self.draft(stay);
        self.wait(self.casework.commit_alone(draft)).unwrap();
        stay.id.clone()
    }

    /// Moves the end of a decision.
    pub fn amend(&self, target: &DecisionId, not_after: u64) -> DecisionId {
        self.enact(&Proposal::amend(self.next_id(), target, not_after))
    }

    /// Puts the next version of the trust document in force, changed by `change`.
    pub fn renew_trust(&self, change: impl FnOnce(&mut Document)) -> Committed {
        let mut document = self.authority.ledger().trust().clone();
        document.version += 1;
        change(&mut document);
        let (bytes, signatures) = self.secrets.sign_trust(&document);
        let signatures = serde_json::to_vec(&signatures).unwrap();
        self.wait(self.casework.renew_trust(&bytes, &signatures))
            .unwrap()
    }

    /// Proposes and approves.
    pub fn enact(&self, proposal: &Proposal) -> DecisionId {
        self.try_enact(proposal)
            .unwrap_or_else(|e| panic!("{}: {e}", proposal.id));
        proposal.id.clone()
    }

    /// Proposes and approves, without HTTP.
    pub fn try_enact(&self, proposal: &Proposal) -> Result<Committed, casework::Error> {
        let approval = self.stage(proposal)?;
        self.wait(self.casework.approve(&proposal.id, &approval))
    }

    /// Proposes; gives the second officer's signature, with which it is to be approved.
    pub fn stage(&self, proposal: &Proposal) -> Result<Vec<u8>, casework::Error> {
        self.casework.open_proposal(self.draft(proposal))?;
        let approval = self.sign(&proposal.body, Officer::Second, proposal.second_role());
        Ok(serde_json::to_vec(&approval).unwrap())
    }

    /// An officer's signature under a body.
    pub fn sign(&self, body: &Body, officer: Officer, role: Role) -> Approval {
        self.secrets.approve(body, officer, role)
    }

    pub fn next_id(&self) -> DecisionId {
        self.casework.next_id().unwrap()
    }

    fn draft(&self, proposal: &Proposal) -> casework::Draft {
        let approval = self.sign(&proposal.body, Officer::First, Role::Propose);
        let approval = serde_json::to_vec(&approval).unwrap();
        let mut draft = self.casework.draft(&proposal.bytes(), &approval).unwrap();
        if let Some(openings) = &proposal.openings {
            let openings = openings.as_bytes();
            self.casework.take_openings(&mut draft, openings).unwrap();
        }
        for part in &proposal.parts {
            self.casework.take_part(&mut draft, part).unwrap();
        }
        draft
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// Unix seconds.
pub fn now() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.unwrap().as_secs()
}

/// Begins a log in a directory, with fixed keys.
pub fn begin(data: &Path, secrets: &Secrets) {
    let document = secrets.first_document();
    let (bytes, signatures) = secrets.sign_trust(&document);
    let genesis = Genesis::new(now(), document.origin, Hash::of(&bytes), signatures, None);
    log::init(&log::Config::at(data), &Leaf::Genesis(genesis), &bytes).unwrap();
}

/// Opens the log; after a restart the store may still be closing.
fn open_log(data: &Path, secrets: &Secrets, options: &Options, registry: &Registry) -> Authority {
    let metrics = log::Metrics::new(registry).unwrap();
    let mut config = log::Config::at(data);
    (options.log)(&mut config);
    for _ in 0..100 {
        let fatal = |error| panic!("the sequencer: {error}");
        let opened = Authority::open(
            config.clone(),
            &secrets.log_keys(),
            options.rules.hook(),
            metrics.clone(),
            fatal,
        );
        match opened {
            Ok(authority) => return authority,
            Err(log::Error::Store(blockfeed::store::Error::InUse { .. })) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the store is still in use");
}

/// The repository's own directory.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
