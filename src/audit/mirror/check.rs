//! A manifest held against the fold: signature, place in the log, and each file that it lists
//! against the sets at the serials that it leads between.

use super::{AGAIN, held::Held, past::Past};
use crate::{
    audit::{
        Finding,
        feeds::Feed,
        heads::{Heads, field},
    },
    entries::FeedName,
    feed::{DeltaRef, FileRef, delta, paths, snapshot},
    tlog::Hash,
};
use std::collections::BTreeSet;

/// A manifest that holds.
pub(super) struct Checked {
    /// When it was signed.
    pub(super) time: u64,
    /// The paths of all files that it lists.
    pub(super) listed: BTreeSet<String>,
    /// Those that weren't verified before.
    pub(super) missing: Vec<(String, FileRef)>,
}

/// The serials that a manifest's files begin or end at; nothing is verified yet.
pub(super) fn bounds(manifest: &[u8]) -> BTreeSet<u64> {
    let numbers = |text: &str, n: usize| -> Vec<u64> {
        text.split(' ')
            .take(n)
            .filter_map(|f| f.parse().ok())
            .collect()
    };
    field(manifest, "delta")
        .flat_map(|text| numbers(text, 2))
        .chain(field(manifest, "snapshot").flat_map(|text| numbers(text, 1)))
        .chain(field(manifest, "serial").flat_map(|text| numbers(text, 1)))
        .collect()
}

/// Holds a feed's manifest against the log.
pub(super) fn manifest(
    held: &Held,
    heads: &Heads,
    name: &FeedName,
    bytes: &[u8],
    verified: &BTreeSet<String>,
) -> Result<Checked, Finding> {
    let feed = Feed {
        name,
        path: paths::manifest(name),
        history: &held.history,
    };
    let (manifest, _) = feed.manifest(bytes, heads, &held.tree)?;
    let mut checked = Checked {
        time: manifest.time,
        listed: BTreeSet::new(),
        missing: Vec::new(),
    };
    let file = &manifest.snapshot;
    let path = paths::snapshot(name, &file.packed_sha256);
    checked.listed.insert(path.clone());
    if !verified.contains(&path) {
        snapshot(held, &feed, manifest.snapshot_serial, file)?;
        checked.missing.push((path, *file));
    }
    for delta in &manifest.deltas {
        let path = paths::delta(name, &delta.file.packed_sha256);
        checked.listed.insert(path.clone());
        if !verified.contains(&path) {
            self::delta(held, &feed, delta)?;
            checked.missing.push((path, delta.file));
        }
    }
    Ok(checked)
}

fn snapshot(held: &Held, feed: &Feed<'_>, serial: u64, file: &FileRef) -> Result<(), Finding> {
    let ledger = &held.history.fold.ledger;
    let now = held.history.fold.lines.set(feed.name);
    let stands = ledger.feeds().get(feed.name);
    let none = Past::default();
    let past = held.past.get(feed.name).unwrap_or(&none);
    let set = now
        .zip(stands)
        .and_then(|(now, stands)| past.set_at(now, stands.serial, serial))
        .ok_or_else(|| lacks(held, feed, serial))?;
    if !is(
        file,
        &snapshot::encode(ledger.origin(), feed.name, serial, &set),
    ) {
        let why = "its snapshot isn't the set that the decisions give there";
        return Err(feed.wrong("snapshot", why));
    }
    Ok(())
}

fn delta(held: &Held, feed: &Feed<'_>, listed: &DeltaRef) -> Result<(), Finding> {
    let DeltaRef { from, to, .. } = *listed;
    let past = held.past.get(feed.name);
    let change = past.and_then(|past| past.between(feed.name.kind(), from, to));
    let change = change.ok_or_else(|| match stood(held, feed, from) {
        true => lacks(held, feed, to),
        false => lacks(held, feed, from),
    })?;
    let origin = held.history.fold.ledger.origin();
    let text = delta::encode(origin, feed.name, from, to, &change);
    let right = is(&listed.file, &text) && (listed.added, listed.removed) == change.counts();
    if !right || change.is_empty() {
        let why = format!("the delta from {from} to {to} isn't the change that the decisions give");
        return Err(feed.wrong("delta", why));
    }
    Ok(())
}

/// What to say of a serial that isn't at hand.
fn lacks(held: &Held, feed: &Feed<'_>, serial: u64) -> Finding {
    match stood(held, feed, serial) {
        true => feed.wrong(AGAIN, format!("what led to {serial} is folded again")),
        false => feed.wrong(
            "serial",
            format!("it lists a file at {serial}, where the feed never stood"),
        ),
    }
}

fn stood(held: &Held, feed: &Feed<'_>, serial: u64) -> bool {
    let track = held.history.timeline.tracks.get(feed.name);
    track.is_some_and(|track| track.serials.contains(&serial))
}

fn is(file: &FileRef, text: &[u8]) -> bool {
    (file.length, file.sha256) == (text.len() as u64, Hash::of(text))
}
