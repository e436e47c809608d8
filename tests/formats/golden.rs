//! The bytes of every format, as they stand in `tests/golden`. `BLESS=1` writes them anew: look at the difference.

use super::*;
use std::{env, fs, path::Path};

#[test]
fn every_format_has_the_bytes_of_its_golden_file() {
    for (feed, set) in [domains(), networks(), sellers()] {
        for format in Format::of_kind(feed.kind()) {
            let (text, _) = rendered(format, &feed, &set);
            let name = format!("{}.{format}", feed.as_str().replace('/', "-"));
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/golden")
                .join(&name);
            if env::var_os("BLESS").is_some() {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, &text).unwrap();
            }
            let golden = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                text == golden,
                "{name} differs from its golden file; it is now:\n{text}"
            );
        }
    }
}

#[test]
fn every_file_says_its_origin_and_serial() {
    for (feed, set) in [domains(), networks(), sellers()] {
        for format in Format::of_kind(feed.kind()) {
            let (text, _) = rendered(format, &feed, &set);
            assert!(text.contains("184467"), "{feed} {format}");
            assert!(text.contains("blocklist.example/399/v1"), "{feed} {format}");
        }
    }
}

#[test]
fn a_zone_serial_is_the_feeds_modulo_2_to_the_32() {
    let (feed, set) = domains();
    let mut meta = meta(&feed, &set);
    meta.serial = (1 << 32) + 7;
    let mut zone = Vec::new();
    Listing::whole(&set)
        .render(Format::Rpz, &meta, &mut zone)
        .unwrap();
    let zone = String::from_utf8(zone).unwrap();
    assert!(zone.contains("; serial 4294967303\n"));
    assert!(zone.contains("@ SOA localhost. nobody.invalid. 7 "));
}

#[test]
fn what_a_zone_cannot_say_is_counted_and_noted() {
    let feed = FeedName::domains();
    let label = "a".repeat(60);
    let long = format!("{label}.{label}.{label}.{label}.vn");
    let lines = [
        format!("E {long} + d"),
        "E 32.1.2.0.192.rpz-ip = d".to_owned(),
        "E shop.vn + d".to_owned(),
    ];
    let set = set(&feed, &lines);
    let (zone, counts) = rendered(Format::Rpz, &feed, &set);
    assert_eq!((counts.entries, counts.rules, counts.left_out), (3, 1, 2));
    assert!(!zone.contains(&label) && !zone.contains("rpz-ip"));
    assert!(zone.ends_with("; left out, since this format can't say them: 2\n; end 1\n"));
    let (plain, counts) = rendered(Format::Unbound, &feed, &set);
    assert!(plain.contains(&long) && counts.left_out == 0);
}

#[test]
fn a_format_of_another_kind_is_refused_with_those_that_fit() {
    let (feed, set) = sellers();
    let refused = Listing::whole(&set)
        .render(Format::Hosts, &meta(&feed, &set), &mut Vec::new())
        .unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("sellers/shopee.vn") && text.contains("csv, json"),
        "{text}"
    );
}

#[test]
fn what_a_filter_holds_back_stands_nowhere() {
    let (feed, set) = domains();
    for format in Format::of_kind(feed.kind()) {
        let mut bytes = Vec::new();
        blockfeed::feed::formats::render(
            format,
            &meta(&feed, &set),
            &set,
            // As the agent does: less what has expired, less the local never-block list.
            &|entry, row| {
                row.is_some_and(|row| row.not_after > 1_821_744_000)
                    && entry.name != "formula.example.org"
            },
            &mut bytes,
        )
        .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("twice.example.org"), "{format}");
        for gone in ["sub.example.vn", "formula", "2026-000123"] {
            assert!(!text.contains(gone), "{format}: {gone}");
        }
    }
}
