//! A zone server over sets that a test changes, and `dig` to ask it.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

use blockfeed::{
    entries::Set,
    subject::Kind,
    transfer::{Config, Handle, Held, Metrics, Moment, Server, Source, View},
};
use prometheus::Registry;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::watch};

/// Secrets of the keys `k256.`, `k384.` and `k512.`, and of `other.`, which no server has.
pub const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IDEyMzQ=";

/// What is in force, and was.
pub struct Book {
    moment: Mutex<Moment>,
    past: Mutex<BTreeMap<u64, Set>>,
    changed: watch::Sender<u64>,
    pub held: Mutex<Vec<Held>>,
    /// Whether the past can still be had.
    pub remembers: bool,
}

impl Book {
    pub fn new() -> Self {
        let view = |kind| View {
            serial: 2,
            set: Set::new(kind),
        };
        Self {
            moment: Mutex::new(Moment {
                domains: view(Kind::Domain),
                networks: view(Kind::Net),
                bases: [2, 2],
            }),
            past: Mutex::new([(2, Set::new(Kind::Domain))].into()),
            changed: watch::channel(2).0,
            held: Mutex::default(),
            remembers: true,
        }
    }

    /// Lists and revokes names (`a.example +`, `a.example =`) and networks.
    pub fn change(&self, add: &[&str], remove: &[&str]) {
        let mut moment = self.moment.lock().unwrap();
        let size = self.changed.borrow().max(1) + 2;
        let line = |text: &&str| match text.contains(' ') {
            true => format!("E {text} 2026-000001"),
            false => format!("E {text} = 2026-000001"),
        };
        let of = |texts: &[&str], net: bool| -> Vec<String> {
            let is_net = |text: &&&str| text.contains('/') == net;
            texts.iter().filter(is_net).map(line).collect()
        };
        for net in [false, true] {
            let (added, removed) = (of(add, net), of(remove, net));
            if added.is_empty() && removed.is_empty() {
                continue;
            }
            let view = match net {
                true => &mut moment.networks,
                false => &mut moment.domains,
            };
            view.set
                .apply_lines(
                    removed.iter().map(String::as_str),
                    added.iter().map(String::as_str),
                )
                .unwrap();
            view.serial = size;
        }
        drop(moment);
        self.changed.send_replace(size);
    }

    /// Moves the base to the present.
    pub fn compact(&self) {
        let mut moment = self.moment.lock().unwrap();
        let size = *self.changed.borrow() + 1;
        let set = moment.domains.set.clone();
        self.past.lock().unwrap().insert(size, set);
        moment.bases = [size, moment.bases[0]];
        drop(moment);
        self.changed.send_replace(size);
    }

    pub fn now(&self) -> Moment {
        self.moment.lock().unwrap().clone()
    }
}

impl Source for Book {
    fn session(&self) -> String {
        "00112233aabbccdd".into()
    }

    fn now(&self) -> Option<Moment> {
        Some(Book::now(self))
    }

    fn domains_at(&self, size: u64) -> Option<Set> {
        let past = self.past.lock().unwrap();
        past.get(&size).filter(|_| self.remembers).cloned()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn held(&self, held: Held) {
        self.held.lock().unwrap().push(held);
    }
}

/// A server that runs, and its folder.
pub struct World {
    pub book: Arc<Book>,
    pub at: SocketAddr,
    pub tls: Option<SocketAddr>,
    pub registry: Registry,
    config: Config,
    handle: Option<Handle>,
    runtime: Runtime,
    dir: PathBuf,
    temporary: Option<TempDir>,
}

impl World {
    /// Serves on free ports.
    pub fn new(set: impl FnOnce(&mut Config, &Path)) -> Self {
        Self::with(Book::new(), set)
    }

    pub fn with(book: Book, set: impl FnOnce(&mut Config, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let mut world = Self::on(&path, book, set);
        world.temporary = Some(dir);
        world
    }

    /// Serves with its zones in a folder that stays.
    pub fn on(dir: &Path, book: Book, set: impl FnOnce(&mut Config, &Path)) -> Self {
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Config::default()
        };
        set(&mut config, dir);
        let runtime = Runtime::new().unwrap();
        let book = Arc::new(book);
        let registry = Registry::new();
        let handle = start(&runtime, &config, &book, dir, &registry);
        Self {
            at: handle.addresses().plain,
            tls: handle.addresses().tls,
            registry,
            book,
            config,
            handle: Some(handle),
            runtime,
            dir: dir.to_owned(),
            temporary: None,
        }
    }

