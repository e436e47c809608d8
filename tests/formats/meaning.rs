//! What a rendered file means, read back by the rules of its tool, is the set: for any set.

use super::*;
use blockfeed::{
    entries::FeedLine,
    subject::{Kind, Scope, cover},
};
use ipnet::{IpNet, Ipv4Net};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

const LABELS: [&str; 3] = ["a", "b", "a-b"];

fn domain_lines() -> impl Strategy<Value = Vec<String>> {
    let name = (
        prop::collection::vec(0..LABELS.len(), 1..4),
        prop::sample::select(vec!["vn", "com"]),
    )
        .prop_map(|(labels, top)| {
            let labels: Vec<_> = labels.into_iter().map(|l| LABELS[l]).collect();
            format!("{}.{top}", labels.join("."))
        });
    let scope = prop::sample::select(vec!["+", "="]);
    let decision = prop::sample::select(vec!["2026-1", "2026-2", "-3"]);
    let entry = (name, scope, decision).prop_map(|(n, s, d)| format!("E {n} {s} {d}"));
    prop::collection::btree_set(entry, 0..14).prop_map(|set| set.into_iter().collect())
}

fn net_lines() -> impl Strategy<Value = Vec<String>> {
    let v4 = (0u32..32, 26u8..=32).prop_map(|(host, length)| {
        let address = Ipv4Addr::from(0xCB00_7100 | host << 2);
        IpNet::new(address.into(), length).unwrap().trunc()
    });
    let v6 = (0u128..64, 122u8..=128).prop_map(|(host, length)| {
        let address = Ipv6Addr::from(0x2001_0db8_u128 << 96 | host);
        IpNet::new(address.into(), length).unwrap().trunc()
    });
    let entry = (prop_oneof![v4, v6], 1..3).prop_map(|(net, d)| format!("E {net} = 2026-{d}"));
    prop::collection::btree_set(entry, 0..14).prop_map(|set| set.into_iter().collect())
}

/// Every name that could matter.
fn universe() -> Vec<String> {
    let mut names = vec!["vn".to_owned(), "com".to_owned()];
    let mut from = 0;
    for _ in 0..4 {
        let to = names.len();
        for at in from..to {
            names.extend(LABELS.map(|label| format!("{label}.{}", names[at])));
        }
        from = to;
    }
    names
}

fn body(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with(['#', ';']))
}

/// dnsmasq: the longest matching pattern; `*.n` counts its dot and doesn't match `n`.
fn dnsmasq_blocks(text: &str, name: &str) -> bool {
    let mut best = (0, false);
    for line in body(text) {
        let (local, pattern) = match line.strip_prefix("local=/") {
            Some(rest) => (true, rest.strip_suffix('/').unwrap()),
            None => {
                let rest = line.strip_prefix("server=/*").unwrap();
                (false, rest.strip_suffix("/#").unwrap())
            }
        };
        let matches = match local {
            true => cover::is_within(pattern, name),
            false => name.ends_with(pattern),
        };
        if matches && pattern.len() > best.0 {
            best = (pattern.len(), local);
        }
    }
    best.1
}

/// Unbound: the closest zone; a transparent one answers only for the names that it has data for.
fn unbound_blocks(text: &str, name: &str) -> bool {
    let mut zones = BTreeMap::new();
    let mut data = BTreeSet::new();
    for line in body(text).filter(|line| *line != "server:") {
        if let Some(rest) = line.strip_prefix("local-zone: \"") {
            let (zone, action) = rest.split_once(".\" ").unwrap();
            assert!(zones.insert(zone, action).is_none(), "{zone} twice");
        } else {
            let rest = line.strip_prefix("local-data: '").unwrap();
            data.insert(rest.strip_suffix(". 60 IN TXT \"blockfeed\"'").unwrap());
        }
    }
    match cover::ancestors(name).find_map(|zone| zones.get(zone)) {
        Some(&"always_nxdomain") => true,
        Some(_) => data.contains(name),
        None => false,
    }
}

/// A zone by RFC 4592: the name, else the wildcard right below the closest name that exists, empty ones too.
fn rpz_blocks(text: &str, name: &str) -> bool {
    let records = body(text).filter_map(|line| line.strip_suffix(" CNAME ."));
    let owners: BTreeSet<&str> = records.collect();
    let exists: BTreeSet<&str> = owners.iter().flat_map(|o| cover::ancestors(o)).collect();
    if exists.contains(name) {
        return owners.contains(name);
    }
    let closest = cover::ancestors(name).find(|parent| exists.contains(parent));
    closest.is_some_and(|parent| owners.contains(format!("*.{parent}").as_str()))
}

fn set_blocks(lines: &[String], name: &str) -> bool {
    lines.iter().any(|line| {
        let Ok(FeedLine::Entry(entry)) = FeedLine::parse(Kind::Domain, line) else {
            panic!("{line}")
        };
        match entry.scope {
            Scope::Subtree => cover::is_within(entry.name, name),
            Scope::Exact => entry.name == name,
        }
    })
}

fn listed_names(lines: &[String]) -> BTreeSet<&str> {
    lines
        .iter()
        .filter_map(|line| line.split(' ').nth(1))
        .collect()
}

/// Subject, scope sign and decision of each row, from our CSV (which needs no quotes here).
fn csv_lines(text: &str) -> Vec<String> {
    let rows = text.lines().skip(1).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        assert_eq!(cells.len(), 7, "{row}");
        assert!(
            !row.starts_with(['=', '+', '-', '@']) && !row.contains(",-") && !row.contains(",=")
        );
        let name = cells[0].split_once(':').unwrap().1;
        let sign = if cells[1] == "subtree" { '+' } else { '=' };
        format!("E {name} {sign} {}", cells[2].trim_start_matches('\''))
    });
    rows.collect()
}

