//! The database: leaves by index, parts by hash, the head.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rocksdb::{
    BottommostLevelCompaction, ColumnFamily, ColumnFamilyDescriptor, CompactOptions,
    DBCompressionType, DBIteratorWithThreadMode, DBWithThreadMode, Direction, IteratorMode,
    Options, ReadOptions, SingleThreaded, WriteBatch, WriteOptions, checkpoint::Checkpoint,
};

use super::{Error, Head, files};

pub(super) type Db = DBWithThreadMode<SingleThreaded>;

/// The log's tables and the private ones, in one directory with one opener.
///
/// All methods block; call them from a thread that may. Shared by reference between threads.
pub struct Store {
    pub(super) db: Db,
    dir: PathBuf,
    /// Held while an append compares the head and writes. The lock file keeps other processes
    /// out, so this makes the append conditional for everyone.
    appending: Mutex<()>,
}

/// Whether a write waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the disk when the call returns.
    Synced,
    /// Survives the end of the process at once, a power cut from the next synced write on.
    Buffered,
}

impl Store {
    /// Opens the store in `dir`, creating directory and tables where there are none.
    ///
    /// # Errors
    /// [`Error::InUse`] while anyone else has it open, [`Error::Damaged`] for a layout that this
    /// version doesn't know, [`Error::Database`] and [`Error::Io`] for the disk.
    pub fn open(dir: &Path) -> Result<Store, Error> {
        // A crash from here to the format's write leaves an empty database, which the next open
        // takes as new: no head, so nothing was ever acknowledged from it.
        files::create_dir_synced(dir)?;
        // Openings lie here: they are for this user alone, whatever the process's mask is.
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700))
            .map_err(|e| Error::io("close to others", dir, e))?;
        let tables = [
            (LEAVES, 16 << 20),
            (PARTS, 32 << 20),
            (META, 1 << 20),
            (PRIVATE, 16 << 20),
        ]
        .map(|(name, buffer)| ColumnFamilyDescriptor::new(name, table_options(buffer)));
        let db = Db::open_cf_descriptors(&options(), dir, tables).map_err(|source| {
            // RocksDB has no kind of its own for it; both texts are in its env_posix.cc.
            if source.as_ref().contains("While lock file") || source.as_ref().contains("lock hold")
            {
                Error::InUse {
                    dir: dir.to_owned(),
                }
            } else {
                Error::Database {
                    what: "be opened",
                    dir: dir.to_owned(),
                    source,
                }
            }
        })?;
        let store = Store {
            db,
            dir: dir.to_owned(),
            appending: Mutex::new(()),
        };
        store.settle_format()?;
        Ok(store)
    }

    /// Where the log stands; `None` before the first append.
    pub fn head(&self) -> Result<Option<Head>, Error> {
        let Some(bytes) = self.read(META, HEAD)? else {
            return Ok(None);
        };
        match Head::decode(&bytes) {
            Some(head) => Ok(Some(head)),
            None => Err(self.damaged(format!("a head of {} bytes", bytes.len()))),
        }
    }

    /// Appends `leaves` and moves the head to `new`, in one synced write, if the head is still
    /// `expected`. Parts put before are on the disk too when this returns.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the head has moved, [`Error::Append`] if `new.size` isn't the old
    /// size and the number of leaves; nothing is written then. Any other error is fatal.
    pub fn append(
        &self,
        expected: Option<&Head>,
        leaves: &[Vec<u8>],
        new: &Head,
    ) -> Result<(), Error> {
        // The lock guards no data that a panic could leave half changed.
        let _one = self
            .appending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = self.head()?;
        if found.as_ref() != expected {
            return Err(Error::Conflict {
                expected: expected.copied(),
                found,
            });
        }
        let from = found.map_or(0, |head| head.size);
        if leaves.is_empty() || from.checked_add(leaves.len() as u64) != Some(new.size) {
            return Err(Error::Append {
                from,
                leaves: leaves.len(),
                to: new.size,
            });
        }
        let mut batch = WriteBatch::default();
        for (index, leaf) in (from..).zip(leaves) {
            batch.put_cf(self.table(LEAVES)?, index.to_be_bytes(), leaf);
        }
        batch.put_cf(self.table(META)?, HEAD, new.encode());
        // One batch is one record of the write-ahead log: a crash leaves all of it or nothing.
        self.write_batch(batch, Durability::Synced, "append to the log")
    }

    /// The leaf at `index`, or `None` past the head.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        self.read(LEAVES, &index.to_be_bytes())
    }

    /// The leaves `from..to` in order, as they stand at this moment. A leaf that is missing in
    /// the range, because the store is damaged or because `to` is past the head, is an error and
    /// ends the iteration.
    pub fn leaves(&self, from: u64, to: u64) -> Result<Leaves<'_>, Error> {
        let mut range = ReadOptions::default();
        range.set_iterate_upper_bound(to.to_be_bytes());
        let start = from.to_be_bytes();
        Ok(Leaves {
            store: self,
            rows: self.db.iterator_cf_opt(
                self.table(LEAVES)?,
                range,
                IteratorMode::From(&start, Direction::Forward),
            ),
            next: from,
            to,
        })
    }

    /// Keeps a part under its hash, which the caller has computed.
    ///
    /// Buffered, and still durable before the leaf that names it: all tables share one write-ahead
    /// log, in which this record stands before the leaf's. A synced write syncs every log file
    /// that is still open, the older ones first (`DBImpl::WriteToWAL`, "for (auto& log : logs_)"),
    /// a flush of a table syncs the closed ones (`DBImpl::SyncClosedLogs`), and recovery stops at
    /// the first gap (`kPointInTimeRecovery`): so the leaf is never there without its part.
    pub fn put_part(&self, sha256: &[u8; 32], bytes: &[u8]) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.table(PARTS)?, sha256, bytes);
        self.write_batch(batch, Durability::Buffered, "keep a part")
    }

    /// The part of this hash.
    pub fn part(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, Error> {
        self.read(PARTS, sha256)
    }

    /// Removes a part, from the files too and not from the index alone. Slow (it rewrites what
    /// lies beside the part), synced, no error for a part that isn't there. Bytes remain while a
    /// reader that began before is still iterating, until the next compaction.
    pub fn erase_part(&self, sha256: &[u8; 32]) -> Result<(), Error> {
        let mut batch = WriteBatch::default();
        batch.delete_cf(self.table(PARTS)?, sha256);
        self.write_batch(batch, Durability::Synced, "erase a part")?;
        self.forget(PARTS, sha256, sha256)
    }

    /// Rewrites what lies between two keys of a table, so that what was deleted there is gone
    /// from the files too. A crash before the end leaves it deleted, and its bytes in files or in
    /// the write-ahead log until the next compaction there; calling again finishes it.
    pub(super) fn forget(&self, table: &'static str, from: &[u8], to: &[u8]) -> Result<(), Error> {
        for name in TABLES {
            // A log file goes only when no table needs it any more, so every table is flushed.
            self.db
                .flush_cf(self.table(name)?)
                .map_err(|source| self.failed("flush after an erasure", source))?;
        }
        let mut how = CompactOptions::default();
        how.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db
            .compact_range_cf_opt(self.table(table)?, Some(from), Some(to), &how);
        Ok(())
    }

    /// Makes a copy of the whole store, as it stands at this moment, in `dir`, which must not
    /// exist and whose parent must. On the same file system it is hard links, so it takes no time.
    pub fn checkpoint(&self, dir: &Path) -> Result<(), Error> {
        // RocksDB builds it beside and renames it: a crash leaves `<dir>.tmp`, no half copy.
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(dir))
            .map_err(|source| self.failed("make a checkpoint", source))?;
        files::sync_dir(dir.parent().unwrap_or(Path::new(".")))
    }

    /// The directory that the store was opened in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn settle_format(&self) -> Result<(), Error> {
        match self.read(META, FORMAT_KEY)? {
            Some(format) if format == FORMAT => Ok(()),
            Some(format) => Err(self.damaged(format!(
                "its layout is {:?} and this version knows {:?} only",
                String::from_utf8_lossy(&format),
                String::from_utf8_lossy(FORMAT)
            ))),
            None => {
                let mut batch = WriteBatch::default();
                batch.put_cf(self.table(META)?, FORMAT_KEY, FORMAT);
                self.write_batch(batch, Durability::Synced, "write its format")
            }
        }
    }

    pub(super) fn read(&self, table: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db
            .get_cf(self.table(table)?, key)
            .map_err(|source| self.failed("be read", source))
    }

    pub(super) fn write_batch(
        &self,
        batch: WriteBatch,
        durability: Durability,
        what: &'static str,
    ) -> Result<(), Error> {
        let mut how = WriteOptions::default();
        how.set_sync(durability == Durability::Synced);
        self.db
            .write_opt(batch, &how)
            .map_err(|source| self.failed(what, source))
    }

    pub(super) fn table(&self, name: &'static str) -> Result<&ColumnFamily, Error> {
        self.db
            .cf_handle(name)
            .ok_or_else(|| self.damaged(format!("it has no table `{name}`")))
    }

    pub(super) fn failed(&self, what: &'static str, source: rocksdb::Error) -> Error {
        Error::Database {
            what,
            dir: self.dir.clone(),
            source,
        }
    }

    fn damaged(&self, what: String) -> Error {
        Error::Damaged {
            place: format!("the store in {}", self.dir.display()),
            what,
        }
    }
}

