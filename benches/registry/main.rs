//! Data sets at scale: `cargo bench --bench registry [-- ROWS]`; `-- write DIR [ROWS]` writes the files alone.
//!
//! All rows are **synthetic** (synthetic.rs).

mod synthetic;

use blockfeed::{
    registry::{
        Day, Lists,
        gather::{Gatherer, from_sets},
        sets::{self, Bound, Kind, Order, Sets},
    },
    subject::Subject,
};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const NOW: u64 = 1_790_900_000;
const ROWS: u64 = 5_000_000;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments
        .iter()
        .find_map(|a| a.parse().ok())
        .unwrap_or(ROWS);
    if let [verb, dir, ..] = &arguments[..]
        && verb == "write"
    {
        for kind in WRITTEN {
            println!("{}", write(Path::new(dir), kind, rows)?.display());
        }
        return Ok(());
    }
    let dir = std::env::temp_dir().join(format!("blockfeed-bench-registry-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let measured = measure(&dir, rows);
    std::fs::remove_dir_all(&dir)?;
    measured
}

const WRITTEN: [Kind; 5] = [
    Kind::VnRegistry,
    Kind::Popularity,
    Kind::Networks,
    Kind::PassiveDns,
    Kind::Licences,
];

fn write(dir: &Path, kind: Kind, rows: u64) -> Fallible<PathBuf> {
    let path = dir.join(format!("{kind}.csv"));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    match kind {
        Kind::VnRegistry => synthetic::registry(rows, &mut out)?,
        Kind::Popularity => synthetic::popularity(rows / 5, &mut out)?,
        Kind::Networks => synthetic::networks(rows / 10, &mut out)?,
        Kind::PassiveDns => synthetic::passive_dns(rows / 2, &mut out)?,
        Kind::Licences | Kind::Delegations => synthetic::licences(rows / 50, &mut out)?,
    }
    out.flush()?;
    Ok(path)
}

fn measure(dir: &Path, rows: u64) -> Fallible<()> {
    println!("synthetic data sets, {rows} rows of the registry");
    let sets_dir = dir.join("sets");
    for kind in WRITTEN {
        let file = write(dir, kind, rows)?;
        let set = match kind {
            Kind::Licences => "licences-synthetic",
            other => other.as_str(),
        };
        let order = Order {
            set,
            date: Day::parse("2026-10-01")?,
            licence: "synthetic",
            format: None,
            columns: None,
            dropped: &[],
            fresh_days: None,
            anyway: false,
            now: NOW,
        };
        let began = Instant::now();
        let done = sets::import(&sets_dir, &order, &file, &mut |_, _| {})?;
        let took = began.elapsed();
        println!(
            "  import {set:<20} {:>9} rows ({} MB) in {:5.1} s: {:>9.0} rows/s; on disk {} MB; peak memory so far {} MiB",
            done.description.rows,
            file.metadata()?.len() / 1_000_000,
            took.as_secs_f64(),
            done.description.rows as f64 / took.as_secs_f64(),
            size(&sets_dir.join(set)) / 1_000_000,
            peak(),
        );
        std::fs::remove_file(file)?;
    }
    look_up(&sets_dir, rows)?;
    println!("  peak memory of the whole run {} MiB", peak());
    Ok(())
}

fn look_up(dir: &Path, rows: u64) -> Fallible<()> {
    let began = Instant::now();
    let sets = Sets::open(dir);
    println!("  opening all sets: {:.1} ms", millis(began.elapsed()));
    let names: Vec<String> = (0..LOOKUPS)
        .map(|i| synthetic::name(synthetic::mix(i) % rows))
        .collect();
    let absent: Vec<String> = (0..LOOKUPS).map(|i| synthetic::name(rows + i)).collect();
    let registered = |names: &[String]| {
        let found = names
            .iter()
            .filter(|name| sets.registration(name, NOW).known().is_some());
        found.count()
    };
    assert_eq!(registered(&names), names.len());
    assert_eq!(registered(&absent), 0);
    rate("look-ups of names that are there", LOOKUPS, || {
        registered(&names)
    });
    rate("look-ups of names that aren't", LOOKUPS, || {
        registered(&absent)
    });
    rate("longest prefix of an address", LOOKUPS, || {
        let nets = (0..LOOKUPS).map(|i| synthetic::address(i).into());
        let found = nets.filter(|net| sets.network(*net, NOW).known().is_some());
        found.count()
    });
    rate("names at an address", LOOKUPS / 10, || {
        let nets = (0..LOOKUPS / 10).map(|i| synthetic::address(i).into());
        let bound = Bound::counting(1_000);
        let found = nets.filter(|net| sets.neighbours(*net, bound, NOW).known().is_some());
        found.count()
    });
    let lists = Arc::new(Lists::embedded()?);
    let subjects: Vec<Subject> = names
        .iter()
        .chain(&absent)
        .take(LOOKUPS as usize)
        .map(|name| Subject::parse(&format!("domain:www.{name}")))
        .collect::<Result<_, _>>()?;
    rate("all offline facts of a name", LOOKUPS, || {
        let bound = Bound::counting(1_000);
        let facts = subjects
            .iter()
            .map(|s| from_sets(&sets, &lists, s, bound, NOW));
        facts
            .filter(|facts| facts.registration.known().is_some())
            .count()
    });
    alone(dir, lists)
}

/// One check by a program that was just started: sets opened, one name asked.
fn alone(dir: &Path, lists: Arc<Lists>) -> Fallible<()> {
    let subject = Subject::parse("domain:www.shop.com.vn")?;
    let config = blockfeed::registry::Config {
        sets: Some(dir.to_owned()),
        ..Default::default()
    };
    let took = median((0..RUNS).map(|_| {
        let began = Instant::now();
        let gatherer = Gatherer::new(&config, dir, lists.clone());
        let facts = gatherer.map(|gatherer| gatherer.offline(&subject, NOW));
        (began.elapsed(), facts.is_ok())
    }));
    println!("  one name, the sets opened for it: {:.1} ms", millis(took));
    Ok(())
}

fn rate(what: &str, count: u64, mut work: impl FnMut() -> usize) {
    let took = median((0..RUNS).map(|_| {
        let began = Instant::now();
        let found = work();
        (began.elapsed(), found <= count as usize)
    }));
    println!(
        "  {what:<34} {:>10.0} /s (median of {RUNS})",
        count as f64 / took.as_secs_f64()
    );
}

fn median(runs: impl Iterator<Item = (Duration, bool)>) -> Duration {
    let mut all: Vec<Duration> = runs
        .map(|(took, sound)| {
            assert!(sound);
            took
        })
        .collect();
    all.sort();
    all[all.len() / 2]
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

/// Peak memory of this process, MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

/// Bytes under a folder.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

const LOOKUPS: u64 = 100_000;
const RUNS: usize = 5;
