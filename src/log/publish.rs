//! Publishing: from the store's leaves to files that anybody may serve.
//!
//! The order is what makes a crash harmless: whatever a checkpoint covers is on the disk before
//! it, and whatever a manifest lists is on the disk before that.

use super::{Error, state::Books};
use crate::{
    decision::Leaf,
    feed::{Manifest, paths},
    store::{Store, files::Batch},
    tlog::{self, Hash, Level, SignerKey, TileId},
};
use std::{collections::BTreeSet, path::Path};

/// Writes the parts that leaves name: those of subjects, trust documents, and texts.
pub(super) fn parts(store: &Store, leaves: &[Leaf], out: &mut Batch) -> Result<(), Error> {
    let mut named: BTreeSet<Hash> = BTreeSet::new();
    for leaf in leaves {
        match leaf {
            Leaf::Genesis(leaf) => drop(named.insert(leaf.trust)),
            Leaf::Trust(leaf) => drop(named.insert(leaf.sha256)),
            Leaf::Decision(leaf) => {
                named.extend(leaf.body.parts().iter().map(|p| p.sha256));
                named.extend(leaf.body.texts().iter().map(|t| t.sha256));
            }
            Leaf::Expire(_) | Leaf::State(_) => {}
        }
    }
    for sha256 in named {
        // A text that was erased stays away; the leaf still proves that it was there.
        if let Some(bytes) = store.part(&sha256.0)? {
            out.write(&paths::part(&sha256), &bytes)?;
        }
    }
    Ok(())
}

/// Writes the tiles and entry bundles that a tree grown from `old` to `new` leaves needs.
pub(super) fn tiles(
    store: &Store,
    books: &Books,
    old: u64,
    new: u64,
    out: &mut Batch,
) -> Result<(), Error> {
    for id in tlog::tiles_between(old, new) {
        let bytes = match id.level {
            Level::Hashes(_) => books.tree.tile(&id).ok_or(Error::Root)?,
            Level::Entries => bundle(store, &id)?,
        };
        out.write(&paths::tile(&id), &bytes)?;
    }
    Ok(())
}

/// Signs the tree at the store's head.
pub(super) fn checkpoint(books: &Books, key: &SignerKey) -> Vec<u8> {
    let checkpoint = tlog::Checkpoint {
        origin: books.fold.ledger.origin().to_string(),
        size: books.tree.size(),
        root: books.tree.root(),
    };
    tlog::sign_checkpoint(&checkpoint, &[key])
}

/// The manifest of every feed, bound to this checkpoint.
pub(super) fn manifests(
    books: &Books,
    state: &[u8],
    checkpoint: &[u8],
    time: u64,
    poll: u64,
) -> Result<Vec<Manifest>, Error> {
    let ledger = &books.fold.ledger;
    let size = books.tree.size();
    let proof = books.tree.inclusion(size - 1, size).ok_or(Error::Root)?;
    let of = |(feed, shelf): (&crate::entries::FeedName, &super::shelf::Shelf)| {
        let stands = ledger.feeds().get(feed).ok_or(Error::Root)?;
        Ok(Manifest {
            origin: ledger.origin().clone(),
            feed: feed.clone(),
            session: ledger.session(),
            serial: stands.serial,
            time,
            digest: stands.digest,
            poll,
            snapshot_serial: shelf.snapshot_serial,
            snapshot: shelf.snapshot(),
            deltas: shelf.deltas(),
            state: state.to_vec(),
            proof: proof.clone(),
            checkpoint: checkpoint.to_vec(),
        })
    };
    books.shelves.iter().map(of).collect()
}

/// Removes the partial tiles and bundles of an older tree, but for those that one of the `kept`
/// sizes needs: readers take a newer checkpoint when one is gone (C2SP tlog-tiles).
pub(super) fn prune(public: &Path, size: u64, kept: &[u64]) {
    let partial = |size: u64| {
        tlog::tiles_between(size.saturating_sub(1), size)
            .into_iter()
            .filter(|id| !id.is_full())
    };
    let needed: BTreeSet<TileId> = kept.iter().flat_map(|size| partial(*size)).collect();
    for id in partial(size).filter(|id| !needed.contains(id)) {
        // One that can't be removed is only litter.
        let _ = std::fs::remove_file(public.join(paths::tile(&id)));
    }
}

fn bundle(store: &Store, id: &TileId) -> Result<Vec<u8>, Error> {
    let from = id.index * 256;
    let mut entries = Vec::new();
    for leaf in store.leaves(from, from + u64::from(id.width))? {
        entries.push(leaf?.1);
    }
    Ok(tlog::encode_bundle(&entries)?)
}
