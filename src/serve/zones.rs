//! The authority as the source of policy zones (design: DNS).

use crate::{
    casework::Casework,
    entries::{FeedName, Set},
    log::{Authority, Current},
    transfer::{Held, Moment, Source, View},
};
use std::sync::OnceLock;
use tokio::sync::watch;

/// The log behind the zones, and the desk that notes who holds what. Until the log is open the
/// zones that were kept are served.
pub struct Zones {
    casework: OnceLock<Casework>,
    changed: watch::Sender<u64>,
}

impl Zones {
    /// Zones of a log that is still to be opened.
    pub fn waiting() -> Self {
        Self {
            casework: OnceLock::new(),
            changed: watch::channel(0).0,
        }
    }

    /// Zones of an open log.
    pub fn new(casework: Casework) -> Self {
        Self {
            casework: casework.into(),
            ..Self::waiting()
        }
    }

    /// The log is open: from now on the zones follow it. Needs a runtime.
    pub fn open(&self, casework: Casework) {
        let mut follow = casework.authority().changed();
        // What was opened before stays.
        if self.casework.set(casework).is_err() {
            return;
        }
        let changed = self.changed.clone();
        tokio::spawn(async move {
            loop {
                changed.send_replace(*follow.borrow_and_update());
                if follow.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    fn authority(&self) -> Option<&Authority> {
        self.casework.get().map(Casework::authority)
    }
}

impl Source for Zones {
    fn session(&self) -> String {
        let authority = self.authority();
        authority.map_or(String::new(), |a| a.ledger().session())
    }

    fn now(&self) -> Option<Moment> {
        let authority = self.authority()?;
        let current = authority.current();
        let bases = authority.bases_at(current.size);
        let bases = bases.inspect_err(|error| tracing::error!(%error, "the zones' base"));
        Some(Moment {
            domains: view(&current, &FeedName::domains())?,
            networks: view(&current, &FeedName::networks())?,
            bases: bases.ok()?,
        })
    }

    fn domains_at(&self, size: u64) -> Option<Set> {
        let set = self.authority()?.set_at(&FeedName::domains(), size);
        set.unwrap_or_else(|error| {
            tracing::error!(%error, size, "the domains at the zones' base can't be folded");
            None
        })
    }

    fn changed(&self) -> watch::Receiver<u64> {
        match self.authority() {
            Some(authority) => authority.changed(),
            None => self.changed.subscribe(),
        }
    }

    fn held(&self, held: Held) {
        let Held {
            subscriber,
            feed,
            serial,
        } = held;
        let Some(casework) = self.casework.get() else {
            // It asks again before long.
            return;
        };
        if let Err(error) = casework.note_cursor(&subscriber, &feed, serial) {
            tracing::error!(%error, subscriber, "what a resolver holds can't be noted");
        }
    }
}

fn view(current: &Current, feed: &FeedName) -> Option<View> {
    let view = current.feeds.get(feed)?;
    Some(View {
        serial: view.state.serial,
        set: view.set.clone(),
    })
}
