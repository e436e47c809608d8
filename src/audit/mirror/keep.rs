//! The mirror's folder: written so that a reader sees the old file or the new one.

use super::held::Held;
use crate::{
    audit::Finding,
    entries::FeedName,
    feed::paths,
    store::files::{self, Batch},
    tlog::{self, Hash, Level, TileId},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Writes the tiles and bundles of a tree grown from `old`; they are made from the verified leaves.
pub(super) fn tiles(held: &Held, old: u64, dir: &Path, out: &mut Batch) -> Result<u64, Finding> {
    let size = held.tree.size();
    let mut written = 0;
    if old >= size {
        return Ok(0);
    }
    for id in tlog::tiles_between(old, size) {
        let bytes = match id.level {
            Level::Hashes(_) => held.tree.tile(&id),
            Level::Entries => {
                let width = usize::from(id.width);
                let entries = held.bundles.get(&id.index).and_then(|all| all.get(..width));
                entries.and_then(|entries| tlog::encode_bundle(entries).ok())
            }
        };
        let missing = || Finding::given("folder", format!("{} can't be made", paths::tile(&id)));
        let bytes = bytes.ok_or_else(missing)?;
        if fs::read(dir.join(paths::tile(&id))).is_ok_and(|there| there == bytes) {
            continue;
        }
        out.write(&paths::tile(&id), &bytes).map_err(folder)?;
        written += 1;
    }
    Ok(written)
}

/// Writes checkpoint, then manifests.
pub(super) fn heads(
    dir: &Path,
    note: &[u8],
    manifests: &[(FeedName, Bytes)],
) -> Result<(), Finding> {
    files::write_synced(dir, paths::CHECKPOINT, note).map_err(folder)?;
    let mut out = Batch::new(dir);
    for (feed, bytes) in manifests {
        out.write(&paths::manifest(feed), bytes).map_err(folder)?;
    }
    out.finish().map_err(folder)
}

pub(super) fn part(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), Finding> {
    files::write_synced(dir, path, bytes).map_err(folder)
}

/// Whether a part lies there, whole.
pub(super) fn is_there(dir: &Path, path: &str, sha256: &Hash) -> bool {
    fs::read(dir.join(path)).is_ok_and(|bytes| Hash::of(&bytes) == *sha256)
}

pub(super) fn remove(dir: &Path, path: &str) -> Result<(), Finding> {
    match fs::remove_file(dir.join(path)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(Finding::given("folder", format!("{path}: {e}")))
        }
        _ => Ok(()),
    }
}

/// Removes feed files that no manifest lists, and partial tiles of older trees, once they are an
/// hour old: readers of an older head may still be at them.
pub(super) fn prune(dir: &Path, listed: &BTreeMap<FeedName, BTreeSet<String>>, size: u64) {
    for (feed, listed) in listed {
        for kind in ["snapshot", "delta"] {
            let below = format!("feeds/{feed}/{kind}");
            let is_needed = |name: &str| listed.contains(&format!("{below}/{name}"));
            files::prune(&dir.join(&below), LINGER, is_needed);
        }
    }
    let needed: BTreeSet<PathBuf> = partial(size).map(|id| dir.join(paths::tile(&id))).collect();
    for below in needed.iter().filter_map(|path| path.parent()) {
        files::prune(below, LINGER, |name| needed.contains(&below.join(name)));
    }
}

fn partial(size: u64) -> impl Iterator<Item = TileId> {
    tlog::tiles_between(size.saturating_sub(1), size)
        .into_iter()
        .filter(|id| !id.is_full())
}

fn folder(e: crate::store::Error) -> Finding {
    Finding::given("folder", e)
}

/// Unix seconds.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// How long a file that nothing points to any more stays.
const LINGER: Duration = Duration::from_secs(3600);
