//! Zone transfer of a million names with TSIG, beside Knot DNS, NSD and BIND on the same zone in
//! the same run (`targets.md`, "Zone transfer"): records, bytes, CPU and memory of the server,
//! start to first answer, eight readers at once, differences. And our server under abuse.
//!
//! `cargo bench --bench transfer -- [axfr|together|ixfr|abuse …] [NAMES]`; peers that aren't there are
//! left out and named.

mod abuse;
#[path = "../scale/names.rs"]
mod names;
mod ours;
mod peers;
mod reader;
mod server;
mod signed;
#[path = "../../tests/peers/mod.rs"]
mod tools;
#[path = "../../tests/zone_world/mod.rs"]
mod zone_world;

use reader::{Figures, Reader};
use server::Server;
use std::{
    collections::HashSet,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// The zone that is taken.
const ZONE: &str = "rpz.blockfeed";
/// Transfers of each server, in turn; the median counts.
const ROUNDS: usize = 5;
/// Between two queries: nobody asks a thousand times a second.
const PACE: Duration = Duration::from_micros(500);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|a| a == "--serve") {
        return ours::serve(Path::new(&arguments[at + 1]), &arguments[at + 2]);
    }
    let is_wanted = |word: &str| {
        let chosen = |w: &&str| arguments.iter().any(|a| a == w);
        let any = ["axfr", "together", "ixfr", "abuse"].iter().any(chosen);
        !any || chosen(&word)
    };
    let count = arguments.iter().find_map(|a| a.parse().ok());
    let names = minimal(count.unwrap_or(1_000_000));
    let records = 2 * names.len() as u64 + 3;
    println!("{} names, {records} records", names.len());
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("names"), names.join("\n")).unwrap();
    // Our first start makes the zones; the one that is measured finds them, as the peers do theirs.
    let made = Server::ours(dir.path());
    made.until_loaded();
    println!(
        "zones made of the set for the first time: {:.2} s",
        made.first.as_secs_f64()
    );
    drop(made);

    let mut servers = vec![Server::ours(dir.path())];
    servers[0].until_loaded();
    if is_wanted("abuse") {
        abuse::table(&mut servers[0], records);
    }
    if !["axfr", "together", "ixfr"].into_iter().any(is_wanted) {
        return;
    }
    let zone = dir.path().join("zone");
    peers::write_zone(&names, 1, &zone);
    for start in [peers::knot, peers::nsd, peers::named] {
        match start(dir.path(), &zone) {
            Ok((name, child, at)) => servers.push(Server::started(name, child, at)),
            Err(missing) => println!("left out: {missing}"),
        }
    }
    at_rest(&servers, "");
    if is_wanted("axfr") {
        transfers(&servers, records);
        at_rest(&servers, " after transfers");
    }
    if is_wanted("together") {
        together(&servers, records);
    }
    if is_wanted("ixfr") {
        differences(&mut servers, names, &zone);
    }
}

/// So many names of which none covers another: a policy zone of ours holds no others, and theirs
/// is to be the same.
fn minimal(count: usize) -> Vec<String> {
    let drawn = names::realistic(count + count / 3, 7);
    let all: HashSet<&str> = drawn.iter().map(String::as_str).collect();
    let is_covered = |name: &str| {
        let above = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
        above.into_iter().any(|parent| all.contains(parent))
    };
    let open = drawn.iter().filter(|name| !is_covered(name));
    let names: Vec<String> = open.take(count).cloned().collect();
    assert_eq!(names.len(), count);
    names
}

fn at_rest(servers: &[Server], when: &str) {
    println!("\n| server | start to first answer | memory at rest{when} |\n|---|---|---|");
    for server in servers {
        let (first, memory) = (server.first.as_secs_f64(), server.memory());
        println!("| {} | {first:.3} s | {memory} MiB |", server.name);
    }
}

fn transfers(servers: &[Server], records: u64) {
    let mut taken: Vec<Vec<(Figures, f64)>> = vec![Vec::new(); servers.len()];
    for _ in 0..=ROUNDS {
        for (server, taken) in servers.iter().zip(&mut taken) {
            let before = server.cpu();
            let figures = Reader::whole(server.at, records).expect(server.name);
            taken.push((figures, server.cpu() - before));
        }
    }
    println!(
        "\n| AXFR, median of {ROUNDS} | time | the first after the start | records/s | bytes | server's CPU |\n|---|---|---|---|---|---|"
    );
    for (server, mut taken) in servers.iter().zip(taken) {
        let (first, _) = taken.remove(0);
        taken.sort_by_key(|(figures, _)| figures.time);
        let (figures, _) = &taken[ROUNDS / 2];
        let cpu = taken.iter().map(|(_, cpu)| cpu).sum::<f64>() / ROUNDS as f64;
        println!(
            "| {} | {:.3} s | {:.3} s | {:.2} M | {:.1} MB | {cpu:.3} s |",
            server.name,
            figures.time.as_secs_f64(),
            first.time.as_secs_f64(),
            records as f64 / figures.time.as_secs_f64() / 1e6,
            figures.bytes as f64 / 1e6
        );
    }
}

