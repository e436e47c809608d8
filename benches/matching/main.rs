//! Look-ups: bulk match over HTTP beside Redis pipelined, in turn, the median of five; in process
//! beside a HashSet (`targets.md`, "Log, import, look-up").
//!
//! `cargo bench --bench matching -- [NAMES]`

#[path = "../../tests/house/mod.rs"]
mod house;
#[path = "../scale/names.rs"]
mod names;
mod redis;
#[path = "../../tests/peers/mod.rs"]
mod tools;

use blockfeed::{
    entries::{ChangeBuilder, Index, Set},
    serve::Config,
    subject::Kind,
};
use house::{House, ListOptions, Options};
use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

/// Names a call, connections, and calls of each connection in a round.
const A_CALL: usize = 100;
const CONNECTIONS: usize = 2;
const CALLS: usize = 500;

fn main() {
    let arguments = std::env::args().skip(1);
    let count = arguments.filter_map(|a| a.parse().ok()).next();
    let listed = names::realistic(count.unwrap_or(1_000_000), 7);
    let known: HashSet<&String> = listed.iter().collect();
    let mut others = names::realistic(listed.len() / 10, 11);
    others.retain(|name| !known.contains(name));
    drop(known);
    in_process(&listed, &others);
    over_http(&listed, &others);
}

/// Half of the names are listed, half aren't.
fn asked(listed: &[String], others: &[String], from: usize) -> Vec<String> {
    let pick = |of: &[String], n: usize| of[n.wrapping_mul(7919) % of.len()].clone();
    (from..from + A_CALL)
        .map(|n| pick(if n % 2 == 0 { listed } else { others }, n))
        .collect()
}

fn over_http(listed: &[String], others: &[String]) {
    let local = "127.0.0.1:0".parse().unwrap();
    let serve = Config {
        listen: local,
        metrics: local,
        token_rate: 0,
        address_rate: 0,
        ..Config::default()
    };
    let house = House::with(Options {
        serve,
        ..Options::default()
    });
    let lines: Vec<String> = listed.iter().map(|n| format!("domain:{n} +")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    house.list(&lines, ListOptions::default());
    let token = house.reader("bench", &["domains"]);
    let peer = redis::Redis::start(listed);
    println!(
        "\n| bulk match, {A_CALL} names a call, {CONNECTIONS} connections | subjects/s, median of 5 |\n|---|---|"
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Both servers' requests are written before the clock starts: it is they that are measured.
    let calls = |write: &dyn Fn(&[String]) -> Vec<u8>| -> Vec<Vec<Vec<u8>>> {
        let call = |c: usize, n: usize| asked(listed, others, (c * CALLS + n) * A_CALL);
        let of = |c| (0..CALLS).map(|n| write(&call(c, n))).collect();
        (0..CONNECTIONS).map(of).collect()
    };
    let to_us = calls(&|names| Http::request(&token, names));
    let to_redis = calls(&|names| redis::Line::command("SISMEMBER", names).into_bytes());
    for _ in 0..5 {
        ours.push(rate(|c| {
            let mut line = Http::connect(house.address());
            to_us[c].iter().for_each(|request| line.ask(request));
        }));
        if let Some(peer) = &peer {
            theirs.push(rate(|c| {
                let mut line = peer.connect();
                to_redis[c]
                    .iter()
                    .for_each(|command| line.ask(command, A_CALL));
            }));
        }
    }
    println!(
        "| Blockfeed, HTTP and JSON, with the decision | {:.0} |",
        median(ours)
    );
    match peer {
        Some(_) => println!("| Redis SISMEMBER, pipelined | {:.0} |", median(theirs)),
        None => println!("| Redis | isn't installed |"),
    }
}

/// Subjects a second of all connections at once.
fn rate(connection: impl Fn(usize) + Sync) -> f64 {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for c in 0..CONNECTIONS {
            let connection = &connection;
            scope.spawn(move || connection(c));
        }
    });
    (CONNECTIONS * CALLS * A_CALL) as f64 / began.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

/// A connection that is kept.
struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::with_capacity(1 << 16, stream),
        }
    }

    fn request(token: &str, names: &[String]) -> Vec<u8> {
        let body = serde_json::json!({ "subjects": names }).to_string();
        format!(
            "POST /api/v1/match HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    fn ask(&mut self, request: &[u8]) {
        self.stream.get_mut().write_all(request).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        let told = memchr::memmem::find_iter(&answer, b"\"listed\":true").count();
        // Some of the others lie below a listed name.
        assert!(told >= A_CALL / 2);
    }
}

/// Exact look-ups in one thread, in turn, and the memory that each structure takes.
fn in_process(listed: &[String], others: &[String]) {
    let before = resident();
    let hash: HashSet<String> = listed.iter().cloned().collect();
    let of_hash = resident().saturating_sub(before);
    let lines: Vec<String> = listed
        .iter()
        .map(|n| format!("E {n} + 2026-000001"))
        .collect();
    let before = resident();
    let mut set = Set::new(Kind::Domain);
    let mut change = ChangeBuilder::default();
    lines.iter().for_each(|line| change.add(line));
    set.apply(&change.finish(Kind::Domain)).unwrap();
    let of_set = resident().saturating_sub(before);
    let index = Index::new(&set);
    // What the first left free for the next to take doesn't count.
    let before = resident();
    let more: Vec<Index> = (0..10).map(|_| Index::new(&set)).collect();
    let of_index = resident().saturating_sub(before) / more.len();
    drop(more);
    let questions: Vec<String> = (0..10_000)
        .flat_map(|n| asked(listed, others, n * A_CALL))
        .collect();
    let every = |from: usize| questions.iter().skip(from).step_by(2).collect::<Vec<_>>();
    // Every other one is listed: half of them, all of them, none of them.
    let mixes = [questions.iter().collect(), every(0), every(1)];
    let each = |bytes: usize| format!("{:.0}", bytes as f64 / listed.len() as f64);
    println!(
        "| exact look-ups a second in process, {} names, median of 5 | bytes a name | half are listed | all are | none is |\n|---|---|---|---|---|",
        listed.len()
    );
    row("HashSet<String>", each(of_hash), &mixes, |name| {
        hash.contains(name)
    });
    row(
        "the set in force, by its digest's buckets",
        each(of_set),
        &mixes,
        |name| !set.entries_of(name).is_empty(),
    );
    let beside = format!("{} more", each(of_index));
    row("the same by the index beside it", beside, &mixes, |name| {
        !index.entries_of(&set, name).is_empty()
    });
}

/// Look-ups a second of each mix.
fn row(what: &str, bytes: String, mixes: &[Vec<&String>], holds: impl Fn(&str) -> bool) {
    let rate = |names: &Vec<&String>| {
        let once = || {
            let began = Instant::now();
            let found = names.iter().filter(|name| holds(name)).count();
            (found, names.len() as f64 / began.elapsed().as_secs_f64())
        };
        let runs: Vec<_> = (0..5).map(|_| once()).collect();
        (runs[0].0, median(runs.iter().map(|run| run.1).collect()))
    };
    let rates: Vec<_> = mixes.iter().map(rate).collect();
    let found: Vec<usize> = rates.iter().map(|rate| rate.0).collect();
    assert_eq!(found, [mixes[1].len(), mixes[1].len(), 0]);
    let rates: Vec<String> = rates.iter().map(|rate| format!("{:.0}", rate.1)).collect();
    println!("| {what} | {bytes} | {} |", rates.join(" | "));
}

/// Resident memory, bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
