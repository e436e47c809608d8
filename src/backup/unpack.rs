//! From a backup to a data directory: into an empty one only, and only what its manifest names.

use super::{Error, MANIFEST, Manifest, VERSION, pack::Hashed};
use crate::store::files;
use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Component, Path},
};

/// Unpacks the backup `from` (a directory, a .tar.zst, `-` for one on standard input) into `data`.
///
/// It is unpacked aside and moved when every file was held against the manifest: a crash before
/// leaves `restoring/` and no log; remove the directory and begin again.
pub fn unpack(from: &str, data: &Path, watch: &mut dyn FnMut(u64)) -> Result<Manifest, Error> {
    if data.exists() {
        let mut there = fs::read_dir(data).map_err(Error::io(data))?;
        if there.next().is_some() {
            return Err(Error::NotEmpty(data.display().to_string()));
        }
    }
    let aside = data.join("restoring");
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(&aside).map_err(Error::io(&aside))?;
    let unpacked = bring(from, &aside, watch).and_then(|()| check(from, &aside));
    let manifest = match unpacked {
        Ok(manifest) => manifest,
        Err(error) => {
            // What was refused is of no use; the directory is as it was found.
            let _ = fs::remove_dir_all(&aside);
            return Err(error);
        }
    };
    let mut tops: Vec<_> = fs::read_dir(&aside)
        .map_err(Error::io(&aside))?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| name != MANIFEST)
        .collect();
    // The database last: with it there is a log.
    tops.sort_by_key(|name| name == "db");
    for name in tops {
        let target = data.join(&name);
        fs::rename(aside.join(&name), &target).map_err(Error::io(&target))?;
    }
    fs::remove_dir_all(&aside).map_err(Error::io(&aside))?;
    files::sync_dir(data)?;
    Ok(manifest)
}

fn bring(from: &str, aside: &Path, watch: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let path = Path::new(from);
    if path.is_dir() {
        return copy_tree(path, aside, &mut 0, watch);
    }
    if from == "-" {
        return untar(from, io::stdin().lock(), aside, watch);
    }
    let file = File::open(path).map_err(Error::io(path))?;
    untar(from, file, aside, watch)
}

fn copy_tree(
    from: &Path,
    to: &Path,
    done: &mut u64,
    watch: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::io(from))? {
        let entry = entry.map_err(Error::io(from))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::io(&path))?;
        if kind.is_dir() {
            DirBuilder::new()
                .mode(0o700)
                .create(&target)
                .map_err(Error::io(&target))?;
            copy_tree(&path, &target, done, watch)?;
        } else if kind.is_file() {
            let file = File::open(&path).map_err(Error::io(&path))?;
            *done += keep(file, &target)?;
            watch(*done);
        }
    }
    Ok(())
}

fn untar(
    from: &str,
    file: impl Read,
    aside: &Path,
    watch: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let damaged = |e: io::Error| damaged(from, e);
    let unpacked = zstd::Decoder::new(file).map_err(damaged)?;
    let mut tar = tar::Archive::new(unpacked);
    let mut done = 0;
    for entry in tar.entries().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        if !is_plain(&name) || entry.header().entry_type() != tar::EntryType::Regular {
            let why = format!("{} is no plain file's name", name.display());
            return Err(self::damaged(from, why));
        }
        let target = aside.join(&name);
        if let Some(parent) = target.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder.create(parent).map_err(Error::io(parent))?;
        }
        done += keep(entry, &target)?;
        watch(done);
    }
    Ok(())
}

fn keep(mut from: impl Read, target: &Path) -> Result<u64, Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(Error::io(target))?;
    let bytes = io::copy(&mut from, &mut file).map_err(Error::io(target))?;
    file.sync_all().map_err(Error::io(target))?;
    Ok(bytes)
}

/// Holds what was unpacked against the manifest: every file there, none besides, each its hash.
fn check(from: &str, aside: &Path) -> Result<Manifest, Error> {
    let bytes = fs::read(aside.join(MANIFEST)).map_err(|_| {
        damaged(
            from,
            format!("{MANIFEST} is missing, which is written last"),
        )
    })?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| damaged(from, e))?;
    if manifest.v != VERSION {
        let why = format!("it is of form {}, this program reads {VERSION}", manifest.v);
        return Err(damaged(from, why));
    }
    let mut there = BTreeSet::new();
    list(aside, "", &mut there)?;
    there.remove(MANIFEST);
    for file in &manifest.files {
        if !is_plain(Path::new(&file.path)) || !there.remove(&file.path) {
            return Err(damaged(from, format!("{} is missing", file.path)));
        }
        let path = aside.join(&file.path);
        let mut bytes = Hashed::open(&path)?;
        io::copy(&mut bytes, &mut io::sink()).map_err(Error::io(&path))?;
        if bytes.entry(file.path.clone()) != *file {
            let why = format!("{} has other bytes than the manifest says", file.path);
            return Err(damaged(from, why));
        }
    }
    match there.pop_first() {
        Some(stranger) => Err(damaged(
            from,
            format!("the manifest doesn't name {stranger}"),
        )),
        None => Ok(manifest),
    }
}

fn list(dir: &Path, name: &str, into: &mut BTreeSet<String>) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let entry = entry.map_err(Error::io(dir))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let below = if name.is_empty() {
            file
        } else {
            format!("{name}/{file}")
        };
        if entry.path().is_dir() {
            list(&entry.path(), &below, into)?;
        } else {
            into.insert(below);
        }
    }
    Ok(())
}

fn is_plain(path: &Path) -> bool {
    path.components().all(|c| matches!(c, Component::Normal(_)))
}

fn damaged(from: &str, why: impl std::fmt::Display) -> Error {
    Error::Damaged {
        path: from.to_owned(),
        why: why.to_string(),
    }
}
