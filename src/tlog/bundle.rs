//! Entry bundles (C2SP tlog-tiles): a run of `u16 BE length ‖ entry`.

use super::error::Error;
use super::tile::TILE_WIDTH;

/// Longest entry in bytes: its length stands in 16 bits.
pub const MAX_ENTRY: usize = 65_535;

/// Longest bundle in bytes: 256 entries of the longest kind.
pub const MAX_BUNDLE: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY);

/// Encodes 1 to 256 entries. An entry over [`MAX_ENTRY`] or too many of them are an error.
pub fn encode_bundle<E: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = E>,
) -> Result<Vec<u8>, Error> {
    let mut bundle = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let entry = entry.as_ref();
        if index >= usize::from(TILE_WIDTH) {
            return Err(error(index, "a bundle holds at most 256 entries"));
        }
        let length = u16::try_from(entry.len())
            .map_err(|_| error(index, "longer than the 65535 bytes that a bundle can hold"))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// Decodes a bundle of exactly `count` entries (1 to 256), with nothing after the last.
pub fn decode_bundle(bundle: &[u8], count: usize) -> Result<Vec<Vec<u8>>, Error> {
    if count > usize::from(TILE_WIDTH) {
        return Err(error(count, "a bundle holds at most 256 entries"));
    }
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(count);
    for index in 0..count {
        let (length, after) = rest
            .split_first_chunk::<2>()
            .ok_or(error(index, "missing: the bundle ends before it"))?;
        let (entry, after) = after
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(error(index, "cut short: the bundle ends inside it"))?;
        entries.push(entry.to_vec());
        rest = after;
    }
    if !rest.is_empty() {
        return Err(error(
            count,
            "bytes follow the last entry that the bundle should have",
        ));
    }
    Ok(entries)
}

fn error(index: usize, why: &'static str) -> Error {
    Error::Bundle { index, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_exactly_its_entries() {
        let longest = vec![7; MAX_ENTRY];
        let entries = [&b""[..], b"one", &longest];
        let bundle = encode_bundle(entries).unwrap_or_default();
        assert_eq!(
            decode_bundle(&bundle, 3),
            Ok(entries.map(<[u8]>::to_vec).to_vec())
        );
        assert!(decode_bundle(&bundle, 2).is_err());
        assert!(decode_bundle(&bundle, 4).is_err());
        assert!(decode_bundle(&bundle[..bundle.len() - 1], 3).is_err());
        assert!(decode_bundle(&[], usize::MAX).is_err());
        assert!(encode_bundle([vec![0; MAX_ENTRY + 1]]).is_err());
        assert!(encode_bundle([[]; 257]).is_err());
    }
}
