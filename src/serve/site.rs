//! What every handler has at hand.

use super::{
    Config,
    limits::Limits,
    metrics::Metrics,
    problem::{Answer, Problem},
    rendered::Shelf,
};
use crate::{
    accounts::{self, Accounts},
    casework::{self, Casework},
};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// The server's own things. Clones share them.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) casework: Casework,
    pub(super) accounts: Accounts,
    pub(super) config: Arc<Config>,
    pub(super) metrics: Metrics,
    pub(super) rendered: Arc<Shelf>,
    pub(super) limits: Arc<Limits>,
    pub(super) long_polls: Arc<Semaphore>,
    /// True from the moment on at which the server stops.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Site {
    pub(super) fn new(
        config: Arc<Config>,
        casework: Casework,
        accounts: Accounts,
        metrics: Metrics,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            limits: Arc::new(Limits::new(&config)),
            rendered: Arc::new(Shelf::new(config.rendered, metrics.clone())),
            long_polls: Arc::new(Semaphore::new(
                config.long_polls.min(Semaphore::MAX_PERMITS),
            )),
            casework,
            accounts,
            config,
            metrics,
            stopping,
        }
    }

    /// Asks the desk what blocks, beside the event loop.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Casework) -> Result<T, casework::Error> + Send + 'static,
    ) -> Answer<T> {
        let desk = self.casework.clone();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || span.in_scope(|| work(&desk)))
            .await
            .map_err(|e| Problem::internal(&e))?
            .map_err(Problem::from)
    }

    /// Asks the accounts, beside the event loop; with the time.
    pub(super) async fn accounts<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts, u64) -> Result<T, accounts::Error> + Send + 'static,
    ) -> Answer<T> {
        let (accounts, now) = (self.accounts.clone(), self.casework.authority().now());
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || span.in_scope(|| work(&accounts, now)))
            .await
            .map_err(|e| Problem::internal(&e))?
            .map_err(Problem::from)
    }

    /// The same, where the caller has words of its own for what is refused.
    pub(super) async fn accounts_or<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Accounts, u64) -> Result<T, accounts::Error> + Send + 'static,
    ) -> Answer<Result<T, accounts::Error>> {
        let told = self.accounts(move |accounts, now| Ok(work(accounts, now)));
        told.await
    }
}
