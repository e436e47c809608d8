//! Backups: a copy of a data directory taken while the authority runs, and what is made of one
//! (design: Storage and scale, "checkpoints for backup").
//!
//! Owns the form of a backup (a directory, or the same in one tar.zst), its manifest with the hash
//! of every file, and the socket by which a running authority is asked for a copy of its database
//! (`control`). Knows nothing of what the database says.
//!
//! ```text
//! backup.json     what it is of, and every file with length and SHA-256; written last
//! db/             the database: leaves, parts, private tables, tokens' hashes, openings
//! sets/           the data sets that checks rest on
//! keys/           log and feed key, only where they were asked for; encrypted as they lie
//! blockfeed.toml  the settings that lay in the data directory
//! ```
//!
//! Not in it: published files, which the start makes anew from the database, and the zones'
//! serials, which begin anew by the clock: a serial that some secondary holds never comes back.
//! The high-water mark is the manifest's size and root. A backup without `backup.json` is one that
//! was never finished. It holds what is private here: whoever has it must keep it as the data
//! directory is kept.

pub mod control;
mod error;
mod pack;
mod stage;
mod unpack;

pub use error::Error;
pub use pack::{Target, pack};
pub use stage::Stage;
pub use unpack::unpack;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub v: u32,
    /// The program's version.
    pub program: String,
    pub origin: String,
    /// First 8 bytes of leaf 0's hash, hex.
    pub session: String,
    /// The log's head: what the high-water mark was when the copy was taken.
    pub size: u64,
    pub root: String,
    /// Unix seconds.
    pub time: u64,
    /// The data directory that it was taken of.
    pub data: PathBuf,
    /// Whether log and feed key are in it.
    pub keys: bool,
    pub files: Vec<FileEntry>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    pub path: String,
    pub length: u64,
    pub sha256: String,
}

impl Manifest {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }
}

/// The manifest's name.
const MANIFEST: &str = "backup.json";
/// The form of backups that this program writes and reads.
pub const VERSION: u32 = 1;
