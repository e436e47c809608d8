//! Data sets: sorted tables that are written once, swapped in whole, and read by any number of processes.
//!
//! One directory a set. Each version is a RocksDB directory of its own, and the file `current` names the one that counts,
//! with the writer's description of it:
//!
//! ```text
//! <set>/current    v3\n<description>
//! <set>/v3/        the database of that version, never written again
//! <set>/lock       held while a version is being made
//! ```
//!
//! A crash at any moment leaves `current` as it was: what was half made is swept by the next writer. The room knows keys,
//! values and descriptions as bytes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, BottommostLevelCompaction, Cache, CompactOptions, DB,
    DBCompressionType, IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::{Error, files};

/// A new version of a set in the making. Dropped before [`SetWriter::publish`] it leaves no trace but a directory that the
/// next writer sweeps.
pub struct SetWriter {
    set: PathBuf,
    version: u64,
    db: DB,
    batch: WriteBatch,
    how: WriteOptions,
    /// Keeps other writers out until this one is dropped.
    lock: Lock,
}

/// A published version of a set, open for reading; it stays readable when a newer one takes its place.
pub struct SetReader {
    db: DB,
    dir: PathBuf,
    description: Vec<u8>,
    mark: Mark,
}

/// A key and its value.
pub type Pair = (Box<[u8]>, Box<[u8]>);

/// By which a reader sees that another version was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl SetWriter {
    /// Begins a new version of the set in the directory `set`, which is made where it is missing.
    ///
    /// # Errors
    /// [`Error::Busy`] while another writer is at it; else the disk's.
    pub fn begin(set: &Path) -> Result<SetWriter, Error> {
        files::create_dir_synced(set)?;
        // A registry's extract isn't for every user of the machine.
        fs::set_permissions(set, PermissionsExt::from_mode(0o700))
            .map_err(|e| Error::io("close to others", set, e))?;
        let lock = lock(set)?;
        let version = sweep(set)?.saturating_add(1);
        let dir = set.join(format!("v{version}"));
        let db = DB::open(&writing(), &dir).map_err(|e| failed("be made", &dir, e))?;
        let mut how = WriteOptions::default();
        // Nothing of a version counts before `current` names it, and it is flushed and synced by then.
        how.disable_wal(true);
        Ok(SetWriter {
            set: set.to_owned(),
            version,
            db,
            batch: WriteBatch::default(),
            how,
            lock,
        })
    }

    /// Puts one row; of rows with the same key the last counts.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.batch.put(key, value);
        if self.batch.size_in_bytes() >= BATCH {
            self.write()?;
        }
        Ok(())
    }

    /// Sorts what was put and says how many keys there are.
    pub fn settle(&mut self) -> Result<u64, Error> {
        self.write()?;
        let dir = self.dir();
        self.db.flush().map_err(|e| failed("be flushed", &dir, e))?;
        let mut how = CompactOptions::default();
        how.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db
            .compact_range_opt(None::<&[u8]>, None::<&[u8]>, &how);
        let mut keys = 0;
        for row in self.db.iterator(IteratorMode::Start) {
            row.map_err(|e| failed("be read", &dir, e))?;
            keys += 1;
        }
        Ok(keys)
    }

    /// Makes this version the one that counts, and removes the one before.
    ///
    /// # Errors
    /// The disk's; the version before still counts then, or this one whole.
    pub fn publish(mut self, description: &[u8]) -> Result<(), Error> {
        self.write()?;
        let dir = self.dir();
        self.db.flush().map_err(|e| failed("be flushed", &dir, e))?;
        let SetWriter {
            set,
            version,
            db,
            lock,
            ..
        } = self;
        drop(db);
        files::sync_dir(&dir)?;
        files::sync_dir(&set)?;
        let mut current = format!("v{version}\n").into_bytes();
        current.extend_from_slice(description);
        files::write_synced(&set, CURRENT, &current)?;
        sweep(&set)?;
        drop(lock);
        Ok(())
    }

    fn dir(&self) -> PathBuf {
        self.set.join(format!("v{}", self.version))
    }

    fn write(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        self.db
            .write_opt(batch, &self.how)
            .map_err(|e| failed("take rows", &self.dir(), e))
    }
}

