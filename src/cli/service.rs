//! What the init system is told (`sd_notify`): that the service is up, reads its files anew, ends,
//! and is alive. Without an init system that listens, nothing is told.

use sd_notify::NotifyState;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The service answers; `status` is what `systemctl status` shows.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Files are being read anew; `reloaded` follows.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Files were read anew.
pub fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// A sentence for `systemctl status`.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// The service is ending.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the event loop turns, twice in the span in which the init system wants to hear of
/// it. A sequencer that has stopped is no reason to end readers: `/readyz` and alerts tell that.
pub fn heartbeats() -> Option<JoinHandle<()>> {
    let span = sd_notify::watchdog_enabled()?;
    let beat = (span / 2).max(Duration::from_millis(100));
    Some(tokio::spawn(async move {
        let mut beats = tokio::time::interval(beat);
        loop {
            beats.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    }))
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the init system wasn't told");
    }
}
