//! The manifest: the signed page that binds a feed's files to the log (design: Feeds, "Manifest").

use super::Error;
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

const FIRST_LINE: &str = "blockfeed/manifest/v1";

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

/// Reads the fields in their order.
struct Reader<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            lines: text.lines().peekable(),
            line: 0,
        }
    }

    fn manifest(mut self) -> Result<Manifest, Error> {
        if self.next_line()? != FIRST_LINE {
            return Err(self.wrong("isn't blockfeed/manifest/v1; a newer program may read it"));
        }
        let origin = self.field("origin")?;
        let origin = Origin::new(origin).map_err(|_| self.wrong("names no origin"))?;
        let feed = self.field("feed")?;
        let feed = FeedName::parse(feed).map_err(|_| self.wrong("names no feed"))?;
        let session = self.field("session")?.to_owned();
        if session.len() != 16
            || !session
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(self.wrong("isn't 16 lower-case hex digits"));
        }
        let serial = self.number_field("serial")?;
        let time = self.number_field("time")?;
        let digest = self.field("digest")?;
        let digest = self.hash(Some(digest))?;
        let poll = self.number_field("poll")?;
        let fields = self.field("snapshot")?;
        let mut fields = fields.split(' ');
        let snapshot_serial = self.number(fields.next())?;
        let snapshot = self.file(&mut fields)?;
        let mut deltas = Vec::new();
        while self.at("delta ") {
            let delta = self.delta()?;
            if deltas
                .last()
                .is_some_and(|last: &DeltaRef| (last.from, last.to) >= (delta.from, delta.to))
            {
                return Err(self.wrong("isn't after the delta before it"));
            }
            deltas.push(delta);
        }
        if deltas.len() > MAX_DELTAS {
            return Err(self.wrong("is one of more than 128 deltas"));
        }
        let state = self.base64_field("state")?;
        let mut proof = Vec::new();
        while self.at("proof ") {
            let hash = self.field("proof")?;
            proof.push(Hash::from_base64(hash).map_err(|_| self.wrong("is no base64 hash"))?);
        }
        let checkpoint = self.base64_field("checkpoint")?;
        if self.lines.next().is_some() {
            return Err(Error::Field {
                line: self.line + 1,
                why: "isn't known",
            });
        }
        Ok(Manifest {
            origin,
            feed,
            session,
            serial,
            time,
            digest,
            poll,
            snapshot_serial,
            snapshot,
            deltas,
            state,
            proof,
            checkpoint,
        })
    }

    fn delta(&mut self) -> Result<DeltaRef, Error> {
        let fields = self.field("delta")?;
        let mut fields = fields.split(' ');
        let from = self.number(fields.next())?;
        let to = self.number(fields.next())?;
        let added = self.number(fields.next().and_then(|f| f.strip_prefix('+')))?;
        let removed = self.number(fields.next().and_then(|f| f.strip_prefix('-')))?;
        let file = self.file(&mut fields)?;
        if from >= to {
            return Err(self.wrong("leads nowhere"));
        }
        Ok(DeltaRef {
            from,
            to,
            added,
            removed,
            file,
        })
    }

    fn file(&self, fields: &mut std::str::Split<'_, char>) -> Result<FileRef, Error> {
        let length = self.number(fields.next())?;
        let sha256 = self.hash(fields.next())?;
        let packed_length = self.number(fields.next())?;
        let packed_sha256 = self.hash(fields.next())?;
        if fields.next().is_some() {
            return Err(self.wrong("has a field too many"));
        }
        Ok(FileRef {
            length,
            sha256,
            packed_length,
            packed_sha256,
        })
    }

    fn next_line(&mut self) -> Result<&'a str, Error> {
        self.line += 1;
        self.lines.next().ok_or(Error::Field {
            line: self.line,
            why: "is missing",
        })
    }

    fn at(&mut self, prefix: &str) -> bool {
        self.lines
            .peek()
            .is_some_and(|line| line.starts_with(prefix))
    }

    fn field(&mut self, name: &'static str) -> Result<&'a str, Error> {
        let line = self.next_line()?;
        line.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or_else(|| self.wrong("isn't the field that stands there"))
    }

    fn number_field(&mut self, name: &'static str) -> Result<u64, Error> {
        let field = self.field(name)?;
        self.number(Some(field))
    }

    fn base64_field(&mut self, name: &'static str) -> Result<Vec<u8>, Error> {
        let field = self.field(name)?;
        STANDARD
            .decode(field)
            .map_err(|_| self.wrong("is no padded standard base64"))
    }

    fn number(&self, field: Option<&str>) -> Result<u64, Error> {
        field
            .filter(|f| !f.is_empty() && f.len() <= 16 && f.bytes().all(|b| b.is_ascii_digit()))
            .filter(|f| *f == "0" || !f.starts_with('0'))
            .and_then(|f| f.parse().ok())
            .ok_or_else(|| self.wrong("lacks a number, or has one with leading zeros"))
    }

    fn hash(&self, field: Option<&str>) -> Result<Hash, Error> {
        field
            .and_then(|f| Hash::from_hex(f).ok())
            .ok_or_else(|| self.wrong("lacks a lower-case hex SHA-256"))
    }

    fn wrong(&self, why: &'static str) -> Error {
        Error::Field {
            line: self.line,
            why,
        }
    }
}