fn json_lines(text: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut lines = Vec::new();
    for entry in document["entries"].as_array().unwrap() {
        let name = entry["subject"]
            .as_str()
            .unwrap()
            .split_once(':')
            .unwrap()
            .1;
        let sign = if entry["scope"] == "subtree" {
            '+'
        } else {
            '='
        };
        for decision in entry["decisions"].as_array().unwrap() {
            lines.push(format!("E {name} {sign} {}", decision.as_str().unwrap()));
        }
    }
    lines
}

/// The addresses that our generators can reach, and their neighbours.
fn addresses() -> Vec<IpAddr> {
    let v4 = (0xCB00_70F0u32..0xCB00_71A0).map(|a| Ipv4Addr::from(a).into());
    let v6 = (0u128..200).map(|host| Ipv6Addr::from(0x2001_0db8_u128 << 96 | host).into());
    v4.chain(v6).collect()
}

/// The networks of an RPZ zone's triggers.
fn rpz_nets(text: &str) -> Vec<IpNet> {
    let triggers = body(text).filter_map(|line| line.strip_suffix(".rpz-ip CNAME ."));
    let parse = |trigger: &str| {
        let (length, rest) = trigger.split_once('.').unwrap();
        let mut labels: Vec<&str> = rest.split('.').collect();
        labels.reverse();
        let is_v4 = labels.len() == 4 && !labels.contains(&"zz");
        let address = match is_v4 {
            true => labels.join("."),
            false => labels.join(":").replace("zz", ":").replace(":::", "::"),
        };
        format!("{address}/{length}").parse().unwrap()
    };
    triggers.map(parse).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn domains_mean_the_set(lines in domain_lines()) {
        let feed = FeedName::domains();
        let set = set(&feed, &lines);
        let text = |format| rendered(format, &feed, &set).0;
        let (dnsmasq, unbound, rpz) = (text(Format::Dnsmasq), text(Format::Unbound), text(Format::Rpz));
        for name in universe() {
            let listed = set_blocks(&lines, &name);
            prop_assert_eq!(dnsmasq_blocks(&dnsmasq, &name), listed, "dnsmasq {}\n{}", name, dnsmasq);
            prop_assert_eq!(unbound_blocks(&unbound, &name), listed, "unbound {}\n{}", name, unbound);
            prop_assert_eq!(rpz_blocks(&rpz, &name), listed, "rpz {}\n{}", name, rpz);
        }
        let (txt, hosts) = (text(Format::Txt), text(Format::Hosts));
        prop_assert_eq!(body(&txt).collect::<BTreeSet<_>>(), listed_names(&lines));
        let v4: Vec<&str> = body(&hosts).filter_map(|l| l.strip_prefix("0.0.0.0 ")).collect();
        let v6: Vec<&str> = body(&hosts).filter_map(|l| l.strip_prefix(":: ")).collect();
        prop_assert_eq!(&v4, &v6);
        prop_assert_eq!(v4, body(&txt).collect::<Vec<_>>());
    }

    #[test]
    fn tables_hold_every_entry_in_feed_order(lines in domain_lines(), nets in net_lines()) {
        for (feed, lines) in [(FeedName::domains(), lines), (FeedName::networks(), nets)] {
            let set = set(&feed, &lines);
            let sorted: Vec<String> = set.sorted().into_iter().map(Into::into).collect();
            prop_assert_eq!(csv_lines(&rendered(Format::Csv, &feed, &set).0), sorted.clone());
            prop_assert_eq!(json_lines(&rendered(Format::Json, &feed, &set).0), sorted);
        }
    }

    #[test]
    fn networks_mean_the_set(lines in net_lines()) {
        let feed = FeedName::networks();
        let set = set(&feed, &lines);
        let listed: Vec<IpNet> = listed_names(&lines).into_iter().map(|n| n.parse().unwrap()).collect();
        let (text, counts) = rendered(Format::Cidr, &feed, &set);
        let plain: Vec<IpNet> = body(&text).map(|line| line.parse().unwrap()).collect();
        prop_assert_eq!(&plain, &IpNet::aggregate(&listed));
        prop_assert_eq!(counts.rules, plain.len() as u64);
        prop_assert_eq!(&plain, &rpz_nets(&rendered(Format::Rpz, &feed, &set).0));
        let ranges = nft_ranges(&rendered(Format::Nft, &feed, &set).0);
        for address in addresses() {
            let is_listed = listed.iter().any(|net| net.contains(&address));
            let held = ranges.iter().filter(|(from, to)| *from <= address && address <= *to).count();
            prop_assert_eq!(held, usize::from(is_listed), "{}", address);
        }
    }
}

fn nft_ranges(text: &str) -> Vec<(IpAddr, IpAddr)> {
    let elements = body(text).filter_map(|line| line.strip_suffix(','));
    let parse = |element: &str| match element.split_once('-') {
        Some((from, to)) => (from.parse().unwrap(), to.parse().unwrap()),
        None => {
            let net: IpNet = element
                .parse()
                .or_else(|_| element.parse::<IpAddr>().map(IpNet::from))
                .unwrap();
            (net.network(), net.broadcast())
        }
    };
    elements.map(parse).collect()
}

#[test]
fn the_default_route_is_two_halves_in_a_zone() {
    let feed = FeedName::networks();
    let all: Ipv4Net = "0.0.0.0/0".parse().unwrap();
    let set = set(&feed, &[format!("E {all} = d")]);
    let nets = rpz_nets(&rendered(Format::Rpz, &feed, &set).0);
    assert_eq!(IpNet::aggregate(&nets), [IpNet::from(all)]);
    assert_eq!(nets.len(), 2);
}
