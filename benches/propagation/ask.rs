//! An upstream whose answers stay in a cache, and a client that asks until the answer turns.

use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Every name has an address, for five minutes.
pub struct Upstream {
    pub port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let wait = Some(Duration::from_millis(50));
        socket.set_read_timeout(wait).unwrap();
        let port = socket.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut room = [0; 1500];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut room)
                    && let Some(reply) = reply(&room[..length])
                {
                    // Who asked may be gone.
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Self {
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

/// The question, and one address for A.
fn reply(query: &[u8]) -> Option<Vec<u8>> {
    let labels = query.get(12..)?;
    let end = 12 + labels.iter().position(|b| *b == 0)? + 5;
    let is_a = query.get(end - 4..end - 2)? == [0, 1];
    let mut reply = query.get(..end)?.to_vec();
    reply[2] = 0x85;
    reply[3] = 0x80;
    reply[6..12].copy_from_slice(&[0, u8::from(is_a), 0, 0, 0, 0]);
    if is_a {
        reply.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 18, 0, 7]);
    }
    Some(reply)
}

/// A resolver, asked again and again.
pub struct Asker {
    socket: UdpSocket,
    id: u16,
}

impl Asker {
    pub fn new(port: u16) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(("127.0.0.1", port)).unwrap();
        let wait = Some(Duration::from_millis(100));
        socket.set_read_timeout(wait).unwrap();
        Self { socket, id: 1 }
    }

    /// Whether the name doesn't exist; nothing where no answer came in time.
    pub fn is_blocked(&mut self, name: &str) -> Option<bool> {
        self.id = self.id.wrapping_add(1);
        let mut query = self.id.to_be_bytes().to_vec();
        query.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.split('.') {
            query.push(u8::try_from(label.len()).unwrap());
            query.extend_from_slice(label.as_bytes());
        }
        query.extend_from_slice(&[0, 0, 1, 0, 1]);
        self.socket.send(&query).ok()?;
        let mut room = [0; 1500];
        loop {
            let length = self.socket.recv(&mut room).ok()?;
            if length > 4 && room[..2] == self.id.to_be_bytes() {
                return match room[3] & 15 {
                    0 => Some(false),
                    3 => Some(true),
                    _ => None,
                };
            }
        }
    }

    /// Asks until it is so, and says when. `fresh`: each time for another name below.
    pub fn until(&mut self, name: &str, blocked: bool, fresh: bool) -> Option<Instant> {
        let began = Instant::now();
        for n in 0_u64.. {
            let below = format!("q{n}.{name}");
            let asked = if fresh { &below } else { name };
            if self.is_blocked(asked) == Some(blocked) {
                return Some(Instant::now());
            }
            if began.elapsed() > LONGEST {
                break;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        None
    }
}

/// After this it is counted as never.
const LONGEST: Duration = Duration::from_secs(180);
