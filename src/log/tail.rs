//! The lost tail, taken up again from what was published (design: The log, "Commit": "a head
//! behind the high-water mark, the published checkpoint or a witness is re-ingested from what was
//! published, or the start is refused with the sentence that says what to do").
//!
//! Nothing is believed for where it comes from: the leaves have to continue those that are held,
//! their tree has to have the root that the log's own key (and the witnesses' quorum) signed, and
//! the fold judges every leaf and part as it would a new one. They enter the store in one synced
//! write: a crash before it leaves the store as it was, and parts that nothing names.

use super::{Config, Error, state::StoreParts};
use crate::{
    canon::DecisionId,
    decision::{Body, Fold, Interest, Leaf, MAX_PART, MeasureName},
    feed::paths,
    fetch::{self, Source},
    store::{Head, HighWater, Store},
    tlog::{
        self, Hash, Level, MAX_BUNDLE, MAX_CHECKPOINT, Note, TILE_WIDTH, TileId, Tree, VerifierKey,
    },
};
use serde::Serialize;

/// What was taken up.
#[derive(Debug, Clone, Serialize)]
pub struct Caught {
    /// Size of the log before, and now.
    pub from: u64,
    pub to: u64,
    /// What the source shows; smaller than `to` where it lags.
    pub offered: u64,
    /// Decisions that came back.
    pub decisions: Vec<DecisionId>,
    /// Those of them that list sellers or accounts: what their commitments stand for was never
    /// published, so that it has to be entered again.
    pub without_openings: Vec<DecisionId>,
}

/// A log that is open for catching up.
struct Held {
    store: Store,
    tree: Tree,
    fold: Fold,
}

/// The size that this machine itself has promised: by the high-water mark and by the published
/// checkpoint. None where the store holds as much.
pub fn lost(config: &Config) -> Result<Option<u64>, Error> {
    let mark = match config.high_water().exists() {
        true => HighWater::open(&config.high_water())?.read()?,
        false => None,
    };
    let promised = mark
        .map_or(0, |mark| mark.size)
        .max(super::state::published_size(config));
    Ok(Some(promised).filter(|size| *size > size_of(config).unwrap_or(0)))
}

/// The size of the log in the store; none where there is no log.
pub fn size_of(config: &Config) -> Result<u64, Error> {
    if !config.db().exists() {
        return Err(Error::Empty(config.data.display().to_string()));
    }
    let head = Store::open(&config.db())?.head()?;
    head.map(|head| head.size)
        .ok_or_else(|| Error::Empty(config.data.display().to_string()))
}

/// The size that a source's checkpoint states; nothing is verified yet.
pub async fn offered(source: &Source) -> Result<u64, Error> {
    let (_, checkpoint) = checkpoint(source).await?;
    Ok(checkpoint.size)
}

/// Folds the whole log in the store, and writes the high-water mark to its head: a log that was
/// put back is what it was, or isn't served.
pub fn seal(config: &Config) -> Result<Head, Error> {
    let held = Held::open(config)?;
    let head = held.head();
    HighWater::open(&config.high_water())?.write(&head)?;
    Ok(head)
}

