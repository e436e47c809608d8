//! The sequencer's books: tree, fold and shelves, opened from the store by replaying it.

use super::{
    Config, Error,
    compaction::Generations,
    current::{Current, FeedView},
    shelf::{self, Shelf},
};
use crate::{
    decision::{Fold, Interest, Leaf, PartError, Parts},
    entries::{Change, FeedName, Index},
    feed::paths,
    store::{Durability, Head, HighWater, Store, files::Batch},
    tlog::{self, Hash, Note, Tree},
};
use std::{collections::BTreeMap, path::Path};

const SHELVES: &str = "shelves";

/// Everything that the sequencer alone changes.
pub(super) struct Books {
    pub(super) tree: Tree,
    pub(super) fold: Fold,
    pub(super) shelves: BTreeMap<FeedName, Shelf>,
    indexes: BTreeMap<FeedName, Index>,
    pub(super) generations: Generations,
}

/// Parts as the store holds them.
pub(super) struct StoreParts<'a>(pub(super) &'a Store);

impl Parts for StoreParts<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        match self.0.part(&sha256.0) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(PartError::Missing),
            Err(e) => Err(PartError::Unreadable(e.to_string())),
        }
    }
}

impl Books {
    /// Replays the store. Deltas of commits that a crash kept from being published are written
    /// on the way, into `out`.
    pub(super) fn open(store: &Store, config: &Config, out: &mut Batch) -> Result<Self, Error> {
        let head = store
            .head()?
            .ok_or_else(|| Error::Empty(config.data.display().to_string()))?;
        let parts = StoreParts(store);
        let genesis = store.leaf(0)?.ok_or(Error::Missing(0))?;
        let fold = Fold::begin(&genesis, Interest::All, &parts)
            .map_err(|why| Error::Leaf { index: 0, why })?;
        let mut books = Self {
            tree: Tree::new(),
            fold,
            shelves: BTreeMap::new(),
            indexes: BTreeMap::new(),
            generations: Generations::default(),
        };
        let saved = load_shelves(store, &config.public())?;
        books.tree.push(tlog::leaf_hash(&genesis));
        for leaf in store.leaves(1, head.size)? {
            let (index, bytes) = leaf?;
            let applied = books
                .fold
                .apply(&bytes, &parts)
                .map_err(|why| Error::Leaf { index, why })?;
            books.tree.push(tlog::leaf_hash(&bytes));
            if let Leaf::State(state) = &applied.leaf {
                books.generations.absorb(state, index + 1, &applied.changes);
                books.shelve(&saved, index + 1, &applied.changes, out)?;
            }
        }
        if books.tree.root().0 != head.root || !books.fold.ledger.is_closed() {
            return Err(Error::Root);
        }
        books.complete_shelves(&saved, out)?;
        let feeds: Vec<FeedName> = books.fold.ledger.feeds().keys().cloned().collect();
        feeds.iter().for_each(|feed| books.index(feed, None));
        Ok(books)
    }

    /// Keeps a feed's index beside its set: by the change that the set has taken, else anew.
    fn index(&mut self, feed: &FeedName, change: Option<&Change>) {
        let Some(set) = self.fold.lines.set(feed) else {
            return;
        };
        match (self.indexes.get_mut(feed), change) {
            (Some(index), Some(change)) => index.apply(set, change),
            _ => _ = self.indexes.insert(feed.clone(), Index::new(set)),
        }
    }

    /// The head that the store should show.
    pub(super) fn head(&self) -> Head {
        Head {
            size: self.tree.size(),
            root: self.tree.root().0,
        }
    }

    /// Adds a commit's changes to the shelves, in their files and in the store's index.
    pub(super) fn publish_changes(
        &mut self,
        store: &Store,
        public: &Path,
        changes: &BTreeMap<FeedName, Change>,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let origin = self.fold.ledger.origin().clone();
        let size = self.tree.size();
        for (feed, change) in changes {
            self.index(feed, Some(change));
            match self.shelves.get_mut(feed) {
                Some(shelf) => {
                    shelf.push(&origin, feed, size, change, out)?;
                    shelf.tidy(&origin, feed, public, out)?;
                }
                None => self.begin_shelf(feed, out)?,
            }
            self.save_shelf(store, feed)?;
        }
        Ok(())
    }

    /// Writes a shelf to the store's index. Not synced: a restart that finds an older one writes
    /// the later steps again.
    pub(super) fn save_shelf(&self, store: &Store, feed: &FeedName) -> Result<(), Error> {
        if let Some(shelf) = self.shelves.get(feed) {
            let bytes =
                serde_json::to_vec(shelf).map_err(|e| crate::feed::Error::Pack(e.to_string()))?;
            store.put(
                SHELVES,
                feed.as_str().as_bytes(),
                &bytes,
                Durability::Buffered,
            )?;
        }
        Ok(())
    }

    /// The published view, with these manifests.
    pub(super) fn current(
        &self,
        checkpoint: &[u8],
        manifests: BTreeMap<FeedName, (Vec<u8>, u64)>,
    ) -> Current {
        let ledger = &self.fold.ledger;
        let view = |(feed, (manifest, signed)): (FeedName, (Vec<u8>, u64))| {
            let state = *ledger.feeds().get(&feed)?;
            let set = self.fold.lines.set(&feed)?.clone();
            let index = self.indexes.get(&feed)?.clone();
            Some((
                feed,
                FeedView {
                    state,
                    set,
                    index,
                    manifest: manifest.into(),
                    signed,
                },
            ))
        };
        Current {
            size: self.tree.size(),
            time: ledger.time(),
            checkpoint: checkpoint.into(),
            feeds: manifests.into_iter().filter_map(view).collect(),
        }
    }

