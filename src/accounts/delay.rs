//! Delays after failures, for each account and for each address: they double up to a limit.

use std::collections::HashMap;

/// The most keys that are kept; those whose wait is over are forgotten first.
const MOST: usize = 100_000;

/// So long after its last failure a key begins anew, seconds.
const FORGOTTEN: u64 = 24 * 3600;

/// The first wait, seconds.
const FIRST: u64 = 5;

/// Failures by key: `account <name>`, whether there is such an account or not, and `address <ip>`.
#[derive(Default)]
pub(super) struct Delays {
    by_key: HashMap<String, Failures>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: u64,
    /// Unix seconds; until then nothing is tried.
    until: u64,
}

impl Delays {
    /// Seconds that a key has to wait; none if it may try.
    pub(super) fn wait(&self, key: &str, now: u64) -> Option<u64> {
        let failures = self.by_key.get(key)?;
        failures.until.checked_sub(now).filter(|left| *left > 0)
    }

    /// One failure more. `free` of them in a row cost nothing.
    pub(super) fn fail(&mut self, key: &str, free: u32, longest: u64, now: u64) {
        if self.by_key.len() >= MOST && !self.by_key.contains_key(key) {
            self.by_key.retain(|_, f| f.until > now);
            if self.by_key.len() >= MOST {
                self.by_key.clear();
            }
        }
        let entry = self.by_key.entry(key.to_owned()).or_insert(Failures {
            count: 0,
            last: now,
            until: 0,
        });
        if now.saturating_sub(entry.last) > FORGOTTEN {
            entry.count = 0;
        }
        entry.count = entry.count.saturating_add(1);
        entry.last = now;
        if entry.count >= free.max(1) {
            let doublings = (entry.count - free.max(1)).min(20);
            entry.until = now + (FIRST << doublings).min(longest);
        }
    }

    /// It went well: the key begins anew.
    pub(super) fn clear(&mut self, key: &str) {
        self.by_key.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let mut delays = Delays::default();
        for _ in 0..4 {
            delays.fail("a", 5, 60, 100);
            assert_eq!(delays.wait("a", 100), None);
        }
        let mut waits = Vec::new();
        for n in 0..5 {
            delays.fail("a", 5, 60, 100 + n);
            waits.push(delays.wait("a", 100 + n).unwrap());
        }
        assert_eq!(waits, [5, 10, 20, 40, 60]);
        assert_eq!(delays.wait("b", 104), None);
        assert_eq!(delays.wait("a", 164), None);
        delays.fail("a", 5, 60, 200_000);
        assert_eq!(
            delays.wait("a", 200_000),
            None,
            "a day later it begins anew"
        );
        delays.clear("a");
        assert_eq!(delays.wait("a", 200_000), None);
    }
}
