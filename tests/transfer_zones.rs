//! Zones as `dig` takes them: whole, by differences, over restarts and compactions.

mod peers;
mod zone_world;

use std::{collections::BTreeSet, fs};
use zone_world::{Book, World, pairs};

#[test]
fn the_zones_are_what_is_listed_record_for_record() {
    if peers::tool("dig").is_none() {
        return peers::skip("zones by dig", "dig");
    }
    let world = World::new(|_, _| {});
    for zone in ["rpz", "block", "allow", "base", "net"] {
        assert!(world.axfr(&format!("{zone}.blockfeed")).is_empty());
    }
    world.change(
        &[
            "shop.example.vn +",
            "shop.example.vn =",
            "a.shop.example.vn +",
            "b.shop.example.vn =",
            "alone.example.vn =",
            "below.alone.example.vn +",
            "203.0.113.0/24",
            "203.0.113.7/32",
            "2001:db8::/32",
            "x.rpz-ip +",
        ],
        &[],
    );
    let names = [
        "shop.example.vn +",
        "alone.example.vn =",
        "below.alone.example.vn +",
    ];
    let nets = ["24.0.113.0.203.rpz-ip", "32.zz.db8.2001.rpz-ip"];
    let all = [&names[..], &nets[..]].concat();
    assert_eq!(
        world.axfr("rpz.blockfeed"),
        pairs(&all, "rpz.blockfeed", ".")
    );
    assert_eq!(
        world.axfr("block.blockfeed"),
        pairs(&names, "block.blockfeed", ".")
    );
    assert_eq!(
        world.axfr("net.blockfeed"),
        pairs(&nets, "net.blockfeed", ".")
    );
    assert!(world.axfr("allow.blockfeed").is_empty() && world.axfr("base.blockfeed").is_empty());

    world.book.compact();
    let base = world.serial("base.blockfeed");
    world.until(|| world.serial("base.blockfeed") != base);
    assert_eq!(
        world.axfr("base.blockfeed"),
        pairs(&names, "base.blockfeed", ".")
    );
    // The base of before is empty, and a resolver may still have it.
    assert_eq!(
        world.axfr("block.blockfeed"),
        pairs(&names, "block.blockfeed", ".")
    );
    world.book.compact();
    world.until(|| world.axfr("block.blockfeed").is_empty());
    assert_eq!(
        world.axfr("base.blockfeed"),
        pairs(&names, "base.blockfeed", ".")
    );

    world.change(&[], &["shop.example.vn +"]);
    let passed = ["shop.example.vn +"];
    assert_eq!(
        world.axfr("allow.blockfeed"),
        pairs(&passed, "allow.blockfeed", "rpz-passthru.")
    );
    let still = [
        "shop.example.vn =",
        "a.shop.example.vn +",
        "b.shop.example.vn =",
    ];
    assert_eq!(
        world.axfr("block.blockfeed"),
        pairs(&still, "block.blockfeed", ".")
    );
}

#[test]
fn differences_lead_from_any_serial_to_the_present() {
    if peers::tool("dig").is_none() {
        return peers::skip("differences by dig", "dig");
    }
    let mut world = World::new(|_, _| {});
    let name = |n: usize| format!("s{n}.example{}.vn +", n % 7);
    let mut kept = Vec::new();
    for round in 0..12 {
        let soa = world.serial("rpz.blockfeed");
        kept.push((soa, world.axfr("rpz.blockfeed")));
        let add: Vec<String> = (round * 30..round * 30 + 40).step_by(2).map(name).collect();
        let mut remove: Vec<String> = (round * 30 - round.min(1) * 30..round * 30)
            .step_by(4)
            .map(name)
            .collect();
        let held = world.book.now().domains.set;
        let is_held = |n: &String| held.contains(&format!("E {n} 2026-000001"));
        remove.retain(is_held);
        let add: Vec<String> = add.into_iter().filter(|n| !is_held(n)).collect();
        let (add, remove): (Vec<&str>, Vec<&str>) = (
            add.iter().map(String::as_str).collect(),
            remove.iter().map(String::as_str).collect(),
        );
        world.change(&add, &remove);
        if round == 7 {
            world.restart(|_| {});
        }
    }
    let present = world.axfr("rpz.blockfeed");
    for (serial, zone) in &kept {
        let records = world.records(&["rpz.blockfeed", &format!("IXFR={serial}")]);
        assert_eq!(applied(zone, &records, *serial), present);
    }
    // Nothing new; a serial that never was; a later one.
    let now = world.serial("rpz.blockfeed");
    for same in [now, now + 9] {
        let records = world.records(&["rpz.blockfeed", &format!("IXFR={same}")]);
        assert_eq!(records.len(), 1, "{records:?}");
        assert!(
            records[0].contains(&format!("invalid. {now} ")),
            "{records:?}"
        );
    }
    let whole = world.records(&["rpz.blockfeed", "IXFR=77"]);
    assert_eq!(whole.len(), present.len() + 3);
    // What comes and goes between two looks burns no serial of a zone.
    let block = world.serial("block.blockfeed");
    world.change(&["203.0.113.9/32"], &[]);
    assert_eq!(world.serial("block.blockfeed"), block);
}