/// Leaves in order, from [`Store::leaves`].
pub struct Leaves<'a> {
    store: &'a Store,
    rows: DBIteratorWithThreadMode<'a, Db>,
    next: u64,
    to: u64,
}

impl Iterator for Leaves<'_> {
    type Item = Result<(u64, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.to {
            return None;
        }
        let index = self.next;
        let row = match self.rows.next() {
            Some(Ok((key, leaf))) if key.as_ref() == index.to_be_bytes() => {
                Ok((index, leaf.into()))
            }
            Some(Err(source)) => Err(self.store.failed("be read", source)),
            Some(Ok(_)) | None => Err(self.store.damaged(format!("leaf {index} is missing"))),
        };
        self.next = if row.is_ok() { index + 1 } else { self.to };
        Some(row)
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // Recovery keeps its default, kPointInTimeRecovery: a torn last record is what a crash leaves
    // and is dropped; should a damaged one in the middle drop acknowledged leaves, the head falls
    // behind the high-water mark, which the start compares.
    options.set_max_total_wal_size(64 << 20);
    // All tables or none: after a write that failed the database flushes by itself, and a process
    // that ends amid that must not leave a head whose leaves lay in another table.
    options.set_atomic_flush(true);
    options.set_keep_log_file_num(4);
    // Files of tables are opened again as they are needed: sockets need descriptors too.
    options.set_max_open_files(256);
    options
}

