//! The end by SIGINT or SIGTERM, and reading files anew by SIGHUP.

use super::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// What asks to read certificates and keys anew. The handler stands when this returns: from then
/// on the signal no longer ends the process.
pub fn hangups() -> Result<Signal, Error> {
    signal(SignalKind::hangup()).map_err(Error::io("SIGHUP"))
}
