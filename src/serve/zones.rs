//! The authority as the source of policy zones (design: DNS).

use crate::{
    casework::Casework,
    entries::{FeedName, Set},
    log::{Authority, Current},
    transfer::{Held, Moment, Source, View},
};
use tokio::sync::watch;

/// The log behind the zones, and the desk that notes who holds what.
pub struct Zones {
    casework: Casework,
}

impl Zones {
    pub fn new(casework: Casework) -> Self {
        Self { casework }
    }

    fn authority(&self) -> &Authority {
        self.casework.authority()
    }
}

impl Source for Zones {
    fn session(&self) -> String {
        self.authority().ledger().session()
    }

    fn now(&self) -> Option<Moment> {
        let current = self.authority().current();
        let bases = self.authority().bases_at(current.size);
        let bases = bases.inspect_err(|error| tracing::error!(%error, "the zones' base"));
        Some(Moment {
            domains: view(&current, &FeedName::domains())?,
            networks: view(&current, &FeedName::networks())?,
            bases: bases.ok()?,
        })
    }

    fn domains_at(&self, size: u64) -> Option<Set> {
        let set = self.authority().set_at(&FeedName::domains(), size);
        set.unwrap_or_else(|error| {
            tracing::error!(%error, size, "the domains at the zones' base can't be folded");
            None
        })
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.authority().changed()
    }

    fn held(&self, held: Held) {
        let Held {
            subscriber,
            feed,
            serial,
        } = held;
        if let Err(error) = self.casework.note_cursor(&subscriber, &feed, serial) {
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
