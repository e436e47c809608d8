//! Where zones come from: five methods that the authority and the agent each fulfil.

use crate::entries::{FeedName, Set};
use tokio::sync::watch;

/// What is in force at one moment, with the generations that the base zone stands at.
#[derive(Clone)]
pub struct Moment {
    pub domains: View,
    pub networks: View,
    /// The log's sizes that the base zone stands at: the present generation and the one before.
    /// Equal where there was no other.
    pub bases: [u64; 2],
}

/// One feed at a moment.
#[derive(Clone)]
pub struct View {
    pub serial: u64,
    /// The set to enforce. A set that was made from an earlier one by a change shares memory with
    /// it, which is what makes the next zone cheap: hand on copies, don't build anew.
    pub set: Set,
}

/// That a subscriber holds a zone as it was at a feed's serial: a signed IXFR query says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Of whom the key is.
    pub subscriber: String,
    pub feed: FeedName,
    /// The feed's serial.
    pub serial: u64,
}

/// The source of all zones. Its methods are called from one thread, but for `held`; they may take
/// their time, except that `held` is called while a subscriber waits.
pub trait Source: Send + Sync + 'static {
    /// The identity of the log's history.
    fn session(&self) -> String;

    /// What is in force now; nothing where that isn't known (yet): the last zones are served on.
    fn now(&self) -> Option<Moment>;

    /// The domains as they were at the state leaf that ends at this size of the log. Asked at the
    /// start, for the generations of the base zone. `None` where they can't be had any more: the
    /// zones are right all the same, but the changing ones are larger.
    fn domains_at(&self, size: u64) -> Option<Set>;

    /// Tells that `now` may have changed.
    fn changed(&self) -> watch::Receiver<u64>;

    /// Takes note of what a subscriber holds. Errors are the source's own to log.
    fn held(&self, held: Held);
}
