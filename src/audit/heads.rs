//! What a publisher signs anew all the time: the checkpoint and the manifests, read in an order
//! in which a log that goes on growing can't look wrong.
//!
//! A commit publishes checkpoint, then manifests. So the auditor reads a checkpoint, then
//! manifests until each has come to it (a manifest that stays behind withholds something), then
//! the checkpoint that it audits, which no manifest may be ahead of.

use super::{
    Finding,
    files::{Files, Page},
};
use crate::{
    decision::{FeedState, Leaf},
    entries::FeedName,
    feed::{manifest::MAX_MANIFEST, paths},
    tlog::{Checkpoint, MAX_CHECKPOINT, Note, TILE_WIDTH},
};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

/// The checkpoint that is audited and every feed's manifest; no signature is verified yet.
pub(super) struct Heads {
    /// Size of the checkpoint that was read before the manifests.
    pub(super) first: u64,
    pub(super) note: Bytes,
    pub(super) checkpoint: Checkpoint,
    pub(super) manifests: BTreeMap<FeedName, Page>,
    /// What each feed's manifest must have come to.
    pub(super) due: BTreeMap<FeedName, u64>,
}

/// How often new feeds may appear while they are read.
const ROUNDS: usize = 5;

/// Between two looks at a manifest that is behind.
const PAUSE: Duration = Duration::from_millis(200);

/// Reads the heads. `patience`: how long a manifest may stay behind the checkpoint.
pub(super) async fn read(files: &Files, patience: Duration) -> Result<Heads, Finding> {
    let (mut note, mut checkpoint) = checkpoint(files).await?;
    let first = checkpoint.size;
    let (mut manifests, mut due) = (BTreeMap::new(), BTreeMap::new());
    let began = tokio::time::Instant::now();
    for _ in 0..ROUNDS {
        let mut new = feeds(files, checkpoint.size).await;
        new.retain(|feed, _| !manifests.contains_key(feed));
        if new.is_empty() && !due.is_empty() {
            break;
        }
        for (feed, state) in new {
            let mut page = manifest(files, &feed).await?;
            while is_behind(&page, state.serial) && began.elapsed() < patience {
                tokio::time::sleep(PAUSE).await;
                page = manifest(files, &feed).await?;
            }
            due.insert(feed.clone(), state.serial);
            manifests.insert(feed, page);
        }
        (note, checkpoint) = self::checkpoint(files).await?;
    }
    if checkpoint.size < first {
        let now = checkpoint.size;
        let why = format!("the log shrank while it was read: from {first} leaves to {now}");
        return Err(Finding::head("shrank", why));
    }
    Ok(Heads {
        first,
        note,
        checkpoint,
        manifests,
        due,
    })
}

async fn checkpoint(files: &Files) -> Result<(Bytes, Checkpoint), Finding> {
    let note = files.read(paths::CHECKPOINT, MAX_CHECKPOINT as u64).await?;
    let wrong = |e| Finding::checkpoint(paths::CHECKPOINT, &e);
    let text = Note::parse(&note, MAX_CHECKPOINT).map_err(wrong)?.text;
    let checkpoint = Checkpoint::parse(&text).map_err(wrong)?;
    if checkpoint.size == 0 {
        return Err(Finding::head(
            "checkpoint",
            "the log is empty; it begins with a genesis leaf",
        ));
    }
    Ok((note, checkpoint))
}

/// The feeds of the last leaf. A hint, not yet verified: where it can't be read there is none,
/// and what is wrong with the leaf is found when it is folded.
async fn feeds(files: &Files, size: u64) -> BTreeMap<FeedName, FeedState> {
    let full = u64::from(TILE_WIDTH);
    let (index, at) = ((size - 1) / full, (size - 1) % full);
    let width = u16::try_from(at + 1).unwrap_or(TILE_WIDTH);
    let Ok((_, mut entries)) = files.bundle(index, width).await else {
        return BTreeMap::new();
    };
    match entries.pop().as_deref().map(Leaf::parse) {
        Some(Ok(Leaf::State(state))) => state.feeds,
        _ => BTreeMap::new(),
    }
}

async fn manifest(files: &Files, feed: &FeedName) -> Result<Page, Finding> {
    let path = paths::manifest(feed);
    files.page(&path, MAX_MANIFEST as u64).await
}

/// Whether a manifest's serial is lower than that. What can't be read isn't behind but wrong.
fn is_behind(page: &Page, serial: u64) -> bool {
    match page {
        Page::There(bytes) => field(bytes, "serial")
            .next()
            .and_then(|fields| fields.parse::<u64>().ok())
            .is_some_and(|said| said < serial),
        Page::Missing => true,
        Page::Denied => false,
    }
}

/// The lines of a manifest that begin with this word, without it.
pub(super) fn field<'a>(manifest: &'a [u8], word: &'a str) -> impl Iterator<Item = &'a str> {
    manifest
        .split(|b| *b == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
}
