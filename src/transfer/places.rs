//! Places for connections: strangers together take at most a quarter, so that subscribers find one.
//!
//! Known are the addresses that need no key, and those that showed a valid one. A stranger has few
//! seconds to show one; when there is no room for the next, the oldest stranger makes room.

use super::Metrics;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::pending,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, time::timeout};

/// The places for connections: so many in all, so many an address or IPv6 network of 64 bits.
pub(super) struct Places {
    all: usize,
    each: usize,
    open: Mutex<Open>,
    metrics: Metrics,
}

/// Who is connected. Connections are numbered in the order in which they came.
#[derive(Default)]
struct Open {
    next: u64,
    each: HashMap<IpAddr, usize>,
    known: BTreeSet<u64>,
    /// By what they are told to make room.
    strangers: BTreeMap<u64, oneshot::Sender<()>>,
    /// Addresses from which a valid key was shown, and when last.
    shown: HashMap<IpAddr, Instant>,
}

/// A place that is free again when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
    number: u64,
}

/// Tells a stranger when it must go.
pub(super) struct Notice(Option<oneshot::Receiver<()>>);

impl Places {
    pub(super) fn new(all: usize, each: usize, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            open: Mutex::default(),
            metrics,
        })
    }

    /// Takes a place, if there is one for the address.
    pub(super) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        is_allowed: bool,
    ) -> Option<(Place, Notice)> {
        let address = network(address);
        let mut open = self.open();
        let is_shown = |at: &Instant| at.elapsed() < REMEMBERED;
        let is_known = is_allowed || open.shown.get(&address).is_some_and(is_shown);
        let mine = open.each.get(&address).copied().unwrap_or_default();
        if mine >= self.each || !open.make_room(is_known, self.all) {
            self.metrics.turned_away.inc();
            return None;
        }
        let number = open.next;
        open.next += 1;
        open.each.insert(address, mine + 1);
        let notice = if is_known {
            open.known.insert(number);
            None
        } else {
            let (tell, told) = oneshot::channel();
            open.strangers.insert(number, tell);
            Some(told)
        };
        self.metrics.connections.inc();
        let places = self.clone();
        let place = Place {
            places,
            address,
            number,
        };
        Some((place, Notice(notice)))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Whether there is room for one more, if need be in place of the oldest stranger.
    fn make_room(&mut self, is_known: bool, all: usize) -> bool {
        let is_full = self.known.len() + self.strangers.len() >= all;
        let are_many = !is_known && self.strangers.len() >= (all / STRANGERS).max(1);
        if !is_full && !are_many {
            return true;
        }
        match self.strangers.pop_first() {
            // It may have ended by itself.
            Some((_, oldest)) => {
                let _ = oldest.send(());
                true
            }
            None => false,
        }
    }
}

impl Place {
    /// The connection's number; no other has it.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// A valid key was shown: no stranger from now on.
    pub(super) fn show(&self) {
        let mut open = self.places.open();
        // One that was told to go goes.
        if open.strangers.remove(&self.number).is_some() {
            open.known.insert(self.number);
        }
        if open.shown.len() >= SHOWN {
            open.shown.retain(|_, at| at.elapsed() < REMEMBERED);
        }
        if open.shown.len() < SHOWN {
            open.shown.insert(self.address, Instant::now());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.open();
        open.known.remove(&self.number);
        open.strangers.remove(&self.number);
        match open.each.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.each.remove(&self.address)),
        }
        self.places.metrics.connections.dec();
    }
}

impl Notice {
    /// Waits until the connection must end: a stranger that is told so, or whose time is over.
    /// Those that are known never must.
    pub(super) async fn end(self, read: Duration) {
        let Some(told) = self.0 else {
            return pending().await;
        };
        // The sender is let go of when the stranger has become known.
        if let Ok(Err(_)) = timeout(read.min(STRANGE), told).await {
            pending().await
        }
    }
}

/// What counts as one address: whoever has one of IPv6 has 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
        four => four,
    }
}

/// Strangers may take one of so many places.
const STRANGERS: usize = 4;
/// How long a stranger may stay in all, a TLS handshake included.
const STRANGE: Duration = Duration::from_secs(5);
/// How long an address is known after a valid key, and how many are.
const REMEMBERED: Duration = Duration::from_secs(86_400);
const SHOWN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Registry;

    fn places(all: usize, each: usize) -> Arc<Places> {
        Places::new(all, each, Metrics::new(&Registry::new()).unwrap())
    }

    fn address(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    #[test]
    fn strangers_have_a_quarter_and_the_oldest_makes_room() {
        let places = places(16, 4);
        let mut strangers: Vec<_> = (0..40)
            .map(|n| places.take(address(n), false).unwrap())
            .collect();
        let told = |notice: &mut Notice| notice.0.as_mut().unwrap().try_recv().is_ok();
        let gone = strangers.iter_mut().map(|s| told(&mut s.1));
        assert_eq!(gone.filter(|gone| *gone).count(), 36);
        // Those that are known find all places, the strangers' too.
        let known: Vec<_> = (100..116)
            .map(|n| places.take(address(n), true).unwrap())
            .collect();
        assert!(places.open().strangers.is_empty());
        assert!(places.take(address(200), true).is_none());
        drop(known);
        drop(strangers);
        assert!(places.open().each.is_empty());
    }

    #[test]
    fn whoever_shows_a_key_is_known_then_and_later() {
        let places = places(8, 4);
        let (place, _notice) = places.take(address(1), false).unwrap();
        place.show();
        let others: Vec<_> = (10..20).map(|n| places.take(address(n), false)).collect();
        assert!(places.open().known.contains(&place.number));
        drop(place);
        let (again, notice) = places.take(address(1), false).unwrap();
        assert!(notice.0.is_none() && places.open().known.contains(&again.number));
        drop(others);
    }

    #[test]
    fn ipv6_is_counted_by_networks() {
        let places = places(16, 2);
        let take = |text: &str| places.take(text.parse().unwrap(), true);
        let held = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(held.0.is_some() && held.1.is_some());
        assert!(take("2001:db8::3").is_none());
        assert!(take("2001:db8:0:1::3").is_some());
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), address(1));
    }
}
