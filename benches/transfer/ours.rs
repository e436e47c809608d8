//! Our zones over a list, in a process of their own.

use crate::zone_world;
use blockfeed::{
    entries::Set,
    subject::Kind,
    transfer::{Config, Held, Metrics, Moment, Server, Source, View},
};
use std::{
    fs,
    io::BufRead as _,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::{runtime::Runtime, sync::watch};

/// A set that isn't known before it was read, as that of an authority that folds its log.
struct List {
    moment: Mutex<Option<Moment>>,
    changed: watch::Sender<u64>,
}

impl List {
    /// Adds names; the first ones are the base.
    fn add<'a>(&self, names: impl Iterator<Item = &'a str>) {
        let mut held = self.moment.lock().unwrap();
        let mut moment = held.take().unwrap_or_else(|| Moment {
            domains: view(Kind::Domain),
            networks: view(Kind::Net),
            bases: [2, 2],
        });
        let is_first = moment.domains.set.entries() == 0;
        // Some at a time, so that the lines of all don't lie in memory beside the set.
        let mut names = names.peekable();
        while names.peek().is_some() {
            let some = names.by_ref().take(10_000);
            let lines: Vec<String> = some.map(|n| format!("E {n} + 2026-000001")).collect();
            let lines = lines.iter().map(String::as_str);
            let set = &mut moment.domains.set;
            set.apply_lines(std::iter::empty(), lines).unwrap();
        }
        moment.domains.serial += if is_first { 0 } else { 2 };
        *held = Some(moment);
        drop(held);
        self.changed.send_modify(|n| *n += 1);
    }
}

fn view(kind: Kind) -> View {
    View {
        serial: 2,
        set: Set::new(kind),
    }
}

impl Source for List {
    fn session(&self) -> String {
        "00112233aabbccdd".into()
    }

    fn now(&self) -> Option<Moment> {
        self.moment.lock().unwrap().clone()
    }

    fn domains_at(&self, _: u64) -> Option<Set> {
        None
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn held(&self, _: Held) {}
}

/// Serves the list in the folder at an address until standard input ends; a line of names adds them.
pub fn serve(dir: &Path, at: &str) {
    let config = Config {
        listen: at.parse().unwrap(),
        keys: Some(zone_world::keys(dir, &[])),
        // A key opens the zones, and nothing else: loopback is strange here, too.
        allow: Vec::new(),
        ..Config::default()
    };
    let runtime = Runtime::new().unwrap();
    let _entered = runtime.enter();
    let source = Arc::new(List {
        moment: Mutex::default(),
        changed: watch::channel(0).0,
    });
    let server = runtime.block_on(Server::bind(config)).unwrap();
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let handle = server
        .start(&dir.join("zones"), source.clone(), metrics)
        .unwrap();
    let text = fs::read_to_string(dir.join("names")).unwrap();
    source.add(text.lines());
    drop(text);
    runtime.block_on(handle.ready());
    println!("loaded");
    for line in std::io::stdin().lock().lines() {
        source.add(line.unwrap().split(' '));
    }
    runtime.block_on(handle.stop());
}
