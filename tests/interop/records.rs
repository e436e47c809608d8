//! dig, kdig and Knot DNS as a secondary: the zones record for record.

use crate::{
    dns, peers,
    program::Program,
    world::{KEY, PATIENCE, SECRET, World, blocks},
};
use blockfeed::entries::Set;
use std::{
    collections::BTreeSet,
    process::Command,
    time::{Duration, Instant},
};

/// The records of a transfer but for SOA and NS, as owner and target.
pub fn transferred(text: &str, zone: &str) -> BTreeSet<(String, String)> {
    let apex = format!(".{zone}.");
    let records = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            [owner, _ttl, "IN", "CNAME", target] => {
                let owner = owner.strip_suffix(&apex).unwrap_or(owner);
                Some((owner.to_owned(), target.to_owned()))
            }
            [owner, _ttl, "CNAME", target] => {
                let owner = owner.strip_suffix(&apex).unwrap_or(owner);
                Some((owner.to_owned(), target.to_owned()))
            }
            _ => None,
        }
    });
    records.collect()
}

fn ask(tool: &std::path::Path, port: u16, words: &[&str]) -> String {
    let mut command = Command::new(tool);
    command
        .args(["@127.0.0.1", "-p", &port.to_string()])
        .args(words);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command:?}: {said}");
    said
}

/// What the zone `rpz` has to hold.
fn wanted(world: &World) -> BTreeSet<(String, String)> {
    let mut wanted = minimal(&world.set());
    wanted.insert(("24.0.113.0.203.rpz-ip".into(), ".".into()));
    wanted
}

/// The records of names: minimal ones, each subtree with its wildcard.
pub fn minimal(set: &Set) -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    for line in set.sorted() {
        let fields: Vec<&str> = line.split(' ').collect();
        let ["E", name, sign, _] = fields[..] else {
            continue;
        };
        let above = name.split_once('.');
        if above.is_some_and(|(_, parent)| blocks_below(set, parent)) {
            continue;
        }
        wanted.insert((name.to_owned(), ".".to_owned()));
        if sign == "+" {
            wanted.insert((format!("*.{name}"), ".".to_owned()));
        }
    }
    wanted
}

/// Whether everything below a name is blocked.
fn blocks_below(set: &Set, name: &str) -> bool {
    blocks(set, &format!("no-such-label.{name}"))
}

fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn dig_and_kdig_see_the_set_record_for_record() {
    let tools: Vec<_> = ["dig", "kdig"]
        .into_iter()
        .filter_map(|name| Some((name, peers::tool(name)?)))
        .collect();
    let mut world = World::start(0x5151_a0a0_7171_0303, &[]);
    let port = world.zones.port();
    let key = format!("hmac-sha256:{KEY}:{SECRET}");
    for step in 0..3 {
        let wanted = wanted(&world);
        for (name, tool) in &tools {
            let flag = ["-y", &key];
            let whole = |zone: &str, flags: &[&str]| {
                let words = [flags, &["+tcp", "+nocomments", "+onesoa", "AXFR", zone]];
                // kdig knows no +onesoa.
                let words = words.concat();
                let words: Vec<&str> = words
                    .into_iter()
                    .filter(|w| *name == "dig" || *w != "+onesoa")
                    .collect();
                ask(tool, port, &words)
            };
            until("the zone has it all", || {
                transferred(&whole("rpz.blockfeed", &[]), "rpz.blockfeed") == wanted
            });
            let signed = whole("rpz.blockfeed", &flag);
            assert_eq!(
                transferred(&signed, "rpz.blockfeed"),
                wanted,
                "{name} {step}"
            );
            assert!(!signed.contains("CNAME\trpz-passthru."));
            let soa = ask(tool, port, &["+short", "SOA", "block.blockfeed"]);
            assert_eq!(soa.split_whitespace().count(), 7, "{name}: {soa}");
        }
        world.step();
        if step == 1 {
            world.compact();
        }
    }
    for missing in ["dig", "kdig"] {
        if !tools.iter().any(|(name, _)| *name == missing) {
            peers::skip("the zones' records", missing);
        }
    }
}

/// Knot DNS takes every zone, whole and by increments, and hands it on.
#[test]
fn knot_dns_as_a_secondary_holds_the_same() {
    let (Some(tool), Some(dig)) = (peers::tool("knotd"), peers::tool("dig")) else {
        return peers::skip("Knot DNS on the agent's zones", "knotd or dig");
    };
    let port = peers::free_port();
    let mut world = World::start(0x0b0b_3c3c_9d9d_1e1e, &[port]);
    let zone = |name: &str| {
        format!("  - domain: {name}.blockfeed\n    master: agent\n    acl: [told, take]\n")
    };
    let zones = ["rpz", "block", "allow", "base", "net"];
    let dir = Program::folder();
    let text = format!(
        "server:\n  listen: 127.0.0.1@{port}\n  rundir: {0}\ndatabase:\n  storage: {0}\nkey:\n  - id: {KEY}\n    algorithm: hmac-sha256\n    \
         secret: {SECRET}\nlog:\n  - target: stderr\n    any: info\nremote:\n  - id: agent\n    address: 127.0.0.1@{1}\n    key: {KEY}\n\
         acl:\n  - id: told\n    address: 127.0.0.1\n    key: {KEY}\n    action: notify\n  - id: take\n    address: 127.0.0.1\n    action: transfer\n\
         template:\n  - id: default\n    storage: {0}\n    zonefile-sync: -1\n    journal-content: all\nzone:\n{2}",
        dir.path().display(),
        world.zones.port(),
        zones.map(zone).concat()
    );
    let program = Program::start(&tool, dir, ("knot.conf", &text), &["-c", "knot.conf"], &[]);
    until("Knot DNS is up", || {
        dns::ask(port, "x.rpz.blockfeed", dns::A).is_some()
    });
    let take = |port: u16, zone: &str| {
        transferred(
            &ask(&dig, port, &["+tcp", "AXFR", &format!("{zone}.blockfeed")]),
            &format!("{zone}.blockfeed"),
        )
    };
    for step in 0..6 {
        world.step();
        if step % 2 == 1 {
            world.compact();
        }
        let wanted = wanted(&world);
        until("the secondary has it all", || take(port, "rpz") == wanted);
        for zone in zones {
            until(zone, || take(port, zone) == take(world.zones.port(), zone));
        }
    }
    let log = program.log();
    assert!(log.contains("IXFR, incoming"), "{log}");
}
