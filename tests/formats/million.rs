//! A million entries in every format: all of them come out, and the time of each is printed.

use super::*;
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    time::Instant,
};

#[test]
fn a_million_entries_in_every_format() {
    let domains: Vec<String> = (0..1_000_000u32)
        .map(|i| {
            let scope = if i % 16 == 0 { '=' } else { '+' };
            format!(
                "E shop-{:x}.{}.vn {scope} 2026-{}",
                i.wrapping_mul(2_654_435_761),
                i % 999,
                i % 40
            )
        })
        .collect();
    let networks: Vec<String> = (0..1_000_000u32)
        .map(|i| match i % 4 {
            0 => format!(
                "E {}/64 = 2026-{}",
                Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(i) << 65),
                i % 40
            ),
            _ => format!(
                "E {}/28 = 2026-{}",
                Ipv4Addr::from(0x0100_0000 + i * 48),
                i % 40
            ),
        })
        .collect();
    for (feed, mut lines) in [
        (FeedName::domains(), domains),
        (FeedName::networks(), networks),
    ] {
        lines.sort_unstable();
        lines.dedup();
        let set = set(&feed, &lines);
        let start = Instant::now();
        let listing = Listing::whole(&set);
        println!(
            "{feed}: {} entries sorted in {:?}",
            set.entries(),
            start.elapsed()
        );
        for format in Format::of_kind(feed.kind()) {
            let start = Instant::now();
            let mut sink = Measured(0);
            let counts = listing
                .render(format, &meta(&feed, &set), &mut sink)
                .unwrap();
            let took = start.elapsed();
            println!("{feed}.{format}: {counts:?}, {} bytes in {took:?}", sink.0);
            assert_eq!(counts.entries, set.entries(), "{feed}.{format}");
            assert!(sink.0 as u64 > counts.rules, "{feed}.{format}");
        }
    }
}

/// Counts bytes and keeps none.
struct Measured(usize);

impl std::io::Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
