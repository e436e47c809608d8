//! What goes into a backup, held still while it is packed.

use super::{Error, FileEntry, Manifest, VERSION, control};
use crate::{
    store::{Head, Store},
    tlog::leaf_hash,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// A still copy of a data directory, and what it is of. It goes when this is dropped.
pub struct Stage {
    /// Empty as yet of its files.
    pub manifest: Manifest,
    /// Each file's path in the backup, and where it lies.
    pub files: Vec<(String, PathBuf)>,
    /// Kept for as long as the copy is read.
    _copy: Option<control::Copy>,
    own: Option<PathBuf>,
}

impl Stage {
    /// Holds a data directory still. `sets`: where the data sets lie; `keys`: key files to take
    /// along, with their names. Says of the log what `about` reads from its first leaf.
    pub fn take(
        data: &Path,
        sets: &Path,
        keys: &[(String, PathBuf)],
        origin_of: impl Fn(&[u8]) -> Option<String>,
    ) -> Result<Stage, Error> {
        if !data.join("db").exists() {
            return Err(Error::Empty(data.display().to_string()));
        }
        let (copy, own, db) = match control::ask(data)? {
            Some(copy) => {
                let db = copy.dir.clone();
                (Some(copy), None, db)
            }
            None => {
                // Nobody is at the database: its lock keeps an authority out meanwhile.
                let store = Store::open(&data.join("db"))?;
                let dir = data.join(format!("{}{}", control::PREFIX, std::process::id()));
                let db = control::copy_of(&store, &dir)?;
                (None, Some(dir), db)
            }
        };
        let mut stage = Stage {
            manifest: Manifest {
                v: VERSION,
                program: env!("CARGO_PKG_VERSION").into(),
                origin: String::new(),
                session: String::new(),
                size: 0,
                root: String::new(),
                time: now(),
                data: std::path::absolute(data).map_err(Error::io(data))?,
                keys: !keys.is_empty(),
                files: Vec::<FileEntry>::new(),
            },
            files: Vec::new(),
            _copy: copy,
            own,
        };
        stage.describe(&db, origin_of)?;
        stage.collect(&db, "db")?;
        if sets.is_dir() {
            // Linked, so that an import meanwhile takes nothing away.
            let still = db.with_file_name("sets");
            link(sets, &still)?;
            stage.collect(&still, "sets")?;
        }
        let settings = data.join("blockfeed.toml");
        if settings.is_file() {
            stage.files.push(("blockfeed.toml".into(), settings));
        }
        stage.files.extend_from_slice(keys);
        Ok(stage)
    }

    /// Opens the copy, which shows that it can be, and reads where its log stands.
    fn describe(
        &mut self,
        db: &Path,
        origin_of: impl Fn(&[u8]) -> Option<String>,
    ) -> Result<(), Error> {
        let store = Store::open(db)?;
        let empty = || Error::Empty(db.display().to_string());
        let Head { size, root } = store.head()?.ok_or_else(empty)?;
        let first = store.leaf(0)?.ok_or_else(empty)?;
        self.manifest.size = size;
        self.manifest.root = hex::encode(root);
        self.manifest.session = leaf_hash(&first).to_string()[..16].to_owned();
        self.manifest.origin = origin_of(&first).ok_or_else(empty)?;
        Ok(())
    }

    /// Notes every file below a directory.
    fn collect(&mut self, dir: &Path, name: &str) -> Result<(), Error> {
        for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
            let entry = entry.map_err(Error::io(dir))?;
            let path = entry.path();
            let file = entry.file_name();
            let Some(file) = file.to_str().filter(|file| *file != "LOCK") else {
                continue;
            };
            let name = format!("{name}/{file}");
            if path.is_dir() {
                self.collect(&path, &name)?;
            } else {
                self.files.push((name, path));
            }
        }
        self.files.sort();
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // What stays is swept by the next authority here.
            let _ = fs::remove_dir_all(own);
        }
    }
}

/// Links a tree, or copies what can't be linked. `current` names a version that is never written again: it is
/// taken first, and that version after it; a set that is replaced meanwhile is tried again.
fn link(from: &Path, to: &Path) -> Result<(), Error> {
    let mut tries = 3;
    loop {
        match link_once(from, to) {
            Err(Error::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && tries > 0 =>
            {
                tries -= 1;
                fs::remove_dir_all(to).map_err(Error::io(to))?;
            }
            done => return done,
        }
    }
}

fn link_once(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io(to))?;
    let entries = fs::read_dir(from).map_err(Error::io(from))?;
    let mut entries = entries
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::io(from))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(Error::io(&path))?.is_dir() {
            link_once(&path, &target)?;
        } else if fs::hard_link(&path, &target).is_err() {
            fs::copy(&path, &target).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
