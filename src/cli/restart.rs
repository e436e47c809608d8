//! After a failed write: what was published is served on until the disk takes writes again, and
//! then the process ends, for the init system to start it anew by the ordinary restart path.

use super::service;
use crate::log;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    time::Duration,
};

/// How long after a failure, and after a failed trial, the next trial is.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database needs some room to open: a start on a full disk would end reading too.
const LEAST_ROOM: u64 = 64 << 20;

/// What is written to find out.
const TRIAL: usize = 1 << 20;

/// Waits until the disk takes writes again and has more than the reserve free.
pub async fn when_writable(config: &log::Config, error: &log::Error) {
    service::status("read-only: a write failed; waiting for the disk");
    loop {
        tokio::time::sleep(PATIENCE).await;
        let (data, room) = (config.data.clone(), config.reserve.max(LEAST_ROOM));
        let tried = tokio::task::spawn_blocking(move || try_writing(&data, room)).await;
        match tried.unwrap_or_else(|e| Err(io::Error::other(e))) {
            Ok(()) => {
                tracing::warn!(%error, "the disk takes writes again: the process ends to start anew");
                return;
            }
            Err(why) => tracing::debug!(%why, "the disk takes no writes yet"),
        }
    }
}

/// Writes and syncs some bytes beside the log.
fn try_writing(data: &Path, room: u64) -> io::Result<()> {
    if log::free(data).is_some_and(|free| free < room) {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let path = data.join("trial.tmp");
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0xa5; TRIAL])?;
        file.sync_all()
    });
    // A crash here leaves the file, which the next trial writes over.
    let removed = fs::remove_file(&path);
    written.and(removed)
}
