//! A manifest held against the fold: signature, place in the log, and each file that it lists
//! against the sets at the serials that it leads between.

use super::{AGAIN, held::Held};
use crate::{
    audit::{
        Finding,
        feeds::Feed,
        heads::{Heads, field},
    },
    entries::{ChangeBuilder, FeedName, Set},
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
    verified: &BTreeSet<Hash>,
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
    if !verified.contains(&file.packed_sha256) {
        let set = set_at(held, &feed, manifest.snapshot_serial)?;
        let text = snapshot::encode(&manifest.origin, name, manifest.snapshot_serial, set);
        if !is(file, &text) {
            let why = "its snapshot isn't the set that the decisions give there";
            return Err(feed.wrong("snapshot", why));
        }
        checked.missing.push((path, *file));
    }
    for delta in &manifest.deltas {
        let path = paths::delta(name, &delta.file.packed_sha256);
        checked.listed.insert(path.clone());
        if !verified.contains(&delta.file.packed_sha256) {
            self::delta(held, &feed, delta)?;
            checked.missing.push((path, delta.file));
        }
    }
    Ok(checked)
}

fn delta(held: &Held, feed: &Feed<'_>, listed: &DeltaRef) -> Result<(), Finding> {
    let DeltaRef { from, to, .. } = *listed;
    let (older, newer) = (set_at(held, feed, from)?, set_at(held, feed, to)?);
    let (came, went) = newer.moved_since(older);
    let mut moves = ChangeBuilder::default();
    went.into_iter().for_each(|line| moves.remove(line));
    came.into_iter().for_each(|line| moves.add(line));
    let change = moves.finish(feed.name.kind());
    let origin = held.history.fold.ledger.origin();
    let text = delta::encode(origin, feed.name, from, to, &change);
    let right = is(&listed.file, &text) && (listed.added, listed.removed) == change.counts();
    if !right || change.is_empty() {
        let why = format!("the delta from {from} to {to} isn't the change that the decisions give");
        return Err(feed.wrong("delta", why));
    }
    Ok(())
}

fn set_at<'a>(held: &'a Held, feed: &Feed<'_>, serial: u64) -> Result<&'a Set, Finding> {
    let set = held.past.get(feed.name).and_then(|past| past.get(&serial));
    let stood = held.history.timeline.tracks.get(feed.name);
    set.ok_or_else(
        || match stood.is_some_and(|t| t.serials.contains(&serial)) {
            true => feed.wrong(AGAIN, format!("the set at {serial} is folded again")),
            false => feed.wrong(
                "serial",
                format!("it lists a file at {serial}, where the feed never stood"),
            ),
        },
    )
}

fn is(file: &FileRef, text: &[u8]) -> bool {
    (file.length, file.sha256) == (text.len() as u64, Hash::of(text))
}
