//! One feed: from a manifest and verified leaves to the next verified set.
//!
//! What is held is folded on through the new leaves, and what the source serves as the change
//! must be exactly what the decisions give. At a first contact the lines come from a snapshot,
//! bound by the digest in the state leaf, or (`verify = "full"`) from every part.

use super::{
    BrakeConfig, Chain, Disk, Fault, Verify,
    brake::{HeldBack, Step},
    chain::Growth,
    pull::Pull,
    standing::HeldFile,
};
use crate::{
    canon::Origin,
    decision::{FeedState, Fold, Interest, Leaf, Ledger, Lines, Refusal},
    entries::{Change, FeedName, Set},
    feed::{self, DeltaRef, FileRef, Manifest, Route, paths},
    tlog::Hash,
};
use std::collections::{BTreeMap, BTreeSet};

/// A feed as it was verified.
#[derive(Clone)]
pub(super) struct Followed {
    /// The fold at a state leaf, with this feed's lines alone.
    pub(super) fold: Fold,
    pub(super) serial: u64,
    pub(super) digest: Hash,
    /// Unix seconds at which its publisher last vouched for it.
    pub(super) fresh: u64,
    pub(super) held_back: HeldBack,
}

/// What a round brings for one feed.
pub(super) struct Progress {
    pub(super) next: Followed,
    /// The new files, with their bytes.
    pub(super) files: NewFiles,
    /// One for each state leaf that changed the feed.
    pub(super) steps: Vec<Step>,
    /// Parts to keep for open stays.
    pub(super) parts: Vec<(Hash, Vec<u8>)>,
}

/// How the kept files change.
pub(super) enum NewFiles {
    None,
    /// A snapshot and deltas in place of all that was kept.
    All(Vec<(HeldFile, Vec<u8>)>),
    /// Deltas after what is kept.
    More(Vec<(HeldFile, Vec<u8>)>),
}

impl NewFiles {
    /// Packed bytes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::All(files) | Self::More(files) => {
                files.iter().map(|(_, bytes)| bytes.len() as u64).sum()
            }
        }
    }
}

/// What a feed is judged by in one round.
pub(super) struct Judge<'a> {
    pub(super) feed: &'a FeedName,
    pub(super) chain: &'a Chain,
    pub(super) growth: Option<&'a Growth>,
    pub(super) disk: &'a Disk,
    pub(super) verify: Verify,
    pub(super) brake: &'a BrakeConfig,
    /// What the brake held back, where all else of the feed was damaged.
    pub(super) salvaged: Option<&'a HeldBack>,
}

impl Followed {
    /// The set, verified.
    pub(super) fn set(&self, feed: &FeedName) -> Set {
        let set = self.fold.lines.set(feed).cloned();
        set.unwrap_or_else(|| Set::new(feed.kind()))
    }
}

