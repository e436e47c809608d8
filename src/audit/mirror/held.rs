//! The log as far as the mirror has folded it, and how it grows by what a source offers.

use super::{Mirror, keep, past::Past};
use crate::{
    audit::{
        Finding, feeds::open_checkpoint, files::Files, heads::Heads, history::History,
        timeline::Timeline,
    },
    decision::{Leaf, MAX_PART},
    entries::{Change, FeedName},
    feed::paths,
    fetch::{self, Source},
    tlog::{Hash, TILE_WIDTH, Tree, leaf_hash},
};
use std::collections::{BTreeMap, BTreeSet};

/// The folded log.
pub(super) struct Held {
    pub(super) tree: Tree,
    pub(super) history: History,
    /// The entries of the bundles that aren't written yet, and of the last one, which may grow.
    pub(super) bundles: BTreeMap<u64, Vec<Vec<u8>>>,
    /// The ways back to the serials that manifests may ask for.
    pub(super) past: BTreeMap<FeedName, Past>,
}

/// What is held afterwards, and what there is to say of the source.
type Grown = (Option<Held>, Result<(), Finding>);

impl Held {
    /// Begins with everything that a source has.
    pub(super) async fn begin(
        mirror: &Mirror,
        source: &Source,
        files: &Files,
        heads: &Heads,
    ) -> Grown {
        match Self::first(mirror, source, files, heads).await {
            Ok(held) => held.grow(mirror, source, files, heads).await,
            Err(finding) => (None, Err(finding)),
        }
    }

    async fn first(
        mirror: &Mirror,
        source: &Source,
        files: &Files,
        heads: &Heads,
    ) -> Result<Self, Finding> {
        let width = TILE_WIDTH.min(heads.checkpoint.size.min(256) as u16);
        let (_, mut entries) = files.bundle(0, width).await?;
        entries.truncate(1);
        let genesis = entries.pop().unwrap_or_default();
        let mut tree = Tree::new();
        tree.push(leaf_hash(&genesis));
        crate::audit::check_history(&tree, &mirror.config.pin())?;
        let leaf = Leaf::parse(&genesis).map_err(|e| Finding::refused(0, &e))?;
        bring(mirror, source, &leaf).await?;
        let history = History::begin(files, &genesis, Timeline::default()).await?;
        Ok(Self {
            tree,
            history,
            bundles: BTreeMap::from([(0, vec![genesis])]),
            past: BTreeMap::new(),
        })
    }

    /// Grows to a source's checkpoint. Where the source lies before the fold was touched, all that
    /// was held stays; where it does later, what is held has to be folded again.
    pub(super) async fn grow(
        mut self,
        mirror: &Mirror,
        source: &Source,
        files: &Files,
        heads: &Heads,
    ) -> Grown {
        let size = self.tree.size();
        let leaves = match self.offered(files, heads).await {
            Ok(leaves) => leaves,
            Err(finding) => return (Some(self).filter(|_| size > 1), Err(finding)),
        };
        for (index, entry) in (size..).zip(leaves) {
            if let Err(finding) = self.add(mirror, source, files, index, entry).await {
                return (None, Err(finding));
            }
        }
        let trust = self.history.fold.ledger.trust();
        let opened = open_checkpoint(paths::CHECKPOINT, &heads.note, trust);
        match opened {
            Ok(_) => (Some(self), Ok(())),
            Err(finding) if self.tree.size() == size => (Some(self), Err(finding)),
            Err(finding) => (None, Err(finding)),
        }
    }

    /// The new leaves of a source, held against its checkpoint; the checkpoint against what is held.
    async fn offered(&self, files: &Files, heads: &Heads) -> Result<Vec<Vec<u8>>, Finding> {
        let (held, offered) = (self.tree.size(), heads.checkpoint.size);
        let forked = || {
            let why = "it shows another history than the one that is mirrored: the log's key signed two, or this \
                       source is another log";
            Finding::head("two_histories", why)
        };
        if offered < held {
            if self.tree.root_at(offered) != Some(heads.checkpoint.root) {
                return Err(forked());
            }
            let why = format!("it shows {offered} leaves, {held} are mirrored: it is passed over");
            return Err(Finding::head("older", why));
        }
        let wide = u64::from(TILE_WIDTH);
        let (mut tree, mut leaves) = (self.tree.clone(), Vec::new());
        for index in held / wide..offered.div_ceil(wide) {
            let width = (offered - index * wide).min(wide) as u16;
            if index * wide + u64::from(width) <= held {
                continue;
            }
            let (_, entries) = files.bundle(index, width).await?;
            for (at, entry) in (index * wide..).zip(entries) {
                let hash = leaf_hash(&entry);
                match self.tree.leaf(at) {
                    Some(known) if known != hash => return Err(forked()),
                    Some(_) => {}
                    None => {
                        tree.push(hash);
                        leaves.push(entry);
                    }
                }
            }
        }
        if tree.root() != heads.checkpoint.root {
            let why = "its leaves don't make the root that its checkpoint says";
            return Err(Finding::head("root", why));
        }
        // Before anything is folded, unless a new trust document among them names the key.
        let is_trust = |leaf: &Vec<u8>| matches!(Leaf::parse(leaf), Ok(Leaf::Trust(_)));
        if held > 1 && !leaves.iter().any(is_trust) {
            open_checkpoint(
                paths::CHECKPOINT,
                &heads.note,
                self.history.fold.ledger.trust(),
            )?;
        }
        Ok(leaves)
    }

