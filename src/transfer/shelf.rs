//! Records that were packed for messages, kept in a file without a name: made once, sent many times,
//! and what memory holds of them is where they lie. The kernel keeps in its cache what is asked for
//! often, and may let go of it.
//!
//! The file has no name, so that nothing is left of it after a crash; the next start packs anew.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The packed records of a zone's pieces. Only appended to.
#[derive(Debug)]
pub(super) struct Shelf {
    /// None where the disk gives none: then memory holds them.
    file: Option<File>,
    path: PathBuf,
    end: AtomicU64,
}

/// The records of a piece as they stand in a message behind its header.
#[derive(Debug)]
pub(super) struct Packed {
    records: u16,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File { at: u64, length: u16 },
    Memory(Box<[u8]>),
}

impl Shelf {
    /// A shelf whose file lies in the folder of `path`, and has that name for a moment.
    pub(super) fn new(path: &Path) -> Self {
        let open = || {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(true);
            let file = options.open(path)?;
            fs::remove_file(path)?;
            Ok::<File, io::Error>(file)
        };
        let file = open();
        if let Err(error) = &file {
            tracing::warn!(%error, path = %path.display(), "packed records are held in memory");
        }
        Self {
            file: file.ok(),
            path: path.to_owned(),
            end: AtomicU64::new(0),
        }
    }

    /// An empty one in the same place.
    pub(super) fn another(&self) -> Self {
        Self::new(&self.path)
    }

    /// Puts records on it.
    pub(super) fn keep(&self, (records, bytes): (u16, Vec<u8>)) -> Packed {
        let write = || {
            let length = u16::try_from(bytes.len()).ok()?;
            let file = self.file.as_ref()?;
            let at = self.end.fetch_add(length.into(), Ordering::Relaxed);
            file.write_all_at(&bytes, at).ok()?;
            Some(Place::File { at, length })
        };
        let place = write().unwrap_or_else(|| Place::Memory(bytes.as_slice().into()));
        Packed { records, place }
    }

    /// Adds records to a message.
    pub(super) fn put(&self, packed: &Packed, message: &mut Vec<u8>) -> io::Result<()> {
        match (&packed.place, &self.file) {
            (Place::Memory(bytes), _) => message.extend_from_slice(bytes),
            (Place::File { .. }, None) => return Err(io::ErrorKind::NotFound.into()),
            (Place::File { at, length }, Some(file)) => {
                let begin = message.len();
                message.resize(begin + usize::from(*length), 0);
                let room = message.get_mut(begin..).unwrap_or_default();
                if let Err(error) = file.read_exact_at(room, *at) {
                    message.truncate(begin);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether most of it is of pieces that are gone.
    pub(super) fn is_worn(&self, pieces: usize) -> bool {
        let most = LEAST + 3 * pieces as u64 * MESSAGE;
        self.end.load(Ordering::Relaxed) > most
    }
}

impl Packed {
    /// How many records they are.
    pub(super) fn records(&self) -> u16 {
        self.records
    }
}

/// Octets of a message, about.
const MESSAGE: u64 = 16 << 10;
/// Octets that a shelf may have however small the zone.
const LEAST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_put_back_from_file_and_memory() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().join("a"), dir.path().join("none/a")] {
            let shelf = Shelf::new(&path);
            let kept: Vec<Packed> = (1..50_u8)
                .map(|n| shelf.keep((n.into(), vec![n; 10 * usize::from(n)])))
                .collect();
            let mut message = vec![9];
            for (n, packed) in (1..50_u8).zip(&kept) {
                message.truncate(1);
                shelf.put(packed, &mut message).unwrap();
                assert_eq!(packed.records(), u16::from(n));
                assert_eq!(message.split_off(1), vec![n; 10 * usize::from(n)]);
            }
            assert!(!shelf.is_worn(1));
        }
        let shelf = Shelf::new(&dir.path().join("b"));
        (0..200).for_each(|_| drop(shelf.keep((1, vec![0; 16 << 10]))));
        assert!(shelf.is_worn(10) && !shelf.is_worn(100) && !shelf.another().is_worn(1));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
