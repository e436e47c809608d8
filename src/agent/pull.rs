//! Reading one source in one round: every read bounded before it begins, parts kept at hand.

use super::{Disk, Fault, Limits};
use crate::{
    decision::{MAX_PART, PartError, PartRef, Parts},
    feed::{FileRef, paths},
    fetch::{self, Source},
    tlog::{self, Hash, Level, MAX_BUNDLE, MAX_CHECKPOINT, TILE_WIDTH, TileId},
};
use std::collections::{BTreeSet, HashMap};

/// A source, what may be asked of it, and the parts that it brought.
pub(super) struct Pull<'a> {
    source: &'a Source,
    limits: &'a Limits,
    disk: &'a Disk,
    parts: HashMap<Hash, Vec<u8>>,
    part_bytes: u64,
}

impl<'a> Pull<'a> {
    pub(super) fn new(source: &'a Source, limits: &'a Limits, disk: &'a Disk) -> Self {
        Self {
            source,
            limits,
            disk,
            parts: HashMap::new(),
            part_bytes: 0,
        }
    }

    /// The log's own checkpoint, unverified.
    pub(super) async fn checkpoint(&self) -> Result<Vec<u8>, Fault> {
        let limit = MAX_CHECKPOINT as u64;
        Ok(self.source.read(paths::CHECKPOINT, limit).await?.into())
    }

    /// The leaves from one index up to a size, unverified; with those before `from` that share
    /// its bundle.
    pub(super) async fn leaves(&self, from: u64, size: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let wide = u64::from(TILE_WIDTH);
        let mut leaves = Vec::new();
        let mut bytes = 0;
        for index in from / wide..size.div_ceil(wide) {
            let width = (size - index * wide).min(wide) as u16;
            let bundle = self.bundle(index, width, size).await?;
            bytes += bundle.len() as u64;
            limit(
                "new leaves of the log",
                bytes,
                self.limits.max_log_bytes,
                "max_log_bytes",
            )?;
            let count = usize::from(width);
            let of_bundle = tlog::decode_bundle(&bundle, count);
            let index = index * wide;
            leaves.extend(of_bundle.map_err(|why| Fault::Bundle { index, why })?);
        }
        Ok(leaves)
    }

    /// A snapshot or delta: its packed bytes and its text, as the manifest describes them.
    pub(super) async fn file(
        &self,
        path: &str,
        file: &FileRef,
    ) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let most = self.limits.max_file_bytes;
        let size = file.length.max(file.packed_length);
        limit("the bytes of a feed's file", size, most, "max_file_bytes")?;
        let packed = self.source.read(path, file.packed_length).await?;
        let text = file.open(&packed).map_err(|why| Fault::File {
            path: path.into(),
            why,
        })?;
        Ok((packed.into(), text))
    }

    /// Brings parts of subjects within reach of the fold; it checks them as it reads.
    pub(super) async fn parts(&mut self, needed: &[PartRef]) -> Result<(), Fault> {
        for some in needed.chunks(AT_ONCE) {
            let mut reads = tokio::task::JoinSet::new();
            for part in some {
                if self.parts.contains_key(&part.sha256) {
                    continue;
                }
                if let Some(bytes) = self.disk.part(&part.sha256) {
                    self.parts.insert(part.sha256, bytes);
                    continue;
                }
                let most = self.limits.max_part_bytes;
                self.part_bytes = self.part_bytes.saturating_add(part.length);
                limit(
                    "the bytes of parts",
                    self.part_bytes,
                    most,
                    "max_part_bytes",
                )?;
                let (source, sha256) = (self.source.clone(), part.sha256);
                let length = part.length.min(MAX_PART);
                reads.spawn(async move {
                    let read = source.read(&paths::part(&sha256), length).await;
                    read.map(|bytes| (sha256, bytes))
                });
            }
            while let Some(read) = reads.join_next().await {
                let (sha256, bytes) = read.map_err(|e| fetch::Error::Unreachable {
                    place: self.source.to_string(),
                    why: e.to_string(),
                })??;
                self.parts.insert(sha256, bytes.into());
            }
        }
        Ok(())
    }

    /// Brings a trust document within reach.
    pub(super) async fn document(&mut self, sha256: &Hash) -> Result<Vec<u8>, Fault> {
        if let Some(bytes) = self.parts.get(sha256) {
            return Ok(bytes.clone());
        }
        let bytes = match self.disk.part(sha256) {
            Some(bytes) => bytes,
            None => self
                .source
                .read(&paths::part(sha256), MAX_PART)
                .await?
                .into(),
        };
        self.parts.insert(*sha256, bytes.clone());
        Ok(bytes)
    }

    /// Lets go of the parts but for these.
    pub(super) fn forget_but(&mut self, kept: &BTreeSet<Hash>) {
        self.parts.retain(|hash, _| kept.contains(hash));
    }

    /// What is at hand of these parts, and isn't on disk yet.
    pub(super) fn take(&mut self, wanted: &BTreeSet<Hash>) -> Vec<(Hash, Vec<u8>)> {
        let missing = wanted.iter().filter(|hash| self.disk.part(hash).is_none());
        missing
            .filter_map(|hash| Some((*hash, self.parts.get(hash)?.clone())))
            .collect()
    }

    async fn bundle(&self, index: u64, width: u16, size: u64) -> Result<Vec<u8>, Fault> {
        let tile = |width| TileId {
            level: Level::Entries,
            index,
            width,
        };
        let limit = MAX_BUNDLE as u64;
        let read = self.source.read(&paths::tile(&tile(width)), limit).await;
        let bytes = match read {
            // A publisher may drop a partial bundle once the next one is there; and a mirror may
            // not have it yet. Either way a newer checkpoint helps.
            Err(fetch::Error::NotFound { .. }) if width < TILE_WIDTH => {
                return Err(Fault::Newer(size));
            }
            read => read?,
        };
        Ok(bytes.into())
    }
}

impl Parts for Pull<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        let at_hand = self.parts.get(sha256).cloned();
        at_hand
            .or_else(|| self.disk.part(sha256))
            .ok_or(PartError::Missing)
    }
}

/// Parts that the agent keeps on disk, when nothing else is at hand.
pub(super) struct KeptParts<'a>(pub(super) &'a Disk);

impl Parts for KeptParts<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        self.0.part(sha256).ok_or(PartError::Missing)
    }
}

fn limit(what: &'static str, found: u64, limit: u64, key: &'static str) -> Result<(), Fault> {
    if found > limit {
        return Err(Fault::Limit {
            what,
            found,
            limit,
            key,
        });
    }
    Ok(())
}

/// Parts that are asked for at the same time.
const AT_ONCE: usize = 8;
