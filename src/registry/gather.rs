//! Facts on one subject from every source that can have some.
//!
//! Follows design: Checks (*Facts*) and issue 4: sources run side by side, each with a time-out, all within a bound; what is
//! offline, slow or lying is a fault in its own fact and leaves the others alone.

use std::{path::Path, sync::Arc};

use ipnet::IpNet;
use tokio::sync::Semaphore;

use super::{
    config::Config,
    facts::{
        Delegation, Facts, Fault, FaultKind, Outcome, Registration, Source, Sourced, Suffix,
        Unasked,
    },
    lists::Lists,
    live::{Dns, Rdap, Whois},
    sets::{Bound, Sets},
    suffix::Owner,
};
use crate::{
    fetch::{
        self,
        outside::{Outside, Reach},
    },
    subject::{Kind, Subject, net},
};

/// Asks for facts. Build one and share it; it keeps what is open.
pub struct Gatherer {
    sets: Sets,
    lists: Arc<Lists>,
    bound: Bound,
    /// None where the settings say `offline`: reading the machine's root certificates alone takes milliseconds.
    live: Option<Live>,
}

/// Who is asked over the network.
struct Live {
    rdap: Rdap,
    whois: Whois,
    /// Why there is no resolver, where there is none.
    dns: Result<Dns, String>,
    /// How many names may be asked about at once: no list floods a registry or a resolver.
    places: Semaphore,
}

impl Gatherer {
    /// A gatherer over the data sets of this data directory and these lists. It connects to nobody yet.
    ///
    /// # Errors
    /// Where TLS can't be set up on this machine.
    pub fn new(config: &Config, data: &Path, lists: Arc<Lists>) -> Result<Gatherer, fetch::Error> {
        Ok(Gatherer {
            sets: Sets::open(&config.sets(data)),
            lists,
            bound: Bound::counting(config.neighbours),
            live: (!config.offline).then(|| Live::new(config)).transpose()?,
        })
    }

    /// Takes up data sets that were imported since. Cheap; to be called before each request or list.
    pub fn refresh(&self) {
        self.sets.refresh();
    }

    /// What data sets and lists say, and nobody else. Blocks on the disk alone: some microseconds a name.
    pub fn offline(&self, subject: &Subject, now: u64) -> Facts {
        from_sets(&self.sets, &self.lists, subject, self.bound, now)
    }

    /// What everybody says: data sets, lists, the name's registry and the DNS, side by side and within the bounds that the
    /// settings give; the first two alone where they say `offline`. Data sets are read on the calling thread; they take
    /// microseconds. Of many names some tens are asked about at once, the others wait.
    pub async fn gather(&self, subject: &Subject, now: u64) -> Facts {
        let mut facts = self.offline(subject, now);
        if let (Kind::Domain, Some(live)) = (subject.kind(), &self.live) {
            live.complete(&mut facts, &self.lists, subject.name(), now)
                .await;
        }
        facts
    }
}

impl Live {
    fn new(config: &Config) -> Result<Live, fetch::Error> {
        let reach = Reach {
            allow: config.allow.clone(),
            refuse: config.refuse.clone(),
        };
        // Side by side, so none of them may take longer than all together.
        let time = config.source_time().min(config.total_time());
        Ok(Live {
            rdap: Rdap::new(Outside::new(reach.clone())?, time),
            whois: Whois::new(reach, time).at_port(config.whois_port),
            dns: Dns::new(config.resolver, time),
            places: Semaphore::new(AT_ONCE),
        })
    }

    /// Puts registration and delegation of a name where data sets left them open.
    async fn complete(&self, facts: &mut Facts, lists: &Lists, name: &str, now: u64) {
        let registrable = lists.suffixes.registrable(name).unwrap_or(name);
        let by_set = !matches!(
            facts.registration.outcome,
            Outcome::NotAsked(Unasked::Offline)
        );
        let registration = async {
            match by_set {
                true => None,
                false => Some(self.registration(lists, registrable, now).await),
            }
        };
        // Waiting for a place isn't the sources' slowness; none of them is held longer than the bound.
        let _place = self.places.acquire().await;
        let (registration, delegation) =
            tokio::join!(registration, self.delegation(lists, name, registrable, now));
        facts.delegation = delegation;
        if let Some(registration) = registration {
            facts.registration = registration;
        }
    }

