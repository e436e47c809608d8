//! Published files, written so that a reader sees the old file or the new one and a power cut
//! leaves the same: aside in the same directory, synced, renamed, directory synced
//! (design: Commit, "file and folder synced").

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::Error;

/// Writes one file at `relative` under `dir`, with the directories that it needs; all of it is on
/// the disk when this returns. An existing file is replaced at once and whole.
///
/// # Errors
/// [`Error::Path`] for a path that isn't plain, before anything is written; [`Error::Io`].
pub fn write_synced(dir: &Path, relative: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut batch = Batch::new(dir);
    batch.write(relative, bytes)?;
    batch.finish()
}

/// Many files in one go: each is synced by itself, each directory once at the end.
///
/// Readers see each file when it has been written; it is durable when [`Batch::finish`] returns.
#[derive(Debug)]
pub struct Batch {
    dir: PathBuf,
    touched: BTreeSet<PathBuf>,
}

impl Batch {
    /// A batch of files under `dir`, which is created when the first is written.
    pub fn new(dir: &Path) -> Batch {
        Batch {
            dir: dir.to_owned(),
            touched: BTreeSet::new(),
        }
    }

    /// Writes one file aside, syncs it and renames it to its place.
    pub fn write(&mut self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(plain(relative)?);
        let Some(parent) = path.parent() else {
            return Err(Error::Path {
                path: relative.to_owned(),
            });
        };
        if !self.touched.contains(parent) {
            self.create(parent)?;
        }
        // A crash up to the rename leaves a file that no reader looks for; `sweep` removes it.
        let aside = parent.join(format!(
            "{ASIDE}{}-{}",
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        ));
        let written = write_file(&aside, bytes).and_then(|()| {
            fs::rename(&aside, &path).map_err(|e| Error::io("rename a file to", &path, e))
        });
        if written.is_err() {
            // The error that brought us here is the one to tell.
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Syncs every directory that got a file or a directory.
    ///
    /// A crash before leaves some of the files, each whole: the caller publishes what points to
    /// them only afterwards, and writes them again at the restart.
    pub fn finish(self) -> Result<(), Error> {
        self.touched.iter().try_for_each(|dir| sync_dir(dir))
    }

    fn create(&mut self, dir: &Path) -> Result<(), Error> {
        for missing in missing_dirs(dir) {
            create_dir(missing)?;
            self.touched.extend(missing.parent().map(named));
        }
        self.touched.insert(dir.to_owned());
        Ok(())
    }
}

/// Removes what writers that were killed left aside anywhere under `dir`, and says how many files
/// that were. To be called at the start, before anyone writes there; a missing `dir` has none.
pub fn sweep(dir: &Path) -> Result<u64, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(Error::io("list a directory", dir, e)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("list a directory", dir, e))?;
        let path = entry.path();
        let kind = entry
            .file_type()
            .map_err(|e| Error::io("look at a file", &path, e))?;
        if kind.is_dir() {
            removed += sweep(&path)?;
        } else if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(ASIDE.as_bytes())
        {
            fs::remove_file(&path).map_err(|e| Error::io("remove a leftover", &path, e))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Creates `dir` and the directories above it that are missing, and syncs the one above each.
pub fn create_dir_synced(dir: &Path) -> Result<(), Error> {
    for missing in missing_dirs(dir) {
        create_dir(missing)?;
        sync_dir(&missing.parent().map_or_else(|| PathBuf::from("."), named))?;
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub fn sync_dir(dir: &Path) -> Result<(), Error> {
    let dir = named(dir);
    File::open(&dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|e| Error::io("sync a directory", &dir, e))
}

/// The missing directories on the way to `dir`, outermost first.
fn missing_dirs(dir: &Path) -> Vec<&Path> {
    let mut missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|dir| !dir.as_os_str().is_empty() && !dir.is_dir())
        .collect();
    missing.reverse();
    missing
}

fn create_dir(dir: &Path) -> Result<(), Error> {
    match fs::create_dir(dir) {
        // Another writer was quicker; both sync the directory above.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        done => done.map_err(|e| Error::io("create a directory", dir, e)),
    }
}

/// Removes what lies in a directory, is older than `age` and isn't needed; gives how many went.
/// What can't be removed is only litter, and is met again the next time.
pub fn prune(dir: &Path, age: Duration, is_needed: impl Fn(&str) -> bool) -> u64 {
    let is_old = |path: &Path| {
        let modified = fs::metadata(path).and_then(|meta| meta.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed > age))
    };
    let mut gone = 0;
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_str().is_some_and(|name| !is_needed(name)) && is_old(&path) {
            gone += u64::from(fs::remove_file(path).is_ok());
        }
    }
    gone
}

/// The parent of a one-segment relative path is the empty path, which can't be opened.
fn named(dir: &Path) -> PathBuf {
    if dir.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        dir.to_owned()
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        // A killed writer whose process number and counter come again left it half written.
        .truncate(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    written.map_err(|e| Error::io("write a file", path, e))
}

fn plain(relative: &str) -> Result<&Path, Error> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(allowed)
    };
    if relative.split('/').all(fits) {
        Ok(Path::new(relative))
    } else {
        Err(Error::Path {
            path: relative.to_owned(),
        })
    }
}

/// Start of the names of files that are being written: no plain path begins with a dot.
const ASIDE: &str = ".aside-";

static COUNTER: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_nothing_is_left_aside() {
        let dir = tempfile::tempdir().unwrap();
        write_synced(dir.path(), "feeds/domains/manifest", b"old").unwrap();
        write_synced(dir.path(), "feeds/domains/manifest", b"new").unwrap();
        let mut batch = Batch::new(&dir.path().join("not/yet"));
        for i in 0..20 {
            batch.write(&format!("tile/0/{i:03}"), &[i]).unwrap();
        }
        batch.write("checkpoint", b"c").unwrap();
        batch.finish().unwrap();
        let read = |path| fs::read(dir.path().join(path)).unwrap();
        assert_eq!(read("feeds/domains/manifest"), b"new");
        assert_eq!(read("not/yet/tile/0/019"), [19]);
        assert_eq!(read("not/yet/checkpoint"), b"c");
        assert_eq!(sweep(dir.path()).unwrap(), 0);
    }

    #[test]
    fn a_path_never_leaves_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "", "/etc/x", "..", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\\b", "ă",
        ] {
            let written = write_synced(dir.path(), path, b"x");
            assert!(matches!(written, Err(Error::Path { .. })), "{path:?}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn leftovers_of_killed_writers_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        write_synced(dir.path(), "a/b", b"kept").unwrap();
        fs::write(dir.path().join("a/.aside-1-1"), b"half").unwrap();
        assert_eq!(sweep(dir.path()).unwrap(), 1);
        assert_eq!(fs::read(dir.path().join("a/b")).unwrap(), b"kept");
        assert_eq!(sweep(&dir.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn only_what_is_old_and_not_needed_is_pruned() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        for name in ["needed", "old", "new"] {
            fs::write(path(name), b"x").unwrap();
        }
        let past = std::time::SystemTime::now() - Duration::from_secs(7200);
        for name in ["needed", "old"] {
            File::options()
                .write(true)
                .open(path(name))
                .unwrap()
                .set_modified(past)
                .unwrap();
        }
        let hour = Duration::from_secs(3600);
        assert_eq!(prune(dir.path(), hour, |name| name == "needed"), 1);
        assert!(path("needed").exists() && path("new").exists() && !path("old").exists());
        assert_eq!(prune(&path("none"), hour, |_| false), 0);
    }
}
