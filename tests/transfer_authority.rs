//! The authority's zones: two signatures, and the next query has the name; a restart; a secondary
//! that is told; keys that take each other's place; the levels as files.

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
    collections::BTreeSet,
    fs,
    net::UdpSocket,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use zone_world::{SECRET, World, keys, records};

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
    let run = Command::new(peers::tool("dig").unwrap())
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

#[test]
fn what_was_kept_is_served_before_the_log_is_open() {
    if peers::tool("dig").is_none() {
        return peers::skip("zones before the log", "dig");
    }
    let house = House::new();
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    let handle = serve(&house, &config);
    let before = serial(&handle, "block.");
    house.list(&["domain:fake.example +"], ListOptions::default());
    until(|| serial(&handle, "block.") != before);
    let kept = dig(&handle, &["block.blockfeed", "AXFR"]);
    house.wait(handle.stop());

    let source = Arc::new(Zones::waiting());
    let handle = house.wait(async {
        let server = Server::bind(config.clone()).await.unwrap();
        let folder = house.public().parent().unwrap().join("zones");
        let metrics = Metrics::new(&Registry::new()).unwrap();
        server.start(&folder, source.clone(), metrics).unwrap()
    });
    until(|| !handle.serials().is_empty());
    assert_eq!(dig(&handle, &["block.blockfeed", "AXFR"]), kept);
    house.list(&["domain:more.example +"], ListOptions::default());
    let before = serial(&handle, "block.");
    house.wait(async { source.open(house.casework.clone()) });
    until(|| serial(&handle, "block.") != before);
    let difference = format!("IXFR={before}");
    let difference = dig(&handle, &["block.blockfeed", &difference]);
    assert_eq!(difference.len(), 4 + 2, "{difference:?}");
    house.list(&["domain:again.example +"], ListOptions::default());
    until(|| dig(&handle, &["block.blockfeed", "AXFR"]).len() == 3 + 6);
    house.wait(handle.stop());
}

#[test]
fn keys_take_each_others_place_without_a_restart() {
    if peers::tool("dig").is_none() {
        return peers::skip("a change of keys", "dig");
    }
    let world = World::new(|config, dir| {
        config.allow.clear();
        config.keys = Some(keys(dir, &[]));
    });
    let path = world.dir().join("keys.toml");
    let old = fs::read_to_string(&path).unwrap();
    let secret = "bmV3IHNlY3JldCBuZXcgc2VjcmV0IG5ldyBzZWNyZXQ=";
    let told_at = socket();
    let new = format!(
        "[[key]]\nname = \"next.\"\nsubscriber = \"isp-k256\"\nalgorithm = \"hmac-sha256\"\nsecret = \"{secret}\"\nnotify = [\"{}\"]\n",
        told_at.local_addr().unwrap()
    );
    let opens = |key: &str, secret: &str| {
        let key = format!("hmac-sha256:{key}:{secret}");
        let text = world.dig(&["-y", &key, "rpz.blockfeed", "SOA", "+comments"]);
        assert!(
            text.contains("NOERROR") || text.contains("BADKEY"),
            "{text}"
        );
        text.contains("NOERROR")
    };
    assert!(opens("k256.", SECRET) && !opens("next.", secret));
    // Two live at once; whom the new one tells is told.
    fs::write(&path, format!("{old}{new}")).unwrap();
    world.until(|| opens("next.", secret));
    assert!(opens("k256.", SECRET));
    told(&told_at, 5, true);
    // A file that can't be read changes nothing.
    fs::write(&path, "[[key]]\nname = \"half").unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(opens("k256.", SECRET) && opens("next.", secret));
    fs::write(&path, &new).unwrap();
    world.until(|| !opens("k256.", SECRET));
    assert!(opens("next.", secret));
}

#[test]
fn the_levels_stand_in_files_as_well() {
    if peers::tool("dig").is_none() {
        return peers::skip("zones beside their files", "dig");
    }
    for (profile, target) in [("nxdomain", "."), ("drop", "rpz-drop.")] {
        let world = World::new(|config, dir| {
            config.files = Some(dir.join("files"));
            config.profile = profile.into();
        });
        let agree = |zone: &str| {
            let path = world.dir().join(format!("files/{zone}.rpz"));
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines = text.lines().skip(4).map(|line| {
                let (owner, rest) = line.split_once(' ').unwrap();
                format!("{owner}.{zone}.blockfeed. 60 IN {rest}")
            });
            let lines: BTreeSet<String> = lines.collect();
            let serial = format!(" {} ", world.serial(&format!("{zone}.blockfeed")));
            text.contains(&serial) && lines == world.axfr(&format!("{zone}.blockfeed"))
        };
        let all = ["block", "allow", "base", "net"];
        world.until(|| all.into_iter().all(agree));
        world.change(
            &[
                "a.example +",
                "b.a.example +",
                "c.example =",
                "203.0.113.0/24",
            ],
            &[],
        );
        world.until(|| all.into_iter().all(agree));
        let block = fs::read_to_string(world.dir().join("files/block.rpz")).unwrap();
        assert!(
            block.ends_with(&format!("c.example CNAME {target}\n")),
            "{block}"
        );
        world.book.compact();
        world.change(&["d.example +"], &["a.example +"]);
        world.until(|| all.into_iter().all(agree));
        let allow = fs::read_to_string(world.dir().join("files/allow.rpz")).unwrap();
        assert!(allow.contains("a.example CNAME rpz-passthru."), "{allow}");
    }
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
