//! What can go wrong with a backup.

use crate::store;
use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io {
        path: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(
        "the authority in {0} runs and can't be asked for a copy: {1}. Run this as the user that it runs as"
    )]
    Asked(String, String),
    #[error("there is no log in {0}: name the data directory with --data")]
    Empty(String),
    #[error("{0} exists already; a backup never overwrites another. Name a new file or directory")]
    Exists(String),
    #[error("{path}: this is no whole backup: {why}. Take another one; this one can't be restored")]
    Damaged { path: String, why: String },
    #[error(
        "{0} isn't empty: a backup is restored into an empty directory only, so that nothing that was \
         published can be overwritten by something older"
    )]
    NotEmpty(String),
}

impl Error {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }
}
