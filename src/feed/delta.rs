//! A delta: what to take away and what to add between two serials.
//!
//! ```text
//! blockfeed/delta/v1 <origin> domains <from> <to>
//! -E old.example + 2026-000077
//! +E shop.example.vn + 2026-000123
//! ```

use super::{Error, snapshot::check_order};
use crate::{
    canon::Origin,
    entries::{Change, FeedName},
};

/// The text of a change from one serial to another.
pub fn encode(origin: &Origin, feed: &FeedName, from: u64, to: u64, change: &Change) -> Vec<u8> {
    let mut text = header(origin, feed, from, to).into_bytes();
    let signed = change
        .removed()
        .map(|l| (b'-', l))
        .chain(change.added().map(|l| (b'+', l)));
    for (sign, line) in signed {
        text.push(sign);
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Reads a delta back: header, withdrawals first, canonical lines, each half in feed order.
pub fn decode(
    text: &[u8],
    origin: &Origin,
    feed: &FeedName,
    from: u64,
    to: u64,
) -> Result<Change, Error> {
    let expected = header(origin, feed, from, to);
    let text = std::str::from_utf8(text).map_err(|_| Error::Text)?;
    let lines = text.strip_prefix(&expected).ok_or_else(|| Error::Header {
        expected: expected.trim_end().into(),
    })?;
    let (mut removed, mut added) = (String::new(), String::new());
    for (n, line) in lines.split_inclusive('\n').enumerate() {
        let refuse = |why: &str| Error::Line {
            line: n as u64 + 2,
            why: why.into(),
        };
        match line.split_at_checked(1) {
            Some(("-", line)) if added.is_empty() => removed.push_str(line),
            Some(("-", _)) => return Err(refuse("withdrawals stand before what is added")),
            Some(("+", line)) => added.push_str(line),
            _ => return Err(refuse("it begins with - or +")),
        }
    }
    check_order(&removed, 2, feed)?;
    check_order(&added, 2 + removed.lines().count() as u64, feed)?;
    let owned = |half: &str| half.lines().map(Into::into).collect::<Vec<Box<str>>>();
    let change = Change::of_sorted(owned(&removed), owned(&added));
    if change.is_empty() {
        return Err(Error::Line {
            line: 1,
            why: "a delta that changes nothing is never published".into(),
        });
    }
    Ok(change)
}

fn header(origin: &Origin, feed: &FeedName, from: u64, to: u64) -> String {
    format!("blockfeed/delta/v1 {origin} {feed} {from} {to}\n")
}
