//! Publication: a folder laid out as the shared vectors are, everything signed anew.

use super::{
    Log, Point,
    keys::{feed_key, log_key},
};
use blockfeed::{
    entries::{Change, FeedName},
    feed::{DeltaRef, FileRef, Manifest, delta, pack, paths, snapshot},
    tlog::{
        Checkpoint, CosignerKey, Level, SignerKey, Tree, all_tiles, cosign, encode_bundle,
        leaf_hash, sign_checkpoint,
    },
};
use std::{collections::BTreeMap, path::Path};

/// How to publish: as the vectors are, unless a test says otherwise.
pub struct Publication {
    pub log_key: SignerKey,
    pub feed_key: SignerKey,
    pub witnesses: Vec<CosignerKey>,
    /// Number of the point, from the first or, if negative, from the last, at which each
    /// feed's snapshot stands.
    pub snapshot: isize,
    /// Also lists deltas over three points, and over all to the last.
    pub merged: bool,
    /// Unix seconds at which manifests are signed.
    pub time: u64,
}

/// Everything published, by path.
#[derive(Clone)]
pub struct Published {
    pub files: BTreeMap<String, Vec<u8>>,
    pub manifests: BTreeMap<FeedName, Manifest>,
}

impl Default for Publication {
    fn default() -> Self {
        Self {
            log_key: log_key(),
            feed_key: feed_key(),
            witnesses: Vec::new(),
            snapshot: 0,
            merged: false,
            time: 1_790_864_030,
        }
    }
}

impl Log {
    /// The checkpoint over the leaves as they stand, signed.
    pub fn checkpoint(&self, how: &Publication) -> Vec<u8> {
        let tree = self.tree();
        let checkpoint = Checkpoint {
            origin: how.log_key.verifier().name.clone(),
            size: tree.size(),
            root: tree.root(),
        };
        let mut note = sign_checkpoint(&checkpoint, &[&how.log_key]);
        for (n, witness) in how.witnesses.iter().enumerate() {
            note = cosign(&note, witness, how.time + n as u64).unwrap();
        }
        note
    }

    pub fn tree(&self) -> Tree {
        self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    /// Publishes as the vectors are.
    pub fn publish(&self) -> Published {
        self.publish_as(&Publication::default())
    }

    /// Makes every file of the publication.
    pub fn publish_as(&self, how: &Publication) -> Published {
        let tree = self.tree();
        let note = self.checkpoint(how);
        let mut files = BTreeMap::from([(paths::CHECKPOINT.to_owned(), note.clone())]);
        for id in all_tiles(tree.size()) {
            let bytes = match id.level {
                Level::Hashes(_) => tree.tile(&id).unwrap(),
                Level::Entries => {
                    let first = id.index as usize * 256;
                    encode_bundle(&self.leaves[first..first + usize::from(id.width)]).unwrap()
                }
            };
            files.insert(paths::tile(&id), bytes);
        }
        let parts = self.parts.0.iter();
        files.extend(parts.map(|(sha256, bytes)| (paths::part(sha256), bytes.clone())));
        let mut published = Published {
            files,
            manifests: BTreeMap::new(),
        };
        for (feed, points) in &self.points {
            let mut manifest = published.feed_files(self, feed, points, how);
            manifest.proof = tree.inclusion(tree.size() - 1, tree.size()).unwrap();
            manifest.checkpoint = note.clone();
            published.put_manifest(manifest, &how.feed_key);
        }
        published
    }
}

impl Published {
    /// Writes all files below a folder.
    pub fn write(&self, dir: &Path) {
        for (path, bytes) in &self.files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Signs a manifest in its feed's place.
    pub fn put_manifest(&mut self, manifest: Manifest, key: &SignerKey) {
        let path = paths::manifest(&manifest.feed);
        self.files.insert(path, manifest.sign(key));
        self.manifests.insert(manifest.feed.clone(), manifest);
    }

    /// Changes a manifest and signs it anew.
    pub fn edit_manifest(&mut self, feed: &FeedName, edit: impl FnOnce(&mut Manifest)) {
        let mut manifest = self.manifests[feed].clone();
        edit(&mut manifest);
        let path = paths::manifest(feed);
        self.files.insert(path, manifest.sign(&feed_key()));
        self.manifests.insert(feed.clone(), manifest);
    }

    /// Packs a text as a delta's file of a feed.
    pub fn put_delta(&mut self, feed: &FeedName, text: &[u8]) -> FileRef {
        let packed = pack::compress(text).unwrap();
        let file = FileRef::of(text, &packed);
        let path = paths::delta(feed, &file.packed_sha256);
        self.files.insert(path, packed);
        file
    }

    /// Packs a text as a snapshot's file of a feed.
    pub fn put_snapshot(&mut self, feed: &FeedName, text: &[u8]) -> FileRef {
        let packed = pack::compress(text).unwrap();
        let file = FileRef::of(text, &packed);
        let path = paths::snapshot(feed, &file.packed_sha256);
        self.files.insert(path, packed);
        file
    }

    fn feed_files(
        &mut self,
        log: &Log,
        feed: &FeedName,
        points: &[Point],
        how: &Publication,
    ) -> Manifest {
        let origin = log.fold.ledger.origin();
        let at = how.snapshot.rem_euclid(points.len() as isize) as usize;
        let (first, last) = (&points[at], &points[points.len() - 1]);
        let text = snapshot::encode(origin, feed, first.serial, &first.set);
        let snapshot = self.put_snapshot(feed, &text);
        let mut deltas = Vec::new();
        for (from, before) in points.iter().enumerate() {
            let mut change = Change::default();
            for (to, point) in points.iter().enumerate().skip(from + 1) {
                change = change.then(feed.kind(), &point.change);
                let merged = how.merged && (to == from + 3 || to + 1 == points.len());
                if change.is_empty() || to != from + 1 && !merged {
                    continue;
                }
                let text = delta::encode(origin, feed, before.serial, point.serial, &change);
                let (added, removed) = change.counts();
                deltas.push(DeltaRef {
                    from: before.serial,
                    to: point.serial,
                    added,
                    removed,
                    file: self.put_delta(feed, &text),
                });
            }
        }
        Manifest {
            origin: origin.clone(),
            feed: feed.clone(),
            session: log.fold.ledger.session(),
            serial: last.serial,
            time: how.time,
            digest: last.set.digest(origin, feed),
            poll: 60,
            snapshot_serial: first.serial,
            snapshot,
            deltas,
            state: log.leaves.last().unwrap().clone(),
            proof: Vec::new(),
            checkpoint: Vec::new(),
        }
    }
}
