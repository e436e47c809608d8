//! An authority, an agent that follows it and serves its zones, an upstream that knows every name; and histories of
//! nested names, by which a resolver is held against the set.

use crate::{dns, house, peers};
use blockfeed::{
    agent::{self, Agent, OutputConfig, SourceConfig, TrustConfig},
    canon::DecisionId,
    entries::{FeedName, Set},
    log::Entrant,
    subject::Scope,
    transfer,
};
use house::{House, ListOptions, Options};
use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The key that resolvers sign with.
pub const KEY: &str = "isp1.";
pub const SECRET: &str = "YmxvY2tmZWVkLXRlc3Qta2V5LW5vdC1mb3ItdXNlIQ==";

/// Long enough for anything: no test fails on a time.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct World {
    pub house: House,
    pub upstream: dns::Upstream,
    /// Where the agent serves its zones.
    pub zones: SocketAddr,
    /// Where the authority serves its own.
    pub primary: SocketAddr,
    /// The same over TLS, under this certificate; none where openssl isn't there.
    pub tls: Option<SocketAddr>,
    pub certificate: PathBuf,
    serving: Option<transfer::Handle>,
    /// Where the agent keeps its zone files: `blockfeed.rpz`, and one a level.
    pub files: PathBuf,
    agent: Option<Running>,
    config: agent::Config,
    /// What is listed: decisions and their lines.
    listed: Vec<(DecisionId, Vec<String>)>,
    random: u64,
    step: usize,
    dir: TempDir,
}

/// An agent at work.
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(config: agent::Config) -> (Self, SocketAddr) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut agent = Agent::open(config, &prometheus::Registry::new()).unwrap();
                let zones = agent.serve_zones().await.unwrap();
                tell.send(zones.unwrap().plain).unwrap();
                let end = async {
                    // A sender that is dropped stops it as well.
                    let _ = stopped.await;
                };
                agent.run(end, |_| {}).await.unwrap();
            });
        });
        let zones = told.recv().unwrap();
        (Self { stop, thread }, zones)
    }

    fn end(self) {
        let _ = self.stop.send(());
        self.thread.join().unwrap();
    }
}

