//! Where a name stands in a set, without the hash that the digest asks for.
//!
//! The buckets of a set are chosen by SHA-256 (design: Feeds, *State digest*), which costs more than all the rest of a
//! look-up. Who looks up much keeps this beside the set: eight bytes a name, changed with the set at the cost of the
//! change. It only says in which bucket to look; what stands there is read from the set itself, so that nobody is ever told
//! of an entry by a hash alone.

use super::{Change, Entry, Row, Set, bucket_of};
use foldhash::quality::RandomState;
use std::{hash::BuildHasher as _, sync::Arc};

/// Shards, a power of two: a change copies those that it touches.
const SHARDS: usize = 4096;
const SHARD_BITS: u32 = SHARDS.trailing_zeros();

/// The bits of a slot that hold the bucket; above them stand 48 of the name's hash.
const BUCKET_BITS: u32 = 16;

/// An index of a set by the second fields of its lines. Copies share what they have in common.
#[derive(Clone)]
pub struct Index {
    /// Sorted slots; the first bits of a name's hash say in which shard its slot lies.
    shards: Arc<Vec<Arc<[u64]>>>,
    /// Seeded anew in each process: nobody can choose names that crowd one shard.
    hasher: RandomState,
}

/// A name's place: shard and slot.
type Place = (usize, u64);

impl Index {
    /// Indexes a set; some 0.2 s for a million names.
    pub fn new(set: &Set) -> Self {
        Self::seeded(set, RandomState::default())
    }

    /// Follows a change that `set` has just taken.
    pub fn apply(&mut self, set: &Set, change: &Change) {
        let (added, removed) = change.counts();
        if (added + removed) * 4 > set.entries() {
            *self = Self::seeded(set, self.hasher.clone());
            return;
        }
        let mut moves: Vec<(Place, bool)> = Vec::new();
        for line in change.removed() {
            let (field, bucket) = placed(line);
            let place = self.place(field, bucket);
            // Another line may have the same name, or, though nobody will see it, the same hash.
            let still = set
                .fields_in(bucket)
                .any(|f| self.place(f, bucket) == place);
            moves.push((place, still));
        }
        for line in change.added() {
            let (field, bucket) = placed(line);
            moves.push((self.place(field, bucket), true));
        }
        moves.sort_unstable();
        moves.dedup();
        let shards = Arc::make_mut(&mut self.shards);
        for of_shard in moves.chunk_by(|a, b| a.0.0 == b.0.0) {
            if let Some(shard) = of_shard
                .first()
                .and_then(|(place, _)| shards.get_mut(place.0))
            {
                *shard = merged(shard, of_shard);
            }
        }
    }

    /// The entries of exactly this name in `set`, whatever their scope and decision.
    pub fn entries_of<'a>(&self, set: &'a Set, name: &str) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        self.each_entry_of(set, name, |entry| entries.push(entry));
        entries
    }

    /// Hands over the entries of exactly this name in `set`.
    pub fn each_entry_of<'a>(&self, set: &'a Set, name: &str, take: impl FnMut(Entry<'a>)) {
        let buckets = self.buckets(name);
        buckets
            .flat_map(|bucket| set.entries_in(bucket, name))
            .for_each(take);
    }

    /// The row of a decision that holds entries in `set`.
    pub fn row<'a>(&self, set: &'a Set, decision: &str) -> Option<Row<'a>> {
        self.buckets(decision)
            .find_map(|bucket| set.row_in(bucket, decision))
    }

    fn seeded(set: &Set, hasher: RandomState) -> Self {
        let mut index = Self {
            shards: Arc::new(Vec::new()),
            hasher,
        };
        let fields =
            (0..=u16::MAX).flat_map(|bucket| set.fields_in(bucket).map(move |f| (f, bucket)));
        let mut places: Vec<Place> = fields.map(|(f, bucket)| index.place(f, bucket)).collect();
        places.sort_unstable();
        places.dedup();
        let nothing: Arc<[u64]> = Arc::from([]);
        let mut shards = vec![nothing; SHARDS];
        for of_shard in places.chunk_by(|a, b| a.0 == b.0) {
            if let Some(shard) = of_shard.first().and_then(|place| shards.get_mut(place.0)) {
                *shard = of_shard.iter().map(|(_, slot)| *slot).collect();
            }
        }
        index.shards = Arc::new(shards);
        index
    }

    fn place(&self, field: &str, bucket: u16) -> Place {
        let (shard, print) = self.print(field);
        (shard, print << BUCKET_BITS | u64::from(bucket))
    }

    /// The shard of a name, and the 48 bits of its hash that stand in its slot.
    fn print(&self, name: &str) -> (usize, u64) {
        let hash = self.hasher.hash_one(name);
        let shard = usize::try_from(hash >> (64 - SHARD_BITS)).unwrap_or_default();
        (shard, hash << SHARD_BITS >> BUCKET_BITS)
    }

    /// The buckets in which a name may stand: hardly ever more than one, and of a name that nobody
    /// listed none.
    fn buckets(&self, name: &str) -> impl Iterator<Item = u16> {
        let (shard, print) = self.print(name);
        let slots = self.shards.get(shard).map_or(&[][..], |shard| shard);
        let own = slots.get(first_from(slots, print)..).unwrap_or_default();
        let own = own
            .iter()
            .take_while(move |slot| *slot >> BUCKET_BITS == print);
        own.map(|slot| (slot & u64::from(u16::MAX)) as u16)
    }
}

