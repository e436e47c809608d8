//! The agent's folder: whole files, synced and renamed, each with its checksum or named by it.
//!
//! ```text
//! state          head, trusted time, where each feed stands and of which files it is made
//! leaves         every leaf of the log, in order: u32 BE length ‖ leaf
//! parts/<sha256> trust documents, and the parts of stays that are open
//! feeds/<feed>/  base-<sha256>.zst, delta-<sha256>.zst, held-<sha256>
//! outputs        what was written where, and what was acknowledged
//! generations    where the base of the policy zones stands
//! zones/         the policy zones (room `transfer`)
//! evidence/      two signed checkpoints that contradict each other, if ever
//! lock           one agent at a time
//! ```
//!
//! `state` is written last and names all else, so that a kill at any moment leaves the state
//! before or the state after; surplus leaves and files that it doesn't name are swept.

use super::Error;
use crate::{entries::FeedName, tlog::Hash};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

/// The folder, locked.
#[derive(Debug)]
pub(super) struct Disk {
    dir: PathBuf,
    lock: File,
    /// Where each leaf ends in `leaves`.
    ends: Vec<u64>,
    budget: Budget,
}

/// How many durable steps may still be taken: for tests that stop between any two of them.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<AtomicI64>);

impl Budget {
    fn endless() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MAX)))
    }

    pub(super) fn set(&self, steps: u64) {
        self.0
            .store(i64::try_from(steps).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    fn spend(&self, path: &Path) -> Result<(), Error> {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            let stopped = std::io::Error::other("the steps that a test allows are spent");
            return Err(Error::disk("write", path, stopped));
        }
        Ok(())
    }
}

impl Drop for Disk {
    /// Lets the lock go by name. Closing alone doesn't: a child that another thread is just starting (a reload
    /// command) holds a copy of the file until it becomes its program, and with it the lock.
    fn drop(&mut self) {
        if let Err(why) = self.lock.unlock() {
            tracing::debug!(%why, "the agent's lock goes with the process");
        }
    }
}

impl Disk {
    /// Opens the folder, making it where it is missing, and keeps other agents out.
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        for sub in ["parts", "feeds"] {
            let sub = dir.join(sub);
            fs::create_dir_all(&sub).map_err(|e| Error::disk("create the folder", &sub, e))?;
        }
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(|e| Error::disk("open the lock", &path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::Locked(dir.to_owned())),
            Err(fs::TryLockError::Error(e)) => return Err(Error::disk("lock", &path, e)),
        }
        Ok(Self {
            dir: dir.to_owned(),
            lock,
            ends: Vec::new(),
            budget: Budget::endless(),
        })
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn budget(&self) -> Budget {
        self.budget.clone()
    }

    /// The folder of a feed's files.
    pub(super) fn feed_dir(&self, feed: &FeedName) -> PathBuf {
        self.dir.join("feeds").join(feed.as_str())
    }

    /// Reads `leaves` up to the first `size` of them.
    pub(super) fn load_leaves(&mut self, size: u64) -> Result<Vec<Vec<u8>>, Error> {
        let path = self.leaves_path();
        let bytes = fs::read(&path).map_err(|e| Error::disk("read", &path, e))?;
        let damaged = || Error::Damaged {
            path: path.clone(),
            why: format!("it has fewer than the {size} leaves that the state says"),
        };
        let mut rest = bytes.as_slice();
        let mut leaves = Vec::new();
        self.ends.clear();
        for _ in 0..size {
            let (length, after) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (leaf, after) = after.split_at_checked(length).ok_or_else(damaged)?;
            leaves.push(leaf.to_vec());
            rest = after;
            self.ends.push((bytes.len() - rest.len()) as u64);
        }
        Ok(leaves)
    }

