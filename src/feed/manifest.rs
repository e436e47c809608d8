//! The manifest: the signed page that binds a feed's files to the log (design: Feeds, "Manifest").

use super::{Error, manifest_reader::Reader};
use crate::{
    canon::Origin,
    decision::{Leaf, State},
    entries::FeedName,
    tlog::{self, Checkpoint, Hash, Note, SignerKey, VerifierKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::Write;

/// The most bytes that a manifest may have.
pub const MAX_MANIFEST: usize = 256 * 1024;

/// The most deltas that a manifest may list.
pub const MAX_DELTAS: usize = 128;

pub(super) const FIRST_LINE: &str = "blockfeed/manifest/v1";

/// A published file: plain and packed, length and hash of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRef {
    /// Bytes of the text.
    pub length: u64,
    pub sha256: Hash,
    /// Bytes of the zstd file.
    pub packed_length: u64,
    pub packed_sha256: Hash,
}

/// A delta that a manifest lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeltaRef {
    pub from: u64,
    pub to: u64,
    /// `E` lines added.
    pub added: u64,
    /// `E` lines taken away.
    pub removed: u64,
    pub file: FileRef,
}

/// A manifest's fields, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub origin: Origin,
    pub feed: FeedName,
    pub session: String,
    pub serial: u64,
    /// Unix seconds of its signing.
    pub time: u64,
    pub digest: Hash,
    /// Seconds between polls.
    pub poll: u64,
    pub snapshot_serial: u64,
    pub snapshot: FileRef,
    pub deltas: Vec<DeltaRef>,
    /// The bytes of the state leaf that `serial` and `digest` stand in.
    pub state: Vec<u8>,
    /// Inclusion of that leaf, the last one, in the checkpoint.
    pub proof: Vec<Hash>,
    /// The whole cosigned note.
    pub checkpoint: Vec<u8>,
}

/// What a manifest that doesn't contradict itself shows.
#[derive(Debug, Clone)]
pub struct Checked {
    pub state: State,
    /// Its signature is yet to be verified, under the trust document in force at its size.
    pub checkpoint: Checkpoint,
}

/// The way from what a reader holds to the manifest's serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The reader is there.
    Current,
    /// These deltas, in order.
    Deltas(Vec<DeltaRef>),
    /// The snapshot, then these deltas.
    Snapshot(Vec<DeltaRef>),
}

impl FileRef {
    /// Describes a text and its packed bytes.
    pub fn of(text: &[u8], packed: &[u8]) -> Self {
        Self {
            length: text.len() as u64,
            sha256: Hash::of(text),
            packed_length: packed.len() as u64,
            packed_sha256: Hash::of(packed),
        }
    }

    /// Checks packed bytes, unpacks them and checks the text.
    pub fn open(&self, packed: &[u8]) -> Result<Vec<u8>, Error> {
        if packed.len() as u64 != self.packed_length {
            return Err(Error::TooLong {
                found: packed.len() as u64,
                limit: self.packed_length,
            });
        }
        if Hash::of(packed) != self.packed_sha256 {
            return Err(Error::Hash);
        }
        let text = super::pack::expand(packed, self.length)?;
        if Hash::of(&text) != self.sha256 {
            return Err(Error::Hash);
        }
        Ok(text)
    }
}

impl std::fmt::Display for FileRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.length, self.sha256, self.packed_length, self.packed_sha256
        )
    }
}

impl Manifest {
    /// The name that feed keys sign under.
    pub fn key_name(origin: &Origin) -> String {
        format!("{origin}/feed")
    }

    /// The signed note.
    pub fn sign(&self, key: &SignerKey) -> Vec<u8> {
        tlog::sign_note(&self.text(), &[key])
    }

    /// Opens a note: size, signature by one of the feed keys, every field. An unknown line
    /// rejects it.
    pub fn open(bytes: &[u8], origin: &Origin, feed_keys: &[[u8; 32]]) -> Result<Self, Error> {
        if bytes.len() > MAX_MANIFEST {
            return Err(Error::TooLong {
                found: bytes.len() as u64,
                limit: MAX_MANIFEST as u64,
            });
        }
        let note = Note::parse(bytes, MAX_MANIFEST).map_err(Error::Note)?;
        let keys: Vec<VerifierKey> = feed_keys
            .iter()
            .filter_map(|key| VerifierKey::ed25519(&Self::key_name(origin), key).ok())
            .collect();
        if note.verified_by(&keys).map_err(Error::Note)?.is_empty() {
            return Err(Error::Unsigned);
        }
        let manifest = Reader::new(&note.text).manifest()?;
        if manifest.origin != *origin {
            return Err(Error::Contradiction("it is for another log"));
        }
        Ok(manifest)
    }

