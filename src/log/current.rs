//! What readers see: the state as it was last published, whole and unchanging while they hold it.

use crate::{
    decision::FeedState,
    entries::{Entry, FeedName, Index, Row, Set},
};
use std::{collections::BTreeMap, sync::Arc};

/// The published state. Cheap to make: sets share what didn't change.
#[derive(Clone)]
pub struct Current {
    /// The size of the checkpoint.
    pub size: u64,
    /// Unix seconds of the last leaf.
    pub time: u64,
    /// The signed checkpoint.
    pub checkpoint: Arc<[u8]>,
    pub feeds: BTreeMap<FeedName, FeedView>,
}

/// One feed of the published state.
#[derive(Clone)]
pub struct FeedView {
    pub state: FeedState,
    pub set: Set,
    /// Of the set, for look-ups.
    pub index: Index,
    /// The signed manifest.
    pub manifest: Arc<[u8]>,
    /// Unix seconds of the manifest's signing.
    pub signed: u64,
}

impl FeedView {
    /// The entries of exactly this name.
    pub fn entries_of(&self, name: &str) -> Vec<Entry<'_>> {
        self.index.entries_of(&self.set, name)
    }

    /// The row of a decision that holds entries here.
    pub fn row(&self, decision: &str) -> Option<Row<'_>> {
        self.index.row(&self.set, decision)
    }
}
