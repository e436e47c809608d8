//! The shared data (`../shared`, or `BLOCKFEED_SHARED`), which isn't part of the source.

use std::path::{Path, PathBuf};

/// A file of the shared data as text, or nothing where the data isn't there.
pub fn shared(path: &str) -> Option<String> {
    let root = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join("data").join(path);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("SKIPPED: {} is not there", path.display());
        return None;
    };
    let bytes = match path.extension().is_some_and(|ext| ext == "zst") {
        true => zstd::decode_all(bytes.as_slice()).unwrap(),
        false => bytes,
    };
    Some(String::from_utf8(bytes).unwrap())
}
