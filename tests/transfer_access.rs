//! Who may take zones, how answers are signed, and how wrong queries are told so.

mod peers;
mod zone_world;

use prometheus::TextEncoder;
use ring::hmac;
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    path::Path,
    process::Command,
    time::Duration,
};
use zone_world::{SECRET, World, keys, records};

#[test]
fn keys_open_the_zones_and_every_message_is_signed() {
    if peers::tool("dig").is_none() {
        return peers::skip("TSIG by dig", "dig");
    }
    let world = World::new(|config, dir| {
        config.allow.clear();
        config.keys = Some(keys(dir, &[]));
    });
    let names: Vec<String> = (0..3000).map(|n| format!("s{n}.example.vn +")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = world.serial("rpz.blockfeed");
    world.change(&names, &[]);
    for (algorithm, key) in [
        ("hmac-sha256", "k256."),
        ("hmac-sha384", "k384."),
        ("hmac-sha512", "k512."),
    ] {
        let key = format!("{algorithm}:{key}:{SECRET}");
        for query in ["AXFR", &format!("IXFR={before}")] {
            let text = world.dig(&["-y", &key, "rpz.blockfeed", query]);
            let count = records(&text)
                .iter()
                .filter(|r| r.contains(" CNAME "))
                .count();
            assert_eq!(count, 6000, "{algorithm} {query}");
            assert!(
                !text.contains("verify failure") && !text.contains("failed"),
                "{text}"
            );
        }
        let soa = world.dig(&["-y", &key, "rpz.blockfeed", "SOA", "+comments"]);
        assert!(soa.contains("TSIG") && soa.contains("NOERROR"), "{soa}");
        let one = format!("IXFR={}", world.serial("rpz.blockfeed"));
        assert_eq!(world.records(&["-y", &key, "rpz.blockfeed", &one]).len(), 2);
    }
    // What the signed queries said that their senders hold.
    let held = world.book.held.lock().unwrap().clone();
    let now = world.book.now().domains.serial;
    for subscriber in ["isp-k256", "isp-k384", "isp-k512"] {
        let serials: Vec<u64> = held
            .iter()
            .filter(|h| h.subscriber == subscriber && h.feed.as_str() == "domains")
            .map(|h| h.serial)
            .collect();
        assert_eq!(serials, [2, now], "{subscriber}");
    }
}

#[test]
fn strangers_and_wrong_keys_are_told_what_is_wrong() {
    if peers::tool("dig").is_none() {
        return peers::skip("refusals by dig", "dig");
    }
    let world = World::new(|config, dir| {
        config.allow.clear();
        config.keys = Some(keys(dir, &[]));
    });
    for query in [
        &["rpz.blockfeed", "AXFR"][..],
        &["rpz.blockfeed", "SOA", "+notcp"],
        &["rpz.blockfeed", "IXFR=1"],
        &["elsewhere.example", "SOA"],
    ] {
        let text = world.dig(&[query, &["+comments"]].concat());
        assert!(
            text.contains("REFUSED") || text.contains("Transfer failed"),
            "{text}"
        );
    }
    let wrong = "d3JvbmcgIHdyb25nICB3cm9uZyAgd3JvbmcgIDEyMzQ=";
    for (key, code) in [
        (format!("hmac-sha256:k256.:{wrong}"), "BADSIG"),
        (format!("hmac-sha256:nobody.:{SECRET}"), "BADKEY"),
        (format!("hmac-sha512:k256.:{SECRET}"), "BADKEY"),
        (format!("hmac-sha1:k256.:{SECRET}"), "BADKEY"),
        (format!("hmac-sha256-128:k256.:{SECRET}"), "BADTRUNC"),
    ] {
        let text = world.dig(&["-y", &key, "rpz.blockfeed", "SOA", "+comments"]);
        assert!(
            text.contains("NOTAUTH") && text.contains(code),
            "{key}: {text}"
        );
    }
    let good = format!("hmac-sha256:k256.:{SECRET}");
    for (query, code) in [
        (&["elsewhere.example", "SOA"][..], "NOTAUTH"),
        (&["a.rpz.blockfeed", "CNAME"], "NOTAUTH"),
        (&["rpz.blockfeed", "A"], "REFUSED"),
        (&["rpz.blockfeed", "SOA", "-c", "CH"], "REFUSED"),
        (&["rpz.blockfeed", "SOA", "+opcode=UPDATE"], "NOTIMP"),
        (
            &["rpz.blockfeed", "SOA", "+edns=1", "+noednsneg"],
            "BADVERS",
        ),
        (&["rpz.blockfeed", "AXFR", "+notcp", "+ignore"], ""),
    ] {
        let text = world.dig(&[&["-y", &good, "+comments"], query].concat());
        assert!(text.contains(code), "{query:?} wants {code}: {text}");
    }
}

#[test]
fn datagrams_are_answered_short_and_streams_in_full() {
    if peers::tool("dig").is_none() {
        return peers::skip("UDP by dig", "dig");
    }
    let world = World::new(|_, _| {});
    let soa = world.dig(&["block.blockfeed", "SOA", "+notcp", "+comments"]);
    assert!(
        soa.contains("(UDP)") && soa.contains(" aa") && soa.contains("ANSWER: 1"),
        "{soa}"
    );
    let plain = world.dig(&["BLOCK.Blockfeed", "SOA", "+notcp", "+noedns", "+comments"]);
    assert!(
        plain.contains("NOERROR") && !plain.contains("EDNS"),
        "{plain}"
    );
    let ixfr = ask_by_udp(world.at, &query("rpz.blockfeed", 251));
    assert_eq!(ixfr[2] & 0x82, 0x82, "answer, truncated: {ixfr:?}");
    assert_eq!(
        ask_by_udp(world.at, &query("rpz.blockfeed", 252))[2] & 0x82,
        0x82
    );
}

#[test]
fn a_time_that_is_off_is_told_signed_with_ours() {
    let world = World::new(|config, dir| {
        config.allow.clear();
        config.keys = Some(keys(dir, &[]));
    });
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let asked = signed(&query("rpz.blockfeed", 6), "k256", now - 3600);
    let answer = ask_by_udp(world.at, &asked.0);
    assert_eq!(answer[3] & 15, 9, "NOTAUTH");
    // The last record: its MAC, then id, error 18, six octets of our time.
    let other = &answer[answer.len() - 6..];
    let ours = other.iter().fold(0, |time, b| time << 8 | u64::from(*b));
    assert!(ours.abs_diff(now) < 300, "{ours}");
    let tail = &answer[answer.len() - 10..answer.len() - 6];
    assert_eq!(tail, [0, 18, 0, 6]);
    // Signed over the query's MAC, the answer without the record, and the variables.
    let start = answer.len() - 6 - 2 - 2 - 2 - 32 - 2 - 2 - 6 - 13 - 10 - 6;
    let mut unsigned = answer[..start].to_vec();
    unsigned[11] -= 1;
    let mut over = vec![0, 32];
    over.extend_from_slice(&asked.1);
    over.extend_from_slice(&unsigned);
    over.extend_from_slice(&variables("k256", (now - 3600, 300), 18, other));
    let mac = &answer[answer.len() - 6 - 2 - 2 - 2 - 32..][..32];
    hmac::verify(&secret(), &over, mac).unwrap();
    // In time, it is answered.
    let asked = signed(&query("rpz.blockfeed", 6), "k256", now + 200);
    assert_eq!(ask_by_udp(world.at, &asked.0)[3] & 15, 0);
    // A query that was changed on its way.
    let mut changed = asked.0.clone();
    changed[13] ^= 0x20;
    changed[14] = b'x';
    assert_eq!(ask_by_udp(world.at, &changed)[3] & 15, 9);
}

#[test]
fn zones_go_over_tls_with_and_without_alpn() {
    let (Some(_), Some(openssl)) = (peers::tool("dig"), peers::tool("openssl")) else {
        return peers::skip("XoT", "dig or openssl");
    };
    let world = World::new(|config, dir| {
        certificate(&openssl, dir);
        config.tls_listen = Some("127.0.0.1:0".parse().unwrap());
        config.tls_certificate = Some(dir.join("cert.pem"));
        config.tls_key = Some(dir.join("key.pem"));
    });
    world.change(&["a.example +"], &[]);
    let tls = world.tls.unwrap();
    let text = world.dig_at(tls, &["+tls", "rpz.blockfeed", "AXFR"]);
    assert_eq!(records(&text).len(), 5, "{text}");
    let text = world.dig_at(tls, &["+tls", "rpz.blockfeed", "SOA"]);
    assert_eq!(records(&text).len(), 1, "{text}");
    for (alpn, taken) in [
        (&[][..], true),
        (&["-alpn", "dot"], true),
        (&["-alpn", "h2"], false),
    ] {
        let to = tls.to_string();
        let run = Command::new(&openssl)
            .args(["s_client", "-connect", &to, "-tls1_3"])
            .args(alpn)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        let shown = !text.contains("no peer certificate available");
        assert_eq!(shown, taken, "{alpn:?}: {text}");
    }
}

#[test]
fn whoever_drips_floods_or_hangs_costs_nobody_else_anything() {
    let world = World::new(|config, _| {
        config.connections = 12;
        config.address_connections = 8;
        config.read_seconds = 1;
        config.write_seconds = 1;
    });
    let names: Vec<String> = (0..100_000)
        .map(|n| format!("s{n}.example{n}.vn +"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.change(&names, &[]);
    let axfr = framed(&query("rpz.blockfeed", 252));
    // Those that ask and don't read are cut off when they have had their time.
    let mut hanging: Vec<TcpStream> = (0..6).map(|_| connect(world.at)).collect();
    hanging
        .iter_mut()
        .for_each(|stream| stream.write_all(&axfr).unwrap());
    // Those that send a byte now and then, and those that send too much.
    let mut dripping = connect(world.at);
    dripping.write_all(&[0, 40, 1]).unwrap();
    let mut large = connect(world.at);
    large.write_all(&[255, 255]).unwrap();
    assert_eq!(large.read(&mut [0; 9]).unwrap(), 0);
    drop(large);
    let began = std::time::Instant::now();
    assert_eq!(dripping.read(&mut [0; 9]).unwrap_or(0), 0);
    assert!(began.elapsed() < Duration::from_secs(30));
    drop(dripping);
    // A flood has its eight places and no more; the rest is closed at once.
    let flood: Vec<TcpStream> = (0..60).map(|_| connect(world.at)).collect();
    let figure = |name: &str| -> f64 {
        let mut text = String::new();
        TextEncoder::new()
            .encode_utf8(&world.registry.gather(), &mut text)
            .unwrap();
        let line = text.lines().find(|l| l.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    world.until(|| figure("blockfeed_transfer_turned_away_total") >= 46.0);
    assert!(figure("blockfeed_transfer_connections") <= 8.0);
    drop(flood);
    drop(hanging);
    world.until(|| figure("blockfeed_transfer_connections") == 0.0);
    // An honest reader takes all of it, and one that pauses within its time, too.
    let mut reader = connect(world.at);
    reader.write_all(&axfr).unwrap();
    let mut octets = 0;
    let mut soas = 0;
    while soas < 2 {
        let mut length = [0; 2];
        reader.read_exact(&mut length).unwrap();
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        reader.read_exact(&mut message).unwrap();
        octets += message.len();
        let (questions, answers) = (message[5], u16::from_be_bytes([message[6], message[7]]));
        soas += u32::from(questions == 1 || answers == 1);
    }
    assert!(octets > 3_000_000);
}

#[test]
fn strangers_shut_out_neither_allowed_addresses_nor_keys() {
    let world = World::new(|config, dir| {
        config.allow = vec!["127.0.0.1/32".parse().unwrap()];
        config.keys = Some(keys(dir, &[]));
        config.connections = 8;
        config.read_seconds = 60;
    });
    let soa = query("rpz.blockfeed", 6);
    // Whoever is refused is told so, and that was all.
    let mut refused = connect_from(2, world.at);
    assert_eq!(ask(&mut refused, &soa)[3] & 15, 5);
    assert_eq!(refused.read(&mut [0; 9]).unwrap_or(0), 0);
    // Many more that say nothing than there are places.
    let mut idle: Vec<TcpStream> = (10..40).map(|n| connect_from(n, world.at)).collect();
    let mut allowed: Vec<TcpStream> = (0..6).map(|_| connect(world.at)).collect();
    for stream in &mut allowed {
        assert_eq!(ask(stream, &soa)[3] & 15, 0);
    }
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut keyed = connect_from(3, world.at);
    let shown = ask(&mut keyed, &signed(&soa, "k256", now).0);
    assert_eq!(shown[3] & 15, 0);
    idle.extend((40..70).map(|n| connect_from(n, world.at)));
    // It is no stranger any more, though as many came after it.
    assert_eq!(ask(&mut keyed, &signed(&soa, "k256", now).0)[3] & 15, 0);
    for stream in &mut allowed {
        assert_eq!(ask(stream, &soa)[3] & 15, 0);
    }
    for mut stream in idle {
        assert_eq!(stream.read(&mut [0; 9]).unwrap_or(0), 0);
    }
}

#[test]
fn a_signed_query_opens_nothing_a_second_time() {
    let world = World::new(|config, dir| {
        config.allow.clear();
        config.keys = Some(keys(dir, &[]));
    });
    let before = world.serial("rpz.blockfeed");
    world.change(&["a.example +"], &[]);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let held = || world.book.held.lock().unwrap().len();
    let mut ixfr = query("rpz.blockfeed", 251);
    let serial = ixfr.len() - 20;
    ixfr[serial..serial + 4].copy_from_slice(&before.to_be_bytes());
    for message in [query("rpz.blockfeed", 252), ixfr.clone()] {
        let asked = signed(&message, "k256", now).0;
        let mut first = connect_from(2, world.at);
        assert_eq!(ask(&mut first, &asked)[3] & 15, 0);
        let noted = held();
        // Whoever saw it on its way, from elsewhere or from the same address.
        for host in [3, 2] {
            let mut replayed = connect_from(host, world.at);
            let answer = ask(&mut replayed, &asked);
            assert_eq!(answer[3] & 15, 9, "NOTAUTH");
            assert_eq!(answer[answer.len() - 10..][..4], [0, 18, 0, 6], "BADTIME");
            assert_eq!(replayed.read(&mut [0; 9]).unwrap_or(0), 0);
        }
        // Signed anew, it is another.
        let anew = signed(&message, "k256", now + 1).0;
        assert_eq!(ask(&mut connect_from(2, world.at), &anew)[3] & 15, 0);
        assert_eq!(held(), noted + usize::from(message == ixfr));
    }
    assert_eq!(held(), 2);
    // A datagram may come twice, and its message by TCP when the answer was too long; a third
    // time it may not, and from elsewhere never.
    let asked = signed(&ixfr, "k256", now + 2).0;
    for _ in 0..2 {
        assert_eq!(ask_by_udp(world.at, &asked)[2] & 0x82, 0x82);
    }
    for (host, code) in [(5, 9), (1, 0), (1, 9)] {
        let answer = ask(&mut connect_from(host, world.at), &asked);
        assert_eq!(answer[3] & 15, code, "{host}");
    }
    assert_eq!(held(), 3);
    let soa = signed(&query("rpz.blockfeed", 6), "k256", now).0;
    for _ in 0..2 {
        assert_eq!(ask_by_udp(world.at, &soa)[3] & 15, 0);
    }
    // However long a query says that it holds, it holds for five minutes.
    let long = signed_for(&query("rpz.blockfeed", 6), "k256", now - 3600, u16::MAX).0;
    assert_eq!(ask_by_udp(world.at, &long)[3] & 15, 9);
}

/// Asks on a connection; the next message of the answer.
fn ask(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    stream.write_all(&framed(message)).unwrap();
    next(stream)
}

fn next(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).unwrap();
    message
}

/// A connection from 127.0.0.`host`.
fn connect_from(host: u8, at: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::from(([127, 0, 0, host], 0)))
            .unwrap();
        socket.connect(at).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    patient(stream)
}

fn connect(at: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(at).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// A query without EDNS; IXFR is asked from serial 1.
fn query(zone: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in zone.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    if kind == 251 {
        message[9] = 1;
        message.extend_from_slice(&[0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0, 1]);
        message.extend_from_slice(&[0; 16]);
    }
    message
}

fn framed(message: &[u8]) -> Vec<u8> {
    let length = message.len() as u16;
    [&length.to_be_bytes(), message].concat()
}

fn ask_by_udp(at: SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    socket.send_to(message, at).unwrap();
    let mut answer = vec![0; 2048];
    let length = socket.recv(&mut answer).unwrap();
    answer.truncate(length);
    answer
}

fn secret() -> hmac::Key {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SECRET).unwrap())
}

/// What is signed beside a message (RFC 8945, 4.3.3), written from the page.
fn variables(key: &str, (time, fudge): (u64, u16), error: u16, other: &[u8]) -> Vec<u8> {
    let mut bytes = vec![key.len() as u8];
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(&[0, 0, 255, 0, 0, 0, 0]);
    bytes.extend_from_slice(b"\x0bhmac-sha256\0");
    bytes.extend_from_slice(&time.to_be_bytes()[2..]);
    bytes.extend_from_slice(&fudge.to_be_bytes());
    bytes.extend_from_slice(&error.to_be_bytes());
    bytes.extend_from_slice(&(other.len() as u16).to_be_bytes());
    bytes.extend_from_slice(other);
    bytes
}

/// A query signed at a time, and the MAC.
fn signed(message: &[u8], key: &str, time: u64) -> (Vec<u8>, Vec<u8>) {
    signed_for(message, key, time, 300)
}

/// A query signed at a time for so many seconds, and the MAC.
fn signed_for(message: &[u8], key: &str, time: u64, fudge: u16) -> (Vec<u8>, Vec<u8>) {
    let over = [message, &variables(key, (time, fudge), 0, &[])].concat();
    let mac = hmac::sign(&secret(), &over).as_ref().to_vec();
    let mut signed = message.to_vec();
    signed[11] += 1;
    signed.push(key.len() as u8);
    signed.extend_from_slice(key.as_bytes());
    signed.extend_from_slice(&[0, 0, 250, 0, 255, 0, 0, 0, 0]);
    let mut data = b"\x0bhmac-sha256\0".to_vec();
    data.extend_from_slice(&time.to_be_bytes()[2..]);
    data.extend_from_slice(&fudge.to_be_bytes());
    data.extend_from_slice(&[0, 32]);
    data.extend_from_slice(&mac);
    data.extend_from_slice(&message[..2]);
    data.extend_from_slice(&[0; 4]);
    signed.extend_from_slice(&(data.len() as u16).to_be_bytes());
    signed.extend_from_slice(&data);
    (signed, mac)
}

/// A certificate that signs itself.
fn certificate(openssl: &Path, dir: &Path) {
    let run = Command::new(openssl)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=feed.test", "-addext"])
        .arg("subjectAltName=DNS:feed.test")
        .arg("-keyout")
        .arg(dir.join("key.pem"))
        .arg("-out")
        .arg(dir.join("cert.pem"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
}
