//! Feeds: each manifest held against the log, each file that it lists against the decisions.

use super::{
    Finding, Progress, Watch,
    files::{Files, Page},
    heads::Heads,
    history::History,
    report::{FeedReport, FilesReport},
    timeline::{Text, Track},
};
use crate::{
    entries::FeedName,
    feed::{Checked, DeltaRef, FileRef, Manifest, paths},
    tlog::{self, Opened, Tree, VerifierKey},
    trust::Document,
};
use std::collections::BTreeMap;

/// Audits every feed of the last state leaf.
pub(super) async fn audit(
    files: &Files,
    heads: &Heads,
    tree: &Tree,
    history: &History,
    watch: Watch<'_>,
) -> Result<BTreeMap<FeedName, FeedReport>, Finding> {
    let feeds = history.fold.ledger.feeds();
    let mut reports = BTreeMap::new();
    for (done, (name, state)) in feeds.iter().enumerate() {
        watch(Progress::Feed {
            name: name.to_string(),
            done: done as u64,
            of: feeds.len() as u64,
        });
        let feed = Feed {
            name,
            path: paths::manifest(name),
            history,
        };
        let report = FeedReport {
            serial: state.serial,
            digest: state.digest.to_string(),
            entries: state.entries,
            files: feed.audit(files, heads, tree).await?,
        };
        reports.insert(name.clone(), report);
    }
    Ok(reports)
}

/// Opens a checkpoint with the log's keys, the witnesses and the quorum of a trust document.
pub(super) fn open_checkpoint(
    file: &str,
    note: &[u8],
    trust: &Document,
) -> Result<Opened, Finding> {
    let witnesses = trust
        .witnesses
        .keys
        .iter()
        .map(|key| key.parse::<VerifierKey>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Finding::file("trust", file, format!("the trust document's witness {e}")))?;
    tlog::open_checkpoint(
        note,
        trust.origin.as_str(),
        &trust.log_keys(),
        &witnesses,
        trust.witnesses.quorum,
    )
    .map_err(|e| Finding::checkpoint(file, &e))
}

pub(super) struct Feed<'a> {
    pub(super) name: &'a FeedName,
    /// Of the manifest.
    pub(super) path: String,
    pub(super) history: &'a History,
}

