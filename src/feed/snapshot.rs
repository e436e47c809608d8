//! A snapshot: the whole feed at a serial.
//!
//! ```text
//! blockfeed/snapshot/v1 <origin> domains 184001
//! D 2026-000123 block_domain 1821744000
//! E shop.example.vn + 2026-000123
//! ```

use super::Error;
use crate::{
    canon::Origin,
    entries::{FeedLine, FeedName, Set},
};
use std::cmp::Ordering;

/// The text of a set at a serial.
pub fn encode(origin: &Origin, feed: &FeedName, serial: u64, set: &Set) -> Vec<u8> {
    let mut text = header(origin, feed, serial).into_bytes();
    for line in set.sorted() {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Reads a snapshot back into a set: header, canonical lines, feed order, none twice.
pub fn decode(text: &[u8], origin: &Origin, feed: &FeedName, serial: u64) -> Result<Set, Error> {
    let expected = header(origin, feed, serial);
    let text = std::str::from_utf8(text).map_err(|_| Error::Text)?;
    let lines = text.strip_prefix(&expected).ok_or_else(|| Error::Header {
        expected: expected.trim_end().into(),
    })?;
    check_order(lines, 2, feed)?;
    let mut set = Set::new(feed.kind());
    set.apply_lines(std::iter::empty(), lines.lines())?;
    Ok(set)
}

fn header(origin: &Origin, feed: &FeedName, serial: u64) -> String {
    format!("blockfeed/snapshot/v1 {origin} {feed} {serial}\n")
}

/// Checks that lines (LF-ended, the first being number `first` of its file) are canonical and
/// ascend in feed order.
pub(super) fn check_order(text: &str, first: u64, feed: &FeedName) -> Result<(), Error> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Error::Text);
    }
    let mut before: Option<FeedLine<'_>> = None;
    for (n, line) in text.split_terminator('\n').enumerate() {
        let refuse = |why: String| Error::Line {
            line: first + n as u64,
            why,
        };
        let now = FeedLine::parse(feed.kind(), line).map_err(|e| refuse(e.to_string()))?;
        if before.is_some_and(|b| b.compare(&now, feed.kind()) != Ordering::Less) {
            return Err(refuse("it isn't after the line before it".into()));
        }
        before = Some(now);
    }
    Ok(())
}
