//! Who has acted: what each subscriber holds, has applied and has acknowledged, and what is
//! overdue (design: Words, "receipt"; Access; Who holds what).
//!
//! An entry in force waits for a subscriber until it is acknowledged, or until a receipt covers
//! it: one that was signed at a serial at which the entry stood. It is overdue when it still waits
//! at its `respond_by`.

use super::{
    Casework, Error, Receipt, Subscriber, Token,
    acknowledgement::{Kept, Outcome},
    item::Terms,
    lock,
};
use crate::{
    entries::{FeedLine, FeedName, Set},
    log::{Current, FeedView},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use utoipa::ToSchema;

/// A subscriber, and where it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Standing {
    pub name: String,
    /// Whether it has a key to sign receipts with.
    pub signs: bool,
    /// The feeds that its tokens may be made for.
    pub scope: BTreeSet<FeedName>,
    /// Its tokens, live and lately ended, without the secrets.
    pub tokens: Vec<Token>,
    /// Its feeds, and others that it has sent a receipt for.
    pub feeds: BTreeMap<FeedName, FeedStanding>,
}

/// Where a subscriber stands with one feed.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct FeedStanding {
    /// What it holds, by its cursor or its receipt, whichever is later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// What it last signed that it has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// Entries in force that it acknowledged, by outcome.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub acknowledged: BTreeMap<Outcome, u64>,
    /// Entries in force that it said nothing of yet.
    pub waiting: u64,
    /// Those of them whose `respond_by` has passed.
    pub overdue: u64,
    /// The earliest `respond_by` that lies ahead, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due: Option<u64>,
}

/// The serial that a subscriber holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Held {
    pub serial: u64,
    /// When it asked with it, or signed it, Unix seconds.
    pub time: u64,
    pub current: bool,
}

/// The last receipt for a feed, and how far behind the present it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Applied {
    pub serial: u64,
    /// The subscriber's time, Unix seconds.
    pub time: u64,
    pub current: bool,
    /// Leaves between its serial and the feed's.
    pub behind: u64,
    /// 0 where it is current, else seconds since it applied what it has: at most so long behind.
    pub lag_seconds: u64,
}

/// Entries in force by decision, with what is said of each decision.
type Tally = HashMap<String, (u64, Option<Terms>)>;

/// The tallies of the feeds, each at its serial.
#[derive(Default)]
pub(super) struct Tallies(HashMap<FeedName, (u64, Arc<Tally>)>);

impl Casework {
    /// All subscribers with where they stand, by name.
    pub fn standings(&self) -> Result<Vec<Standing>, Error> {
        let subscribers = self.subscribers();
        subscribers.into_iter().map(|s| self.standing(s)).collect()
    }

    /// Where one subscriber stands.
    pub fn standing_of(&self, name: &str) -> Result<Standing, Error> {
        self.standing(self.subscriber(name)?)
    }

    /// Shows in the metrics where all stand now. Blocks for as long as `standings`.
    pub fn show_standings(&self) -> Result<(), Error> {
        let standings = self.standings()?;
        self.inner.metrics.show(&standings);
        Ok(())
    }

    fn standing(&self, subscriber: Subscriber) -> Result<Standing, Error> {
        let receipts = self.receipts_of(&subscriber.name)?;
        let named = receipts.iter().map(|r| &r.feed);
        let names: BTreeSet<FeedName> = subscriber.feeds.iter().chain(named).cloned().collect();
        let mut feeds = BTreeMap::new();
        for feed in names {
            let receipt = receipts.iter().find(|r| r.feed == feed);
            let standing = self.feed_standing(&subscriber.name, &feed, receipt)?;
            feeds.insert(feed, standing);
        }
        Ok(Standing {
            tokens: self.tokens(&subscriber.name)?,
            name: subscriber.name,
            signs: subscriber.public.is_some(),
            scope: subscriber.feeds,
            feeds,
        })
    }