/// Takes up whatever a source has published beyond the store's head. `watch` is told leaves done
/// and in all.
pub async fn catch_up(
    config: &Config,
    source: &Source,
    watch: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Caught, Error> {
    let (note, checkpoint) = checkpoint(source).await?;
    let mut held = Held::open(config)?;
    let before = held.head();
    let mut caught = Caught {
        from: before.size,
        to: before.size,
        offered: checkpoint.size,
        decisions: Vec::new(),
        without_openings: Vec::new(),
    };
    if checkpoint.size <= before.size {
        held.opened(source, &note)?;
        if held.tree.root_at(checkpoint.size) != Some(checkpoint.root) {
            return Err(forked(source, checkpoint.size));
        }
        return Ok(caught);
    }
    let leaves = leaves(source, &held, checkpoint.size).await?;
    for leaf in &leaves {
        held.tree.push(tlog::leaf_hash(leaf));
    }
    if held.tree.root() != checkpoint.root {
        return Err(forked(source, before.size));
    }
    for (index, bytes) in (before.size..).zip(&leaves) {
        let leaf = Leaf::parse(bytes).map_err(|why| refused(source, index, why))?;
        held.bring_parts(source, &leaf).await?;
        held.fold
            .apply_leaf(&leaf, &StoreParts(&held.store))
            .map_err(|why| refused(source, index, why))?;
        caught.count(&leaf);
        watch(index + 1 - before.size, leaves.len() as u64);
    }
    // The trust document that these leaves lead to says who may have signed their tree.
    held.opened(source, &note)?;
    if !held.fold.ledger.is_closed() {
        return Err(tail(source, "its last leaf closes no commit"));
    }
    held.store.append(Some(&before), &leaves, &held.head())?;
    HighWater::open(&config.high_water())?.write(&held.head())?;
    caught.to = held.tree.size();
    Ok(caught)
}

impl Caught {
    fn count(&mut self, leaf: &Leaf) {
        let Leaf::Decision(leaf) = leaf else { return };
        self.decisions.push(leaf.body.id().clone());
        let private =
            |m: &MeasureName| matches!(m, MeasureName::DelistSeller | MeasureName::RemoveAccount);
        if let Body::List(list) = &leaf.body
            && list.measures.iter().any(private)
        {
            self.without_openings.push(leaf.body.id().clone());
        }
    }
}

impl Held {
    fn open(config: &Config) -> Result<Self, Error> {
        let store = Store::open(&config.db())?;
        let empty = || Error::Empty(config.data.display().to_string());
        let head = store.head()?.ok_or_else(empty)?;
        let genesis = store.leaf(0)?.ok_or(Error::Missing(0))?;
        let mut fold = Fold::begin(&genesis, Interest::All, &StoreParts(&store))
            .map_err(|why| Error::Leaf { index: 0, why })?;
        let mut tree = Tree::new();
        tree.push(tlog::leaf_hash(&genesis));
        for leaf in store.leaves(1, head.size)? {
            let (index, bytes) = leaf?;
            fold.apply(&bytes, &StoreParts(&store))
                .map_err(|why| Error::Leaf { index, why })?;
            tree.push(tlog::leaf_hash(&bytes));
        }
        if tree.root().0 != head.root || !fold.ledger.is_closed() {
            return Err(Error::Root);
        }
        Ok(Self { store, tree, fold })
    }

    fn head(&self) -> Head {
        Head {
            size: self.tree.size(),
            root: self.tree.root().0,
        }
    }

    /// Holds a checkpoint's signatures against the trust document in force.
    fn opened(&self, source: &Source, note: &[u8]) -> Result<(), Error> {
        let trust = self.fold.ledger.trust();
        let witnesses = trust
            .witnesses
            .keys
            .iter()
            .map(|key| key.parse::<VerifierKey>())
            .collect::<Result<Vec<_>, _>>()?;
        let (origin, quorum) = (trust.origin.as_str(), trust.witnesses.quorum);
        tlog::open_checkpoint(note, origin, &trust.log_keys(), &witnesses, quorum)
            .map_err(|why| tail(source, why))?;
        Ok(())
    }

    /// Brings what a leaf names and the store doesn't have: parts, trust documents, texts.
    async fn bring_parts(&self, source: &Source, leaf: &Leaf) -> Result<(), Error> {
        let (needed, texts): (Vec<Hash>, Vec<Hash>) = match leaf {
            Leaf::Trust(leaf) => (vec![leaf.sha256], Vec::new()),
            Leaf::Decision(leaf) => (
                leaf.body.parts().iter().map(|part| part.sha256).collect(),
                leaf.body.texts().iter().map(|text| text.sha256).collect(),
            ),
            Leaf::Genesis(_) | Leaf::Expire(_) | Leaf::State(_) => Default::default(),
        };
        for sha256 in needed {
            self.bring(source, &sha256).await?;
        }
        for sha256 in texts {
            match self.bring(source, &sha256).await {
                // A text that was erased stays away.
                Err(Error::Fetch(fetch::Error::NotFound { .. } | fetch::Error::Gone { .. })) => {}
                brought => brought?,
            }
        }
        Ok(())
    }

    async fn bring(&self, source: &Source, sha256: &Hash) -> Result<(), Error> {
        if self.store.part(&sha256.0)?.is_some() {
            return Ok(());
        }
        let bytes = source.read(&paths::part(sha256), MAX_PART).await?;
        if Hash::of(&bytes) != *sha256 {
            let why = format!("{} isn't what its name says", paths::part(sha256));
            return Err(tail(source, why));
        }
        Ok(self.store.put_part(&sha256.0, &bytes)?)
    }
}

async fn checkpoint(source: &Source) -> Result<(Vec<u8>, tlog::Checkpoint), Error> {
    let limit = MAX_CHECKPOINT as u64;
    let note = source.read(paths::CHECKPOINT, limit).await?;
    let text = Note::parse(&note, MAX_CHECKPOINT)?.text;
    Ok((note.to_vec(), tlog::Checkpoint::parse(&text)?))
}

/// The leaves from the held ones up to a size. Those before in the first bundle are the held ones.
async fn leaves(source: &Source, held: &Held, size: u64) -> Result<Vec<Vec<u8>>, Error> {
    let (from, wide) = (held.tree.size(), u64::from(TILE_WIDTH));
    let mut leaves = Vec::new();
    for index in from / wide..size.div_ceil(wide) {
        let width = (size - index * wide).min(wide) as u16;
        let bundle = bundle(source, index, width).await?;
        for (at, leaf) in (index * wide..).zip(bundle) {
            if at >= from {
                leaves.push(leaf);
            } else if held.tree.leaf(at) != Some(tlog::leaf_hash(&leaf)) {
                return Err(forked(source, at));
            }
        }
    }
    Ok(leaves)
}

/// A bundle, or the beginning of the full one where the partial one was taken away.
async fn bundle(source: &Source, index: u64, width: u16) -> Result<Vec<Vec<u8>>, Error> {
    let of = async |wide: u16| {
        let level = Level::Entries;
        let id = TileId {
            level,
            index,
            width: wide,
        };
        source.read(&paths::tile(&id), MAX_BUNDLE as u64).await
    };
    let (bytes, wide) = match of(width).await {
        Err(fetch::Error::NotFound { .. }) if width < TILE_WIDTH => {
            (of(TILE_WIDTH).await?, TILE_WIDTH)
        }
        read => (read?, width),
    };
    let mut entries = tlog::decode_bundle(&bytes, usize::from(wide))?;
    entries.truncate(usize::from(width));
    Ok(entries)
}

fn forked(source: &Source, size: u64) -> Error {
    tail(
        source,
        format!("it shows another history from size {size} on than the one that is held here"),
    )
}

fn refused(source: &Source, index: u64, why: crate::decision::Refusal) -> Error {
    tail(source, format!("leaf {index}: {why}"))
}

fn tail(source: &Source, why: impl std::fmt::Display) -> Error {
    Error::Tail {
        from: source.to_string(),
        why: why.to_string(),
    }
}
