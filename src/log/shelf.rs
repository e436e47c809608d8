//! A feed's published files: one snapshot and the deltas that lead from it, and from older
//! serials, to the present (design: Feeds).
//!
//! The last 64 single steps stand as they are. Older ones are merged two by two, four of each
//! span at most, so that spans grow by powers of two and the work of merging is spread evenly.
//! Readers refuse a manifest of more than 128, so what would be more is merged before its turn.

use super::Error;
use crate::{
    canon::Origin,
    entries::{Change, FeedName, Set},
    feed::{DeltaRef, FileRef, delta, manifest::MAX_DELTAS, pack, paths, snapshot},
    store::files::{self, Batch},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

const SINGLES: usize = 64;
const OF_EACH_SPAN: usize = 4;
/// A new snapshot is due when the chain outgrows this many packed bytes and a quarter of the old.
const CHAIN_BYTES: u64 = 1 << 20;

/// The files of one feed. Kept in the store, so that a restart knows what it may list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shelf {
    pub(super) serial: u64,
    pub(super) snapshot_serial: u64,
    snapshot: File,
    deltas: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    length: u64,
    sha256: Hash,
    packed_length: u64,
    packed_sha256: Hash,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Step {
    from: u64,
    to: u64,
    added: u64,
    removed: u64,
    /// Its span: a power of two, and no more single steps than it holds.
    steps: u64,
    file: File,
}

/// A snapshot that was cut aside, ready to be listed.
pub(super) struct Cut {
    pub(super) feed: FeedName,
    pub(super) serial: u64,
    file: FileRef,
}

impl Shelf {
    /// A shelf that begins with the set at this serial; writes its snapshot.
    pub(super) fn begin(
        origin: &Origin,
        feed: &FeedName,
        serial: u64,
        set: &Set,
        out: &mut Batch,
    ) -> Result<Self, Error> {
        let cut = cut(origin, feed, serial, set, out)?;
        Ok(Self {
            serial,
            snapshot_serial: serial,
            snapshot: cut.file.into(),
            deltas: Vec::new(),
        })
    }

    /// Adds the step to a new serial; writes its delta.
    pub(super) fn push(
        &mut self,
        origin: &Origin,
        feed: &FeedName,
        to: u64,
        change: &Change,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let step = write_delta(origin, feed, self.serial, to, 1, change, out)?;
        self.deltas.push(step);
        self.serial = to;
        Ok(())
    }

    /// Merges what has grown old, and drops what no way leads over any more.
    pub(super) fn tidy(
        &mut self,
        origin: &Origin,
        feed: &FeedName,
        public: &Path,
        out: &mut Batch,
    ) -> Result<(), Error> {
        loop {
            if self.is_crowded() && self.deltas[0].to <= self.snapshot_serial {
                self.deltas.remove(0);
            } else if let Some(at) = self.next_merge() {
                self.merge(at, origin, feed, public, out)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Merges two neighbours.
    fn merge(
        &mut self,
        at: usize,
        origin: &Origin,
        feed: &FeedName,
        public: &Path,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let (a, b) = (self.deltas[at], self.deltas[at + 1]);
        let read = |step: &Step| read_delta(origin, feed, step, public);
        let (mut change, mut end) = (read(&a)?.then(feed.kind(), &read(&b)?), at + 1);
        if change.is_empty() {
            // What came and went leaves nothing to say, and an empty delta is never published.
            if self.snapshot_serial > a.from {
                // Readers at the first serial take the snapshot.
                self.deltas.drain(..=end);
                return Ok(());
            }
            // A chain has to lead on from the snapshot, so the next step begins earlier.
            end += 1;
            change = read(&self.deltas[end])?;
        }
        let (to, steps) = (self.deltas[end].to, a.steps + b.steps);
        let merged = write_delta(origin, feed, a.from, to, steps, &change, out)?;
        self.deltas.splice(at..=end, [merged]);
        Ok(())
    }

    /// Whether there are as many deltas as a manifest may list, but for the one that comes next.
    fn is_crowded(&self) -> bool {
        self.deltas.len() >= MAX_DELTAS
    }

    /// Whether a new snapshot should be cut.
    pub(super) fn wants_cut(&self) -> bool {
        let chain: u64 = self
            .deltas
            .iter()
            .filter(|d| d.from >= self.snapshot_serial)
            .map(|d| d.file.packed_length)
            .sum();
        let crowded = self.deltas.len() >= MAX_DELTAS - 2;
        crowded || (chain > CHAIN_BYTES && chain > self.snapshot.packed_length / 4)
    }

    /// Lists a snapshot that was cut aside, if the deltas still lead from it.
    pub(super) fn install(&mut self, cut: &Cut) {
        let leads = cut.serial == self.serial || self.deltas.iter().any(|d| d.from == cut.serial);
        if leads && cut.serial > self.snapshot_serial {
            self.snapshot_serial = cut.serial;
            self.snapshot = cut.file.into();
        }
    }

    /// Whether every listed file lies there in its length.
    pub(super) fn is_whole(&self, feed: &FeedName, public: &Path) -> bool {
        let lies = |path: String, file: &File| {
            std::fs::metadata(public.join(path)).is_ok_and(|m| m.len() == file.packed_length)
        };
        lies(
            paths::snapshot(feed, &self.snapshot.packed_sha256),
            &self.snapshot,
        ) && self
            .deltas
            .iter()
            .all(|d| lies(paths::delta(feed, &d.file.packed_sha256), &d.file))
    }

    /// The snapshot, for a manifest.
    pub(super) fn snapshot(&self) -> FileRef {
        self.snapshot.into()
    }

    /// The deltas, for a manifest, by from and to.
    pub(super) fn deltas(&self) -> Vec<DeltaRef> {
        let of = |d: &Step| DeltaRef {
            from: d.from,
            to: d.to,
            added: d.added,
            removed: d.removed,
            file: d.file.into(),
        };
        self.deltas.iter().map(of).collect()
    }

    /// Removes files of the feed that it doesn't list any more, once they are older than `age`;
    /// gives how many went.
    pub(super) fn prune(&self, feed: &FeedName, public: &Path, age: Duration) -> u64 {
        let snapshot = paths::snapshot(feed, &self.snapshot.packed_sha256);
        let deltas = self.deltas.iter();
        let deltas = deltas.map(|d| paths::delta(feed, &d.file.packed_sha256));
        let listed: BTreeSet<PathBuf> = deltas
            .chain([snapshot])
            .map(|path| public.join(path))
            .collect();
        let below: BTreeSet<&Path> = listed.iter().filter_map(|path| path.parent()).collect();
        let gone = below
            .into_iter()
            .map(|dir| files::prune(dir, age, |name| listed.contains(&dir.join(name))));
        gone.sum()
    }

    /// The first of two neighbours to merge: beyond the single steps, where more than four of
    /// one span stand; where all are too many, those of the least span.
    fn next_merge(&self) -> Option<usize> {
        let old = self.deltas.len().saturating_sub(SINGLES);
        let mut at = 0;
        while at < old {
            let span = self.deltas[at].steps;
            let run = self.deltas[at..old]
                .iter()
                .take_while(|d| d.steps == span)
                .count();
            if run > OF_EACH_SPAN && self.may_merge(at) {
                return Some(at);
            }
            at += run.max(1);
        }
        let span = |at: &usize| self.deltas[*at].steps + self.deltas[at + 1].steps;
        (0..old.saturating_sub(2))
            .filter(|at| self.is_crowded() && self.may_merge(*at))
            .min_by_key(span)
    }

    /// Whether this step may be merged with the next: never across the snapshot's serial, from
    /// which a chain must lead.
    fn may_merge(&self, at: usize) -> bool {
        self.deltas[at].to != self.snapshot_serial
    }
}

/// Writes the snapshot of a set; listing it is another step.
pub(super) fn cut(
    origin: &Origin,
    feed: &FeedName,
    serial: u64,
    set: &Set,
    out: &mut Batch,
) -> Result<Cut, Error> {
    let text = snapshot::encode(origin, feed, serial, set);
    let packed = pack::compress(&text)?;
    let file = FileRef::of(&text, &packed);
    out.write(&paths::snapshot(feed, &file.packed_sha256), &packed)?;
    Ok(Cut {
        feed: feed.clone(),
        serial,
        file,
    })
}

fn write_delta(
    origin: &Origin,
    feed: &FeedName,
    from: u64,
    to: u64,
    steps: u64,
    change: &Change,
    out: &mut Batch,
) -> Result<Step, Error> {
    let text = delta::encode(origin, feed, from, to, change);
    let packed = pack::compress(&text)?;
    let file = FileRef::of(&text, &packed);
    out.write(&paths::delta(feed, &file.packed_sha256), &packed)?;
    let (added, removed) = change.counts();
    Ok(Step {
        from,
        to,
        added,
        removed,
        steps,
        file: file.into(),
    })
}

fn read_delta(
    origin: &Origin,
    feed: &FeedName,
    step: &Step,
    public: &Path,
) -> Result<Change, Error> {
    let path = public.join(paths::delta(feed, &step.file.packed_sha256));
    let packed = std::fs::read(&path).map_err(|source| Error::Io {
        path: path.display().to_string(),
        source,
    })?;
    let text = FileRef::from(step.file).open(&packed)?;
    Ok(delta::decode(&text, origin, feed, step.from, step.to)?)
}

impl From<FileRef> for File {
    fn from(f: FileRef) -> Self {
        Self {
            length: f.length,
            sha256: f.sha256,
            packed_length: f.packed_length,
            packed_sha256: f.packed_sha256,
        }
    }
}

impl From<File> for FileRef {
    fn from(f: File) -> Self {
        Self {
            length: f.length,
            sha256: f.sha256,
            packed_length: f.packed_length,
            packed_sha256: f.packed_sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::ChangeBuilder;

    const OLD: Duration = Duration::from_secs(60);

    /// Every published file of the feed, as if it were two minutes old.
    fn age(public: &Path) -> usize {
        let mut count = 0;
        for kind in ["snapshot", "delta"] {
            for entry in std::fs::read_dir(public.join("feeds/domains").join(kind)).unwrap() {
                let file = std::fs::File::options()
                    .write(true)
                    .open(entry.unwrap().path());
                let at = std::time::SystemTime::now() - 2 * OLD;
                file.unwrap().set_modified(at).unwrap();
                count += 1;
            }
        }
        count
    }

    #[test]
    fn files_that_are_no_longer_listed_go_when_they_are_old() {
        let dir = tempfile::tempdir().unwrap();
        let (public, feed) = (dir.path(), FeedName::domains());
        let origin: Origin = "shelf.example/1".parse().unwrap();
        let mut set = Set::new(feed.kind());
        let mut out = Batch::new(public);
        let mut shelf = Shelf::begin(&origin, &feed, 2, &set, &mut out).unwrap();
        out.finish().unwrap();
        for n in 0..100 {
            let mut moves = ChangeBuilder::default();
            moves.add(&format!("E n{n}.example + 2026-000001"));
            let change = moves.finish(feed.kind());
            set.apply(&change).unwrap();
            let mut out = Batch::new(public);
            shelf
                .push(&origin, &feed, 4 + 2 * n, &change, &mut out)
                .unwrap();
            shelf.tidy(&origin, &feed, public, &mut out).unwrap();
            out.finish().unwrap();
        }
        let listed = shelf.deltas.len() + 1;
        let lie = age(public);
        assert!(lie > listed, "{lie} files, {listed} listed");
        assert_eq!(shelf.prune(&feed, public, 10 * OLD), 0);
        assert_eq!(shelf.prune(&feed, public, OLD), (lie - listed) as u64);
        assert!(shelf.is_whole(&feed, public));
        assert_eq!(age(public), listed);
    }

    /// Pushes a step, and looks after the shelf as the sequencer does.
    fn step(shelf: &mut Shelf, set: &mut Set, public: &Path, line: &str, comes: bool) {
        let (origin, feed): (Origin, _) = ("shelf.example/1".parse().unwrap(), FeedName::domains());
        let mut moves = ChangeBuilder::default();
        match comes {
            true => moves.add(line),
            false => moves.remove(line),
        }
        let change = moves.finish(feed.kind());
        set.apply(&change).unwrap();
        let mut out = Batch::new(public);
        let to = shelf.serial + 2;
        shelf.push(&origin, &feed, to, &change, &mut out).unwrap();
        shelf.tidy(&origin, &feed, public, &mut out).unwrap();
        out.finish().unwrap();
    }

    /// The set as the chain from the snapshot's serial makes it of what it was there.
    fn led_to(shelf: &Shelf, mut set: Set, public: &Path) -> Set {
        let (origin, feed): (Origin, _) = ("shelf.example/1".parse().unwrap(), FeedName::domains());
        let mut at = shelf.snapshot_serial;
        for delta in &shelf.deltas {
            if delta.from < at {
                continue;
            }
            assert_eq!(delta.from, at);
            let change = read_delta(&origin, &feed, delta, public).unwrap();
            assert!(!change.is_empty());
            set.apply(&change).unwrap();
            at = delta.to;
        }
        assert_eq!(at, shelf.serial);
        set
    }

    /// Names that are listed and taken back at once merge to nothing; however many there are, a
    /// manifest has room for the chain, and the last single steps stand.
    #[test]
    fn no_manifest_outgrows_what_readers_take() {
        let (origin, feed): (Origin, _) = ("shelf.example/1".parse().unwrap(), FeedName::domains());
        for stays in [0, 3, 1_000] {
            let dir = tempfile::tempdir().unwrap();
            let public = dir.path();
            let mut set = Set::new(feed.kind());
            let mut out = Batch::new(public);
            let mut shelf = Shelf::begin(&origin, &feed, 2, &set, &mut out).unwrap();
            out.finish().unwrap();
            let (mut at_snapshot, mut pending) = (set.clone(), None);
            for n in 0..900 {
                let line = format!("E n{n}.example + 2026-000001");
                step(&mut shelf, &mut set, public, &line, true);
                if stays == 0 || n % stays != 0 {
                    step(&mut shelf, &mut set, public, &line, false);
                }
                assert!(shelf.deltas.len() <= MAX_DELTAS, "{}", shelf.deltas.len());
                let singles = shelf.deltas.iter().rev().take_while(|d| d.steps == 1);
                assert!(singles.count() >= SINGLES.min(shelf.deltas.len()));
                // Of 900, three snapshots are cut, each listed some steps later.
                if n % 300 == 200 {
                    let mut out = Batch::new(public);
                    let cut = cut(&origin, &feed, shelf.serial, &set, &mut out).unwrap();
                    out.finish().unwrap();
                    pending = Some((cut, set.clone()));
                }
                if n % 300 == 210
                    && let Some((cut, then)) = pending.take()
                {
                    shelf.install(&cut);
                    at_snapshot = then;
                }
                if n % 50 == 0 {
                    let led = led_to(&shelf, at_snapshot.clone(), public);
                    assert_eq!(led.digest(&origin, &feed), set.digest(&origin, &feed));
                }
            }
        }
    }
}
