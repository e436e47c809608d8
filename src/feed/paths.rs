//! Where published files lie, relative to the base of a source (design: Feeds, tlog: Tiles).

use crate::{
    entries::FeedName,
    tlog::{Hash, TileId},
};

/// The log's signed head.
pub const CHECKPOINT: &str = "log/checkpoint";

/// `log/tile/…`
pub fn tile(tile: &TileId) -> String {
    format!("log/{}", tile.path())
}

/// `part/<sha256>`
pub fn part(sha256: &Hash) -> String {
    format!("part/{sha256}")
}

/// `feeds/<feed>/manifest`
pub fn manifest(feed: &FeedName) -> String {
    format!("feeds/{feed}/manifest")
}

/// `feeds/<feed>/snapshot/<sha256 of the packed bytes>.zst`
pub fn snapshot(feed: &FeedName, packed: &Hash) -> String {
    format!("feeds/{feed}/snapshot/{packed}.zst")
}

/// `feeds/<feed>/delta/<sha256 of the packed bytes>.zst`
pub fn delta(feed: &FeedName, packed: &Hash) -> String {
    format!("feeds/{feed}/delta/{packed}.zst")
}