impl SetReader {
    /// Opens the version of the set in `set` that counts now; none where nothing was ever published.
    ///
    /// # Errors
    /// [`Error::Damaged`] and [`Error::Database`] for a set that can't be read.
    pub fn open(set: &Path) -> Result<Option<SetReader>, Error> {
        let mut last = None;
        // Between reading `current` and opening what it names, a writer may put a newer version in its place.
        for _ in 0..TRIES {
            let Some((mark, version, description)) = current(set)? else {
                return Ok(None);
            };
            let dir = set.join(format!("v{version}"));
            match DB::open_for_read_only(&reading(), &dir, false) {
                Ok(db) => {
                    return Ok(Some(SetReader {
                        db,
                        dir,
                        description,
                        mark,
                    }));
                }
                Err(e) => last = Some(failed("be opened", &dir, e)),
            }
        }
        last.map_or(Ok(None), Err)
    }

    /// What the writer said of this version.
    pub fn description(&self) -> &[u8] {
        &self.description
    }

    /// By which [`mark`] tells whether this is the newest version still.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.db
            .get(key)
            .map_err(|e| failed("be read", &self.dir, e))
    }

    /// The rows from a key up to, and without, another, in order.
    pub fn range(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = Result<Pair, Error>> {
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_range(from..to);
        self.db
            .iterator_opt(IteratorMode::Start, bounds)
            .map(|row| row.map_err(|e| failed("be read", &self.dir, e)))
    }
}

/// The mark of the version that counts now; none where nothing was published.
pub fn mark(set: &Path) -> Result<Option<Mark>, Error> {
    let path = set.join(CURRENT);
    match fs::metadata(&path) {
        Ok(found) => Ok(Some(Mark::of(&found))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("look at a file", &path, e)),
    }
}

/// What the writer said of the version that counts now, without opening it.
pub fn description(set: &Path) -> Result<Option<Vec<u8>>, Error> {
    Ok(current(set)?.map(|(_, _, description)| description))
}

impl Mark {
    fn of(found: &fs::Metadata) -> Mark {
        Mark {
            inode: found.ino(),
            seconds: found.mtime(),
            nanoseconds: found.mtime_nsec(),
        }
    }
}

fn current(set: &Path) -> Result<Option<(Mark, u64, Vec<u8>)>, Error> {
    let path = set.join(CURRENT);
    let refused = |e| Error::io("read a file", &path, e);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(refused(e)),
    };
    // Of the file that was opened: another may stand there by now.
    let mark = Mark::of(&file.metadata().map_err(refused)?);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).map_err(refused)?;
    let end = memchr::memchr(b'\n', &bytes);
    let named = end.and_then(|end| bytes.split_at_checked(end));
    let Some((version, description)) = named.and_then(|(name, rest)| {
        let name = std::str::from_utf8(name).ok()?;
        Some((number(name)?, rest.get(1..)?.to_vec()))
    }) else {
        return Err(Error::Damaged {
            place: path.display().to_string(),
            what: "it names no version of the set; import the set again".to_owned(),
        });
    };
    Ok(Some((mark, version, description)))
}

/// Removes every version but the current one, and says the highest number that was ever seen here.
fn sweep(set: &Path) -> Result<u64, Error> {
    let kept = match current(set) {
        Ok(found) => found.map(|(_, version, _)| version),
        // A pointer that can't be read is replaced by this writer's own; its version is of no use to anyone.
        Err(Error::Damaged { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut highest = kept.unwrap_or_default();
    let listed = fs::read_dir(set).map_err(|e| Error::io("list a directory", set, e))?;
    for entry in listed {
        let entry = entry.map_err(|e| Error::io("list a directory", set, e))?;
        let Some(version) = entry.file_name().to_str().and_then(number) else {
            continue;
        };
        highest = highest.max(version);
        if Some(version) != kept {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|e| Error::io("remove a version", &path, e))?;
        }
    }
    files::sweep(set)?;
    Ok(highest)
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix('v')?.parse().ok()
}

/// A set's `lock`, held. Let go by name: closing alone leaves it to a child that another thread is just starting.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The process's end lets go of it as well.
        drop(self.0.unlock());
    }
}

fn lock(set: &Path) -> Result<Lock, Error> {
    let path = set.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| Error::io("open a lock", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            set: set.to_owned(),
        }),
        Err(TryLockError::Error(e)) => Err(Error::io("take a lock", &path, e)),
    }
}

fn failed(what: &'static str, dir: &Path, source: rocksdb::Error) -> Error {
    Error::Database {
        what,
        dir: dir.to_owned(),
        source,
    }
}

