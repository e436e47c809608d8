//! When the base of the zones moves to the present (design: DNS, *Levels*; The log, `base`).
//!
//! The small zones `block` and `allow` hold what has changed since the base *before* the current
//! one. So a compaction makes them no smaller; the one after it does, and a resolver whose base
//! lags a whole generation is right all the while. Work that outgrew a bound therefore ends in
//! two compactions, with the least time between them.

use super::Config;
use crate::{
    decision::State,
    entries::{Change, FeedName},
};
use std::collections::BTreeMap;

/// Seconds that pass from one compaction to the next, whoever asks: resolvers put off a zone's
/// new names for a minute and more, and names that moved must not stand open meanwhile.
pub const LEAST_BETWEEN: u64 = 180;

const DAY: u64 = 86_400;
const HOUR: u64 = 3600;

/// How much the small zones hold at most: the moves of the feed `domains`, by generation.
#[derive(Debug, Clone, Default)]
pub(super) struct Generations {
    /// Lines that came or went between the base before and the current one.
    older: u64,
    /// Lines that came or went since the current base.
    newer: u64,
    /// Unix seconds of the state leaf that the base stands at.
    pub(super) since: u64,
}

impl Generations {
    /// Takes in a state leaf, the last of a log of `size` leaves.
    pub(super) fn absorb(&mut self, leaf: &State, size: u64, changes: &BTreeMap<FeedName, Change>) {
        if let Some(change) = changes.get(&FeedName::domains()) {
            let (added, removed) = change.counts();
            self.newer = self.newer.saturating_add(added).saturating_add(removed);
        }
        if leaf.base == size {
            self.older = std::mem::take(&mut self.newer);
            self.since = leaf.time;
        }
    }

    /// Lines that the small zones hold at most.
    fn moved(&self) -> u64 {
        self.older.saturating_add(self.newer)
    }

    /// When a compaction is due by itself, Unix seconds; `None` while the small zones are small.
    pub(super) fn due(&self, config: &Config, now: u64) -> Option<u64> {
        let free = self.since.saturating_add(config.least_between_compactions);
        let moved = self.moved();
        if config.compact_at > 0 && moved >= config.compact_at {
            return Some(free);
        }
        let hour = config
            .quiet_hour
            .filter(|_| moved >= config.compact_quietly.max(1))?;
        Some(quiet(u64::from(hour), now.max(free)))
    }

    /// Seconds that still have to pass before another compaction may be made.
    pub(super) fn wait(&self, config: &Config, now: u64) -> u64 {
        let free = self.since.saturating_add(config.least_between_compactions);
        free.saturating_sub(now)
    }
}

/// The first moment from `from` on that lies in the hour of the day.
fn quiet(hour: u64, from: u64) -> u64 {
    let begins = from - from % DAY + hour.min(23) * HOUR;
    match from {
        _ if from < begins => begins,
        _ if from < begins + HOUR => from,
        _ => begins + DAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_outgrew_the_bound_is_moved_down_in_two_steps() {
        let config = Config {
            compact_at: 10,
            quiet_hour: None,
            ..Config::default()
        };
        let mut generations = Generations {
            newer: 9,
            since: 1000,
            ..Generations::default()
        };
        assert_eq!(generations.due(&config, 5000), None);
        generations.newer = 10;
        assert_eq!(generations.due(&config, 5000), Some(1180));
        assert_eq!(generations.wait(&config, 1100), 80);
        let compacts = |at, time| State::new(time, BTreeMap::new(), at);
        generations.absorb(&compacts(7, 5000), 7, &BTreeMap::new());
        assert_eq!(generations.due(&config, 5000), Some(5180));
        generations.absorb(&compacts(8, 5180), 8, &BTreeMap::new());
        assert_eq!(generations.due(&config, 9000), None);
        // A state leaf that keeps the base is no compaction.
        generations.absorb(&compacts(8, 6000), 9, &BTreeMap::new());
        assert_eq!(generations.since, 5180);
    }

    #[test]
    fn a_quiet_hour_is_waited_for() {
        let midnight = 20_000 * DAY;
        assert_eq!(quiet(19, midnight), midnight + 19 * HOUR);
        assert_eq!(
            quiet(19, midnight + 19 * HOUR + 5),
            midnight + 19 * HOUR + 5
        );
        assert_eq!(quiet(19, midnight + 20 * HOUR), midnight + DAY + 19 * HOUR);
        let config = Config {
            compact_quietly: 3,
            quiet_hour: Some(0),
            ..Config::default()
        };
        let generations = Generations {
            older: 2,
            newer: 1,
            since: midnight,
        };
        assert_eq!(generations.due(&config, midnight), Some(midnight + 180));
    }
}