    async fn add(
        &mut self,
        mirror: &Mirror,
        source: &Source,
        files: &Files,
        index: u64,
        entry: Vec<u8>,
    ) -> Result<(), Finding> {
        let leaf = Leaf::parse(&entry).map_err(|e| Finding::refused(index, &e))?;
        bring(mirror, source, &leaf).await?;
        let stood = self.serials();
        let changes = self.history.add(files, index, &entry).await?;
        self.tree.push(leaf_hash(&entry));
        let bundle = index / u64::from(TILE_WIDTH);
        self.bundles.entry(bundle).or_default().push(entry);
        if let Leaf::State(_) = leaf {
            self.remember(mirror, &stood, changes);
        }
        Ok(())
    }

    /// Lets go of what was written, and of serials that no manifest leads from any more.
    pub(super) fn forget(&mut self, bounds: &BTreeMap<FeedName, BTreeSet<u64>>) {
        while self.bundles.len() > 1 {
            self.bundles.pop_first();
        }
        for (feed, past) in &mut self.past {
            if let Some(bounds) = bounds.get(feed) {
                past.forget(feed.kind(), bounds);
            }
        }
    }

    /// Where each feed stands.
    fn serials(&self) -> BTreeMap<FeedName, u64> {
        let feeds = self.history.fold.ledger.feeds().iter();
        feeds
            .map(|(feed, state)| (feed.clone(), state.serial))
            .collect()
    }

    /// Keeps the changes of feeds that a manifest leads through, from its oldest serial on.
    fn remember(
        &mut self,
        mirror: &Mirror,
        stood: &BTreeMap<FeedName, u64>,
        changes: BTreeMap<FeedName, Change>,
    ) {
        let stands = self.serials();
        for (feed, change) in changes {
            let oldest = mirror.bounds.get(&feed).and_then(BTreeSet::first);
            if let (Some(from), Some(to), Some(oldest)) =
                (stood.get(&feed), stands.get(&feed), oldest)
                && from >= oldest
                && from < to
            {
                self.past
                    .entry(feed)
                    .or_default()
                    .advance(*from, *to, change);
            }
        }
    }
}

/// Brings every part that a leaf names into the folder. A text that isn't there was erased.
async fn bring(mirror: &Mirror, source: &Source, leaf: &Leaf) -> Result<(), Finding> {
    let (parts, texts): (Vec<Hash>, Vec<Hash>) = match leaf {
        Leaf::Genesis(leaf) => (vec![leaf.trust], Vec::new()),
        Leaf::Trust(leaf) => (vec![leaf.sha256], Vec::new()),
        Leaf::Decision(leaf) => (
            leaf.body.parts().iter().map(|part| part.sha256).collect(),
            leaf.body.texts().iter().map(|text| text.sha256).collect(),
        ),
        Leaf::Expire(_) | Leaf::State(_) => return Ok(()),
    };
    for (sha256, is_text) in parts
        .into_iter()
        .map(|part| (part, false))
        .chain(texts.into_iter().map(|text| (text, true)))
    {
        let path = paths::part(&sha256);
        if keep::is_there(&mirror.config.to, &path, &sha256) {
            continue;
        }
        match source.read(&path, MAX_PART).await {
            Ok(bytes) if Hash::of(&bytes) == sha256 => {
                keep::part(&mirror.config.to, &path, &bytes)?
            }
            Ok(_) => {
                let why = "its bytes have another SHA-256 than its name says";
                return Err(Finding::file("part", path, why));
            }
            Err(fetch::Error::NotFound { .. } | fetch::Error::Gone { .. }) if is_text => {}
            Err(e) => return Err(Finding::unread(&path, &e)),
        }
    }
    Ok(())
}