impl World {
    /// Everything at work; these are told of changes.
    pub fn start(seed: u64, notify: &[u16]) -> Self {
        let house = House::with(Options {
            log: |log| {
                log.least_between_compactions = 0;
                log.compact_at = 0;
                log.quiet_hour = None;
            },
            ..Options::default()
        });
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        let keys = dir.path().join("keys.toml");
        let at = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        let notify: Vec<SocketAddr> = notify.iter().map(at).collect();
        let told: Vec<String> = notify.iter().map(|n| format!("\"{n}\"")).collect();
        let text = format!(
            "[[key]]\nname = \"{KEY}\"\nsubscriber = \"isp1\"\nalgorithm = \"hmac-sha256\"\nsecret = \"{SECRET}\"\n\
             notify = [{}]\n",
            told.join(", ")
        );
        fs::write(&keys, text).unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
        let zones = transfer::Config {
            listen: at(&peers::free_port()),
            keys: Some(keys),
            refresh: 1,
            retry: 1,
            notify,
            ..transfer::Config::default()
        };
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
            outputs: vec![OutputConfig {
                feed: FeedName::domains(),
                format: "rpz".into(),
                path: files.join("blockfeed.rpz"),
                reload: Vec::new(),
                nft: false,
                bird: false,
                bird_socket: None,
                mode: "0644".into(),
                reload_seconds: 10,
            }],
            poll_seconds: 1,
            least_between_bases: 0,
            transfer: Some(transfer::Config {
                files: Some(files.clone()),
                ..zones.clone()
            }),
            ..agent::Config::default()
        };
        let mut world = Self {
            house,
            upstream: dns::Upstream::start(),
            zones: at(&0),
            primary: at(&0),
            tls: None,
            certificate: dir.path().join("cert.pem"),
            serving: None,
            files,
            agent: None,
            config,
            listed: Vec::new(),
            random: seed,
            step: 0,
            dir,
        };
        // Something of the base: names to revoke later, one a step.
        let names: Vec<String> = (0..STEPS)
            .map(|n| format!("domain:b{n}.mark.example +"))
            .collect();
        world.list(&names);
        world.list(&["net:203.0.113.0/24".to_owned()]);
        for _ in 0..6 {
            world.change();
        }
        world.compact();
        let listen = at(&peers::free_port());
        let mut config = transfer::Config { listen, ..zones };
        if certify(dir_of(&world.certificate)) {
            config.tls_listen = Some(at(&0));
            config.tls_certificate = Some(world.certificate.clone());
            config.tls_key = Some(world.certificate.with_file_name("key.pem"));
        }
        world.serve(config);
        world.begin();
        world
    }

    /// The authority's own zones.
    fn serve(&mut self, config: transfer::Config) {
        let metrics = transfer::Metrics::new(&self.house.registry).unwrap();
        let source = Arc::new(blockfeed::serve::Zones::new(self.house.casework.clone()));
        let folder = self.dir.path().join("zones");
        let handle = self.house.wait(async {
            let server = transfer::Server::bind(config).await.unwrap();
            server.start(&folder, source, metrics).unwrap()
        });
        self.primary = handle.addresses().plain;
        self.tls = handle.addresses().tls;
        self.serving = Some(handle);
    }

    /// The authority's zones are gone.
    pub fn silence(&mut self) {
        if let Some(handle) = self.serving.take() {
            self.house.wait(handle.stop());
        }
    }

    /// Starts the agent, or starts it again on what it has.
    pub fn begin(&mut self) {
        let (agent, zones) = Running::start(self.config.clone());
        (self.agent, self.zones) = (Some(agent), zones);
    }

    /// The agent is gone.
    pub fn end(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.end();
        }
    }

    /// The agent's sources are gone: what it reads is nobody's address.
    pub fn cut_off(&mut self) {
        self.config.sources[0].at = format!("http://127.0.0.1:{}", peers::free_port());
    }

    pub fn set(&self) -> Set {
        self.house.authority.current().feeds[&FeedName::domains()]
            .set
            .clone()
    }

    pub fn compact(&mut self) {
        self.house
            .wait(self.house.authority.submit(Entrant::Compaction))
            .unwrap();
    }

    pub fn list(&mut self, lines: &[String]) -> DecisionId {
        let text: Vec<&str> = lines.iter().map(String::as_str).collect();
        let id = self.house.list(&text, ListOptions::default());
        self.listed.push((id.clone(), lines.to_vec()));
        id
    }

    /// One step of a history: lists and revokes nested names, then two marks; gives the marks, of
    /// which the first is blocked and the second, a name of the base, is open when a resolver has it all.
    pub fn step(&mut self) -> [String; 2] {
        for _ in 0..5 {
            self.change();
        }
        let step = self.step;
        self.step += 1;
        assert!(step < STEPS);
        self.list(&[format!("domain:s{step}.mark.example +")]);
        let (base, _) = self.listed[0].clone();
        self.house
            .revoke(&base, Some(&[&format!("domain:b{step}.mark.example +")]));
        [
            format!("s{step}.mark.example"),
            format!("b{step}.mark.example"),
        ]
    }

    /// Lists some nested names, or takes some back: a decision whole, or a part of it.
    fn change(&mut self) {
        let history = 2..self.listed.len();
        if history.len() > 4 && self.below(3) == 0 {
            let at = 2 + self.below(history.len());
            let (id, lines) = self.listed.swap_remove(at);
            let some = lines.len() / 2;
            if some > 0 && self.below(2) == 0 {
                let (gone, left) = lines.split_at(some);
                let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
                self.house.revoke(&id, Some(&gone));
                self.listed.push((id, left.to_vec()));
            } else {
                self.house.revoke(&id, None);
            }
            return;
        }
        let mut lines = BTreeSet::new();
        for _ in 0..=self.below(5) {
            let sign = if self.below(3) == 0 { '=' } else { '+' };
            lines.insert(format!("domain:{} {sign}", self.name(4)));
        }
        let lines: Vec<String> = lines.into_iter().collect();
        self.list(&lines);
    }

    /// A name of one to so many labels out of three, below one that is never listed.
    pub fn name(&mut self, most: usize) -> String {
        let labels = 1 + self.below(most);
        let mut name = String::new();
        for _ in 0..labels {
            name.push(['a', 'b', 'c'][self.below(3)]);
            name.push('.');
        }
        name + "nest.example"
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % n as u64).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
        self.silence();
    }
}