/// Applies a difference as RFC 1995 says, holding it against the zone that it begins with.
fn applied(zone: &BTreeSet<String>, records: &[String], from: u32) -> BTreeSet<String> {
    let serial = |record: &str| -> u32 { record.split(' ').nth(6).unwrap().parse().unwrap() };
    let is_soa = |record: &&String| record.contains(" SOA ");
    let mut zone = zone.clone();
    let last = serial(&records[0]);
    assert_eq!(records.last(), records.first());
    let (mut at, mut goes, mut moved) = (from, false, 1);
    for record in &records[1..records.len() - 1] {
        if is_soa(&record) {
            goes = !goes;
            if goes {
                assert!(moved > 0, "an empty difference");
                assert_eq!(serial(record), at);
                moved = 0;
            } else {
                at = serial(record);
            }
        } else if goes {
            assert!(zone.remove(record), "{record} isn't there");
            moved += 1;
        } else {
            assert!(zone.insert(record.clone()), "{record} is there already");
            moved += 1;
        }
    }
    assert!(moved > 0, "an empty difference");
    assert_eq!(at, last);
    zone
}

#[test]
fn a_restart_keeps_serials_and_what_a_torn_or_damaged_file_held() {
    if peers::tool("dig").is_none() {
        return peers::skip("restarts of zones", "dig");
    }
    let mut world = World::new(|_, _| {});
    world.change(&["a.example +", "b.example +"], &[]);
    let first = world.serial("block.blockfeed");
    world.change(&["c.example +"], &["a.example +"]);
    let before = world.serials();
    world.restart(|_| {});
    assert_eq!(world.serials(), before);
    let ixfr = world.records(&["block.blockfeed", &format!("IXFR={first}")]);
    assert_eq!(ixfr.len(), 4 + 4, "{ixfr:?}");

    // A crash tore the last step: nobody was told of it.
    world.restart(|zones| {
        let path = zones.join("block.journal");
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 3);
        fs::write(&path, bytes).unwrap();
    });
    let after = world.serials();
    assert!(after["block.blockfeed."] >= before["block.blockfeed."]);
    let names = ["b.example +", "c.example +"];
    assert_eq!(
        world.axfr("block.blockfeed"),
        pairs(&names, "block.blockfeed", ".")
    );
    let ixfr = world.records(&["block.blockfeed", &format!("IXFR={first}")]);
    assert_eq!(ixfr.len(), 4 + 4, "{ixfr:?}");

    // A damaged image, and one that was lost: made anew, the serial rises all the same.
    let before = world.serials();
    world.restart(|zones| {
        let path = zones.join("rpz.image");
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        fs::remove_file(zones.join("block.image")).unwrap();
    });
    let after = world.serials();
    for zone in ["rpz.blockfeed.", "block.blockfeed."] {
        assert!(after[zone] > before[zone], "{zone}");
    }
    assert_eq!(
        world.axfr("rpz.blockfeed"),
        pairs(&names, "rpz.blockfeed", ".")
    );
}

#[test]
fn a_base_whose_set_nobody_has_any_more_leaves_every_answer_right() {
    if peers::tool("dig").is_none() {
        return peers::skip("a forgotten base", "dig");
    }
    let mut book = Book::new();
    book.remembers = false;
    book.change(&["a.example +", "b.example +"], &[]);
    book.compact();
    book.change(&["c.example +"], &["a.example +"]);
    let world = World::with(book, |_, _| {});
    // With a base of the present, the small zones are empty.
    let names = ["b.example +", "c.example +"];
    assert_eq!(
        world.axfr("base.blockfeed"),
        pairs(&names, "base.blockfeed", ".")
    );
    assert!(world.axfr("block.blockfeed").is_empty() && world.axfr("allow.blockfeed").is_empty());
}

#[test]
fn another_profile_is_another_zone_whose_serial_goes_on() {
    if peers::tool("dig").is_none() {
        return peers::skip("profiles", "dig");
    }
    for (profile, target) in [
        ("nodata", "*."),
        ("drop", "rpz-drop."),
        ("redirect:notice.example.vn", "notice.example.vn."),
    ] {
        let mut world = World::new(|config, _| config.profile = profile.into());
        world.change(&["a.example +", "b.a.example +", "c.example ="], &[]);
        let names = ["a.example +", "c.example ="];
        assert_eq!(
            world.axfr("rpz.blockfeed"),
            pairs(&names, "rpz.blockfeed", target)
        );
        let before = world.serial("rpz.blockfeed");
        world.change(&["d.example +"], &[]);
        world.change(&[], &["d.example +"]);
        let ixfr = world.records(&["rpz.blockfeed", &format!("IXFR={before}")]);
        assert_eq!(
            applied(&world.axfr("rpz.blockfeed"), &ixfr, before),
            world.axfr("rpz.blockfeed")
        );
        world.set(|config| config.profile = "nxdomain".into());
        world.restart(|_| {});
        assert!(world.serial("rpz.blockfeed") > before);
        assert_eq!(
            world.axfr("rpz.blockfeed"),
            pairs(&names, "rpz.blockfeed", ".")
        );
        let whole = world.records(&["rpz.blockfeed", &format!("IXFR={before}")]);
        assert_eq!(whole.len(), 3 + 3, "{whole:?}");
    }
}