fn tables() -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    // A name that isn't there costs no read.
    tables.set_bloom_filter(10.0, false);
    tables.set_block_size(4 << 10);
    // Index and filter in parts, read when they are needed: a program that asks for one name opens millions of rows
    // without reading a filter over all of them.
    tables.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    tables.set_partition_filters(true);
    tables.set_cache_index_and_filter_blocks(true);
    tables.set_pin_top_level_index_and_filter(true);
    tables
}

fn writing() -> Options {
    let mut options = Options::default();
    options.prepare_for_bulk_load();
    options.create_if_missing(true);
    options.set_error_if_exists(true);
    options.set_write_buffer_size(32 << 20);
    options.set_max_write_buffer_number(3);
    options.set_compression_type(DBCompressionType::None);
    options.set_block_based_table_factory(&tables());
    options.set_keep_log_file_num(1);
    options
}

fn reading() -> Options {
    let mut options = Options::default();
    let mut tables = tables();
    if let Ok(cache) = Cache::new_lru_cache(CACHE) {
        tables.set_block_cache(&cache);
    }
    options.set_block_based_table_factory(&tables);
    options.set_keep_log_file_num(1);
    // All files are held open, so that a version whose directory is removed stays readable.
    options.set_max_open_files(-1);
    options
}

const CURRENT: &str = "current";
/// Bytes of rows that are handed over at once.
const BATCH: usize = 256 << 10;
/// Bytes of blocks that a reader keeps in memory, a set.
const CACHE: usize = 48 << 20;
const TRIES: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(set: &Path, rows: &[(&str, &str)], description: &str) -> u64 {
        let mut writer = SetWriter::begin(set).unwrap();
        for (key, value) in rows {
            writer.put(key.as_bytes(), value.as_bytes()).unwrap();
        }
        let keys = writer.settle().unwrap();
        writer.publish(description.as_bytes()).unwrap();
        keys
    }

    fn versions(set: &Path) -> usize {
        let all = fs::read_dir(set).unwrap();
        all.filter(|e| number(e.as_ref().unwrap().file_name().to_str().unwrap()).is_some())
            .count()
    }

    #[test]
    fn a_version_takes_the_place_of_the_one_before_whole() {
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("sets/names");
        assert!(SetReader::open(&set).unwrap().is_none());
        assert_eq!(
            publish(&set, &[("b", "1"), ("a", "2"), ("b", "3")], "first"),
            2
        );
        let old = SetReader::open(&set).unwrap().unwrap();
        assert_eq!(old.description(), b"first");
        assert_eq!(old.get(b"b").unwrap().unwrap(), b"3");
        assert_eq!(mark(&set).unwrap(), Some(old.mark()));
        publish(&set, &[("c", "4")], "second");
        // Whoever reads the old version goes on reading it, though its directory is gone.
        assert_eq!(old.get(b"a").unwrap().unwrap(), b"2");
        assert_eq!(old.range(b"a", b"z").count(), 2);
        assert_ne!(mark(&set).unwrap(), Some(old.mark()));
        let new = SetReader::open(&set).unwrap().unwrap();
        assert_eq!(new.get(b"b").unwrap(), None);
        assert_eq!(description(&set).unwrap().unwrap(), b"second");
        assert_eq!(versions(&set), 1);
    }

    #[test]
    fn what_was_not_published_is_swept_and_never_seen() {
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("names");
        publish(&set, &[("a", "1")], "kept");
        let mut dropped = SetWriter::begin(&set).unwrap();
        dropped.put(b"a", b"2").unwrap();
        let second = SetWriter::begin(&set).err().unwrap().to_string();
        assert!(second.contains("another import"), "{second}");
        drop(dropped);
        assert_eq!(versions(&set), 2);
        let reader = SetReader::open(&set).unwrap().unwrap();
        assert_eq!(reader.get(b"a").unwrap().unwrap(), b"1");
        publish(&set, &[("a", "3")], "next");
        assert_eq!(versions(&set), 1);
        fs::write(set.join(CURRENT), b"x").unwrap();
        assert!(matches!(SetReader::open(&set), Err(Error::Damaged { .. })));
        publish(&set, &[("a", "4")], "healed");
        let reader = SetReader::open(&set).unwrap().unwrap();
        assert_eq!(reader.get(b"a").unwrap().unwrap(), b"4");
    }
}