fn dir_of(file: &Path) -> &Path {
    file.parent().unwrap()
}

/// Makes a certificate of `feed.test` that signs itself; whether that can be done here.
fn certify(dir: &Path) -> bool {
    let Some(openssl) = peers::tool("openssl") else {
        return false;
    };
    let file = |name: &str| dir.join(name).display().to_string();
    let args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=feed.test -addext \
                subjectAltName=DNS:feed.test";
    let done = Command::new(openssl)
        .args(args.split_whitespace())
        .args(["-keyout", &file("key.pem"), "-out", &file("cert.pem")])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    true
}

/// The most steps of a history.
pub const STEPS: usize = 40;

/// Whether a set blocks a name.
pub fn blocks(set: &Set, name: &str) -> bool {
    let mut below = name;
    loop {
        let found = set.entries_of(below);
        if found
            .iter()
            .any(|entry| below == name || entry.scope == Scope::Subtree)
        {
            return true;
        }
        match below.split_once('.') {
            Some((_, parent)) => below = parent,
            None => return false,
        }
    }
}

/// A resolver under test.
pub struct Asked {
    pub port: u16,
    pub name: &'static str,
}

impl Asked {
    /// Whether it answers that there is no such name.
    pub fn blocks(&self, name: &str) -> bool {
        let answer = dns::ask(self.port, name, dns::A);
        let answer = answer.unwrap_or_else(|| panic!("{} doesn't answer {name}", self.name));
        assert!(
            answer.is_open() || answer.is_blocked(),
            "{}: {name}: {answer:?}",
            self.name
        );
        answer.is_blocked()
    }

    /// Asks until it has what is expected.
    pub fn wait(&self, name: &str, blocked: bool) {
        let began = Instant::now();
        while self.blocks(name) != blocked {
            let word = if blocked { "blocked" } else { "open" };
            assert!(
                began.elapsed() < PATIENCE,
                "{}: {name} isn't {word}",
                self.name
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks for so many random names; all answers are what the set says.
    pub fn agrees(&self, world: &mut World, names: usize) -> usize {
        let set = world.set();
        for _ in 0..names {
            let name = world.name(5);
            let blocked = self.blocks(&name);
            assert_eq!(
                blocked,
                blocks(&set, &name),
                "{}: {name}: {:?}",
                self.name,
                set.sorted()
            );
        }
        names
    }

    /// The same for a while: through a compaction no answer is wrong at any moment.
    pub fn agrees_for(&self, world: &mut World, time: Duration) -> usize {
        let began = Instant::now();
        let mut asked = 0;
        while began.elapsed() < time {
            asked += self.agrees(world, 50);
            std::thread::sleep(Duration::from_millis(20));
        }
        asked
    }

    /// A whole history: steps, compactions, an outage. How many names were asked.
    pub fn follows(&self, world: &mut World, steps: usize, names: usize, lag: Duration) -> usize {
        let mut asked = 0;
        self.wait("b0.mark.example", true);
        asked += self.agrees(world, names);
        for step in 0..steps {
            let [comes, goes] = world.step();
            self.wait(&comes, true);
            self.wait(&goes, false);
            asked += self.agrees(world, names);
            if step % 3 == 2 {
                world.compact();
                asked += self.agrees_for(world, lag);
            }
        }
        asked
    }
}