    /// Checks that the manifest doesn't contradict itself: its serial and digest are those of the
    /// state leaf, which is the last leaf of the checkpoint; its deltas lead from the snapshot to
    /// the serial.
    pub fn check(&self) -> Result<Checked, Error> {
        let Leaf::State(state) = Leaf::parse(&self.state).map_err(Error::State)? else {
            return Err(Error::Contradiction(
                "its state is another leaf than a state leaf",
            ));
        };
        let stands = state.feeds.get(&self.feed);
        if stands.is_none_or(|s| s.serial != self.serial || s.digest != self.digest) {
            return Err(Error::Contradiction(
                "its serial and digest aren't those of its state leaf",
            ));
        }
        let note = Note::parse(&self.checkpoint, tlog::MAX_CHECKPOINT).map_err(Error::Note)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(Error::Note)?;
        if checkpoint.origin != self.origin.as_str() {
            return Err(Error::Contradiction("its checkpoint is of another log"));
        }
        let last = checkpoint
            .size
            .checked_sub(1)
            .ok_or(Error::Contradiction("its log is empty"))?;
        let leaf = tlog::leaf_hash(&self.state);
        tlog::verify_inclusion(&leaf, last, checkpoint.size, &self.proof, &checkpoint.root)
            .map_err(|_| {
                Error::Contradiction("its state leaf isn't the last leaf of its checkpoint")
            })?;
        if self.serial > checkpoint.size || self.snapshot_serial > self.serial {
            return Err(Error::Contradiction("a serial lies ahead of the log"));
        }
        if self.chain(self.snapshot_serial).is_none() {
            return Err(Error::Contradiction(
                "no deltas lead from its snapshot to its serial",
            ));
        }
        Ok(Checked { state, checkpoint })
    }

    /// The cheapest way, in packed bytes, from a held serial (or from nothing).
    pub fn route(&self, have: Option<u64>) -> Route {
        if have == Some(self.serial) {
            return Route::Current;
        }
        let bytes = |chain: &[DeltaRef]| chain.iter().map(|d| d.file.packed_length).sum::<u64>();
        let whole = self.chain(self.snapshot_serial).unwrap_or_default();
        let whole_bytes = bytes(&whole).saturating_add(self.snapshot.packed_length);
        match have.and_then(|serial| self.chain(serial)) {
            Some(chain) if bytes(&chain) <= whole_bytes => Route::Deltas(chain),
            _ => Route::Snapshot(whole),
        }
    }

    /// The text that is signed.
    fn text(&self) -> String {
        let mut t = format!(
            "{FIRST_LINE}\norigin {}\nfeed {}\nsession {}\nserial {}\ntime {}\ndigest {}\npoll {}\nsnapshot {} {}\n",
            self.origin,
            self.feed,
            self.session,
            self.serial,
            self.time,
            self.digest,
            self.poll,
            self.snapshot_serial,
            self.snapshot
        );
        // Writing to a string can't fail.
        for d in &self.deltas {
            let _ = writeln!(
                t,
                "delta {} {} +{} -{} {}",
                d.from, d.to, d.added, d.removed, d.file
            );
        }
        let _ = writeln!(t, "state {}", STANDARD.encode(&self.state));
        for hash in &self.proof {
            let _ = writeln!(t, "proof {}", hash.to_base64());
        }
        let _ = writeln!(t, "checkpoint {}", STANDARD.encode(&self.checkpoint));
        t
    }

    /// The chain of deltas from a serial to the manifest's, taking the longest step each time.
    fn chain(&self, from: u64) -> Option<Vec<DeltaRef>> {
        let mut chain = Vec::new();
        let mut at = from;
        while at != self.serial {
            let step = self
                .deltas
                .iter()
                .filter(|d| d.from == at)
                .max_by_key(|d| d.to)?;
            chain.push(*step);
            at = step.to;
        }
        Some(chain)
    }
}
