//! Zone transfer of a million names with TSIG, beside Knot DNS, NSD and BIND on the same zone in
//! the same run (`targets.md`, "Zone transfer"): records, bytes, CPU and memory of the server,
//! start to first answer, eight readers at once.
//!
//! `cargo bench --bench transfer -- [NAMES]`; peers that aren't there are left out and named.

#[path = "../scale/names.rs"]
mod names;
mod peers;
mod reader;
#[path = "../../tests/peers/mod.rs"]
mod tools;
#[path = "../../tests/zone_world/mod.rs"]
mod zone_world;

use reader::{Figures, Reader};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use zone_world::{Book, World};

/// The zone that is taken.
const ZONE: &str = "rpz.blockfeed";
/// Transfers of each server, in turn; the median counts.
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|a| a == "--serve") {
        return serve(Path::new(&arguments[at + 1]));
    }
    let count = arguments.iter().find_map(|a| a.parse().ok());
    let names = names::realistic(count.unwrap_or(1_000_000), 7);
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("names");
    fs::write(&list, names.join("\n")).unwrap();
    println!("{} names, {} records", names.len(), 2 * names.len() + 3);

    let mut servers = vec![Server::ours(dir.path())];
    let zone = dir.path().join("zone");
    peers::write_zone(&names, &zone);
    for start in [peers::knot, peers::nsd, peers::named] {
        match start(dir.path(), &zone) {
            Ok((name, child, at)) => servers.push(Server::started(name, child, at)),
            Err(missing) => println!("left out: {missing}"),
        }
    }
    println!("\n| server | start to first answer | memory at rest |\n|---|---|---|");
    for server in &servers {
        println!(
            "| {} | {:.2} s | {} MiB |",
            server.name,
            server.first.as_secs_f64(),
            server.memory("VmRSS")
        );
    }
    let records = 2 * names.len() as u64 + 3;
    transfers(&servers, records);
    together(&servers, records);
    again(dir.path());
}

fn transfers(servers: &[Server], records: u64) {
    let mut taken: Vec<Vec<(Figures, f64)>> = vec![Vec::new(); servers.len()];
    for _ in 0..ROUNDS {
        for (server, taken) in servers.iter().zip(&mut taken) {
            let before = server.cpu();
            let figures = Reader::ask(server.at).take(records);
            taken.push((figures, server.cpu() - before));
        }
    }
    println!(
        "\n| AXFR, median of {ROUNDS} | time | records/s | bytes | server's CPU |\n|---|---|---|---|---|"
    );
    for (server, mut taken) in servers.iter().zip(taken) {
        taken.sort_by_key(|(figures, _)| figures.time);
        let (figures, cpu) = &taken[ROUNDS / 2];
        println!(
            "| {} | {:.3} s | {:.2} M | {:.1} MB | {cpu:.2} s |",
            server.name,
            figures.time.as_secs_f64(),
            records as f64 / figures.time.as_secs_f64() / 1e6,
            figures.bytes as f64 / 1e6
        );
    }
}

/// Eight readers at once.
fn together(servers: &[Server], records: u64) {
    println!(
        "\n| 8 readers at once | until all have it | server's CPU | memory at most |\n|---|---|---|---|"
    );
    for server in servers {
        let (before, began) = (server.cpu(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Reader::ask(server.at).take(records));
            }
        });
        println!(
            "| {} | {:.2} s | {:.2} s | {} MiB |",
            server.name,
            began.elapsed().as_secs_f64(),
            server.cpu() - before,
            server.memory("VmHWM")
        );
    }
}

/// A second start of ours, on the zones that the first one kept.
fn again(dir: &Path) {
    let server = Server::ours(dir);
    println!(
        "\na second start, on the zones that were kept: the first answer after {:.3} s (with the set read anew)",
        server.first.as_secs_f64()
    );
}

/// A server in a process of its own.
struct Server {
    name: &'static str,
    child: Child,
    at: SocketAddr,
    first: Duration,
}

impl Server {
    fn ours(dir: &Path) -> Self {
        let began = Instant::now();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--serve")
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            name: "Blockfeed",
            child,
            at: line.trim().parse().unwrap(),
            first: began.elapsed(),
        }
    }

    fn started(name: &'static str, child: Child, at: SocketAddr) -> Self {
        let began = Instant::now();
        while !Reader::has_answer(at) {
            assert!(
                began.elapsed() < Duration::from_secs(300),
                "{name} never answers"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            name,
            child,
            at,
            first: began.elapsed(),
        }
    }

    /// Seconds of CPU that the process and its children have had.
    fn cpu(&self) -> f64 {
        let mut all = 0.0;
        for id in self.processes() {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
            let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok());
            all += (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0;
        }
        all
    }

    fn memory(&self, key: &str) -> u64 {
        let of = |id: &u32| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let line = status
                .lines()
                .find(|l| l.starts_with(key))
                .map(str::to_owned);
            let kib = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
            kib.unwrap_or(0) >> 10
        };
        self.processes().iter().map(of).sum()
    }

    /// The process and those that it has forked.
    fn processes(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        let mut at = 0;
        while let Some(id) = all.get(at).copied() {
            let path = format!("/proc/{id}/task/{id}/children");
            let children = fs::read_to_string(path).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|c| c.parse::<u32>().ok()),
            );
            at += 1;
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // NSD's children end with it.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves the list in the folder until standard input ends.
fn serve(dir: &Path) {
    let text = fs::read_to_string(dir.join("names")).unwrap();
    let lines: Vec<String> = text.lines().map(|name| format!("{name} +")).collect();
    drop(text);
    let book = Book::new();
    book.change(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    drop(lines);
    let world = World::on(dir, book, |config, dir| {
        config.keys = Some(zone_world::keys(dir, &[]));
    });
    println!("{}", world.at);
    std::io::stdout().flush().unwrap();
    let mut end = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut end);
}
