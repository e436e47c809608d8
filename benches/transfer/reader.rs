//! A secondary that asks for the zone with TSIG and counts what comes.

use crate::{ZONE, zone_world::SECRET};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
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
}

impl Reader {
    /// Asks for the whole zone.
    pub fn ask(at: SocketAddr) -> Self {
        let began = Instant::now();
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_nodelay(true).unwrap();
        let query = signed(252);
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &query].concat()).unwrap();
        Self { stream, began }
    }

    /// Takes so many records.
    pub fn take(mut self, records: u64) -> Figures {
        let mut room = vec![0; 1 << 18];
        let (mut filled, mut bytes, mut seen) = (0, 0, 0);
        while seen < records {
            let read = self.stream.read(&mut room[filled..]).unwrap();
            assert!(read > 0, "it ended after {seen} records of {records}");
            (filled, bytes) = (filled + read, bytes + read as u64);
            let mut at = 0;
            while filled - at >= 2 {
                let length = usize::from(u16::from_be_bytes([room[at], room[at + 1]]));
                if filled - at < 2 + length {
                    break;
                }
                assert_eq!(room[at + 5] & 15, 0, "refused");
                seen += u64::from(u16::from_be_bytes([room[at + 8], room[at + 9]]));
                at += 2 + length;
            }
            room.copy_within(at..filled, 0);
            filled -= at;
        }
        Figures {
            time: self.began.elapsed(),
            bytes,
        }
    }

    /// Whether the server answers for the zone.
    pub fn has_answer(at: SocketAddr) -> bool {
        let Ok(mut stream) = TcpStream::connect(at) else {
            return false;
        };
        let query = signed(6);
        let length = u16::try_from(query.len()).unwrap().to_be_bytes();
        let mut answer = [0; 14];
        let asked = stream.write_all(&[&length[..], &query].concat());
        asked.is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer[5] & 15 == 0
            && answer[9] == 1
    }
}

/// A query for the zone, signed with the key `k256.`.
fn signed(kind: u16) -> Vec<u8> {
    let mut message = vec![7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ZONE.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let time = &time.to_be_bytes()[2..];
    let (key, algorithm) = (b"\x04k256\0", b"\x0bhmac-sha256\0");
    let any = [0, 255, 0, 0, 0, 0];
    let fudge = [1, 44];
    let over = [
        &message[..],
        key,
        &any,
        algorithm,
        time,
        &fudge,
        &[0, 0, 0, 0],
    ]
    .concat();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap());
    let mac = hmac::sign(&secret, &over);
    let id = [message[0], message[1]];
    let data = [
        &algorithm[..],
        time,
        &fudge,
        &[0, 32],
        mac.as_ref(),
        &id,
        &[0, 0, 0, 0],
    ]
    .concat();
    message[11] = 1;
    message.extend_from_slice(key);
    message.extend_from_slice(&[0, 250]);
    message.extend_from_slice(&any);
    message.extend_from_slice(&(data.len() as u16).to_be_bytes());
    message.extend_from_slice(&data);
    message
}
