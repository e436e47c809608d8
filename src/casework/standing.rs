//! Who has acted: what each subscriber has applied (design: Words, "receipt"; Access).

use super::{Casework, Error, Receipt, Subscriber, Token};
use crate::{entries::FeedName, log::Current};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// What it last signed that it has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
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

    fn standing(&self, subscriber: Subscriber) -> Result<Standing, Error> {
        let current = self.inner.authority.current();
        let now = self.inner.authority.now();
        let mut feeds: BTreeMap<FeedName, FeedStanding> = subscriber
            .feeds
            .iter()
            .map(|feed| (feed.clone(), FeedStanding::default()))
            .collect();
        for receipt in self.receipts_of(&subscriber.name)? {
            let applied = applied(&current, &receipt, now);
            feeds.entry(receipt.feed).or_default().applied = Some(applied);
        }
        Ok(Standing {
            tokens: self.tokens(&subscriber.name)?,
            name: subscriber.name,
            signs: subscriber.public.is_some(),
            scope: subscriber.feeds,
            feeds,
        })
    }
}

fn applied(current: &Current, receipt: &Receipt, now: u64) -> Applied {
    let feed = current.feeds.get(&receipt.feed);
    let serial = feed.map_or(0, |view| view.state.serial);
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
