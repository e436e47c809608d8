//! The least DNS that the tests need: an upstream that knows an answer for every name, and a client.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

pub const A: u16 = 1;
pub const TXT: u16 = 16;
pub const AAAA: u16 = 28;

/// What a resolver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub rcode: u8,
    /// The data of the records of the type that was asked for.
    pub data: Vec<Vec<u8>>,
}

impl Answer {
    /// Whether the upstream's answer came through.
    pub fn is_open(&self) -> bool {
        self.rcode == 0 && self.data.iter().any(|d| !is_null(d))
    }

    /// Whether the resolver answered that there is nothing: no such name, no data, or the null address.
    pub fn is_blocked(&self) -> bool {
        matches!(self.rcode, 0 | 3) && self.data.iter().all(|d| is_null(d))
    }
}

/// The world: every name has addresses; `inside…` and `outside…` have those that the networks' test asks for.
pub struct Upstream {
    pub port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    pub fn start() -> Upstream {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        let port = socket.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer)
                    && let Some(reply) = reply(&buffer[..length])
                {
                    // Who asked may be gone.
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Upstream {
            port,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks until there is an answer; `None` after ten seconds.
pub fn ask(port: u16, name: &str, kind: u16) -> Option<Answer> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    socket
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut query = vec![0x39, 0x90, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 0, 0, 1]);
    let at = query.len() - 4;
    query[at..at + 2].copy_from_slice(&kind.to_be_bytes());
    let until = Instant::now() + Duration::from_secs(10);
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        if socket.send_to(&query, server).is_ok()
            && let Ok((length, _)) = socket.recv_from(&mut buffer)
        {
            return Some(read(&buffer[..length], query.len(), kind));
        }
        // Not up yet: the port is closed, which says so at once.
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

fn is_null(data: &[u8]) -> bool {
    data.iter().all(|byte| *byte == 0) || data == b"\x09blockfeed"
}

/// The records of the asked type behind a question that ends at `at`.
fn read(message: &[u8], mut at: usize, kind: u16) -> Answer {
    let u16_at = |i: usize| u16::from_be_bytes([message[i], message[i + 1]]);
    let mut data = Vec::new();
    for _ in 0..u16_at(6) {
        while message[at] != 0 && message[at] < 0xC0 {
            at += 1 + usize::from(message[at]);
        }
        at += if message[at] == 0 { 1 } else { 2 };
        let length = usize::from(u16_at(at + 8));
        if u16_at(at) == kind {
            data.push(message[at + 10..at + 10 + length].to_vec());
        }
        at += 10 + length;
    }
    Answer {
        rcode: message[3] & 15,
        data,
    }
}

/// The upstream's reply: the question, and one record of its type where there is one.
fn reply(query: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*query.get(at)?);
        if length == 0 {
            break;
        }
        let label = query.get(at + 1..at + 1 + length)?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += 1 + length;
    }
    let end = at + 5;
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    let data = data(labels.first().map_or("", String::as_str), kind);
    let mut reply = query.get(..end)?.to_vec();
    reply[2] = 0x85;
    reply[3] = 0x80;
    reply[6..12].copy_from_slice(&[0, u8::from(data.is_some()), 0, 0, 0, 0]);
    if let Some(data) = data {
        reply.extend_from_slice(&[0xC0, 12]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 1]);
        reply.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend_from_slice(&data);
    }
    Some(reply)
}

fn data(first: &str, kind: u16) -> Option<Vec<u8>> {
    let v4: Ipv4Addr = match first {
        "inside" => "203.0.113.77",
        _ => "198.18.0.7",
    }
    .parse()
    .ok()?;
    let v6: Ipv6Addr = match first {
        "inside" => "2001:db8:399:7::5",
        "run" => "2001:db8:0:0:1:0:0:9",
        _ => "2001:db8:ffff::7",
    }
    .parse()
    .ok()?;
    match kind {
        A => Some(v4.octets().to_vec()),
        AAAA => Some(v6.octets().to_vec()),
        TXT => Some(b"\x04open".to_vec()),
        _ => None,
    }
}
