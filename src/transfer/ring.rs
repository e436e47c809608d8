//! The keys while the server runs: their file is looked at every other second, and read again when
//! it changed. Whoever is told of changes follows the keys.

use super::{
    desk::Desk,
    keys::Keys,
    notify::{News, Secondary},
};
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::watch, task::JoinSet};

/// What tells one state of a file from the next.
pub(super) type Stamp = Option<(SystemTime, u64)>;

/// Tells the secondaries, and follows the file of keys, for ever.
pub(super) async fn follow(
    (path, stamp): (Option<PathBuf>, Stamp),
    unsigned: Vec<SocketAddr>,
    desk: Arc<Desk>,
    news: Arc<watch::Sender<News>>,
) {
    let mut seen = stamp;
    loop {
        // Those of before end here.
        let mut telling = JoinSet::new();
        for secondary in secondaries(&unsigned, &desk.keys.load()) {
            telling.spawn(secondary.follow(desk.clone(), news.subscribe()));
        }
        let Some(path) = &path else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(EVERY).await;
            let stamp = stamp_of(path);
            if stamp == seen {
                continue;
            }
            seen = stamp;
            match Keys::read(path) {
                Ok(keys) => {
                    let keys = keys.after(&desk.keys.load());
                    tracing::info!(keys = keys.keys.len(), "the transfer keys were read again");
                    desk.keys.store(Arc::new(keys));
                    break;
                }
                Err(error) => tracing::error!(%error, "the transfer keys of before stay"),
            }
        }
    }
}

/// The state of a file: when it was written, and how long it is.
pub(super) fn stamp_of(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn secondaries(unsigned: &[SocketAddr], keys: &Keys) -> Vec<Secondary> {
    let signed = keys.notify.iter().map(|(at, key)| Secondary {
        at: *at,
        key: Some(key.clone()),
    });
    let unsigned = unsigned.iter().map(|at| Secondary { at: *at, key: None });
    unsigned.chain(signed).collect()
}

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);