/// Eight readers at once, so many times.
fn together(servers: &[Server], records: u64) {
    println!(
        "\n| 8 readers at once, median of {ROUNDS} | until all have it | server's CPU | memory at most |\n|---|---|---|---|"
    );
    for server in servers {
        let mut rounds: Vec<(f64, f64, u64)> = (0..ROUNDS)
            .map(|_| {
                let (before, began) = (server.cpu(), Instant::now());
                let memory = server.most_memory(|| {
                    std::thread::scope(|scope| {
                        for _ in 0..8 {
                            scope.spawn(|| Reader::whole(server.at, records).expect(server.name));
                        }
                    });
                });
                (began.elapsed().as_secs_f64(), server.cpu() - before, memory)
            })
            .collect();
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (time, cpu, _) = rounds[ROUNDS / 2];
        let memory = rounds.iter().map(|r| r.2).max().unwrap_or_default();
        println!(
            "| {} | {time:.2} s | {cpu:.2} s | {memory} MiB |",
            server.name
        );
    }
}

/// Adds one name, a thousand and a hundred thousand, and takes the difference; the last, half a minute's
/// work for some, once.
fn differences(servers: &mut [Server], mut names: Vec<String>, zone: &Path) {
    println!(
        "\n| IXFR, medians | names | updates | from the update until it can be had | time | bytes | server's CPU |\n|---|---|---|---|---|---|---|"
    );
    let mut serial = 1;
    for (count, rounds) in [(1_usize, ROUNDS), (1000, ROUNDS), (100_000, 1)] {
        let count = count.min(names.len() / 2);
        let mut taken: Vec<Vec<Difference>> = vec![Vec::new(); servers.len()];
        for _ in 0..rounds {
            serial += 1;
            let more: Vec<String> = (0..count)
                .map(|n| format!("{n:06}.more{serial}-{}.example", n % 977))
                .collect();
            names.extend(more.iter().cloned());
            peers::write_zone(&names, serial, zone);
            for (server, taken) in servers.iter_mut().zip(&mut taken) {
                taken.extend(difference(server, &more));
            }
        }
        for (server, taken) in servers.iter().zip(taken) {
            print(server.name, count, taken);
        }
    }
    for server in servers.iter() {
        println!(
            "| {} afterwards: {} MiB | | | | | |",
            server.name,
            server.memory()
        );
    }
}

/// A difference of a server: until it could be had, then what taking it was, again and again.
#[derive(Clone)]
struct Difference {
    there: Duration,
    figures: Figures,
    cpu: f64,
}

/// Adds the names and takes what changed; none where the server gives no difference.
fn difference(server: &mut Server, more: &[String]) -> Option<Difference> {
    let before = Reader::serial(server.at).unwrap();
    // The zone's file and what others wrote is on the disk: whoever syncs first would wait for it.
    Command::new("sync").status().unwrap();
    let began = Instant::now();
    let steps = server.add(more);
    // A server that reloads may be too busy to answer.
    while Reader::serial(server.at).is_none_or(|serial| serial == before) {
        std::thread::sleep(PACE);
    }
    let records = 2 * (more.len() as u64 + steps + 1);
    Reader::since(server.at, before, records)?;
    let there = began.elapsed();
    let times = if more.len() > 1000 { 5 } else { 100 };
    let cpu = server.cpu();
    // NSD lets its servers go some time after a reload, also while they are asked.
    let mut all: Vec<Figures> = (0..times)
        .map(|_| {
            std::thread::sleep(PACE);
            Reader::since(server.at, before, records)
        })
        .collect::<Option<_>>()?;
    let cpu = (server.cpu() - cpu) / all.len() as f64;
    all.sort_by_key(|figures| figures.time);
    let figures = all[all.len() / 2];
    Some(Difference {
        there,
        figures,
        cpu,
    })
}

fn print(name: &str, count: usize, mut taken: Vec<Difference>) {
    let rounds = taken.len();
    if rounds == 0 {
        return println!("| {name} | {count} | gives no difference | | | | |");
    }
    taken.sort_by_key(|one| one.figures.time);
    let Difference { figures, cpu, .. } = taken[rounds / 2];
    taken.sort_by_key(|one| one.there);
    // What processes that are gone have had isn't known any more.
    let cpu = match cpu < 0.0 {
        true => "not known".to_owned(),
        false => format!("{:.2} ms", cpu * 1e3),
    };
    println!(
        "| {name} | {count} | {rounds} | {:.1} ms | {:.2} ms | {} | {cpu} |",
        taken[rounds / 2].there.as_secs_f64() * 1e3,
        figures.time.as_secs_f64() * 1e3,
        figures.bytes,
    );
}
