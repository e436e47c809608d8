//! What readers see: the state as it was last published, whole and unchanging while they hold it.

use crate::{
    decision::FeedState,
    entries::{FeedName, Set},
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
    /// The signed manifest.
    pub manifest: Arc<[u8]>,
    /// Unix seconds of the manifest's signing.
    pub signed: u64,
}
