//! Checks offline: 100,000 submissions against data sets of millions of rows, and one check by itself (issue 4, "Speed").
//!
//! `cargo bench --bench checking -- [ROWS]`
//!
//! The rows are **synthetic**: made from a fixed seed, since no registry gives its extract away. The lists are those that
//! ship.

#[path = "../registry/synthetic.rs"]
mod synthetic;

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blockfeed::check::Guard;
use blockfeed::check::batch::Options;
use blockfeed::check::known;
use blockfeed::registry::gather::Gatherer;
use blockfeed::registry::sets::{self, Order};
use blockfeed::registry::{Config, Day, Lists};

/// 1 November 2026, in Unix seconds.
const NOW: u64 = 1_793_491_200;
const SUBMISSIONS: u64 = 100_000;

fn main() {
    let arguments = std::env::args().skip(1);
    let rows = arguments.filter_map(|a| a.parse().ok()).next();
    let rows: u64 = rows.unwrap_or(5_000_000);
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        sets: Some(dir.path().join("sets")),
        offline: true,
        ..Config::default()
    };
    import(dir.path(), rows);
    println!("memory after the imports: {}", memory());
    let began = Instant::now();
    let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
    println!("lists read and indexed in {:.0} ms", millis(began));
    let gatherer = Gatherer::new(&config, dir.path(), guard.lists().clone()).unwrap();
    submissions(&guard, &gatherer, rows);
    one(&guard, &gatherer, rows);
    program(dir.path());
}

fn import(dir: &Path, rows: u64) {
    set(dir, "vn-registry", |out| synthetic::registry(rows, out));
    set(dir, "popularity", |out| {
        synthetic::popularity(rows / 5, out)
    });
    set(dir, "licences-notified", |out| {
        synthetic::licences(rows / 50, out)
    });
    set(dir, "passive-dns", |out| {
        synthetic::passive_dns(rows / 2, out)
    });
    set(dir, "networks", |out| synthetic::networks(rows / 10, out));
}

/// Writes a made file and imports it.
fn set(dir: &Path, name: &str, write: impl Fn(&mut BufWriter<File>) -> io::Result<()>) {
    let file = dir.join(format!("{name}.csv"));
    let mut out = BufWriter::new(File::create(&file).unwrap());
    write(&mut out).unwrap();
    out.flush().unwrap();
    let order = Order {
        set: name,
        date: Day::parse("2026-11-01").unwrap(),
        licence: "synthetic",
        format: None,
        columns: None,
        dropped: &[],
        fresh_days: Some(3_650),
        anyway: false,
        now: NOW,
    };
    let began = Instant::now();
    let done = sets::import(&dir.join("sets"), &order, &file, &mut |_, _| ()).unwrap();
    let (rows, seconds) = (done.description.rows, began.elapsed().as_secs_f64());
    println!("import {name}: {rows} synthetic rows in {seconds:.1} s");
    std::fs::remove_file(&file).unwrap();
}

/// The n-th submission: four of ten registered, one a host below such a name, four unknown, one a network.
fn submission(n: u64, rows: u64) -> String {
    let pick = synthetic::mix(n ^ 0x5AB);
    match pick % 10 {
        0..4 => synthetic::name(pick / 10 % rows),
        4 => format!("m.{}", synthetic::name(pick / 10 % rows)),
        5..9 => format!("fraud-{n}.example"),
        _ => synthetic::address(pick / 10 % (rows / 2)).to_string(),
    }
}

fn submissions(guard: &Guard, gatherer: &Gatherer, rows: u64) {
    let list: Vec<String> = (0..SUBMISSIONS).map(|n| submission(n, rows)).collect();
    let list = list.join("\n");
    let options = Options {
        category: "counterfeit",
        ..Options::default()
    };
    for round in ["cold", "warm", "warm"] {
        let facts = |subject: &_| gatherer.offline(subject, NOW);
        let began = Instant::now();
        let (batch, of_list) = known::read(list.as_bytes(), guard, &options, facts, |_| (), NOW);
        let seconds = began.elapsed().as_secs_f64();
        let touched = of_list.collateral(&batch);
        println!(
            "{SUBMISSIONS} submissions ({round}): {seconds:.2} s, {:.0} names/s; {} accepted, {} refused, touching {}; memory {}",
            SUBMISSIONS as f64 / seconds,
            batch.counts.accepted,
            batch.counts.refused,
            touched
                .tallies()
                .map(|(en, _, tally)| format!("{} {en}", tally.count))
                .join(", "),
            memory()
        );
    }
}

/// One check, from the typed text to the verdict, in process.
fn one(guard: &Guard, gatherer: &Gatherer, rows: u64) {
    let options = Options {
        category: "counterfeit",
        ..Options::default()
    };
    let mut times: Vec<Duration> = (0..2_000)
        .map(|n| {
            let text = submission(n * 31 + 7, rows);
            let began = Instant::now();
            let facts = |subject: &_| gatherer.offline(subject, NOW);
            let read = known::read(text.as_bytes(), guard, &options, facts, |_| (), NOW);
            assert_eq!(read.0.counts.lines, 1);
            began.elapsed()
        })
        .collect();
    show("one check in process", &mut times);
}

/// One check by the program, its start and the reading of its lists included.
fn program(dir: &Path) {
    let sets = format!("registry.sets={:?}", dir.join("sets"));
    let mut times: Vec<Duration> = (0..200)
        .map(|n| {
            let began = Instant::now();
            let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
            let command = command.args([
                "check",
                "--offline",
                "--set",
                &sets,
                &synthetic::name(n * 977),
            ]);
            let output = command.output().unwrap();
            assert!(output.stderr.is_empty(), "{output:?}");
            began.elapsed()
        })
        .collect();
    show("one check by the program", &mut times);
}

fn show(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at =
        |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
        at(50),
        at(99),
        at(100)
    );
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// What the process holds now and held at most.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib / 1024)
    };
    format!(
        "{} MiB (at most {} MiB)",
        field("VmRSS:").unwrap_or_default(),
        field("VmHWM:").unwrap_or_default()
    )
}
