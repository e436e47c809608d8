//! Durable memory: the log's leaves and head, the parts, the private tables, the high-water mark,
//! the synced writing of published files, and data sets that are swapped in whole (design: Commit, Storage and scale).
//!
//! The room knows bytes, sizes and 32-byte hashes, and nothing of what they mean. Every write that
//! is said to be synced is on the disk, with the directory entries that lead to it, when the call
//! returns. Where it is not, the call returns an error; after an error of a write nothing is known
//! about the disk, so the caller ends the process and starts again by the ordinary restart path.

mod db;
pub mod files;
mod high_water;
mod private;
pub mod sets;

use std::path::{Path, PathBuf};

pub use db::{Durability, Leaves, Store};
pub use high_water::HighWater;
pub use private::{Pair, Scan, Write};

/// Where the log stands: how many leaves it has and the root of the tree over them.
///
/// The room compares roots and never computes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of leaves.
    pub size: u64,
    /// Root hash of the tree over the first `size` leaves.
    pub root: [u8; 32],
}

impl Head {
    /// Bytes of an encoded head: the size, big-endian, and the root.
    const LEN: usize = 40;

    fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let (size, root) = out.split_at_mut(8);
        size.copy_from_slice(&self.size.to_be_bytes());
        root.copy_from_slice(&self.root);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Head> {
        let (size, root) = bytes.split_first_chunk::<8>()?;
        Some(Head {
            size: u64::from_be_bytes(*size),
            root: root.try_into().ok()?,
        })
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "size {} root {}", self.size, hex::encode(self.root))
    }
}

/// What can go wrong in the store. All but [`Error::Conflict`], [`Error::Append`],
/// [`Error::Busy`], [`Error::Path`] and [`Error::Table`] mean that the disk can't be trusted any more in this
/// process.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, or another part of this one, has the store open.
    #[error(
        "{dir}: in use by another process: one process at a time may open a store. \
         Stop the running `blockfeed serve` (or wait for it to end), or name another data directory"
    )]
    InUse {
        /// The store's directory.
        dir: PathBuf,
    },
    /// The head is no longer the one that the writer read.
    #[error(
        "the log has moved on: the append expected {}, the log is at {}. \
         Read the head again and decide anew", or_empty(.expected), or_empty(.found)
    )]
    Conflict {
        /// The head that the writer read.
        expected: Option<Head>,
        /// The head that stands now.
        found: Option<Head>,
    },
    /// An append whose new head doesn't fit its leaves.
    #[error(
        "append of {leaves} leaves after size {from} can't lead to size {to}: nothing was written"
    )]
    Append {
        /// Size before.
        from: u64,
        /// Leaves offered.
        leaves: usize,
        /// Size that the new head names.
        to: u64,
    },
    /// The database refused or failed.
    #[error("the database in {dir} could not {what}: {source}. Check the disk (space, health)")]
    Database {
        /// What was tried.
        what: &'static str,
        /// The store's directory.
        dir: PathBuf,
        /// The database's own words.
        source: rocksdb::Error,
    },
    /// A file or a directory refused or failed.
    #[error("{path}: could not {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// What was read isn't what this room ever writes.
    #[error("{place} is damaged: {what}. Restore it from a backup or re-ingest what was published")]
    Damaged {
        /// The file or table.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// A head below, or beside, the high-water mark.
    #[error(
        "the high-water mark stands at {mark} and can't move to {wanted}: the log would lose what was acknowledged"
    )]
    Behind {
        /// The mark.
        mark: Head,
        /// The head that was to be written.
        wanted: Head,
    },
    /// A relative path that could leave its directory or hide in it.
    #[error(
        "{path:?} is no path for a published file: segments of [A-Za-z0-9._-], none beginning with \
         a dot, joined by '/'"
    )]
    Path {
        /// The path as given.
        path: String,
    },
    /// Two writers of one data set.
    #[error(
        "{set}: another import into this data set is running. Wait for it to end, then import again"
    )]
    Busy {
        /// The set's directory.
        set: PathBuf,
    },
    /// A private table's name that can't be part of a key.
    #[error("{table:?} is no name for a table: [a-z0-9-], 1 to 32 characters")]
    Table {
        /// The name as given.
        table: String,
    },
}

impl Error {
    fn io(what: &'static str, path: &Path, source: std::io::Error) -> Error {
        Error::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

fn or_empty(head: &Option<Head>) -> String {
    head.map_or_else(|| "an empty log".to_owned(), |head| head.to_string())
}