    /// Ends the server and starts it again on its folder, after `between` has looked at that.
    pub fn restart(&mut self, between: impl FnOnce(&Path)) {
        let handle = self.handle.take().unwrap();
        self.runtime.block_on(handle.stop());
        between(&self.dir.join("zones"));
        self.registry = Registry::new();
        let dir = &self.dir;
        let handle = start(&self.runtime, &self.config, &self.book, dir, &self.registry);
        (self.at, self.tls) = (handle.addresses().plain, handle.addresses().tls);
        self.handle = Some(handle);
    }

    /// Changes what is listed and waits until the zones have followed.
    pub fn change(&self, add: &[&str], remove: &[&str]) {
        let before = self.serials();
        self.book.change(add, remove);
        self.until(|| self.serials() != before);
    }

    /// Serials by zone.
    pub fn serials(&self) -> BTreeMap<String, u32> {
        self.handle
            .as_ref()
            .unwrap()
            .serials()
            .into_iter()
            .collect()
    }

    pub fn serial(&self, zone: &str) -> u32 {
        self.serials()[&format!("{zone}.")]
    }

    /// Changes the settings of the next start.
    pub fn set(&mut self, set: impl FnOnce(&mut Config)) {
        set(&mut self.config);
    }

    pub fn handle(&self) -> &Handle {
        self.handle.as_ref().unwrap()
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits for something that happens in the background.
    pub fn until(&self, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(60), "it never was");
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// What `dig` prints.
    pub fn dig(&self, arguments: &[&str]) -> String {
        self.dig_at(self.at, arguments)
    }

    pub fn dig_at(&self, at: SocketAddr, arguments: &[&str]) -> String {
        let run = Command::new(crate::peers::tool("dig").unwrap())
            .arg(format!("@{}", at.ip()))
            .args([
                "-p",
                &at.port().to_string(),
                "+time=5",
                "+tries=1",
                "+noidnout",
            ])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(run.stdout).unwrap() + &String::from_utf8_lossy(&run.stderr)
    }

    /// The records that `dig` prints, each with one space between its fields.
    pub fn records(&self, arguments: &[&str]) -> Vec<String> {
        records(&self.dig(arguments))
    }

    /// A zone's records behind its first SOA and NS, without the last SOA.
    pub fn axfr(&self, zone: &str) -> BTreeSet<String> {
        let mut records = self.records(&[zone, "AXFR"]);
        assert!(records.len() > 2, "{records:?}");
        assert_eq!(records.first(), records.last());
        assert!(records[0].contains(" SOA "), "{records:?}");
        assert!(records[1].contains(" NS localhost."), "{records:?}");
        records.pop();
        let count = records.len() - 2;
        let set: BTreeSet<_> = records.split_off(2).into_iter().collect();
        assert_eq!(set.len(), count, "a record came twice");
        set
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.runtime.block_on(handle.stop());
        }
    }
}

fn start(
    runtime: &Runtime,
    config: &Config,
    book: &Arc<Book>,
    dir: &Path,
    registry: &Registry,
) -> Handle {
    let _entered = runtime.enter();
    let server = runtime.block_on(Server::bind(config.clone())).unwrap();
    let metrics = Metrics::new(registry).unwrap();
    let handle = server
        .start(&dir.join("zones"), book.clone(), metrics)
        .unwrap();
    runtime.block_on(handle.ready());
    handle
}

/// The records in what `dig` printed.
pub fn records(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with(';'));
    lines
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Writes a file of keys, and gives back its path.
pub fn keys(dir: &Path, notify: &[SocketAddr]) -> PathBuf {
    let mut text = String::new();
    for (name, algorithm) in [
        ("k256.", "hmac-sha256"),
        ("k384.", "hmac-sha384"),
        ("k512.", "hmac-sha512"),
    ] {
        let notify = match name {
            "k256." => format!(
                "{:?}",
                notify.iter().map(ToString::to_string).collect::<Vec<_>>()
            ),
            _ => "[]".into(),
        };
        text += &format!(
            "[[key]]\nname = {name:?}\nsubscriber = \"isp-{}\"\nalgorithm = {algorithm:?}\nsecret = {SECRET:?}\nnotify = {notify}\n",
            name.trim_end_matches('.')
        );
    }
    let path = dir.join("keys.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// The records that names make in a zone.
pub fn pairs(names: &[&str], zone: &str, target: &str) -> BTreeSet<String> {
    let record = |owner: &str| format!("{owner}.{zone}. 60 IN CNAME {target}");
    let of = |name: &&str| match name.split_once(' ') {
        Some((name, "+")) => vec![record(name), record(&format!("*.{name}"))],
        Some((name, _)) => vec![record(name)],
        None => vec![record(name)],
    };
    names.iter().flat_map(of).collect()
}
