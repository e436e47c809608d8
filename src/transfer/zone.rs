//! A zone with its serial, and the steps that led to it.
//!
//! A serial is a number of thirty-two bits that always rises (RFC 1982): the Unix time, or one
//! more than the serial before where that is later. So a folder that was lost or restored can't
//! bring back a serial that some secondary holds.

use super::{
    levels::Level,
    names::{Mark, Move, Names},
    shelf::Shelf,
    wire::Form,
};
use std::{collections::VecDeque, sync::Arc};

/// A zone at a serial. Copies share what they hold.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) level: Level,
    pub(super) form: Arc<Form>,
    pub(super) serial: u32,
    /// The serial of the feed that it was made of; of `base`, the log's size.
    pub(super) feed: u64,
    pub(super) names: Names,
    /// Where its packed records lie.
    pub(super) shelf: Arc<Shelf>,
    /// The last steps, one after the other; the last leads to `serial`.
    pub(super) history: VecDeque<Arc<Step>>,
}

/// The way from one serial to the next. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) to: u32,
    /// The feed's serial that the zone stood at before.
    pub(super) feed: u64,
    /// In the order of the keys.
    pub(super) moves: Vec<Move>,
}

/// What a secondary at some serial is to be sent.
#[derive(Debug, Clone)]
pub(super) enum Since {
    /// It has the zone.
    Nothing,
    Steps(Vec<Arc<Step>>),
    /// The history doesn't reach back, or is longer than the zone.
    Whole,
}

impl Zone {
    /// The zone one step on. `now`: Unix seconds.
    pub(super) fn stepped(&self, moves: Vec<Move>, feed: u64, now: u64) -> (Self, Arc<Step>) {
        let step = Arc::new(Step {
            from: self.serial,
            to: next_serial(Some(self.serial), now),
            feed: self.feed,
            moves,
        });
        let mut next = self.clone();
        next.take(step.clone());
        next.feed = feed;
        (next, step)
    }

    /// Goes one step on; the step begins at this serial.
    pub(super) fn take(&mut self, step: Arc<Step>) {
        self.names = self.names.with(&step.moves);
        if self.shelf.is_worn(self.names.pieces().len()) {
            self.replace(self.names.shared());
        }
        self.serial = step.to;
        self.history.push_back(step);
        let mut held: usize = self.history.iter().map(|step| step.moves.len()).sum();
        let most = (self.names.len() / 2).max(LEAST_MOVES);
        while held > most || self.history.len() > MOST_STEPS {
            let Some(oldest) = self.history.pop_front() else {
                break;
            };
            held -= oldest.moves.len();
        }
    }

    /// Takes other pieces of the same names; their records are packed anew.
    pub(super) fn replace(&mut self, names: Names) {
        self.names = names;
        self.shelf = Arc::new(self.shelf.another());
    }

    /// What leads from a serial to the present.
    pub(super) fn since(&self, serial: u32) -> Since {
        if serial == self.serial || is_later(serial, self.serial) {
            return Since::Nothing;
        }
        let Some(at) = self.history.iter().position(|step| step.from == serial) else {
            return Since::Whole;
        };
        let steps: Vec<Arc<Step>> = self.history.iter().skip(at).cloned().collect();
        let moves: usize = steps.iter().map(|step| step.moves.len()).sum();
        if moves > self.names.len() + SHORT {
            return Since::Whole;
        }
        Since::Steps(steps)
    }

    /// The feed's serial that a serial of the zone stands for.
    pub(super) fn feed_at(&self, serial: u32) -> Option<u64> {
        if serial == self.serial {
            return Some(self.feed);
        }
        let step = self.history.iter().find(|step| step.from == serial);
        step.map(|step| step.feed)
    }
}

impl Move {
    /// Which records of the name go, or come: its own, the wildcard's.
    pub(super) fn parts(&self, comes: bool) -> impl Iterator<Item = bool> {
        let has = |mark: Mark| [!mark.is_none(), mark.has_subtree()];
        let ([own, wild], [own_too, wild_too]) = match comes {
            true => (has(self.new), has(self.old)),
            false => (has(self.old), has(self.new)),
        };
        let own = (own && !own_too).then_some(false);
        own.into_iter().chain((wild && !wild_too).then_some(true))
    }
}

/// The serial after another.
pub(super) fn next_serial(last: Option<u32>, now: u64) -> u32 {
    let clock = u32::try_from(now & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    match last {
        Some(last) if !is_later(clock, last) => last.wrapping_add(1),
        _ => clock,
    }
}

/// Whether a serial is later than another (RFC 1982).
pub(super) fn is_later(serial: u32, than: u32) -> bool {
    let ahead = serial.wrapping_sub(than);
    ahead != 0 && ahead < 1 << 31
}

/// A difference of fewer moves is sent however small the zone.
const SHORT: usize = 1000;
/// A history of fewer moves is kept however small the zone.
const LEAST_MOVES: usize = 100_000;
/// The most steps of a history.
const MOST_STEPS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_rise_by_the_clock_or_by_one() {
        assert_eq!(next_serial(None, 1_790_000_000), 1_790_000_000);
        assert_eq!(next_serial(Some(5), 1_790_000_000), 1_790_000_000);
        assert_eq!(
            next_serial(Some(1_790_000_000), 1_790_000_000),
            1_790_000_001
        );
        assert_eq!(
            next_serial(Some(1_790_000_009), 1_790_000_000),
            1_790_000_010
        );
        // The clock's bits turn over in 2106.
        assert_eq!(next_serial(Some(u32::MAX), (1 << 32) + 7), 7);
        assert!(is_later(3, u32::MAX) && !is_later(u32::MAX, 3) && !is_later(3, 3));
    }
}