    fn feed_standing(
        &self,
        subscriber: &str,
        feed: &FeedName,
        receipt: Option<&Receipt>,
    ) -> Result<FeedStanding, Error> {
        let current = self.inner.authority.current();
        let now = self.inner.authority.now();
        let cursor = self.cursor_of(subscriber, feed)?;
        let cursor = cursor.map(|c| (c.time, c.serial));
        let signed = receipt.map(|r| (r.time, r.serial));
        let serial = serial_of(&current, feed);
        let mut standing = FeedStanding {
            held: cursor.max(signed).map(|(time, held)| Held {
                serial: held,
                time,
                current: held >= serial,
            }),
            applied: receipt.map(|receipt| applied(serial, receipt, now)),
            acknowledged: Outcome::ALL.map(|outcome| (outcome, 0)).into(),
            ..FeedStanding::default()
        };
        if let Some(view) = current.feeds.get(feed) {
            let said = self.acknowledgements_of(subscriber, feed)?;
            let said = standing.count(&view.set, &said);
            let tally = self.tally(feed, view)?;
            let covered = receipt.map_or(0, |receipt| receipt.serial);
            standing.weigh(&tally, &said, covered, self.hours(feed), now);
        }
        Ok(standing)
    }

    /// The entries of a feed by decision, counted once a serial.
    fn tally(&self, feed: &FeedName, view: &FeedView) -> Result<Arc<Tally>, Error> {
        let serial = view.state.serial;
        // Held while it is counted, so that many who ask at once count once.
        let mut tallies = lock(&self.inner.tallies);
        if let Some((_, tally)) = tallies.0.get(feed).filter(|(at, _)| *at == serial) {
            return Ok(tally.clone());
        }
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for line in view.set.lines().filter(|line| line.starts_with('E')) {
            let decision = line.rsplit(' ').next().unwrap_or_default();
            *counts.entry(decision).or_default() += 1;
        }
        let mut tally = Tally::new();
        for (decision, count) in counts {
            tally.insert(decision.to_owned(), (count, self.terms(decision)?));
        }
        let tally = Arc::new(tally);
        tallies.0.insert(feed.clone(), (serial, tally.clone()));
        Ok(tally)
    }
}

impl FeedStanding {
    /// Counts what was said of entries in force, by outcome and by decision.
    fn count(&mut self, set: &Set, said: &BTreeMap<String, Kept>) -> HashMap<String, u64> {
        let mut by_decision = HashMap::new();
        for (key, kept) in said {
            let line = format!("E {key}");
            let entry = FeedLine::of_checked(set.kind(), &line);
            let (Some(FeedLine::Entry(entry)), true) = (entry, set.contains(&line)) else {
                continue;
            };
            *self.acknowledged.entry(kept.outcome).or_default() += 1;
            let count = by_decision.entry(entry.decision.to_owned());
            *count.or_default() += 1;
        }
        by_decision
    }

    /// Counts what waits, and what of it is overdue.
    fn weigh(
        &mut self,
        tally: &Tally,
        said: &HashMap<String, u64>,
        covered: u64,
        hours: Option<u64>,
        now: u64,
    ) {
        for (decision, (count, terms)) in tally {
            // A leaf stands at its index, a serial is a size: what is covered lies below it.
            if terms.as_ref().is_some_and(|terms| terms.leaf < covered) {
                continue;
            }
            let waiting = count.saturating_sub(said.get(decision).copied().unwrap_or(0));
            self.waiting += waiting;
            let due = terms.as_ref().and_then(|terms| terms.respond_by(hours));
            match due {
                Some(due) if waiting > 0 && due <= now => self.overdue += waiting,
                Some(due) if waiting > 0 => {
                    self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
                }
                _ => {}
            }
        }
    }
}

fn serial_of(current: &Current, feed: &FeedName) -> u64 {
    let view = current.feeds.get(feed);
    view.map_or(0, |view| view.state.serial)
}

fn applied(serial: u64, receipt: &Receipt, now: u64) -> Applied {
    let is_current = receipt.serial >= serial;
    Applied {
        serial: receipt.serial,
        time: receipt.time,
        current: is_current,
        behind: serial.saturating_sub(receipt.serial),
        lag_seconds: if is_current {
            0
        } else {
            now.saturating_sub(receipt.time)
        },
    }
}
