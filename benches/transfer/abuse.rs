//! Our server while somebody abuses it: a subscriber goes on taking differences and the whole zone,
//! and the server's memory is watched.

use crate::{
    reader::{Figures, Reader},
    server::Server,
    signed,
};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpSocket, runtime::Runtime};

/// Makes connections from addresses of its choice.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// How long each abuse lasts.
const LASTS: Duration = Duration::from_secs(10);

/// What somebody does again and again, from an address; says how often it did it.
type Abuse = fn(&Target<'_>, Ipv4Addr) -> u64;

struct Target<'a> {
    at: SocketAddr,
    /// A signed query that was seen on its way.
    seen: &'a [u8],
    until: Instant,
}

/// Each abuse with what became of the subscriber.
pub fn table(server: &mut Server, records: u64) {
    let before = Reader::serial(server.at).unwrap();
    let names: Vec<String> = (0..1000).map(|n| format!("n{n}.abuse.example")).collect();
    server.add(&names);
    while Reader::serial(server.at) == Some(before) {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!(
        "\n| abuse for {} s, by 8 threads from 64 addresses | times | subscriber's differences | failed | p50 | p99 | whole zones | failed | slowest | memory at most |\n|---|---|---|---|---|---|---|---|---|---|",
        LASTS.as_secs()
    );
    let seen = signed::query(252, None);
    let all: [(&str, Abuse); 9] = [
        ("none", |_, _| 0),
        ("truncated queries, UDP and TCP", truncated),
        ("oversized queries", oversized),
        ("mis-signed queries", mis_signed),
        ("a query seen on its way, replayed", replayed),
        ("queries dripped, a byte a second", dripped),
        ("a flood of connections", flood),
        ("signed transfers that nobody reads", unread),
        ("whole zones asked without a key", unsigned),
    ];
    for (what, abuse) in all {
        row(server, (what, abuse), &seen, (before, records + 2000));
    }
    std::thread::sleep(Duration::from_secs(6));
    println!("afterwards: {} MiB", server.memory());
}

fn row(server: &Server, (what, abuse): (&str, Abuse), seen: &[u8], (before, records): (u32, u64)) {
    let target = Target {
        at: server.at,
        seen,
        until: Instant::now() + LASTS,
    };
    let (done, times) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut differences = (Vec::new(), 0_u64);
    let mut zones = (Vec::new(), 0_u64);
    let memory = server.most_memory(|| {
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                let (target, times) = (&target, &times);
                scope.spawn(move || {
                    let mut round = 0_u8;
                    while Instant::now() < target.until {
                        let from = Ipv4Addr::new(127, 0, 1 + thread, 1 + round % 8);
                        times.fetch_add(abuse(target, from), Ordering::Relaxed);
                        round = round.wrapping_add(1);
                        if what == "none" {
                            std::thread::sleep(Duration::from_millis(100));
                        }
                    }
                });
            }
            let (done, zones) = (&done, &mut zones);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    take(zones, || Reader::whole(target.at, records));
                    std::thread::sleep(Duration::from_millis(500));
                }
            });
            while Instant::now() < target.until {
                take(&mut differences, || Reader::since(target.at, before, 2004));
                std::thread::sleep(Duration::from_millis(5));
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    let of = |times: &[f64], share: f64| {
        let at = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
        times.get(at).copied().unwrap_or(f64::NAN)
    };
    differences.0.sort_by(f64::total_cmp);
    zones.0.sort_by(f64::total_cmp);
    println!(
        "| {what} | {} | {} | {} | {:.1} ms | {:.1} ms | {} | {} | {:.0} ms | {memory} MiB |",
        times.load(Ordering::Relaxed),
        differences.0.len(),
        differences.1,
        of(&differences.0, 0.5),
        of(&differences.0, 0.99),
        zones.0.len(),
        zones.1,
        of(&zones.0, 1.0)
    );
}

/// Milliseconds of what went well, and how often it didn't.
fn take((times, failed): &mut (Vec<f64>, u64), act: impl FnOnce() -> Option<Figures>) {
    let began = Instant::now();
    match act() {
        Some(_) => times.push(began.elapsed().as_secs_f64() * 1e3),
        None => *failed += 1,
    }
}

/// A connection from an address of the attacker's.
fn connect(target: &Target<'_>, from: Ipv4Addr) -> Option<TcpStream> {
    let wait = Duration::from_secs(1);
    let stream = RUNTIME.block_on(async {
        let socket = TcpSocket::new_v4().ok()?;
        socket.bind(SocketAddr::from((from, 0))).ok()?;
        let connecting = tokio::time::timeout(wait, socket.connect(target.at));
        connecting.await.ok()?.ok()?.into_std().ok()
    })?;
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    stream.set_write_timeout(Some(wait)).ok()?;
    Some(stream)
}

/// Sends bytes with a length before them, and reads whatever comes back, up to a message.
fn send(target: &Target<'_>, from: Ipv4Addr, length: usize, bytes: &[u8]) -> u64 {
    let Some(mut stream) = connect(target, from) else {
        return 0;
    };
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let sent = stream.write_all(&[&length[..], bytes].concat());
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 4096]);
    u64::from(sent.is_ok())
}

fn truncated(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let query = signed::query(252, None);
    let cut = query.len() * usize::from(from.octets()[3]) / 12;
    let Ok(socket) = UdpSocket::bind((from, 0)) else {
        return 0;
    };
    let sent = (0..50).filter(|n| {
        socket
            .send_to(&query[..cut.saturating_sub(*n)], target.at)
            .is_ok()
    });
    sent.count() as u64 + send(target, from, query.len(), &query[..cut])
}

fn oversized(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    send(target, from, 65_535, &[0x5A; 65_535])
}

fn mis_signed(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let mut query = signed::query(252, None);
    // Of the MAC: before it in the record's end stand its id, error and other length.
    let at = query.len() - 10;
    query[at] ^= 1;
    send(target, from, query.len(), &query)
}

fn replayed(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    send(target, from, target.seen.len(), target.seen)
}

fn unsigned(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let query = b"\0\x07\0\0\0\x01\0\0\0\0\0\0\x03rpz\x09blockfeed\0\0\xFC\0\x01";
    send(target, from, query.len(), query)
}

/// Forty connections, each of which sends a query byte by byte.
fn dripped(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let query = signed::query(252, None);
    let whole = [&[0, query.len() as u8], &query[..]].concat();
    let mut open: Vec<TcpStream> = (0..40).filter_map(|_| connect(target, from)).collect();
    let count = open.len() as u64;
    for byte in &whole {
        open.retain_mut(|stream| stream.write_all(&[*byte]).is_ok());
        if Instant::now() > target.until || open.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1000));
    }
    count
}

/// As many connections as can be had, held for a second.
fn flood(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let began = Instant::now();
    let mut open = Vec::new();
    while began.elapsed() < Duration::from_secs(1) && open.len() < 400 {
        open.extend(connect(target, from));
    }
    open.len() as u64
}

/// Four signed transfers of which nothing is read.
fn unread(target: &Target<'_>, from: Ipv4Addr) -> u64 {
    let mut open = Vec::new();
    for _ in 0..4 {
        let query = signed::query(252, None);
        if let Some(mut stream) = connect(target, from) {
            let length = u16::try_from(query.len()).unwrap().to_be_bytes();
            let _ = stream.write_all(&[&length[..], &query].concat());
            open.push(stream);
        }
    }
    let left = target.until.saturating_duration_since(Instant::now());
    std::thread::sleep(left.min(Duration::from_secs(5)));
    open.len() as u64
}