    /// The leaves from one index up to another, as they were loaded or appended.
    pub(super) fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, Error> {
        let path = self.leaves_path();
        let failed = |e| Error::disk("read", &path, e);
        let mut found = Vec::new();
        if from >= to {
            return Ok(found);
        }
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.end(from))).map_err(failed)?;
        let mut run = vec![0; usize::try_from(self.end(to) - self.end(from)).unwrap_or(0)];
        file.read_exact(&mut run).map_err(failed)?;
        let mut rest = run.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (leaf, after) = after.split_at(length.min(after.len()));
            found.push(leaf.to_vec());
            rest = after;
        }
        Ok(found)
    }

    /// Puts leaves after the first `from`, in place of whatever a write that was cut short left
    /// there. A crash here leaves a tail that no state names: it is cut off by the next append.
    pub(super) fn append_leaves(&mut self, from: u64, leaves: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.leaves_path();
        let failed = |e| Error::disk("append leaves to", &path, e);
        self.budget.spend(&path)?;
        self.ends
            .truncate(usize::try_from(from).unwrap_or(usize::MAX));
        let mut end = self.end(from);
        let mut run = Vec::new();
        for leaf in leaves {
            run.extend_from_slice(&(leaf.len() as u32).to_be_bytes());
            run.extend_from_slice(leaf);
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        file.set_len(end).map_err(failed)?;
        file.seek(SeekFrom::Start(end)).map_err(failed)?;
        file.write_all(&run).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        for leaf in leaves {
            end += 4 + leaf.len() as u64;
            self.ends.push(end);
        }
        sync_dir(&self.dir)
    }

    /// Reads a file that `write_checked` wrote; `None` where there is none.
    pub(super) fn read_checked(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = self.dir.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::disk("read", &path, e)),
        };
        let damaged = |why: &str| Error::Damaged {
            path: path.clone(),
            why: why.into(),
        };
        let body = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged("it doesn't begin as this program's files do"))?;
        let (sum, body) = body
            .split_at_checked(65)
            .ok_or_else(|| damaged("it is cut short"))?;
        if sum != format!("{}\n", Hash::of(body)).as_bytes() {
            return Err(damaged("its checksum is another"));
        }
        Ok(Some(body.to_vec()))
    }

    /// Writes a small file with its checksum, whole and durable.
    pub(super) fn write_checked(&self, name: &str, body: &[u8]) -> Result<(), Error> {
        let head = format!("{}\n", Hash::of(body));
        let bytes = [MAGIC, head.as_bytes(), body].concat();
        self.write(&self.dir.join(name), &bytes)
    }

    /// Writes a file, whole and durable.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.budget.spend(path)?;
        write_whole(path, bytes, 0o600)
    }

    /// The bytes of a part that is kept here, if it is and they are its own.
    pub(super) fn part(&self, sha256: &Hash) -> Option<Vec<u8>> {
        let bytes = fs::read(self.part_path(sha256)).ok()?;
        (Hash::of(&bytes) == *sha256).then_some(bytes)
    }

    /// Keeps a part.
    pub(super) fn keep_part(&self, sha256: &Hash, bytes: &[u8]) -> Result<(), Error> {
        self.write(&self.part_path(sha256), bytes)
    }

    /// Removes the parts, and the files of a feed, that nothing names any more. What can't be
    /// removed now is swept another time.
    pub(super) fn sweep_parts(&self, named: &BTreeSet<Hash>) {
        let keep = |name: &str| Hash::from_hex(name).is_ok_and(|hash| named.contains(&hash));
        sweep(&self.dir.join("parts"), keep);
    }

    /// The same for the files of a feed.
    pub(super) fn sweep_feed(&self, feed: &FeedName, named: &BTreeSet<String>) {
        sweep(&self.feed_dir(feed), |name| named.contains(name));
    }

    fn part_path(&self, sha256: &Hash) -> PathBuf {
        self.dir.join("parts").join(sha256.to_string())
    }

    fn leaves_path(&self) -> PathBuf {
        self.dir.join("leaves")
    }

    /// Where the leaf at `index` begins.
    fn end(&self, index: u64) -> u64 {
        usize::try_from(index)
            .ok()
            .and_then(|i| i.checked_sub(1))
            .and_then(|i| self.ends.get(i))
            .copied()
            .unwrap_or(0)
    }
}

/// Writes a file aside in its folder, syncs it, renames it, syncs the folder. A crash leaves the
/// old file or the new one, and perhaps the file aside, which the next writing takes over.
pub(super) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    write_with(path, mode, |out| out.write_all(bytes)).map(drop)
}

/// The same for what is written piece by piece. Gives the SHA-256 of it all.
pub(super) fn write_with(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<Hash, Error> {
    let dir = parent(path);
    fs::create_dir_all(&dir).map_err(|e| Error::disk("create the folder", &dir, e))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = dir.join(format!("{ASIDE}{name}"));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&aside)
        .and_then(|file| {
            // The mode that was asked for, whatever the process's mask is.
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
            let mut out = Hashing {
                file,
                digest: Sha256::new(),
            };
            write(&mut out)?;
            out.file.sync_all()?;
            fs::rename(&aside, path)?;
            Ok(Hash(out.digest.finalize().into()))
        });
    let hash = written.map_err(|e| {
        let _ = fs::remove_file(&aside);
        Error::disk("write", path, e)
    })?;
    sync_dir(&dir)?;
    Ok(hash)
}

/// A file that is hashed as it is written.
struct Hashing {
    file: File,
    digest: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|e| Error::disk("sync the folder", dir, e))
}

pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn sweep(dir: &Path, keep: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && !entry.file_name().to_str().is_some_and(&keep) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// First bytes of a checked file; its SHA-256 in hex and a line feed follow, then its body.
const MAGIC: &[u8] = b"blockfeed/agent/v1 ";

/// Start of the names of files that are being written.
const ASIDE: &str = ".aside-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_files_tell_damage_from_absence() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        assert!(disk.read_checked("state").unwrap().is_none());
        disk.write_checked("state", b"{}").unwrap();
        assert_eq!(disk.read_checked("state").unwrap().unwrap(), b"{}");
        let path = dir.path().join("state");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(
            disk.read_checked("state"),
            Err(Error::Damaged { .. })
        ));
        fs::write(&path, b"").unwrap();
        assert!(disk.read_checked("state").is_err());
        assert!(matches!(Disk::open(dir.path()), Err(Error::Locked(_))));
    }

    #[test]
    fn a_torn_tail_of_leaves_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(dir.path()).unwrap();
        let leaves = [b"one".to_vec(), b"second".to_vec()];
        disk.append_leaves(0, &leaves).unwrap();
        let mut file = OpenOptions::new()
            .append(true)
            .open(dir.path().join("leaves"))
            .unwrap();
        file.write_all(&[0, 0, 0, 9, b'x']).unwrap();
        assert_eq!(disk.load_leaves(2).unwrap(), leaves);
        disk.append_leaves(2, &[b"third".to_vec()]).unwrap();
        assert_eq!(disk.leaves(1, 3).unwrap(), [&b"second"[..], b"third"]);
        assert_eq!(disk.load_leaves(3).unwrap().len(), 3);
        assert!(disk.load_leaves(4).is_err());
    }
}
