//! Parts: subjects and reasons.

use super::*;

#[test]
fn parts_that_arent_as_they_should_be() {
    let listing = |log: &mut Log, text: &[&str]| {
        let part = log.parts.lines(text);
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    };
    for lines in [
        &["domain:a.example +", "domain:a.example +"][..],
        &["domain:b.example +", "domain:a.example +"],
        &["domain:A.example +"],
        &["domain:a.example"],
        &["https://a.example/"],
        &["net:203.0.113.1/24"],
        &["domain:a.example +", ""],
    ] {
        refused(4, "part", |log| listing(log, lines));
    }
    // Its kind has no measure in this decision.
    refused(4, "no_measure", |log| listing(log, &["net:203.0.113.0/24"]));
    // Ascending within each part, but not across them.
    refused(4, "part", |log| {
        let parts =
            ["domain:b.example +", "domain:a.example +"].map(|line| log.parts.lines(&[line]));
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = parts.into();
            }
        });
    });
}

#[test]
fn a_seller_in_clear() {
    refused(2, "in_clear", |log| {
        let mut lines = vectors::first_lines();
        *lines.last_mut().unwrap() = "seller:shopee.vn/123456".into();
        let part = log.parts.lines(&lines);
        edit(log, 2, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    });
}

#[test]
fn a_part_of_another_size() {
    let lines: Vec<String> = (0..60_000)
        .map(|n| format!("domain:n{n:08}.example +"))
        .collect();
    let listing = |log: &mut Log, length: Option<u64>, count: u64| {
        let mut part = log.parts.lines(&lines);
        assert!(part.length > 1 << 20);
        part.length = length.unwrap_or(part.length);
        part.count += count;
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    };
    // Over 1 MiB and said so; over 1 MiB and belied.
    refused(4, "body", |log| listing(log, None, 0));
    let mut log = vectors::log();
    listing(&mut log, Some(1 << 20), 0);
    let finding = audit(&log.publish()).unwrap_err();
    assert_eq!(finding.code, "too_large", "{finding}");
    let lie = |log: &mut Log, change: fn(&mut blockfeed::decision::PartRef)| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                change(&mut list.parts[0]);
            }
        });
    };
    refused(4, "part", |log| lie(log, |part| part.length += 1));
    refused(4, "part", |log| lie(log, |part| part.count += 1));
    refused(4, "part", |log| {
        lie(log, |part| part.sha256 = Hash([9; 32]))
    });
}

#[test]
fn other_reasons_than_the_signed_ones() {
    let mut log = vectors::log();
    let said = Hash::of("Lý do của 2026-000004".as_bytes());
    let path = format!("part/{said}");
    log.parts
        .0
        .insert(said, b"Another reason altogether".to_vec());
    found("text", &path, &log.publish());
    // None at all can't be signed.
    refused(4, "body", |log| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.reasons = TextRef::of("");
            }
        });
    });
}