fn table_options(buffer: usize) -> Options {
    let mut options = Options::default();
    options.set_write_buffer_size(buffer);
    // The bundled library is built without codecs and Debian's with them: uncompressed, either
    // opens what the other wrote. What is published is compressed anyway.
    options.set_compression_type(DBCompressionType::None);
    options
}

const LEAVES: &str = "leaves";
const PARTS: &str = "parts";
const META: &str = "meta";
pub(super) const PRIVATE: &str = "private";
const TABLES: [&str; 4] = [LEAVES, PARTS, META, PRIVATE];

const HEAD: &[u8] = b"head";
const FORMAT_KEY: &[u8] = b"format";
const FORMAT: &[u8] = b"blockfeed/store/v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64) -> Head {
        Head {
            size,
            root: [size as u8; 32],
        }
    }

    fn leaves(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
        range.map(|i| format!("leaf {i}").into_bytes()).collect()
    }

    #[test]
    fn what_was_appended_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        {
            let store = Store::open(&path).unwrap();
            assert_eq!(store.head().unwrap(), None);
            store.put_part(&[7; 32], b"domain:a.example +\n").unwrap();
            store.append(None, &leaves(0..300), &head(300)).unwrap();
            store
                .append(Some(&head(300)), &leaves(300..302), &head(302))
                .unwrap();
        }
        let store = Store::open(&path).unwrap();
        assert_eq!(store.head().unwrap(), Some(head(302)));
        assert_eq!(store.leaf(301).unwrap().unwrap(), b"leaf 301");
        assert_eq!(store.leaf(302).unwrap(), None);
        assert_eq!(
            store.part(&[7; 32]).unwrap().unwrap(),
            b"domain:a.example +\n"
        );
        let read: Result<Vec<_>, _> = store.leaves(254, 302).unwrap().collect();
        let want: Vec<_> = (254..302).zip(leaves(254..302)).collect();
        assert_eq!(read.unwrap(), want);
    }

    #[test]
    fn an_append_is_conditional_on_the_head_that_was_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.append(None, &leaves(0..2), &head(2)).unwrap();
        for expected in [
            None,
            Some(&head(1)),
            Some(&Head {
                size: 2,
                root: [9; 32],
            }),
        ] {
            let again = store.append(expected, &leaves(2..3), &head(3));
            assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
        }
        for (count, to) in [(0, 2), (1, 4), (2, 3)] {
            let wrong = store.append(Some(&head(2)), &leaves(2..2 + count), &head(to));
            assert!(matches!(wrong, Err(Error::Append { .. })), "{wrong:?}");
        }
        assert_eq!(store.head().unwrap(), Some(head(2)));
        assert_eq!(store.leaf(2).unwrap(), None);
    }

    #[test]
    fn of_two_writers_that_read_the_same_head_one_wins() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let wins: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| store.append(None, &leaves(0..1), &head(1)).is_ok()))
                .collect();
            writers
                .into_iter()
                .map(|writer| usize::from(writer.join().unwrap()))
                .sum()
        });
        assert_eq!(wins, 1);
    }

    #[test]
    fn a_missing_leaf_is_an_error_and_ends_the_reading() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.append(None, &leaves(0..2), &head(2)).unwrap();
        let mut read = store.leaves(1, 4).unwrap();
        assert!(matches!(read.next(), Some(Ok((1, _)))));
        assert!(matches!(read.next(), Some(Err(Error::Damaged { .. }))));
        assert!(read.next().is_none());
        assert!(store.leaves(5, 5).unwrap().next().is_none());
    }

    #[test]
    fn a_second_opener_is_told_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Store::open(dir.path()).unwrap();
        let second = Store::open(dir.path()).err().unwrap().to_string();
        assert!(second.contains("in use by another process"), "{second}");
        assert!(second.contains("Stop the running"), "{second}");
    }

    #[test]
    fn an_erased_part_is_gone_from_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let secret = b"written reasons of a case".repeat(40);
        store.put_part(&[1; 32], b"kept").unwrap();
        store.put_part(&[2; 32], &secret).unwrap();
        store.append(None, &leaves(0..1), &head(1)).unwrap();
        assert!(bytes_on_disk(dir.path(), &secret));
        store.erase_part(&[2; 32]).unwrap();
        assert_eq!(store.part(&[2; 32]).unwrap(), None);
        assert_eq!(store.part(&[1; 32]).unwrap().unwrap(), b"kept");
        assert!(!bytes_on_disk(dir.path(), &secret));
    }

    fn bytes_on_disk(dir: &Path, wanted: &[u8]) -> bool {
        std::fs::read_dir(dir).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
            memchr::memmem::find(&bytes, wanted).is_some()
        })
    }

    #[test]
    fn a_checkpoint_is_a_store_of_that_moment() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("live")).unwrap();
        store.append(None, &leaves(0..3), &head(3)).unwrap();
        store.checkpoint(&dir.path().join("copy")).unwrap();
        store
            .append(Some(&head(3)), &leaves(3..4), &head(4))
            .unwrap();
        let copy = Store::open(&dir.path().join("copy")).unwrap();
        assert_eq!(copy.head().unwrap(), Some(head(3)));
        assert_eq!(copy.leaf(2).unwrap().unwrap(), b"leaf 2");
        assert_eq!(copy.leaf(3).unwrap(), None);
    }
}
