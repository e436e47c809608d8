//! The sets on disk: a base and the deltas after it, so that a delta costs what a delta costs.
//!
//! When the deltas outgrow a quarter of the base, a new base is written beside the work and
//! taken up in a later round.

use super::{
    Chain, Disk, Error,
    brake::HeldBack,
    follow::{Followed, NewFiles, base_file},
    pull::KeptParts,
    standing::{FeedRecord, HeldFile, held_back_name},
};
use crate::{
    canon::Origin,
    decision::{Fold, Lines},
    entries::{FeedName, Set},
    feed,
    tlog::Hash,
};
use std::{collections::BTreeMap, path::PathBuf};
use tokio::task::JoinHandle;

/// Takes up a feed as it was stored. An error leaves it to be verified anew from a source.
pub(super) fn load(
    disk: &Disk,
    chain: &Chain,
    feed: &FeedName,
    record: &FeedRecord,
) -> Result<Followed, Error> {
    let dir = disk.feed_dir(feed);
    let damaged = |why: String| Error::Damaged {
        path: dir.clone(),
        why,
    };
    let ledger = chain.ledger_at(disk, record.size)?;
    let origin = ledger.origin().clone();
    let text = read(disk, feed, &record.base)?;
    let mut set = feed::snapshot::decode(&text, &origin, feed, record.base.to)
        .map_err(|e| damaged(e.to_string()))?;
    drop(text);
    for delta in &record.deltas {
        let text = read(disk, feed, delta)?;
        let change = feed::delta::decode(&text, &origin, feed, delta.from, delta.to)
            .map_err(|e| damaged(e.to_string()))?;
        set.apply(&change).map_err(|e| damaged(e.to_string()))?;
    }
    let stated = ledger.feeds().get(feed).map(|s| (s.serial, s.digest));
    let found = set.digest(&origin, feed);
    if found != record.digest || stated != Some((record.serial, record.digest)) {
        return Err(damaged(
            "its files give another set than the log states".into(),
        ));
    }
    let held_back = load_held_back(disk, feed, record)?;
    let sets = BTreeMap::from([(feed.clone(), set)]);
    let lines = Lines::resume(sets, &ledger, &KeptParts(disk));
    let lines = lines.map_err(|e| damaged(format!("the open stays can't be taken up: {e}")))?;
    Ok(Followed {
        fold: Fold { ledger, lines },
        serial: record.serial,
        digest: record.digest,
        fresh: record.fresh,
        held_back,
    })
}

/// What the brake holds back; also taken up where the rest of the feed is damaged.
pub(super) fn load_held_back(
    disk: &Disk,
    feed: &FeedName,
    record: &FeedRecord,
) -> Result<HeldBack, Error> {
    let Some(hash) = &record.held_back else {
        return Ok(HeldBack::default());
    };
    let path = disk.feed_dir(feed).join(held_back_name(hash));
    let bytes = std::fs::read(&path).map_err(|e| Error::disk("read", &path, e))?;
    let whole = Hash::of(&bytes) == *hash;
    let held = HeldBack::decode(&bytes).filter(|_| whole);
    held.ok_or_else(|| Error::Damaged {
        path,
        why: "what the brake holds back can't be read".into(),
    })
}

/// Writes what a round brought for a feed, and gives the record that names it. A crash before
/// the state is saved leaves files that nothing names.
pub(super) fn store(
    disk: &Disk,
    feed: &FeedName,
    before: Option<&FeedRecord>,
    next: &Followed,
    files: &NewFiles,
) -> Result<Option<FeedRecord>, Error> {
    let dir = disk.feed_dir(feed);
    let (kept, new): (Vec<HeldFile>, &[(HeldFile, Vec<u8>)]) = match (files, before) {
        (NewFiles::All(new), _) => (Vec::new(), new),
        (NewFiles::More(new), Some(before)) => (before.files_in_order(), new),
        (NewFiles::None, Some(before)) => (before.files_in_order(), &[]),
        (_, None) => return Ok(None),
    };
    for (file, bytes) in new {
        disk.write(&dir.join(file.name()), bytes)?;
    }
    let mut all = kept.into_iter().chain(new.iter().map(|(file, _)| *file));
    let Some(base) = all.next() else {
        return Ok(None);
    };
    let held_back = store_held_back(disk, feed, before, &next.held_back)?;
    Ok(Some(FeedRecord {
        serial: next.serial,
        digest: next.digest,
        size: next.fold.ledger.size(),
        fresh: next.fresh,
        base,
        deltas: all.collect(),
        held_back,
    }))
}

/// Writes what the brake holds back, where that changed.
pub(super) fn store_held_back(
    disk: &Disk,
    feed: &FeedName,
    before: Option<&FeedRecord>,
    held_back: &HeldBack,
) -> Result<Option<Hash>, Error> {
    if held_back.is_empty() {
        return Ok(None);
    }
    let bytes = held_back.encode();
    let hash = Hash::of(&bytes);
    if before.and_then(|b| b.held_back) != Some(hash) {
        let path = disk.feed_dir(feed).join(held_back_name(&hash));
        disk.write(&path, &bytes)?;
    }
    Ok(Some(hash))
}

/// A base that is being written beside the work.
pub(super) struct Compaction {
    job: JoinHandle<Result<HeldFile, String>>,
}

impl Compaction {
    /// Begins one, where the deltas have outgrown a quarter of the base.
    pub(super) fn begin_if_due(
        disk: &Disk,
        origin: &Origin,
        feed: &FeedName,
        record: &FeedRecord,
        set: Set,
    ) -> Option<Self> {
        let (deltas, base) = record.weight();
        if deltas <= LEAST_CHAIN || deltas <= base / 4 {
            return None;
        }
        let (origin, feed, serial) = (origin.clone(), feed.clone(), record.serial);
        let dir: PathBuf = disk.feed_dir(&feed);
        let job = tokio::task::spawn_blocking(move || {
            let file = base_file(&origin, &feed, serial, &set);
            let (file, bytes) = file.map_err(|e| e.to_string())?;
            super::disk::write_whole(&dir.join(file.name()), &bytes, 0o600)
                .map_err(|e| e.to_string())?;
            Ok(file)
        });
        Some(Self { job })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.job.is_finished()
    }

    /// The new base; waits for it.
    pub(super) async fn finish(self) -> Result<HeldFile, String> {
        self.job.await.map_err(|e| e.to_string())?
    }
}

impl FeedRecord {
    /// Puts a base in place of all deltas up to its serial.
    pub(super) fn rebase(&mut self, base: HeldFile) {
        self.deltas.retain(|delta| delta.from >= base.to);
        self.base = base;
    }

    fn files_in_order(&self) -> Vec<HeldFile> {
        std::iter::once(self.base)
            .chain(self.deltas.iter().copied())
            .collect()
    }
}

fn read(disk: &Disk, feed: &FeedName, file: &HeldFile) -> Result<Vec<u8>, Error> {
    let path = disk.feed_dir(feed).join(file.name());
    let packed = std::fs::read(&path).map_err(|e| Error::disk("read", &path, e))?;
    file.file().open(&packed).map_err(|e| Error::Damaged {
        path,
        why: e.to_string(),
    })
}

/// Packed bytes of deltas that are never worth a new base.
const LEAST_CHAIN: u64 = 256 << 10;