/// The first slot that isn't below a print. The prints are even as dice, so that one stands about
/// as far along its shard as among all numbers: a glance there finds it, mostly in one cache line.
fn first_from(slots: &[u64], print: u64) -> usize {
    let share = (u128::from(print) * slots.len() as u128) >> (64 - BUCKET_BITS);
    let mut at = usize::try_from(share).unwrap_or_default();
    let is_below = |at: usize| {
        slots
            .get(at)
            .is_some_and(|slot| slot >> BUCKET_BITS < print)
    };
    while is_below(at) {
        at += 1;
    }
    while at > 0 && !is_below(at - 1) {
        at -= 1;
    }
    at
}

/// The second field of a line and its bucket.
fn placed(line: &str) -> (&str, u16) {
    let field = line.split(' ').nth(1).unwrap_or_default();
    (field, bucket_of(field))
}

/// A shard with the slots that stay or come, and without those that go.
fn merged(shard: &[u64], moves: &[(Place, bool)]) -> Arc<[u64]> {
    let is_moved = |slot: &u64| {
        moves
            .binary_search_by(|((_, moved), _)| moved.cmp(slot))
            .is_ok()
    };
    let mut slots: Vec<u64> = shard
        .iter()
        .copied()
        .filter(|slot| !is_moved(slot))
        .collect();
    slots.extend(
        moves
            .iter()
            .filter(|(_, stays)| *stays)
            .map(|((_, slot), _)| *slot),
    );
    slots.sort_unstable();
    slots.dedup();
    slots.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entries::ChangeBuilder, subject::Kind};

    fn change(removed: &[String], added: &[String]) -> Change {
        let mut change = ChangeBuilder::default();
        removed.iter().for_each(|line| change.remove(line));
        added.iter().for_each(|line| change.add(line));
        change.finish(Kind::Domain)
    }

    fn names<'a>(index: &Index, set: &'a Set, name: &str) -> Vec<&'a str> {
        let entries = index.entries_of(set, name);
        entries.iter().map(|entry| entry.decision).collect()
    }

    /// Whatever changes come, the index answers as a reading of the whole set does.
    #[test]
    fn follows_the_set() {
        let line = |n: u64, d: u64| format!("E n{n}.example + 2026-{d:06}");
        let row = |d: u64| format!("D 2026-{d:06} block_domain {}", 1_800_000_000 + d);
        let mut set = Set::new(Kind::Domain);
        let mut index = Index::new(&set);
        let mut random = 7_u64;
        let mut held = std::collections::BTreeSet::new();
        for round in 0..60 {
            let (mut removed, mut added) = (Vec::new(), Vec::new());
            for _ in 0..if round == 20 { 3000 } else { 40 } {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
                let text = match random >> 61 {
                    0 => row(random >> 33 & 3),
                    _ => line(random >> 40 & 511, random >> 33 & 3),
                };
                let (from, to) = match held.remove(&text) {
                    true => (&mut removed, &mut added),
                    false => (&mut added, &mut removed),
                };
                // A line moves once in a change.
                match from.contains(&text) || to.contains(&text) {
                    true => _ = held.insert(text),
                    false => from.push(text),
                }
            }
            held.extend(added.iter().cloned());
            removed.iter().for_each(|line| _ = held.remove(line));
            let change = change(&removed, &added);
            set.apply(&change).unwrap();
            index.apply(&set, &change);
            for n in 0..512 {
                let name = format!("n{n}.example");
                let whole: Vec<&str> = set.entries_of(&name).iter().map(|e| e.decision).collect();
                assert_eq!(names(&index, &set, &name), whole, "{name} in round {round}");
            }
            for d in 0..4 {
                let id = format!("2026-{d:06}");
                assert_eq!(index.row(&set, &id), set.row(&id));
            }
            assert_eq!(held.len() as u64, set.entries() + set.rows());
        }
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut set = Set::new(Kind::Domain);
        let first = change(&[], &["E a.example + 2026-000001".to_owned()]);
        set.apply(&first).unwrap();
        let (before, index) = (set.clone(), Index::new(&set));
        let mut next = index.clone();
        let second = change(&["E a.example + 2026-000001".to_owned()], &[]);
        set.apply(&second).unwrap();
        next.apply(&set, &second);
        assert_eq!(names(&index, &before, "a.example"), ["2026-000001"]);
        assert!(names(&next, &set, "a.example").is_empty());
    }
}
