//! Messages signed with the key `k256.`, and dynamic updates (RFC 2136) for the peers that take them.

use crate::{ZONE, zone_world::SECRET};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU16, Ordering},
};

/// Ids of messages: none is signed twice alike, which would be a replay.
static NEXT: AtomicU16 = AtomicU16::new(1);

/// A query for the zone, signed. `since`: of an IXFR.
// Of the bench of propagation: not used.
#[allow(dead_code)]
pub fn query(kind: u16, since: Option<u32>) -> Vec<u8> {
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut message = vec![
        high,
        low,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        u8::from(since.is_some()),
        0,
        0,
    ];
    put_name(&mut message, "");
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    if let Some(serial) = since {
        message.extend_from_slice(&[0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
        message.extend_from_slice(&serial.to_be_bytes());
        message.extend_from_slice(&[0; 16]);
    }
    sign(message)
}

/// Adds names with their wildcards to the zone of a primary, or takes them out; five hundred a
/// message, each answered before the next.
pub fn update(at: SocketAddr, names: &[String], add: bool) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_nodelay(true).unwrap();
    for some in names.chunks(500) {
        let count = u16::try_from(2 * some.len()).unwrap().to_be_bytes();
        let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut message = vec![high, low, 5 << 3, 0, 0, 1, 0, 0, count[0], count[1], 0, 0];
        put_name(&mut message, "");
        message.extend_from_slice(&[0, 6, 0, 1]);
        for owner in some.iter().flat_map(|n| [n.clone(), format!("*.{n}")]) {
            put_name(&mut message, &owner);
            match add {
                true => message.extend_from_slice(&[0, 5, 0, 1, 0, 0, 0, 60, 0, 1, 0]),
                false => message.extend_from_slice(&[0, 5, 0, 255, 0, 0, 0, 0, 0, 0]),
            }
        }
        let message = sign(message);
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &message].concat()).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer[3] & 15, 0, "the update is refused");
    }
}

/// A name below the zone's; the second time it points to the question.
fn put_name(message: &mut Vec<u8>, owner: &str) {
    for label in owner.split('.').filter(|l| !l.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    if message.len() > 12 && !owner.is_empty() {
        return message.extend_from_slice(&[0xC0, 12]);
    }
    for label in ZONE.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
}

fn sign(mut message: Vec<u8>) -> Vec<u8> {
    let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let time = &time.to_be_bytes()[2..];
    let (key, algorithm) = (b"\x04k256\0", b"\x0bhmac-sha256\0");
    let any = [0, 255, 0, 0, 0, 0];
    let fudge = [1, 44];
    let none = [0, 0, 0, 0];
    let over = [&message[..], key, &any, algorithm, time, &fudge, &none].concat();
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
        &none,
    ]
    .concat();
    message[11] = 1;
    message.extend_from_slice(key);
    message.extend_from_slice(&[0, 250]);
    message.extend_from_slice(&any);
    message.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&data);
    message
}
