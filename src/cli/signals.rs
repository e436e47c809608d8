//! The end by SIGINT or SIGTERM.

use super::Error;
use tokio::signal::unix::{SignalKind, signal};

/// A future that ends when the process is asked to stop. The handlers stand when this returns,
/// so that a signal in the next moment isn't lost.
pub fn stopped() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::io("SIGINT"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("SIGTERM"))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
