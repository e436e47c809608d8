//! What was signed with a key of late: a query that was seen on its way opens nothing elsewhere.
//!
//! A signature holds for five minutes from wherever it comes (RFC 8945, 5.2.3). A client signs a
//! query anew for each connection; resolvers do send a datagram twice, and some send the message
//! of a truncated answer again by TCP: the same address may, once. It is forgotten at a restart.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// The signatures that were taken, of one key.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    /// By time of signing and MAC: who brought it.
    by: BTreeMap<(u64, Vec<u8>), Bearer>,
    /// Of those signed until then (Unix seconds) not all are known.
    forgotten: u64,
}

/// Who brought a signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Datagram(IpAddr),
    /// A connection from an address, by its number.
    Stream(IpAddr, u64),
}

/// What is known of a signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It comes for the first time.
    Never,
    /// The same sender has sent it before.
    Here,
    /// Somebody else has, or it is too old to tell.
    Elsewhere,
}

impl Repeats {
    /// Looks whether a message came before, and keeps it. `time`: when it was signed; `now`: both
    /// Unix seconds, and no further apart than `window`.
    pub(super) fn look(
        &self,
        (time, mac): (u64, &[u8]),
        bearer: Bearer,
        window: u64,
        now: u64,
    ) -> Seen {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.forget(now.saturating_sub(window));
        let key = (time, mac.to_vec());
        match (taken.by.get(&key), bearer) {
            (None, _) if time <= taken.forgotten => return Seen::Elsewhere,
            (None, _) => {}
            (Some(before), bearer) if *before == bearer => return Seen::Here,
            (Some(Bearer::Datagram(one)), Bearer::Stream(other, _)) if *one == other => {}
            _ => return Seen::Elsewhere,
        }
        taken.by.insert(key, bearer);
        Seen::Never
    }
}

impl Taken {
    /// Forgets those signed before a time, and the oldest of too many.
    fn forget(&mut self, before: u64) {
        while let Some(oldest) = self.by.first_entry() {
            let time = oldest.key().0;
            if time >= before && self.by.len() < MOST {
                return;
            }
            self.forgotten = self.forgotten.max(time);
            self.by.pop_first();
        }
    }
}

/// Messages that are kept of a key: in ten minutes, seven a second.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    #[test]
    fn a_message_is_taken_from_one_sender() {
        let repeats = Repeats::default();
        let (one, two): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let look = |mac: &[u8], by| repeats.look((NOW, mac), by, 300, NOW);
        assert_eq!(look(b"a", Bearer::Stream(one, 1)), Seen::Never);
        assert_eq!(look(b"a", Bearer::Stream(one, 1)), Seen::Here);
        assert_eq!(look(b"a", Bearer::Stream(one, 2)), Seen::Elsewhere);
        assert_eq!(look(b"a", Bearer::Datagram(two)), Seen::Elsewhere);
        // By datagram first: by a connection from there, once.
        assert_eq!(look(b"b", Bearer::Datagram(one)), Seen::Never);
        assert_eq!(look(b"b", Bearer::Datagram(one)), Seen::Here);
        assert_eq!(look(b"b", Bearer::Stream(two, 3)), Seen::Elsewhere);
        assert_eq!(look(b"b", Bearer::Stream(one, 4)), Seen::Never);
        assert_eq!(look(b"b", Bearer::Stream(one, 5)), Seen::Elsewhere);
    }

    #[test]
    fn what_was_forgotten_is_not_taken_again() {
        let repeats = Repeats::default();
        let by = Bearer::Stream([192, 0, 2, 1].into(), 1);
        let look = |n: u64, time| repeats.look((time, &n.to_be_bytes()), by, 300, NOW);
        for n in 0..3 * MOST as u64 {
            assert_eq!(look(n, NOW - 200 + n / 100), Seen::Never);
        }
        assert!(repeats.0.lock().unwrap().by.len() <= MOST);
        assert_eq!(look(0, NOW - 200), Seen::Elsewhere);
        assert_eq!(look(u64::MAX, NOW), Seen::Never);
    }
}
