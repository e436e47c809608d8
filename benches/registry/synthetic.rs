//! Synthetic data sets: no real extract of the .vn registry can be had, so one is made. Seeded by a row's number, so that
//! every run makes the same rows and a look-up knows which names are there without keeping them.

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr},
};

const SYLLABLES: [&str; 16] = [
    "ban", "hang", "gia", "re", "shop", "viet", "nam", "sale", "deal", "dep", "sieu", "thi", "mua",
    "nhanh", "top", "xinh",
];
const ENDINGS: [&str; 8] = [
    "vn", "vn", "vn", "com.vn", "com.vn", "net.vn", "io.vn", "id.vn",
];
const REGISTRARS: [&str; 6] = [
    "iNET",
    "P.A Viet Nam",
    "Mat Bao",
    "Tenten",
    "Nhan Hoa",
    "FPT",
];
const DAY: u64 = 86_400;
/// The first address of the networks, and of the passive DNS.
const FIRST: u32 = 0x1B00_0000;

/// The name of row `i`: all are distinct.
pub fn name(i: u64) -> String {
    let mixed = mix(i);
    format!(
        "{}{}{}.{}",
        pick(&SYLLABLES, mixed),
        pick(&SYLLABLES, mixed >> 8),
        i,
        pick(&ENDINGS, mixed >> 16)
    )
}

/// The address that row `i` of the passive DNS was seen at: some are shared by many names.
pub fn address(i: u64) -> IpAddr {
    let mixed = mix(i ^ 0xA5A5);
    let host = match mixed % 4 {
        0 => (mixed >> 8) & 0x3FF,
        _ => (mixed >> 8) & 0x3F_FFFF,
    };
    Ipv4Addr::from(FIRST | host as u32).into()
}

/// An extract of the registry, as CSV.
pub fn registry(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "name,status,registrar,created,expires,changed,name_servers"
    )?;
    for i in 0..rows {
        let mixed = mix(i ^ 0x5A5A);
        let created = 1_100_000_000 + mixed % 690_000_000;
        let status = if mixed.is_multiple_of(50) {
            "clientHold"
        } else {
            "active"
        };
        let host = (mixed >> 40) % 500;
        writeln!(
            out,
            "{},{status},{},{},{},,ns1.host{host}.vn ns2.host{host}.vn",
            name(i),
            pick(&REGISTRARS, mixed >> 32),
            day(created),
            day(created + (1 + mixed % 5) * 365 * DAY),
        )?;
    }
    Ok(())
}

/// Names by rank.
pub fn popularity(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "rank,name")?;
    (0..rows).try_for_each(|i| writeln!(out, "{},{}", i + 1, name(i * 5)))
}

/// Prefixes with their operators.
pub fn networks(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "prefix,asn,operator,country")?;
    (0..rows).try_for_each(|i| {
        let net = Ipv4Addr::from(FIRST + ((i as u32) << 8));
        writeln!(
            out,
            "{net}/24,{},Operator {},VN",
            1 + i % 60_000,
            i % 60_000
        )
    })
}

/// Names and where they were seen.
pub fn passive_dns(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "name,address")?;
    (0..rows).try_for_each(|i| writeln!(out, "{},{}", name(i), address(i)))
}

/// A licence register of e-commerce sites.
pub fn licences(rows: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "name,number,status,holder_kind,valid_to")?;
    (0..rows).try_for_each(|i| writeln!(out, "{},TB-{i},valid,company,2028-01-01", name(i * 20)))
}

fn pick<'a>(all: &[&'a str], mixed: u64) -> &'a str {
    all[mixed as usize % all.len()]
}

/// SplitMix64.
pub fn mix(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn day(unix: u64) -> String {
    blockfeed::registry::Day::in_vietnam(unix as i64).to_string()
}
