//! Files that are read anew while the process serves: on SIGHUP, and when they have changed.

use super::{Error, service, signals};
use crate::tls::{Certificate, Keeper, Metrics};
use prometheus::Registry;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// How often the files are looked at without being asked.
const LOOK: Duration = Duration::from_secs(10);

/// Looks after certificates until it is dropped.
pub struct Reload(JoinHandle<()>);

impl Reload {
    /// Begins; SIGHUP no longer ends the process from here on.
    pub fn begin(
        certificates: impl IntoIterator<Item = Arc<Certificate>>,
        registry: &Registry,
    ) -> Result<Self, Error> {
        let mut hangups = signals::hangups()?;
        let metrics = Metrics::new(registry).map_err(crate::serve::Error::from)?;
        let keeper = Arc::new(Keeper::new(certificates.into_iter().collect(), metrics));
        Ok(Self(tokio::spawn(async move {
            loop {
                let asked = tokio::select! {
                    hangup = hangups.recv() => hangup.is_some(),
                    () = tokio::time::sleep(LOOK) => false,
                };
                if asked {
                    service::reloading();
                    tracing::info!("SIGHUP: certificates are read anew");
                }
                let keeper = keeper.clone();
                let looked = tokio::task::spawn_blocking(move || keeper.look()).await;
                if let Err(error) = looked {
                    tracing::error!(%error, "the look at the certificates broke off");
                }
                if asked {
                    service::reloaded();
                }
            }
        })))
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.0.abort();
    }
}