    /// By RDAP, or by WHOIS where the registry has none.
    async fn registration(&self, lists: &Lists, name: &str, now: u64) -> Sourced<Registration> {
        if let Some(base) = lists.rdap_servers.of(name) {
            return self.rdap.ask(base, name, now).await;
        }
        match lists.whois_servers.of(name) {
            Some(server) => self.whois.ask(server, name, now).await,
            None => Sourced::not_asked(Unasked::NoSource, now),
        }
    }

    async fn delegation(
        &self,
        lists: &Lists,
        name: &str,
        registrable: &str,
        now: u64,
    ) -> Sourced<Delegation> {
        match &self.dns {
            Ok(dns) => {
                dns.ask(name, registrable, &lists.parking_servers, now)
                    .await
            }
            Err(why) => failed(FaultKind::Unreachable, why.clone(), now),
        }
    }
}

fn failed<T>(kind: FaultKind, detail: String, now: u64) -> Sourced<T> {
    Sourced {
        source: Source::Nobody,
        at: now,
        fresh_until: None,
        outcome: Outcome::Failed(Fault { kind, detail }),
    }
}

/// What data sets and lists say of a subject.
pub fn from_sets(sets: &Sets, lists: &Lists, subject: &Subject, bound: Bound, now: u64) -> Facts {
    let mut facts = Facts::unasked(&subject.to_string(), Unasked::NotApplicable, now);
    match subject.kind() {
        Kind::Domain => {
            let name = subject.name();
            facts.suffix = suffix(lists, name, now);
            facts.registration = match name.rsplit('.').next() {
                Some("vn") => sets.registration(name, now),
                _ => Sourced::not_asked(Unasked::Offline, now),
            };
            facts.licences = sets.licences(name, now);
            facts.popularity = sets.popularity(name, now);
            facts.licences_below = sets.licences_below(name, now);
            facts.popularity_below = sets.popularity_below(name, now);
            facts.delegation = Sourced::not_asked(Unasked::Offline, now);
        }
        Kind::Net => {
            if let Ok(net) = net::parse(subject.name()) {
                about_net(sets, &mut facts, net, bound, now);
            }
        }
        // Of what a platform gives out, no registry knows anything.
        Kind::Account | Kind::Seller => {}
    }
    facts
}

fn about_net(sets: &Sets, facts: &mut Facts, net: IpNet, bound: Bound, now: u64) {
    facts.network = sets.network(net, now);
    facts.allocation = sets.allocation(net, now);
    facts.neighbours = sets.neighbours(net, bound, now);
}

/// Where a name stands by the public suffix list.
fn suffix(lists: &Lists, name: &str, now: u64) -> Sourced<Suffix> {
    let list = &lists.suffixes;
    let at = list.dated().and_then(|day| day.unix());
    let outcome = match list.of(name) {
        None => Outcome::Absent,
        Some(suffix) => Outcome::Known(Suffix {
            suffix: suffix.to_owned(),
            registrable: list.registrable(name).map(str::to_owned),
            is_suffix: list.suffix(name).is_some(),
            private: list
                .suffix(suffix)
                .is_some_and(|rule| rule.owner == Owner::Private),
        }),
    };
    Sourced {
        source: Source::List {
            file: "public_suffix_list.dat".to_owned(),
        },
        at: at.unwrap_or(now),
        // A list that doesn't say its day can't be called fresh.
        fresh_until: Some(at.map_or(now, |at| at.saturating_add(SUFFIXES_FRESH))),
        outcome,
    }
}

/// Seconds for which a suffix list is rested on: `.vn` went from 14 to 80 rules in three years.
const SUFFIXES_FRESH: u64 = 180 * 86_400;

const AT_ONCE: usize = 32;
