//! An authority with its zones, whose base is a million names, and an agent that follows it.

use crate::{
    house::{House, ListOptions, Options, Proposal},
    peers,
};
use blockfeed::{
    agent::{self, Agent, SourceConfig, TrustConfig},
    canon::DecisionId,
    log::Entrant,
    transfer,
};
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Instant,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The key that resolvers sign with.
pub const KEY: &str = "k256.";
pub const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IDEyMzQ=";

pub struct World {
    pub house: House,
    /// Where the authority serves its zones.
    pub primary: u16,
    /// The decision that holds the base.
    pub base: Option<DecisionId>,
    pub names: Vec<String>,
    zones: Option<transfer::Handle>,
    dir: TempDir,
    _agent: Option<Following>,
}

/// An agent at work; it ends with this.
struct Following {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl World {
    /// Lists the names, moves the base to them, and serves; these ports are told of changes, the
    /// first ones with the key.
    pub fn start(names: Vec<String>, signed: &[u16], unsigned: &[u16]) -> Self {
        let house = House::with(Options {
            log: |log| {
                log.least_between_compactions = 0;
                log.compact_at = 0;
                log.quiet_hour = None;
            },
            ..Options::default()
        });
        let began = Instant::now();
        let base = (!names.is_empty()).then(|| {
            let lines: Vec<String> = names.iter().map(|n| format!("domain:{n} +")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            house.list(&lines, ListOptions::default())
        });
        // Twice: until the base before stands there as well, all of it is in the small zone, too.
        for _ in 0..2 {
            let compacted = house.authority.submit(Entrant::Compaction);
            house.wait(compacted).unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let config = transfer::Config {
            listen: at(peers::free_port()),
            keys: Some(keys(dir.path(), signed)),
            notify: unsigned.iter().map(|port| at(*port)).collect(),
            ..transfer::Config::default()
        };
        let metrics = transfer::Metrics::new(&house.registry).unwrap();
        let source = Arc::new(blockfeed::serve::Zones::new(house.casework.clone()));
        let folder = dir.path().join("zones");
        let zones = house.wait(async {
            let server = transfer::Server::bind(config).await.unwrap();
            let zones = server.start(&folder, source, metrics).unwrap();
            zones.ready().await;
            zones
        });
        println!(
            "{} names listed, base and zones made in {:.1} s",
            names.len(),
            began.elapsed().as_secs_f64()
        );
        Self {
            primary: zones.addresses().plain.port(),
            house,
            base,
            names,
            zones: Some(zones),
            dir,
            _agent: None,
        }
    }

    /// An agent that follows by HTTP and serves its own zones, told to one port; gives its port.
    pub fn follow(&mut self, notify: Option<u16>, files: Option<PathBuf>) -> u16 {
        let config = agent::Config {
            state: self.dir.path().join("agent"),
            sources: vec![SourceConfig {
                at: self.house.url(),
                token_file: None,
            }],
            trust: TrustConfig {
                genesis: Some(self.house.authority.ledger().session()),
                ..TrustConfig::default()
            },
            least_between_bases: 0,
            transfer: Some(transfer::Config {
                listen: at(peers::free_port()),
                notify: notify.map(at).into_iter().collect(),
                files,
                ..transfer::Config::default()
            }),
            ..agent::Config::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut agent = Agent::open(config, &prometheus::Registry::new()).unwrap();
                let zones = agent.serve_zones().await.unwrap().unwrap();
                tell.send(zones.plain.port()).unwrap();
                let end = async {
                    // A sender that is dropped stops it as well.
                    let _ = stopped.await;
                };
                let told = |report: &Result<agent::Report, agent::Error>| match report {
                    Ok(report) if report.wants_retry() => {
                        println!("a round failed: {:?}", report.faults)
                    }
                    Ok(_) => {}
                    Err(error) => println!("a round failed: {error}"),
                };
                agent.run(end, told).await.unwrap();
            });
        });
        self._agent = Some(Following {
            stop: Some(stop),
            thread: Some(thread),
        });
        told.recv().unwrap()
    }

    /// A proposal that lists a name, with the second officer's signature: ready to be approved.
    pub fn listing(&self, name: &str) -> Ready {
        let line = format!("domain:{name} +");
        self.ready(Proposal::list(
            self.house.next_id(),
            &[&line],
            &ListOptions::default(),
        ))
    }

    /// The same that revokes a name of a decision.
    pub fn revocation(&self, decision: &DecisionId, name: &str) -> Ready {
        let line = format!("domain:{name} +");
        self.ready(Proposal::revoke(
            self.house.next_id(),
            decision,
            Some(&[&line]),
        ))
    }

    fn ready(&self, proposal: Proposal) -> Ready {
        let approval = self.house.stage(&proposal).unwrap();
        Ready {
            id: proposal.id,
            approval,
        }
    }

    /// Approves: the clock runs from the call on.
    pub fn approve(&self, ready: &Ready) {
        let approved = self.house.casework.approve(&ready.id, &ready.approval);
        self.house.wait(approved).unwrap();
    }
}

/// A proposal that waits for its approval.
pub struct Ready {
    pub id: DecisionId,
    approval: Vec<u8>,
}

impl Drop for World {
    fn drop(&mut self) {
        self._agent = None;
        if let Some(zones) = self.zones.take() {
            self.house.wait(zones.stop());
        }
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn keys(dir: &Path, notify: &[u16]) -> PathBuf {
    let told: Vec<String> = notify
        .iter()
        .map(|port| format!("\"127.0.0.1:{port}\""))
        .collect();
    let text = format!(
        "[[key]]\nname = \"{KEY}\"\nsubscriber = \"isp1\"\nalgorithm = \"hmac-sha256\"\nsecret = \"{SECRET}\"\nnotify = [{}]\n",
        told.join(", ")
    );
    let path = dir.join("keys.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}
