//! Rows of the private tables, as JSON.

use super::Error;
use serde::{Serialize, de::DeserializeOwned};

/// The bytes of a row.
pub(super) fn write<T: Serialize>(table: &'static str, row: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(row).map_err(|e| Error::Record {
        table,
        why: e.to_string(),
    })
}

/// A row from its bytes.
pub(super) fn read<T: DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| Error::Record {
        table,
        why: e.to_string(),
    })
}

/// The key of a row under several names; none of them holds a zero byte.
pub(super) fn key(names: &[&str]) -> Vec<u8> {
    names.join("\0").into_bytes()
}

/// What all keys under these names begin with.
pub(super) fn prefix(names: &[&str]) -> Vec<u8> {
    let mut key = key(names);
    key.push(0);
    key
}
