//! The tree: hash tiles against the checkpoint's root, and which file is to blame if they differ.

use super::{Finding, Progress, Watch, files::Files};
use crate::{
    feed::paths,
    tlog::{Checkpoint, Hash, Level, TILE_WIDTH, TileId, Tree, leaf_hash, tiles_between},
};

/// Rebuilds the tree from the tiles of the lowest level and holds its root and the tiles above
/// against it. The entries themselves are held against these hashes when they are folded.
pub(super) async fn rebuild(
    files: &Files,
    head: &Checkpoint,
    watch: Watch<'_>,
) -> Result<Tree, Finding> {
    let mut tree = Tree::new();
    for (index, width) in runs(head.size) {
        let level = Level::Hashes(0);
        let id = TileId {
            level,
            index,
            width,
        };
        let (_, hashes) = files.tile(id).await?;
        hashes.into_iter().for_each(|hash| tree.push(hash));
        watch(Progress::Tree {
            done: tree.size(),
            of: head.size,
        });
    }
    if tree.root() != head.root {
        return Err(blame(files, head, &tree).await?);
    }
    let above = tiles_between(0, head.size);
    for id in above
        .into_iter()
        .filter(|id| matches!(id.level, Level::Hashes(1..)))
    {
        let (path, hashes) = files.tile(id).await?;
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        if tree.tile(&id) != Some(bytes) {
            let why = "its hashes aren't those of the tiles below it";
            return Err(Finding::file("tile", path, why));
        }
    }
    Ok(tree)
}

/// The bundles (or lowest tiles) of a log: number and width of each.
pub(super) fn runs(size: u64) -> impl Iterator<Item = (u64, u16)> {
    let full = u64::from(TILE_WIDTH);
    let last = (size % full) as u16;
    (0..size / full)
        .map(|index| (index, TILE_WIDTH))
        .chain((last > 0).then_some((size / full, last)))
}

/// Says which file is wrong where the lowest tiles don't make the checkpoint's root: the entries
/// tell, being a second witness of the same hashes.
async fn blame(files: &Files, head: &Checkpoint, tiles: &Tree) -> Result<Finding, Finding> {
    let mut entries = Tree::new();
    let mut differs: Option<u64> = None;
    for (index, width) in runs(head.size) {
        let (_, bundle) = files.bundle(index, width).await?;
        for entry in bundle {
            let hash: Hash = leaf_hash(&entry);
            if differs.is_none() && tiles.leaf(entries.size()) != Some(hash) {
                differs = Some(entries.size());
            }
            entries.push(hash);
        }
    }
    let Some(leaf) = differs else {
        let why = "its root isn't that of the published entries and tiles: this checkpoint is of another history";
        return Ok(Finding::head("root", why));
    };
    let width = TILE_WIDTH.min((head.size - leaf / 256 * 256).min(256) as u16);
    let file = |level| {
        paths::tile(&TileId {
            level,
            index: leaf / 256,
            width,
        })
    };
    if entries.root() == head.root {
        let why =
            "its hash of this leaf isn't that of the entry, which makes the checkpoint's root";
        return Ok(Finding {
            leaf: Some(leaf),
            ..Finding::file("tile", file(Level::Hashes(0)), why)
        });
    }
    let why = "neither the entries nor the hash tiles make the checkpoint's root; they differ from this leaf on";
    Ok(Finding {
        leaf: Some(leaf),
        ..Finding::file("root", file(Level::Hashes(0)), why)
    })
}
