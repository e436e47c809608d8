//! A secondary that asks for the zone with TSIG and counts what comes.

use crate::signed;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// What a transfer was.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub time: Duration,
    pub bytes: u64,
}

pub struct Reader {
    stream: TcpStream,
    began: Instant,
    is_difference: bool,
}

impl Reader {
    /// Takes the whole zone, of so many records.
    pub fn whole(at: SocketAddr, records: u64) -> Option<Figures> {
        Self::ask(at, &signed::query(252, None), false)?.take(records)
    }

    /// Takes what changed since a serial, of so many records.
    pub fn since(at: SocketAddr, serial: u32, records: u64) -> Option<Figures> {
        Self::ask(at, &signed::query(251, Some(serial)), true)?.take(records)
    }

    fn ask(at: SocketAddr, query: &[u8], is_difference: bool) -> Option<Self> {
        let began = Instant::now();
        let mut stream = TcpStream::connect(at).ok()?;
        stream.set_nodelay(true).ok()?;
        let length = u16::try_from(query.len()).ok()?.to_be_bytes();
        stream.write_all(&[&length[..], query].concat()).ok()?;
        Some(Self {
            stream,
            began,
            is_difference,
        })
    }

    /// Nothing where it is refused, breaks off, or is no difference though it should be.
    fn take(mut self, records: u64) -> Option<Figures> {
        let mut room = vec![0; 1 << 18];
        let (mut filled, mut bytes, mut seen) = (0, 0, 0);
        while seen < records {
            let read = self.stream.read(&mut room[filled..]).ok()?;
            if read == 0 {
                return None;
            }
            (filled, bytes) = (filled + read, bytes + read as u64);
            let mut at = 0;
            while filled - at >= 2 {
                let length = usize::from(u16::from_be_bytes([room[at], room[at + 1]]));
                if filled - at < 2 + length {
                    break;
                }
                let message = &room[at + 2..at + 2 + length];
                if message[3] & 15 != 0 {
                    return None;
                }
                if seen == 0
                    && self.is_difference
                    && records_of(message)
                        .nth(1)
                        .is_some_and(|(kind, _)| kind != SOA)
                {
                    return None;
                }
                seen += u64::from(u16::from_be_bytes([message[6], message[7]]));
                at += 2 + length;
            }
            room.copy_within(at..filled, 0);
            filled -= at;
        }
        Some(Figures {
            time: self.began.elapsed(),
            bytes,
        })
    }

    /// The zone's serial, where the server answers for it.
    pub fn serial(at: SocketAddr) -> Option<u32> {
        let mut stream = TcpStream::connect(at).ok()?;
        let query = signed::query(6, None);
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &query].concat()).ok()?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).ok()?;
        let (kind, data) = records_of(&answer).next()?;
        let numbers = data.len().checked_sub(20)?;
        let serial = data[numbers..].first_chunk::<4>()?;
        (kind == SOA && answer[3] & 15 == 0).then(|| u32::from_be_bytes(*serial))
    }

    /// Whether the server answers for the zone.
    pub fn has_answer(at: SocketAddr) -> bool {
        Self::serial(at).is_some()
    }
}

/// Type and data of a message's answers.
fn records_of(message: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let two = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    let name = move |mut at: usize| {
        while message[at] != 0 && message[at] < 0xC0 {
            at += 1 + usize::from(message[at]);
        }
        at + if message[at] == 0 { 1 } else { 2 }
    };
    let mut at = 12;
    for _ in 0..two(4) {
        at = name(at) + 4;
    }
    (0..two(6)).map(move |_| {
        let begin = name(at);
        let length = two(begin + 8);
        at = begin + 10 + length;
        (two(begin) as u16, &message[begin + 10..at])
    })
}

const SOA: u16 = 6;
