//! zstd around a feed's text; `zstdcat` reads it.

use super::Error;
use std::io::Read;

/// The level: of those that take a million names in about a second, the one that packs best.
const LEVEL: i32 = 9;

/// Compresses a text.
pub fn compress(text: &[u8]) -> Result<Vec<u8>, Error> {
    zstd::bulk::compress(text, LEVEL).map_err(|e| Error::Pack(e.to_string()))
}

/// Expands to exactly `length` bytes and reads no further, whatever the file claims.
pub fn expand(packed: &[u8], length: u64) -> Result<Vec<u8>, Error> {
    let capacity = usize::try_from(length).map_err(|_| Error::Length(length))?;
    let pack = |e: std::io::Error| Error::Pack(e.to_string());
    let mut text = Vec::with_capacity(capacity.min(64 << 20));
    zstd::stream::read::Decoder::with_buffer(packed)
        .map_err(pack)?
        .take(length.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(pack)?;
    if text.len() != capacity {
        return Err(Error::Length(length));
    }
    Ok(text)
}
