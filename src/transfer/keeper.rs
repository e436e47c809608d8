//! The thread that makes zones: at the start, and whenever what is in force changed.

use super::{desk::Desk, files::Files, levels::Level, maker::Maker, notify::News, now};
use std::time::Duration;
use tokio::{runtime::Handle, sync::watch};

/// Makes zones until it is stopped.
pub(super) fn run(
    make: impl FnOnce() -> Maker,
    files: &Files,
    desk: &Desk,
    news: &watch::Sender<News>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut changed = desk.source.changed();
    let mut maker = make();
    // What was kept is served until it is known what is in force now.
    show(desk, &maker);
    loop {
        changed.mark_unchanged();
        let again = match maker.update(now()) {
            Ok(levels) => {
                let is_known = desk.source.now().is_some();
                told(desk, &maker, news, &levels, is_known);
                files.write(maker.zones())
            }
            Err(error) => Err(error),
        };
        let again = again.err().map(|error| {
            desk.metrics.failures.inc();
            tracing::error!(%error, "the zones can't be kept: the last ones are served on");
            AGAIN
        });
        let stopped = Handle::current().block_on(async {
            tokio::select! {
                // An error says that the server is gone.
                stopped = stopping.wait_for(|stop| *stop) => { drop(stopped); true }
                () = next(&mut changed) => false,
                () = pause(again) => false,
            }
        });
        if stopped {
            return;
        }
    }
}

/// Puts the zones where readers find them, then tells of them.
fn told(desk: &Desk, maker: &Maker, news: &watch::Sender<News>, levels: &[Level], known: bool) {
    let is_first = known && news.borrow().changes == 0;
    // Also where no serial changed: what a serial stands for may have.
    show(desk, maker);
    if !levels.is_empty() || is_first {
        news.send_modify(|news| news.changes += 1);
    }
}

fn show(desk: &Desk, maker: &Maker) {
    for zone in maker.zones().iter().flatten() {
        let name = [zone.level.as_str()];
        let metrics = &desk.metrics;
        metrics
            .serial
            .with_label_values(&name)
            .set(i64::from(zone.serial));
        let names = i64::try_from(zone.names.len()).unwrap_or(i64::MAX);
        metrics.names.with_label_values(&name).set(names);
    }
    let left_out = i64::try_from(maker.left_out()).unwrap_or(i64::MAX);
    desk.metrics.left_out.set(left_out);
    desk.zones.store(maker.zones().clone().into());
}

/// The next change; for ever where none can come any more, so that only the end is waited for.
async fn next(changed: &mut watch::Receiver<u64>) {
    if changed.changed().await.is_err() {
        std::future::pending().await
    }
}

async fn pause(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// How long after a failed write the next is tried.
const AGAIN: Duration = Duration::from_secs(5);
