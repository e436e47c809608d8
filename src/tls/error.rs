//! Why a certificate can't be used.

use std::path::{Path, PathBuf};

/// What is wrong with a pair of files. The text names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {why}. It wants the certificate and those above it, in PEM")]
    Certificate { path: PathBuf, why: String },
    #[error("{path}: {why}. It wants one private key, unencrypted, in PEM")]
    Key { path: PathBuf, why: String },
    #[error("{certificate} and {key} are no pair: {why}. Put both in their place, the key first")]
    NoPair {
        certificate: PathBuf,
        key: PathBuf,
        why: String,
    },
    #[error(
        "{path}: the certificate ended at {at} (Unix seconds). Renew it; the listener reads the files again by itself"
    )]
    Ended { path: PathBuf, at: u64 },
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

impl Error {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