impl Judge<'_> {
    /// Judges a manifest, and brings what it leads to.
    pub(super) async fn judge(
        &self,
        held: Option<&Followed>,
        manifest: &Manifest,
        pull: &mut Pull<'_>,
    ) -> Result<Progress, Fault> {
        let (stated, fresh) = self.check(manifest)?;
        let fresh = held.map_or(fresh, |held| fresh.max(held.fresh));
        let mut progress = match held {
            Some(held) => self.go_on(held, manifest, pull).await?,
            None if self.verify == Verify::Full => self.fold_all(manifest, pull).await?,
            None => self.take_snapshot(manifest, pull).await?,
        };
        let next = &mut progress.next;
        let set = next.fold.lines.set(self.feed);
        let found = set.map(|set| set.digest(self.origin(), self.feed));
        if found != Some(stated.digest) {
            return Err(Fault::Digest {
                stated: stated.digest,
                found: found.unwrap_or(Hash([0; 32])),
            });
        }
        (next.serial, next.digest, next.fresh) = (stated.serial, stated.digest, fresh);
        progress.parts = self.stay_parts(pull).await?;
        Ok(progress)
    }

    fn origin(&self) -> &Origin {
        self.chain.ledger.origin()
    }

    /// The manifest against itself and against the log. Gives what the log says of the feed, and
    /// the time at which it was vouched for.
    fn check(&self, manifest: &Manifest) -> Result<(FeedState, u64), Fault> {
        let ledger = &self.chain.ledger;
        if manifest.feed != *self.feed {
            return Err(Fault::OtherFeed(manifest.feed.to_string()));
        }
        if manifest.session != ledger.session() {
            return Err(Fault::Session {
                held: ledger.session(),
                found: manifest.session.clone(),
            });
        }
        manifest.check().map_err(Fault::Manifest)?;
        let vouched = self.chain.vouched(&manifest.checkpoint)?;
        let stated = ledger.feeds().get(self.feed).ok_or(Fault::NoFeed)?;
        if stated.serial != manifest.serial || stated.digest != manifest.digest {
            return Err(Fault::Mixed {
                stated: stated.serial,
                found: manifest.serial,
            });
        }
        Ok((*stated, vouched.unwrap_or(manifest.time)))
    }

    /// Folds the new leaves over what is held, and compares the change that is served.
    async fn go_on(
        &self,
        held: &Followed,
        manifest: &Manifest,
        pull: &mut Pull<'_>,
    ) -> Result<Progress, Fault> {
        let from = held.fold.ledger.size();
        let mut next = held.clone();
        let mut steps = Vec::new();
        let mut folded = Change::default();
        let leaves = self.leaves(from)?;
        for (index, bytes) in (from..).zip(&leaves) {
            let Some(change) = self.fold_leaf(&mut next.fold, index, bytes, pull).await? else {
                continue;
            };
            let serial = next.fold.ledger.size();
            let before = entries_before(&next.fold, self.feed, &change);
            let ledger = &next.fold.ledger;
            let step = next
                .held_back
                .step(self.brake, serial, before, &change, ledger);
            steps.push(step);
            folded = match folded.is_empty() {
                true => change,
                false => folded.then(self.feed.kind(), &change),
            };
        }
        let files = self.compare(held.serial, manifest, &folded, pull).await?;
        Ok(progress(next, files, steps))
    }

    /// Fetches the served deltas and requires that they say what the decisions say.
    async fn compare(
        &self,
        serial: u64,
        manifest: &Manifest,
        folded: &Change,
        pull: &Pull<'_>,
    ) -> Result<NewFiles, Fault> {
        let to = manifest.serial;
        match manifest.route(Some(serial)) {
            Route::Current => Ok(NewFiles::None),
            Route::Deltas(chain) => {
                let mut served = Change::default();
                let mut files = Vec::new();
                for delta in &chain {
                    let (change, packed) = self.delta(delta, pull).await?;
                    served = match served.is_empty() {
                        true => change,
                        false => served.then(self.feed.kind(), &change),
                    };
                    files.push((HeldFile::new(delta.from, delta.to, &delta.file), packed));
                }
                if served != *folded {
                    return Err(Fault::Delta { from: serial, to });
                }
                Ok(NewFiles::More(files))
            }
            // No deltas lead here from so far back: there is nothing to compare but the digest,
            // and the change is kept as it was folded.
            Route::Snapshot(_) => {
                if folded.is_empty() {
                    return Ok(NewFiles::None);
                }
                let text = feed::delta::encode(self.origin(), self.feed, serial, to, folded);
                let path = || paths::manifest(self.feed);
                let packed =
                    feed::pack::compress(&text).map_err(|why| Fault::File { path: path(), why })?;
                let file = HeldFile::new(serial, to, &FileRef::of(&text, &packed));
                Ok(NewFiles::More(vec![(file, packed)]))
            }
        }
    }

    /// A first contact that rests on the digest.
    async fn take_snapshot(
        &self,
        manifest: &Manifest,
        pull: &mut Pull<'_>,
    ) -> Result<Progress, Fault> {
        let serial = manifest.snapshot_serial;
        let path = paths::snapshot(self.feed, &manifest.snapshot.packed_sha256);
        let (packed, text) = pull.file(&path, &manifest.snapshot).await?;
        let mut set = feed::snapshot::decode(&text, self.origin(), self.feed, serial)
            .map_err(|why| Fault::File { path, why })?;
        drop(text);
        let base = HeldFile::new(0, serial, &manifest.snapshot);
        let mut files = vec![(base, packed)];
        let deltas = match manifest.route(None) {
            Route::Snapshot(deltas) | Route::Deltas(deltas) => deltas,
            Route::Current => Vec::new(),
        };
        for delta in &deltas {
            let (change, packed) = self.delta(delta, pull).await?;
            set.apply(&change).map_err(|why| Fault::Clash {
                path: paths::delta(self.feed, &delta.file.packed_sha256),
                why,
            })?;
            files.push((HeldFile::new(delta.from, delta.to, &delta.file), packed));
        }
        // Before anything is built on it: the digest that the log's signers signed.
        let found = set.digest(self.origin(), self.feed);
        if found != manifest.digest {
            return Err(Fault::Digest {
                stated: manifest.digest,
                found,
            });
        }
        let ledger = self.chain.ledger.clone();
        let followed = BTreeSet::from([self.feed.clone()]);
        pull.parts(&Lines::resume_needs(&followed, &ledger)).await?;
        let sets = BTreeMap::from([(self.feed.clone(), set)]);
        let lines = Lines::resume(sets, &ledger, &*pull).map_err(Fault::Resume)?;
        let fold = Fold { ledger, lines };
        Ok(progress(self.begun(fold), NewFiles::All(files), Vec::new()))
    }

    /// A first contact that reads every part.
    async fn fold_all(&self, manifest: &Manifest, pull: &mut Pull<'_>) -> Result<Progress, Fault> {
        let leaves = self.leaves(0)?;
        let refused = |index, why| Fault::Leaf { index, why };
        let first = leaves.first().ok_or(refused(0, Refusal::Genesis))?;
        if let Leaf::Genesis(genesis) = Leaf::parse(first).map_err(|e| refused(0, e))? {
            pull.document(&genesis.trust).await?;
        }
        let interest = Interest::Feeds(BTreeSet::from([self.feed.clone()]));
        let mut fold = Fold::begin(first, interest, &*pull).map_err(|e| refused(0, e))?;
        for (index, bytes) in (1..).zip(leaves.iter().skip(1)) {
            self.fold_leaf(&mut fold, index, bytes, pull).await?;
        }
        let set = fold.lines.set(self.feed).cloned();
        let set = set.unwrap_or_else(|| Set::new(self.feed.kind()));
        let file = base_file(self.origin(), self.feed, manifest.serial, &set);
        let file = file.map_err(|why| Fault::File {
            path: paths::manifest(self.feed),
            why,
        })?;
        Ok(progress(
            self.begun(fold),
            NewFiles::All(vec![file]),
            Vec::new(),
        ))
    }

    /// Folds one leaf, with the parts that it needs. Gives the feed's change at a state leaf.
    async fn fold_leaf(
        &self,
        fold: &mut Fold,
        index: u64,
        bytes: &[u8],
        pull: &mut Pull<'_>,
    ) -> Result<Option<Change>, Fault> {
        let refused = |why| Fault::Leaf { index, why };
        let leaf = Leaf::parse(bytes).map_err(refused)?;
        if let Leaf::Trust(trust) = &leaf {
            pull.document(&trust.sha256).await?;
        }
        let needs = fold.lines.needs(&leaf, &fold.ledger);
        pull.parts(&needs).await?;
        let mut changes = fold.apply_leaf(&leaf, &*pull).map_err(refused)?;
        if !needs.is_empty() {
            // A million lines' parts are let go of at once, but for those that a stay keeps.
            pull.forget_but(&self.kept(&fold.ledger));
        }
        Ok(changes.remove(self.feed))
    }

    /// The leaves from one index on, held and new.
    fn leaves(&self, from: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let Some(growth) = self.growth else {
            return Ok(self.disk.leaves(from, self.chain.tree.size())?);
        };
        let mut leaves = self.disk.leaves(from, growth.from)?;
        let skip = usize::try_from(from.saturating_sub(growth.from)).unwrap_or(usize::MAX);
        leaves.extend(growth.leaves.iter().skip(skip).cloned());
        Ok(leaves)
    }

    async fn delta(&self, delta: &DeltaRef, pull: &Pull<'_>) -> Result<(Change, Vec<u8>), Fault> {
        let path = paths::delta(self.feed, &delta.file.packed_sha256);
        let (packed, text) = pull.file(&path, &delta.file).await?;
        let change = feed::delta::decode(&text, self.origin(), self.feed, delta.from, delta.to)
            .map_err(|why| Fault::File {
                path: path.clone(),
                why,
            })?;
        if change.counts() != (delta.added, delta.removed) {
            return Err(Fault::File {
                path,
                why: feed::Error::Contradiction("it counts other entries than the delta has"),
            });
        }
        Ok((change, packed))
    }

    fn begun(&self, fold: Fold) -> Followed {
        let set = fold.lines.set(self.feed);
        let held_back = self.salvaged.zip(set).map(|(held, set)| held.within(set));
        Followed {
            fold,
            serial: 0,
            digest: Hash([0; 32]),
            fresh: 0,
            held_back: held_back.unwrap_or_default(),
        }
    }

    /// The parts that a restart will need without a source.
    async fn stay_parts(&self, pull: &mut Pull<'_>) -> Result<Vec<(Hash, Vec<u8>)>, Fault> {
        let followed = BTreeSet::from([self.feed.clone()]);
        let needed = Lines::resume_needs(&followed, &self.chain.ledger);
        pull.parts(&needed).await?;
        let mut kept = self.chain.documents.clone();
        kept.extend(needed.iter().map(|part| part.sha256));
        Ok(pull.take(&kept))
    }

    fn kept(&self, ledger: &Ledger) -> BTreeSet<Hash> {
        let followed = BTreeSet::from([self.feed.clone()]);
        let mut kept = self.chain.documents.clone();
        let needed = Lines::resume_needs(&followed, ledger);
        kept.extend(needed.iter().map(|part| part.sha256));
        kept
    }
}

/// A snapshot of a set as a file to keep.
pub(super) fn base_file(
    origin: &Origin,
    feed: &FeedName,
    serial: u64,
    set: &Set,
) -> Result<(HeldFile, Vec<u8>), feed::Error> {
    let text = feed::snapshot::encode(origin, feed, serial, set);
    let packed = feed::pack::compress(&text)?;
    let file = HeldFile::new(0, serial, &FileRef::of(&text, &packed));
    Ok((file, packed))
}

fn progress(next: Followed, files: NewFiles, steps: Vec<Step>) -> Progress {
    Progress {
        next,
        files,
        steps,
        parts: Vec::new(),
    }
}

/// Entries before a change that the fold has taken in.
fn entries_before(fold: &Fold, feed: &FeedName, change: &Change) -> u64 {
    let now = fold.lines.set(feed).map_or(0, Set::entries);
    let (added, removed) = change.counts();
    (now + removed).saturating_sub(added)
}
