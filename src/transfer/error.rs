//! Why zones can't be served.

use std::path::Path;

/// The start fails, or the zones on disk can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Setting(String),
    #[error(
        "can't listen on {address}: {source}. Is another server there? Choose another address with --dns or transfer.listen"
    )]
    Bind {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {why}")]
    Keys { path: String, why: String },
    #[error(transparent)]
    Tls(#[from] crate::tls::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl Error {
    /// An error of the disk at a path.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}