    /// During the replay: takes up a saved shelf at its serial, then adds the steps after it.
    fn shelve(
        &mut self,
        saved: &BTreeMap<FeedName, Shelf>,
        size: u64,
        changes: &BTreeMap<FeedName, Change>,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let origin = self.fold.ledger.origin().clone();
        for (feed, change) in changes {
            if let Some(shelf) = self.shelves.get_mut(feed) {
                shelf.push(&origin, feed, size, change, out)?;
            }
        }
        for (feed, shelf) in saved.iter().filter(|(_, shelf)| shelf.serial == size) {
            self.shelves.insert(feed.clone(), shelf.clone());
        }
        Ok(())
    }

    /// After the replay: a feed whose saved shelf isn't of this history, or has lost a file,
    /// begins anew with a snapshot of the present.
    fn complete_shelves(
        &mut self,
        saved: &BTreeMap<FeedName, Shelf>,
        out: &mut Batch,
    ) -> Result<(), Error> {
        let feeds: Vec<FeedName> = self.fold.ledger.feeds().keys().cloned().collect();
        for feed in feeds {
            let serial = self.fold.ledger.feeds().get(&feed).map(|s| s.serial);
            if self.shelves.get(&feed).map(|s| s.serial) != serial {
                if saved.contains_key(&feed) {
                    tracing::warn!(%feed, "the feed's saved files don't fit the log; it begins with a new snapshot");
                }
                self.begin_shelf(&feed, out)?;
            }
        }
        Ok(())
    }

    fn begin_shelf(&mut self, feed: &FeedName, out: &mut Batch) -> Result<(), Error> {
        let ledger = &self.fold.ledger;
        if let (Some(state), Some(set)) = (ledger.feeds().get(feed), self.fold.lines.set(feed)) {
            let shelf = Shelf::begin(ledger.origin(), feed, state.serial, set, out)?;
            self.shelves.insert(feed.clone(), shelf);
        }
        Ok(())
    }

    /// What a background cut needs, if one is due.
    pub(super) fn wanted_cut(&self) -> Option<(FeedName, u64, crate::entries::Set)> {
        let (feed, shelf) = self.shelves.iter().find(|(_, shelf)| shelf.wants_cut())?;
        Some((
            feed.clone(),
            shelf.serial,
            self.fold.lines.set(feed)?.clone(),
        ))
    }

    /// Lists a snapshot that was cut aside.
    pub(super) fn install(&mut self, store: &Store, cut: &shelf::Cut) -> Result<(), Error> {
        if let Some(shelf) = self.shelves.get_mut(&cut.feed) {
            shelf.install(cut);
        }
        self.save_shelf(store, &cut.feed)
    }
}

/// Refuses a store that is older than what was promised outside, or of another history.
pub(super) fn check_marks(books: &Books, mark: &HighWater, config: &Config) -> Result<(), Error> {
    if let Some(mark) = mark.read()? {
        agree(books, mark.size, Hash(mark.root), "the high-water mark")?;
    }
    let path = config.public().join(paths::CHECKPOINT);
    let Ok(bytes) = std::fs::read(&path) else {
        return Ok(());
    };
    let note = Note::parse(&bytes, tlog::MAX_CHECKPOINT)?;
    let checkpoint = tlog::Checkpoint::parse(&note.text)?;
    agree(
        books,
        checkpoint.size,
        checkpoint.root,
        "the published checkpoint",
    )
}

/// The size up to which the log was published.
pub(super) fn published_size(config: &Config) -> u64 {
    let read = || {
        let bytes = std::fs::read(config.public().join(paths::CHECKPOINT)).ok()?;
        let note = Note::parse(&bytes, tlog::MAX_CHECKPOINT).ok()?;
        Some(tlog::Checkpoint::parse(&note.text).ok()?.size)
    };
    read().unwrap_or(0)
}

fn agree(books: &Books, size: u64, root: Hash, what: &'static str) -> Result<(), Error> {
    if size > books.tree.size() {
        return Err(Error::Behind {
            store: books.tree.size(),
            mark: size,
            what,
        });
    }
    if books.tree.root_at(size) != Some(root) {
        return Err(Error::Forked { what, size });
    }
    Ok(())
}

fn load_shelves(store: &Store, public: &Path) -> Result<BTreeMap<FeedName, Shelf>, Error> {
    let mut shelves = BTreeMap::new();
    for row in store.scan(SHELVES, b"")? {
        let (key, value) = row?;
        let feed = std::str::from_utf8(&key)
            .ok()
            .and_then(|text| FeedName::parse(text).ok());
        let shelf = serde_json::from_slice::<Shelf>(&value).ok();
        if let (Some(feed), Some(shelf)) = (feed, shelf)
            && shelf.is_whole(&feed, public)
        {
            shelves.insert(feed, shelf);
        }
    }
    Ok(shelves)
}
