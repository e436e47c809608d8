//! Feeds as bytes: snapshots, deltas, the manifest that binds them to the log, rendered formats.
//!
//! Owns the encoding and decoding of what leaves the house; knows neither sockets nor folders.
//! Follows design: Feeds. Plain text inside zstd; file names are the hash of the compressed
//! bytes; "the same bytes" always means the text.

pub mod delta;
mod error;
pub mod formats;
pub mod manifest;
mod manifest_reader;
pub mod pack;
pub mod paths;
pub mod snapshot;

pub use error::Error;
pub use manifest::{Checked, DeltaRef, FileRef, Manifest, Route};
