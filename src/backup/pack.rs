//! From a still copy to a backup: each file hashed as it goes by, the manifest last.

use super::{Error, FileEntry, MANIFEST, Manifest, Stage};
use crate::store::files;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Where a backup goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// A new directory.
    Folder(PathBuf),
    /// A new file, tar packed with zstd.
    Archive(PathBuf),
    /// The same on standard output.
    Stream,
}

impl Target {
    /// Reads `-`, a name that ends in `.tar.zst`, or a directory.
    pub fn parse(text: &str) -> Self {
        match text {
            "-" => Self::Stream,
            file if file.ends_with(".tar.zst") => Self::Archive(file.into()),
            dir => Self::Folder(dir.into()),
        }
    }
}

/// Packs a copy. `watch` is told bytes done. Durable when it returns, but for a stream.
pub fn pack(
    stage: &mut Stage,
    target: &Target,
    watch: &mut dyn FnMut(u64),
) -> Result<Manifest, Error> {
    match target {
        Target::Folder(dir) => {
            if dir.exists() {
                return Err(Error::Exists(dir.display().to_string()));
            }
            into_folder(stage, dir, watch)?;
        }
        Target::Archive(path) => {
            if path.exists() {
                return Err(Error::Exists(path.display().to_string()));
            }
            // A crash leaves the file with this name, which nobody takes for a backup.
            let aside = path.with_extension("unfinished");
            let file = private(&aside).map_err(Error::io(&aside))?;
            let file = into_archive(stage, file, path, watch)?;
            file.sync_all().map_err(Error::io(&aside))?;
            fs::rename(&aside, path).map_err(Error::io(path))?;
            files::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        }
        Target::Stream => {
            let mut out = into_archive(
                stage,
                io::stdout().lock(),
                Path::new("standard output"),
                watch,
            )?;
            out.flush()
                .map_err(Error::io(Path::new("standard output")))?;
        }
    }
    Ok(stage.manifest.clone())
}

fn into_folder(stage: &mut Stage, dir: &Path, watch: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let mut done = 0;
    for (name, path) in stage.files.clone() {
        let target = dir.join(&name);
        let parent = target.parent().unwrap_or(dir).to_owned();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&parent).map_err(Error::io(&parent))?;
        let mut file = private(&target).map_err(Error::io(&target))?;
        let mut from = Hashed::open(&path)?;
        io::copy(&mut from, &mut file).map_err(Error::io(&target))?;
        file.sync_all().map_err(Error::io(&target))?;
        files::sync_dir(&parent)?;
        done += from.read;
        watch(done);
        stage.manifest.files.push(from.entry(name));
    }
    let path = dir.join(MANIFEST);
    let mut file = private(&path).map_err(Error::io(&path))?;
    file.write_all(&text(&stage.manifest)?)
        .map_err(Error::io(&path))?;
    file.sync_all().map_err(Error::io(&path))?;
    files::sync_dir(dir)?;
    Ok(files::sync_dir(dir.parent().unwrap_or(Path::new(".")))?)
}

fn into_archive<W: Write>(
    stage: &mut Stage,
    out: W,
    place: &Path,
    watch: &mut dyn FnMut(u64),
) -> Result<W, Error> {
    let packer = zstd::Encoder::new(out, 3).map_err(Error::io(place))?;
    let mut tar = tar::Builder::new(packer);
    let mut done = 0;
    for (name, path) in stage.files.clone() {
        let mut from = Hashed::open(&path)?;
        let length = from.length;
        append(&mut tar, &name, length, stage.manifest.time, &mut from)
            .map_err(Error::io(&path))?;
        done += length;
        watch(done);
        stage.manifest.files.push(from.entry(name));
    }
    let manifest = text(&stage.manifest)?;
    append(
        &mut tar,
        MANIFEST,
        manifest.len() as u64,
        stage.manifest.time,
        manifest.as_slice(),
    )
    .map_err(Error::io(place))?;
    let packer = tar.into_inner().map_err(Error::io(place))?;
    packer.finish().map_err(Error::io(place))
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    length: u64,
    time: u64,
    bytes: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o600);
    header.set_mtime(time);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, name, bytes)
}

fn text(manifest: &Manifest) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(manifest).map_err(|e| Error::io(Path::new(MANIFEST))(e.into()))
}

/// A new file for this user alone.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

/// A file that is hashed as it is read, of the length that it had when it was opened.
pub(super) struct Hashed {
    file: io::Take<File>,
    length: u64,
    read: u64,
    hash: Sha256,
}

impl Hashed {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io(path))?;
        let length = file.metadata().map_err(Error::io(path))?.len();
        Ok(Self {
            file: file.take(length),
            length,
            read: 0,
            hash: Sha256::new(),
        })
    }

    pub(super) fn entry(self, path: String) -> FileEntry {
        FileEntry {
            path,
            length: self.read,
            sha256: hex::encode(self.hash.finalize()),
        }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
