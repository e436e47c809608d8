//! The high-water mark: the highest head that was ever written, kept outside the database, so
//! that a database that lost acknowledged leaves is noticed at the start (design: Commit).
//!
//! The file has two slots, each in a block of its own, written in turn over bytes that are
//! already allocated: one write and one `fdatasync` a commit, no rename. A slot carries a
//! sequence number and a SHA-256. A write that a power cut tears damages the older slot only,
//! and the other, the last one that was synced, is used.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Error, Head, files};

/// The mark, open for reading and writing by one owner.
#[derive(Debug)]
pub struct HighWater {
    file: File,
    path: PathBuf,
    /// Sequence number and head of the slot in force.
    last: Option<(u64, Head)>,
}

impl HighWater {
    /// Opens the mark at `path`, creating it (without a head) where there is none.
    ///
    /// # Errors
    /// [`Error::Damaged`] where neither slot can be read and the file was once written.
    pub fn open(path: &Path) -> Result<HighWater, Error> {
        if !path.exists() {
            // A crash here leaves no file or an empty mark: nothing was acknowledged yet.
            let (dir, name) = split(path)?;
            files::write_synced(dir, name, &[0; BLOCK as usize * 2])?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|e| Error::io("open the high-water mark", path, e))?;
        let mut mark = HighWater {
            file,
            path: path.to_owned(),
            last: None,
        };
        mark.last = mark.newest()?;
        Ok(mark)
    }

    /// The mark, or `None` before the first write.
    pub fn read(&self) -> Result<Option<Head>, Error> {
        Ok(self.last.map(|(_, head)| head))
    }

    /// Moves the mark to `head`; on the disk when this returns. The same head again is no work.
    ///
    /// # Errors
    /// [`Error::Behind`] for a smaller head or another root at the same size; nothing is written
    /// then. [`Error::Io`] is fatal: after a failed sync nobody knows what the disk holds.
    pub fn write(&mut self, head: &Head) -> Result<(), Error> {
        if let Some((_, mark)) = self.last {
            if mark == *head {
                return Ok(());
            }
            if head.size <= mark.size {
                return Err(Error::Behind {
                    mark,
                    wanted: *head,
                });
            }
        }
        let sequence = self.last.map_or(1, |(sequence, _)| sequence + 1);
        let failed = |e| Error::io("write the high-water mark", &self.path, e);
        // A crash during this write leaves the other slot, with the mark before this commit.
        self.file
            .write_all_at(&encode(sequence, head), (sequence % 2) * BLOCK)
            .map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.last = Some((sequence, *head));
        Ok(())
    }

    fn newest(&self) -> Result<Option<(u64, Head)>, Error> {
        let mut newest: Option<(u64, Head)> = None;
        let mut blank = 0;
        for slot in 0..2 {
            let mut bytes = [0; SLOT];
            if let Err(e) = self.file.read_exact_at(&mut bytes, slot * BLOCK) {
                if e.kind() != std::io::ErrorKind::UnexpectedEof {
                    return Err(Error::io("read the high-water mark", &self.path, e));
                }
                continue;
            }
            blank += u8::from(bytes.iter().all(|b| *b == 0));
            if let Some(found) = decode(&bytes)
                && newest.is_none_or(|(sequence, _)| sequence < found.0)
            {
                newest = Some(found);
            }
        }
        // A torn first write leaves one slot blank and no mark: it was never acknowledged.
        if newest.is_none() && blank == 0 {
            return Err(Error::Damaged {
                place: self.path.display().to_string(),
                what: "neither of its two slots has a right checksum".to_owned(),
            });
        }
        Ok(newest)
    }
}

fn split(path: &Path) -> Result<(&Path, &str), Error> {
    let name = path.file_name().and_then(|name| name.to_str());
    match (path.parent(), name) {
        (Some(dir), Some(name)) if dir.as_os_str().is_empty() => Ok((Path::new("."), name)),
        (Some(dir), Some(name)) => Ok((dir, name)),
        _ => Err(Error::Path {
            path: path.display().to_string(),
        }),
    }
}

fn encode(sequence: u64, head: &Head) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    let (body, sum) = slot.split_at_mut(SLOT - 32);
    let (magic, rest) = body.split_at_mut(MAGIC.len());
    let (number, mark) = rest.split_at_mut(8);
    magic.copy_from_slice(MAGIC);
    number.copy_from_slice(&sequence.to_be_bytes());
    mark.copy_from_slice(&head.encode());
    sum.copy_from_slice(&Sha256::digest(&*body));
    slot
}

fn decode(slot: &[u8; SLOT]) -> Option<(u64, Head)> {
    let (body, sum) = slot.split_last_chunk::<32>()?;
    if Sha256::digest(body)[..] != sum[..] {
        return None;
    }
    let (sequence, head) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*sequence), Head::decode(head)?))
}

const MAGIC: &[u8; 16] = b"blockfeed/mark/1";
/// Distance of the slots in bytes: no disk tears two of these in one write.
const BLOCK: u64 = 4096;
/// Bytes of a slot: magic, sequence, head, SHA-256 of what stands before it.
const SLOT: usize = MAGIC.len() + 8 + Head::LEN + 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64) -> Head {
        Head {
            size,
            root: [size as u8; 32],
        }
    }

    fn reopened(path: &Path) -> Result<Option<Head>, Error> {
        HighWater::open(path)?.read()
    }

    #[test]
    fn the_mark_outlives_its_owner_and_never_falls() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("high-water");
        let mut mark = HighWater::open(&path).unwrap();
        assert_eq!(mark.read().unwrap(), None);
        for size in [1, 2, 5, 9] {
            mark.write(&head(size)).unwrap();
            assert_eq!(reopened(&path).unwrap(), Some(head(size)));
        }
        mark.write(&head(9)).unwrap();
        let forked = Head {
            size: 9,
            root: [0; 32],
        };
        for behind in [head(8), forked] {
            assert!(matches!(mark.write(&behind), Err(Error::Behind { .. })));
        }
        assert_eq!(reopened(&path).unwrap(), Some(head(9)));
    }

    #[test]
    fn a_torn_write_leaves_the_mark_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("high-water");
        let mut mark = HighWater::open(&path).unwrap();
        mark.write(&head(1)).unwrap();
        mark.write(&head(2)).unwrap();
        let new = encode(3, &head(3));
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..SLOT {
            let mut torn = whole.clone();
            torn[BLOCK as usize..][..cut].copy_from_slice(&new[..cut]);
            std::fs::write(&path, torn).unwrap();
            assert_eq!(reopened(&path).unwrap(), Some(head(2)), "cut at {cut}");
        }
    }

    #[test]
    fn a_torn_first_write_is_no_mark_and_two_bad_slots_are_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("high-water");
        HighWater::open(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[BLOCK as usize..][..20].copy_from_slice(&encode(1, &head(1))[..20]);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(reopened(&path).unwrap(), None);
        bytes[3] = 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(reopened(&path), Err(Error::Damaged { .. })));
        std::fs::write(&path, b"").unwrap();
        assert!(matches!(reopened(&path), Err(Error::Damaged { .. })));
    }
}
