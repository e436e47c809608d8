//! A server in a process of its own, and what it takes of the machine.

use crate::{reader::Reader, signed, tools};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub struct Server {
    pub name: &'static str,
    child: Child,
    pub at: SocketAddr,
    /// From the start to the first answer.
    pub first: Duration,
    /// What ours prints.
    told: Option<Mutex<BufReader<ChildStdout>>>,
}

impl Server {
    /// Ours, on the list and the zones in the folder.
    pub fn ours(dir: &Path) -> Self {
        let at = SocketAddr::from(([127, 0, 0, 1], tools::free_port()));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .arg(dir)
            .arg(at.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = child.stdout.take().map(|out| BufReader::new(out).into());
        let mut server = Self::started("Blockfeed", child, at);
        server.told = told;
        server
    }

    pub fn started(name: &'static str, child: Child, at: SocketAddr) -> Self {
        let began = Instant::now();
        while !Reader::has_answer(at) {
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(300), "{name} never answers");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            name,
            child,
            at,
            first: began.elapsed(),
            told: None,
        }
    }

    /// Waits until ours has read the set and looked whether the zones are of it.
    pub fn until_loaded(&self) {
        self.line();
    }

    fn line(&self) {
        if let Some(told) = &self.told {
            told.lock().unwrap().read_line(&mut String::new()).unwrap();
        }
    }

    /// Adds names, and says in how many steps: BIND by updates, ours by a change of the set, the
    /// others by their zone's file, which has them.
    pub fn add(&mut self, names: &[String]) -> u64 {
        match self.name {
            "Blockfeed" => {
                let mut text = names.join(" ");
                text.push('\n');
                let input = self.child.stdin.as_mut().unwrap();
                input.write_all(text.as_bytes()).unwrap();
                input.flush().unwrap();
                1
            }
            "BIND" => {
                signed::update(self.at, names, true);
                names.len().div_ceil(500) as u64
            }
            _ => {
                let id = self.child.id().to_string();
                Command::new("kill").args(["-HUP", &id]).status().unwrap();
                1
            }
        }
    }

    /// Seconds of CPU that the process and its children have had.
    pub fn cpu(&self) -> f64 {
        let mut all = 0.0;
        for id in self.processes() {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
            let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok());
            all += (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0;
        }
        all
    }

    /// Memory in MiB; what processes share counts once.
    pub fn memory(&self) -> u64 {
        memory_of(self.child.id())
    }

    /// The most memory while something is done.
    pub fn most_memory(&self, act: impl FnOnce() + Send) -> u64 {
        let done = AtomicBool::new(false);
        let id = self.child.id();
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| {
                let mut most = 0;
                while !done.load(Ordering::Relaxed) {
                    most = most.max(memory_of(id));
                    std::thread::sleep(Duration::from_millis(30));
                }
                most
            });
            act();
            done.store(true, Ordering::Relaxed);
            watching.join().unwrap()
        })
    }

    fn processes(&self) -> Vec<u32> {
        processes(self.child.id())
    }
}

fn memory_of(id: u32) -> u64 {
    let of = |id: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|l| l.strip_prefix("Pss:"));
        let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0)
    };
    processes(id).iter().map(of).sum::<u64>() >> 10
}

/// The process and those that it has forked.
fn processes(first: u32) -> Vec<u32> {
    let mut all = vec![first];
    let mut at = 0;
    while let Some(id) = all.get(at).copied() {
        let path = format!("/proc/{id}/task/{id}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        let children = children.split_whitespace();
        all.extend(children.filter_map(|c| c.parse::<u32>().ok()));
        at += 1;
    }
    all
}

impl Drop for Server {
    fn drop(&mut self) {
        // NSD's children end with it.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
