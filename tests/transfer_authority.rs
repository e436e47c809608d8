//! The authority's zones: two signatures, and the next query has the name; a restart; a secondary
//! that is told.

mod house;
mod peers;
mod zone_world;

use blockfeed::{
    entries::FeedName,
    serve::Zones,
    transfer::{Config, Handle, Metrics, Server, Source as _},
};
use house::{House, ListOptions, Officer};
use prometheus::Registry;
use std::{
    net::UdpSocket,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use zone_world::{SECRET, keys, records};

fn serve(house: &House, config: &Config) -> Handle {
    house.wait(async {
        let server = Server::bind(config.clone()).await.unwrap();
        let source = Arc::new(Zones::new(house.casework.clone()));
        let folder = house.public().parent().unwrap().join("zones");
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let handle = server.start(&folder, source, metrics).unwrap();
        handle.ready().await;
        handle
    })
}

fn dig(handle: &Handle, arguments: &[&str]) -> Vec<String> {
    let at = handle.addresses().plain;
    let run = Command::new("dig")
        .args([&format!("@{}", at.ip()), "-p", &at.port().to_string()])
        .args(["+noidnout", "+tries=1"])
        .args(arguments)
        .output()
        .unwrap();
    records(&String::from_utf8_lossy(&run.stdout))
}

fn serial(handle: &Handle, zone: &str) -> u32 {
    let serials = handle.serials();
    serials
        .iter()
        .find(|(name, _)| name.starts_with(zone))
        .unwrap()
        .1
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "it never was");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_two_officers_sign_stands_in_the_zones_and_leaves_with_a_revocation() {
    if peers::tool("dig").is_none() {
        return peers::skip("the authority's zones", "dig");
    }
    let house = House::new();
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        keys: Some(keys(dir.path(), &[])),
        ..Config::default()
    };
    let handle = serve(&house, &config);
    let before = serial(&handle, "block.");
    let id = house.list(
        &["domain:fake.example +", "domain:other.example ="],
        ListOptions::default(),
    );
    until(|| serial(&handle, "block.") != before);
    let listed = dig(&handle, &["block.blockfeed", "AXFR"]);
    assert!(
        listed.contains(&"*.fake.example.block.blockfeed. 60 IN CNAME .".to_owned()),
        "{listed:?}"
    );
    assert_eq!(listed.len(), 3 + 3);
    let after = serial(&handle, "block.");
    house.revoke(&id, Some(&["domain:fake.example +"]));
    until(|| serial(&handle, "block.") != after);
    assert_eq!(dig(&handle, &["block.blockfeed", "AXFR"]).len(), 3 + 1);
    let ixfr = dig(&handle, &["block.blockfeed", &format!("IXFR={after}")]);
    assert_eq!(ixfr.len(), 4 + 2, "{ixfr:?}");

    // Who asks with a key for what came since a serial holds that one.
    house.subscriber("isp-k256", &["domains"]);
    let key = format!("hmac-sha256:k256.:{SECRET}");
    let now = serial(&handle, "block.");
    dig(
        &handle,
        &["-y", &key, "block.blockfeed", &format!("IXFR={now}")],
    );
    let feeds = house.authority.current().feeds[&FeedName::domains()]
        .state
        .serial;
    let path = "/api/v1/subscribers/isp-k256";
    let standing = house.signed(Officer::First, "GET", path, b"").json();
    assert_eq!(
        standing["feeds"]["domains"]["held"]["serial"], feeds,
        "{standing}"
    );

    // The base stands where the log says, also when the zones' folder is new.
    let zones = Zones::new(house.casework.clone());
    let [base, _] = zones.now().unwrap().bases;
    assert_eq!(zones.domains_at(base).unwrap().entries(), 0);
    let size = house.authority.current().size;
    assert_eq!(zones.domains_at(size).unwrap().entries(), 1);
    assert!(
        zones.domains_at(size - 1).is_none(),
        "no state leaf ends there"
    );
    house.wait(handle.stop());
}

#[test]
fn secondaries_are_told_again_until_they_answer() {
    let house = House::new();
    let (keyed, plain) = (socket(), socket());
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        keys: Some(keys(dir.path(), &[keyed.local_addr().unwrap()])),
        notify: vec![plain.local_addr().unwrap()],
        ..Config::default()
    };
    let handle = serve(&house, &config);
    // All five zones at the start; nobody answers the first time.
    let mut first = told(&plain, 5, false);
    assert_eq!(told(&plain, 5, true), first);
    first.dedup();
    assert_eq!(first.len(), 5);
    told(&keyed, 5, true);
    house.list(&["domain:fake.example +"], ListOptions::default());
    let changed = told(&plain, 2, true);
    assert!(
        changed.iter().all(|zone| zone == "rpz" || zone == "block"),
        "{changed:?}"
    );
    // A signed one: its last record is a TSIG.
    let mut room = [0; 512];
    let (length, _) = keyed.recv_from(&mut room).unwrap();
    assert_eq!(room[11], 1, "one additional record");
    assert!(
        room[..length]
            .windows(13)
            .any(|w| w == b"\x0bhmac-sha256\0")
    );
    handle.notify();
    house.wait(handle.stop());
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket
}

/// The first labels of the zones that are told of next, sorted.
fn told(socket: &UdpSocket, count: usize, answer: bool) -> Vec<String> {
    let mut zones = Vec::new();
    while zones.len() < count {
        let mut room = [0; 512];
        let (length, from) = socket.recv_from(&mut room).unwrap();
        assert_eq!(room[2], 0x24, "an authoritative NOTIFY");
        let label = &room[13..13 + usize::from(room[12])];
        zones.push(String::from_utf8(label.to_vec()).unwrap());
        if answer {
            room[2] |= 0x80;
            socket.send_to(&room[..length], from).unwrap();
        }
    }
    zones.sort();
    zones
}
