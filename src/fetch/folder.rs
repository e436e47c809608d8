//! A folder as a source: a mirror on disk, a mounted share, an unpacked archive.

use std::{fs::File, io::Read as _, path::PathBuf};

use bytes::Bytes;

use super::Error;

/// The whole file, if it has at most `limit` bytes.
///
/// The file system is asked in a thread of its own: a dead network share keeps that thread, not
/// the caller, whose deadline runs on.
pub async fn read(path: PathBuf, limit: u64) -> Result<Bytes, Error> {
    let place = path.display().to_string();
    let name = place.clone();
    match tokio::task::spawn_blocking(move || whole(path, name, limit)).await {
        Ok(read) => read,
        Err(e) => Err(Error::Io {
            place,
            source: std::io::Error::other(e),
        }),
    }
}

fn whole(path: PathBuf, place: String, limit: u64) -> Result<Bytes, Error> {
    let refused = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Error::NotFound {
            place: place.clone(),
        },
        _ => Error::Io {
            place: place.clone(),
            source,
        },
    };
    // Before opening, which would wait for ever for the writer of a named pipe.
    let length = match std::fs::metadata(&path).map_err(refused)? {
        file if file.is_file() => file.len(),
        _ => return Err(Error::NotFound { place }),
    };
    let too_large = || Error::TooLarge {
        place: place.clone(),
        limit,
    };
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let mut file = File::open(&path)
        .map_err(refused)?
        .take(limit.saturating_add(1));
    file.read_to_end(&mut bytes).map_err(refused)?;
    // It may have grown since it was measured.
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes.into())
}
