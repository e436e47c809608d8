//! Feeds as bytes.

pub mod formats;
