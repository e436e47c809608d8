//! The agent as the primary of its own resolvers (design: DNS, "the same server runs inside the
//! agent"): what is enforced, handed to the zones.
//!
//! The zones' base is the agent's own: it stands where the agent first served, and moves when the
//! log's has moved, to what is enforced then, since a round may see several commits at once.

use super::{Agent, Error};
use crate::{
    entries::{FeedName, Set},
    tlog::Hash,
    transfer::{self, Addresses, Handle, Held, Moment, Server, Source, View},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The file of the generations, beside the folder of the zones.
const GENERATIONS: &str = "generations";

/// The zones: bound, and served from the moment on at which the log is known.
pub(super) struct Zones {
    certificate: Option<Arc<crate::tls::Certificate>>,
    addresses: Addresses,
    bound: Option<(Server, transfer::Metrics)>,
    serving: Option<(Handle, Arc<Shared>)>,
    generations: Option<Generations>,
    /// Of which enforced sets the zones are made.
    made_from: Option<[Hash; 2]>,
}

/// Which generations the base zone stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generations {
    /// Where the log's own base stood.
    log: u64,
    /// The sizes of the log at which the present generation and the one before were made.
    bases: [u64; 2],
    /// Unix seconds at which the present one was.
    since: u64,
}

/// What the server's thread reads.
struct Shared {
    session: String,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    moment: Option<Moment>,
    /// The domains of the generations that were made since the start.
    bases: BTreeMap<u64, Set>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Shared {
    fn session(&self) -> String {
        self.session.clone()
    }

    fn now(&self) -> Option<Moment> {
        self.state().moment.clone()
    }

    fn domains_at(&self, size: u64) -> Option<Set> {
        self.state().bases.get(&size).cloned()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn held(&self, held: Held) {
        let (subscriber, serial) = (held.subscriber, held.serial);
        tracing::debug!(subscriber, serial, feed = %held.feed, "a resolver holds the zone");
    }
}

impl Generations {
    /// The generations after a round that left the log at `size` with its base at `log`; at least
    /// so many seconds lie between two.
    fn next(held: Option<Self>, log: u64, size: u64, now: u64, least: u64) -> Self {
        match held {
            Some(held) if log <= held.log || now < held.since.saturating_add(least) => held,
            Some(held) => Self {
                log,
                bases: [size, held.bases[0]],
                since: now,
            },
            None => Self {
                log,
                bases: [size, size],
                since: now,
            },
        }
    }
}

impl Agent {
    /// Binds the listeners of the policy zones and serves what was verified before, so that
    /// resolvers have their zones though no source can be reached. `None`: the settings have none.
    ///
    /// # Errors
    /// Addresses that are taken, keys or certificates that can't be read, the disk.
    pub async fn serve_zones(&mut self) -> Result<Option<Addresses>, Error> {
        let Some(config) = self.config.transfer.clone().filter(|config| config.serve) else {
            return Ok(None);
        };
        let server = Server::bind(config).await?;
        let addresses = server.addresses();
        let metrics = transfer::Metrics::new(&self.registry)?;
        let generations = self.disk.read_checked(GENERATIONS);
        let generations = generations.unwrap_or_else(|error| {
            tracing::warn!(%error, "the zones' base begins anew");
            None
        });
        self.zones = Some(Zones {
            addresses,
            certificate: server.certificate(),
            bound: Some((server, metrics)),
            serving: None,
            generations: generations.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
            made_from: None,
        });
        self.work_out_enforced();
        self.hand_on()?;
        Ok(Some(addresses))
    }

    /// The certificate of transfers over TLS, for whoever looks after it.
    pub fn certificate(&self) -> Option<Arc<crate::tls::Certificate>> {
        self.zones.as_ref()?.certificate.clone()
    }

    /// Where the zones are served, if they are.
    pub fn zones(&self) -> Option<Addresses> {
        self.zones.as_ref().map(|zones| zones.addresses)
    }

    /// Hands what is enforced to the zones. Nothing that would be empty while the verified set
    /// isn't, and nothing before both feeds are verified.
    pub(super) fn hand_on(&mut self) -> Result<(), Error> {
        let (now, least) = (self.now(), self.config.least_between_bases);
        let Some(zones) = &mut self.zones else {
            return Ok(());
        };
        let [domains, networks] = [FeedName::domains(), FeedName::networks()];
        let held = |feed| Some((self.feeds.get(feed)?, self.enforced.get(feed)?));
        let (Some(domains), Some(networks)) = (held(&domains), held(&networks)) else {
            return Ok(());
        };
        let made_from = [domains, networks].map(|(_, (key, _))| *key);
        let (log, size) = {
            let ledger = &domains.0.fold.ledger;
            (ledger.base(), ledger.size())
        };
        let generations = Generations::next(zones.generations, log, size, now, least);
        let moved = zones.generations != Some(generations);
        if zones.made_from == Some(made_from) && !moved {
            return Ok(());
        }
        if domains.1.1.would_be_empty() || networks.1.1.would_be_empty() {
            return Ok(());
        }
        let sets = (domains.1.1.narrowed(), networks.1.1.narrowed());
        let (Ok(domain_set), Ok(network_set)) = sets else {
            tracing::error!(
                "what isn't enforced can't be left out of the zones: the last ones stay"
            );
            return Ok(());
        };
        let view = |serial, set| View { serial, set };
        let moment = Moment {
            domains: view(domains.0.serial, domain_set),
            networks: view(networks.0.serial, network_set),
            bases: generations.bases,
        };
        if moved {
            let bytes = serde_json::to_vec(&generations).unwrap_or_default();
            self.disk.write_checked(GENERATIONS, &bytes)?;
        }
        zones.generations = Some(generations);
        zones.made_from = Some(made_from);
        let session = domains.0.fold.ledger.session();
        zones.take(session, moment, size, &self.disk.dir().join("zones"))
    }
}

impl Zones {
    /// Whether resolvers are served a feed as it was at a serial.
    pub(super) fn show(&self, feed: &FeedName, serial: u64) -> bool {
        let Some((_, shared)) = &self.serving else {
            return false;
        };
        let state = shared.state();
        let of = |moment: &Moment| match feed.as_str() {
            "domains" => moment.domains.serial == serial,
            "networks" => moment.networks.serial == serial,
            _ => false,
        };
        state.moment.as_ref().is_some_and(of)
    }

    /// Shows the server a moment; the first one starts it.
    fn take(
        &mut self,
        session: String,
        moment: Moment,
        size: u64,
        folder: &std::path::Path,
    ) -> Result<(), Error> {
        let shared = match &self.serving {
            Some((_, shared)) => shared.clone(),
            None => Arc::new(Shared {
                session,
                state: Mutex::default(),
                changed: watch::channel(0).0,
            }),
        };
        {
            let mut state = shared.state();
            let bases = moment.bases;
            if bases[0] == size {
                state.bases.insert(size, moment.domains.set.clone());
            }
            state.bases.retain(|base, _| bases.contains(base));
            state.moment = Some(moment);
        }
        match self.bound.take() {
            Some((server, metrics)) => {
                let source: Arc<dyn Source> = shared.clone();
                self.serving = Some((server.start(folder, source, metrics)?, shared));
            }
            None => shared.changed.send_modify(|changes| *changes += 1),
        }
        Ok(())
    }
}

impl From<transfer::Error> for Error {
    fn from(error: transfer::Error) -> Self {
        Self::Zones(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_moves_with_the_logs_and_not_too_soon() {
        let first = Generations::next(None, 2, 10, 1000, 180);
        assert_eq!(first.bases, [10, 10]);
        assert_eq!(Generations::next(Some(first), 2, 20, 9000, 180), first);
        // The log's base has moved: not within 180 seconds, and then to what is enforced by then.
        assert_eq!(Generations::next(Some(first), 15, 20, 1179, 180), first);
        let second = Generations::next(Some(first), 15, 30, 1180, 180);
        assert_eq!((second.bases, second.log), ([30, 10], 15));
        let third = Generations::next(Some(second), 40, 41, 9000, 180);
        assert_eq!(third.bases, [41, 30]);
    }
}