impl Feed<'_> {
    async fn audit(
        &self,
        files: &Files,
        heads: &Heads,
        tree: &Tree,
    ) -> Result<Option<FilesReport>, Finding> {
        let bytes = match heads.manifests.get(self.name) {
            Some(Page::There(bytes)) => bytes,
            // Sellers and accounts go to entitled readers; the digest was reckoned all the same.
            Some(Page::Denied) if self.name.platform().is_some() => return Ok(None),
            Some(Page::Denied) => {
                let why = "the source withholds it: give a token that may read this feed";
                return Err(Finding::file("denied", &self.path, why));
            }
            Some(Page::Missing) | None => {
                let why = "the log has this feed, but no manifest of it is published";
                return Err(Finding::file("missing", &self.path, why));
            }
        };
        let (manifest, size) = self.manifest(bytes, heads, tree)?;
        let track = self.history.timeline.tracks.get(self.name);
        let track = track.ok_or_else(|| self.wrong("manifest", "the feed has no history"))?;
        let mut packed = self.snapshot(files, &manifest, track).await?;
        for delta in &manifest.deltas {
            packed += self.delta(files, delta, track).await?;
        }
        Ok(Some(FilesReport {
            manifest_time: manifest.time,
            checkpoint_size: size,
            snapshot_serial: manifest.snapshot_serial,
            deltas: manifest.deltas.len() as u64,
            packed_bytes: packed,
        }))
    }

    /// Opens the manifest and holds it against the log: signature, feed, session, serial, the
    /// state leaf and its place, the checkpoint that it carries. Gives that one's size back.
    pub(super) fn manifest(
        &self,
        bytes: &[u8],
        heads: &Heads,
        tree: &Tree,
    ) -> Result<(Manifest, u64), Finding> {
        let ledger = &self.history.fold.ledger;
        // Signed anew each minute, so that only a key in force signs it: in force now or, where
        // that just changed, when the manifests were read.
        let open = |trust: &Document| Manifest::open(bytes, ledger.origin(), &trust.feed_keys());
        let manifest = open(ledger.trust())
            .or_else(|e| open(self.history.trust_at(heads.first)).map_err(|_| e))
            .map_err(|e| Finding::manifest(&self.path, &e))?;
        if manifest.feed != *self.name {
            let why = format!("it is the manifest of {}", manifest.feed);
            return Err(self.wrong("manifest", why));
        }
        if manifest.session != ledger.session() {
            let (says, is) = (&manifest.session, ledger.session());
            let why = format!("it says session {says}, this history's is {is}");
            return Err(self.wrong("session", why));
        }
        let Checked { checkpoint, .. } = manifest
            .check()
            .map_err(|e| Finding::manifest(&self.path, &e))?;
        let size = checkpoint.size;
        if size > tree.size() {
            let of = tree.size();
            let why =
                format!("it stands on a checkpoint of {size} leaves, where the log shows {of}");
            return Err(self.wrong("manifest_ahead", why));
        }
        if tree.root_at(size) != Some(checkpoint.root) {
            let why = format!(
                "its checkpoint of {size} leaves has another root than this log: the publisher signed two histories"
            );
            return Err(self.wrong("two_histories", why));
        }
        open_checkpoint(
            &self.path,
            &manifest.checkpoint,
            self.history.trust_at(size),
        )?;
        let due = heads.due.get(self.name).copied().unwrap_or_default();
        if manifest.serial < due {
            let says = manifest.serial;
            let why = format!(
                "it says serial {says} and the log had {due} before it was read: what came since is withheld"
            );
            return Err(self.wrong("manifest_behind", why));
        }
        Ok((manifest, size))
    }

    /// Returns the bytes read.
    async fn snapshot(
        &self,
        files: &Files,
        manifest: &Manifest,
        track: &Track,
    ) -> Result<u64, Finding> {
        let serial = manifest.snapshot_serial;
        let expected = track.snapshots.get(&serial).ok_or_else(|| {
            let why = format!("it lists a snapshot at {serial}, where the feed never stood");
            self.wrong("snapshot", why)
        })?;
        if !is(&manifest.snapshot, expected) {
            let why =
                format!("its snapshot at {serial} isn't the set that the decisions give there");
            return Err(self.wrong("snapshot", why));
        }
        let path = paths::snapshot(self.name, &manifest.snapshot.packed_sha256);
        self.file(files, path, &manifest.snapshot).await
    }

    /// Returns the bytes read.
    async fn delta(&self, files: &Files, delta: &DeltaRef, track: &Track) -> Result<u64, Finding> {
        let DeltaRef { from, to, .. } = *delta;
        let what = format!("the delta from {from} to {to}");
        let expected = track.steps.get(&(from, to)).ok_or_else(|| {
            let stood = |serial| track.serials.contains(&serial);
            let serial = if stood(from) { to } else { from };
            let why = format!("it lists {what}, but the feed never stood at {serial}");
            self.wrong("delta", why)
        })?;
        if !is(&delta.file, &expected.text) {
            let why = format!("{what} isn't the change that the decisions give between these");
            return Err(self.wrong("delta", why));
        }
        if (delta.added, delta.removed) != expected.counts {
            let (added, removed) = expected.counts;
            let why = format!(
                "{what} is counted +{} -{}, the decisions give +{added} -{removed}",
                delta.added, delta.removed
            );
            return Err(self.wrong("delta_counts", why));
        }
        if expected.is_empty {
            let why = format!("{what} changes nothing; such a delta is never published");
            return Err(self.wrong("delta_empty", why));
        }
        let path = paths::delta(self.name, &delta.file.packed_sha256);
        self.file(files, path, &delta.file).await
    }

    /// Reads a file and holds it against what the manifest says, whose text is the decisions'.
    async fn file(&self, files: &Files, path: String, said: &FileRef) -> Result<u64, Finding> {
        let packed = files.read(&path, said.packed_length).await?;
        said.open(&packed)
            .map_err(|e| Finding::file("feed_file", &path, e))?;
        Ok(packed.len() as u64)
    }

    pub(super) fn wrong(&self, code: &'static str, why: impl std::fmt::Display) -> Finding {
        Finding::file(code, &self.path, why)
    }
}

fn is(file: &FileRef, text: &Text) -> bool {
    (file.length, file.sha256) == (text.length, text.sha256)
}
