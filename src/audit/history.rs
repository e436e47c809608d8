//! The fold over every leaf from the first on, each entry held against the tree.

use super::{
    Finding, Progress, Watch,
    files::{Basket, Files, Page},
    timeline::Timeline,
    tree::runs,
};
use crate::{
    decision::{Action, Body, Continues, DecisionLeaf, Fold, Interest, Leaf, MAX_PART, TextRef},
    entries::{Change, FeedName},
    feed::paths,
    tlog::{Hash, Tree, leaf_hash},
    trust::Document,
};
use std::collections::{BTreeMap, BTreeSet};

/// The state after the last leaf, and what was counted on the way.
pub(super) struct History {
    pub(super) fold: Fold,
    pub(super) timeline: Timeline,
    /// Trust documents with the leaf that puts each in force.
    pub(super) trusts: Vec<(u64, Document)>,
    pub(super) continues: Option<Continues>,
    pub(super) tally: Tally,
}

/// Counts.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) first_time: u64,
    pub(super) actions: BTreeMap<&'static str, u64>,
    pub(super) bulk: u64,
    pub(super) overrides: u64,
    pub(super) approvals: BTreeMap<String, u64>,
    pub(super) parts: u64,
    pub(super) texts: BTreeSet<Hash>,
    pub(super) erased: BTreeSet<Hash>,
}

/// Folds all entries of the tree.
pub(super) async fn fold(
    files: &Files,
    tree: &Tree,
    timeline: Timeline,
    watch: Watch<'_>,
) -> Result<History, Finding> {
    let mut timeline = Some(timeline);
    let mut history: Option<History> = None;
    let mut index = 0;
    for (bundle, width) in runs(tree.size()) {
        let (path, entries) = files.bundle(bundle, width).await?;
        for entry in entries {
            if tree.leaf(index) != Some(leaf_hash(&entry)) {
                let why = "this entry isn't the one whose hash is in the tree";
                return Err(Finding {
                    leaf: Some(index),
                    ..Finding::file("bundle", path, why)
                });
            }
            match &mut history {
                Some(history) => drop(history.add(files, index, &entry).await?),
                None => {
                    let timeline = timeline.take().unwrap_or_default();
                    history = Some(History::begin(files, &entry, timeline).await?);
                }
            }
            index += 1;
            watch(Progress::Leaves {
                done: index,
                of: tree.size(),
            });
        }
    }
    let history = history.ok_or_else(|| Finding::head("checkpoint", "the log is empty"))?;
    if !history.fold.ledger.is_closed() {
        let why = "the checkpoint ends at a leaf that isn't a state leaf, so that no commit is closed there";
        return Err(Finding::leaf("not_closed", tree.size() - 1, why));
    }
    Ok(history)
}

impl History {
    /// The trust document in force for a log of this size.
    pub(super) fn trust_at(&self, size: u64) -> &Document {
        let in_force = self.trusts.iter().rev().find(|(leaf, _)| *leaf < size);
        in_force.map_or(self.fold.ledger.trust(), |(_, document)| document)
    }

    pub(super) async fn begin(
        files: &Files,
        entry: &[u8],
        timeline: Timeline,
    ) -> Result<Self, Finding> {
        let refused = |e| Finding::refused(0, &e);
        let leaf = Leaf::parse(entry).map_err(refused)?;
        let (trust, continues) = match &leaf {
            Leaf::Genesis(genesis) => (vec![genesis.trust], genesis.continues.clone()),
            _ => (Vec::new(), None),
        };
        let parts = files.parts(trust).await?;
        let fold = Fold::begin(entry, Interest::All, &parts).map_err(refused)?;
        Ok(Self {
            trusts: vec![(0, fold.ledger.trust().clone())],
            continues,
            fold,
            timeline,
            tally: Tally {
                first_time: leaf.time(),
                ..Tally::default()
            },
        })
    }

    /// Gives the changes of the feeds that a state leaf closes.
    pub(super) async fn add(
        &mut self,
        files: &Files,
        index: u64,
        entry: &[u8],
    ) -> Result<BTreeMap<FeedName, Change>, Finding> {
        let refused = |e| Finding::refused(index, &e);
        let leaf = Leaf::parse(entry).map_err(refused)?;
        let parts = self.parts_of(files, &leaf).await?;
        let changes = self.fold.apply_leaf(&leaf, &parts).map_err(refused)?;
        match &leaf {
            Leaf::Decision(decision) => {
                self.tally.count(decision);
                self.texts_of(files, index, &decision.body).await?;
            }
            Leaf::Trust(_) => {
                let document = self.fold.ledger.trust().clone();
                self.trusts.push((index, document));
            }
            Leaf::State(_) => self.advance(&changes),
            Leaf::Genesis(_) | Leaf::Expire(_) => {}
        }
        Ok(changes)
    }

    async fn parts_of(&mut self, files: &Files, leaf: &Leaf) -> Result<Basket, Finding> {
        let needs = match leaf {
            Leaf::Trust(trust) => vec![trust.sha256],
            _ => {
                let needs = self.fold.lines.needs(leaf, &self.fold.ledger);
                needs.into_iter().map(|part| part.sha256).collect()
            }
        };
        self.tally.parts += needs.len() as u64;
        files.parts(needs).await
    }

    /// Moves the feeds' tracks at a state leaf.
    fn advance(&mut self, changes: &BTreeMap<FeedName, Change>) {
        let Fold { ledger, lines } = &self.fold;
        let nothing = Change::default();
        for (feed, state) in ledger.feeds() {
            let Some(set) = lines.set(feed).filter(|_| state.serial == ledger.size()) else {
                continue;
            };
            let change = changes.get(feed).unwrap_or(&nothing);
            self.timeline
                .advance(ledger.origin(), feed, state.serial, change, set);
        }
    }

    /// Reads the texts of a decision. One that is there must be the one that was signed; one that
    /// is gone was erased, as the law on personal data may ask, and is counted.
    async fn texts_of(&mut self, files: &Files, index: u64, body: &Body) -> Result<(), Finding> {
        for text in body.texts() {
            let TextRef { sha256, length } = text;
            if self.tally.texts.contains(&sha256) || self.tally.erased.contains(&sha256) {
                continue;
            }
            let path = paths::part(&sha256);
            match files.page(&path, MAX_PART).await? {
                Page::There(bytes)
                    if bytes.len() as u64 == length && Hash::of(&bytes) == sha256 =>
                {
                    self.tally.texts.insert(sha256);
                }
                Page::There(_) => {
                    let why = "this text isn't the one that the officers signed";
                    return Err(Finding {
                        leaf: Some(index),
                        ..Finding::file("text", path, why)
                    });
                }
                Page::Missing | Page::Denied => drop(self.tally.erased.insert(sha256)),
            }
        }
        Ok(())
    }
}

impl Tally {
    fn count(&mut self, leaf: &DecisionLeaf) {
        let action = match leaf.body.action() {
            Action::List => "list",
            Action::Amend => "amend",
            Action::Revoke => "revoke",
            Action::Stay => "stay",
        };
        *self.actions.entry(action).or_default() += 1;
        for approval in &leaf.approvals {
            *self
                .approvals
                .entry(approval.officer.to_string())
                .or_default() += 1;
        }
        if let Body::List(list) = &leaf.body {
            self.bulk += u64::from(list.bulk);
            self.overrides += list.guard.overrides.len() as u64;
        }
    }
}
