//! Reading the published files, and the parts that a leaf needs.

use super::Finding;
use crate::{
    decision::{MAX_PART, PartError, Parts},
    feed::paths,
    fetch::{self, Source},
    tlog::{Hash, Level, MAX_BUNDLE, TILE_WIDTH, TileId, decode_bundle, decode_tile},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// The published files of a log.
pub(super) struct Files {
    source: Source,
    /// Where parts lie that were brought before, under the same names.
    kept: Option<Source>,
}

/// A file that may be withheld from this reader.
#[derive(Debug, Clone)]
pub(super) enum Page {
    There(Bytes),
    /// 401 or 403.
    Denied,
    Missing,
}

/// The parts that one leaf needs. A part that isn't there is missing here too, so that the
/// fold says what that means.
#[derive(Default)]
pub(super) struct Basket {
    parts: BTreeMap<Hash, Bytes>,
}

/// Parts asked for at a time.
const AT_ONCE: usize = 8;

impl Files {
    pub(super) fn new(source: Source) -> Self {
        Self { source, kept: None }
    }

    /// The same, with a folder that parts are looked for in first.
    pub(super) fn with_kept(source: Source, kept: Source) -> Self {
        Self {
            source,
            kept: Some(kept),
        }
    }

    /// A file that has to be there.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Bytes, Finding> {
        let read = self.source.read(path, limit).await;
        read.map_err(|e| Finding::unread(path, &e))
    }

    /// A file that may be missing or withheld.
    pub(super) async fn page(&self, path: &str, limit: u64) -> Result<Page, Finding> {
        match read_part(&self.source, self.kept.as_ref(), path, limit).await {
            Ok(bytes) => Ok(Page::There(bytes)),
            Err(fetch::Error::NotFound { .. } | fetch::Error::Gone { .. }) => Ok(Page::Missing),
            Err(fetch::Error::Status {
                code: 401 | 403, ..
            }) => Ok(Page::Denied),
            Err(e) => Err(Finding::unread(path, &e)),
        }
    }

    /// The hashes of a tile. Where the log has grown and its partial tile was taken away, the
    /// full one's beginning.
    pub(super) async fn tile(&self, id: TileId) -> Result<(String, Vec<Hash>), Finding> {
        let (at, bytes) = self.tile_or_full(id, u64::from(TILE_WIDTH) * 32).await?;
        let path = paths::tile(&at);
        let mut hashes =
            decode_tile(&bytes, at.width).map_err(|e| Finding::file("tile", &path, e))?;
        hashes.truncate(usize::from(id.width));
        Ok((path, hashes))
    }

    /// The entries of a bundle, with the same way out.
    pub(super) async fn bundle(
        &self,
        index: u64,
        width: u16,
    ) -> Result<(String, Vec<Vec<u8>>), Finding> {
        let level = Level::Entries;
        let id = TileId {
            level,
            index,
            width,
        };
        let (at, bytes) = self.tile_or_full(id, MAX_BUNDLE as u64).await?;
        let path = paths::tile(&at);
        let mut entries = decode_bundle(&bytes, usize::from(at.width))
            .map_err(|e| Finding::file("bundle", &path, e))?;
        entries.truncate(usize::from(width));
        Ok((path, entries))
    }

    /// Reads these parts, some at a time.
    pub(super) async fn parts(
        &self,
        wanted: impl IntoIterator<Item = Hash>,
    ) -> Result<Basket, Finding> {
        let mut wanted = wanted.into_iter().collect::<BTreeSet<_>>().into_iter();
        let mut reads = JoinSet::new();
        let mut basket = Basket::default();
        loop {
            while reads.len() < AT_ONCE
                && let Some(sha256) = wanted.next()
            {
                let (source, kept) = (self.source.clone(), self.kept.clone());
                reads.spawn(async move {
                    let path = paths::part(&sha256);
                    (
                        sha256,
                        read_part(&source, kept.as_ref(), &path, MAX_PART).await,
                    )
                });
            }
            let Some(read) = reads.join_next().await else {
                return Ok(basket);
            };
            let (sha256, read) = read.map_err(|e| Finding::given("unreadable", e))?;
            match read {
                Ok(bytes) => drop(basket.parts.insert(sha256, bytes)),
                Err(fetch::Error::NotFound { .. } | fetch::Error::Gone { .. }) => {}
                Err(e) => return Err(Finding::unread(&paths::part(&sha256), &e)),
            }
        }
    }

    async fn tile_or_full(&self, id: TileId, limit: u64) -> Result<(TileId, Bytes), Finding> {
        let path = paths::tile(&id);
        let full = TileId {
            width: TILE_WIDTH,
            ..id
        };
        match self.source.read(&path, limit).await {
            Ok(bytes) => Ok((id, bytes)),
            Err(missing @ fetch::Error::NotFound { .. }) if !id.is_full() => {
                match self.source.read(&paths::tile(&full), limit).await {
                    Ok(bytes) => Ok((full, bytes)),
                    Err(_) => Err(Finding::unread(&path, &missing)),
                }
            }
            Err(e) => Err(Finding::unread(&path, &e)),
        }
    }
}

/// A file from the folder of what was brought before, if it is a part and lies there; else from
/// the source.
async fn read_part(
    source: &Source,
    kept: Option<&Source>,
    path: &str,
    limit: u64,
) -> Result<Bytes, fetch::Error> {
    if let Some(kept) = kept.filter(|_| path.starts_with("part/"))
        && let Ok(bytes) = kept.read(path, limit).await
    {
        return Ok(bytes);
    }
    source.read(path, limit).await
}

impl Parts for Basket {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        let bytes = self.parts.get(sha256).ok_or(PartError::Missing)?;
        Ok(bytes.to_vec())
    }
}
