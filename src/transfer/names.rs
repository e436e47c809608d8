//! An ordered set of names with marks, in pieces of one message each that copies share.
//!
//! A piece holds some 400 names as text, and where the records made of them lie, once somebody
//! asked for them. A change copies the pieces that it touches; all others are shared with the set
//! before. Sets of which one was made of the other by leaving names out share text as well.

use super::{
    name::{above, is_below},
    piece::{Maker, PIECE, Piece, rewritten},
};
use std::{cmp::Ordering, iter::Peekable, sync::Arc};

/// How a name stands in a set or a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Mark(u8);

/// A change of one name's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) key: Box<[u8]>,
    pub(super) old: Mark,
    pub(super) new: Mark,
}

/// Names in the order of their keys, each with a mark that isn't `NONE`.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pieces: Vec<Arc<Piece>>,
    count: usize,
}

impl Mark {
    /// Not there.
    pub(super) const NONE: Self = Self(0);
    /// The name itself.
    pub(super) const ALONE: Self = Self(1);
    /// The name and whatever is below it.
    pub(super) const SUBTREE: Self = Self(2);

    /// Takes the bits of a file.
    pub(super) fn of_bits(bits: u8) -> Option<Self> {
        (bits <= 3).then_some(Self(bits))
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    pub(super) fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has_subtree(self) -> bool {
        self.0 & 2 != 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same without what a subtree says already.
    pub(super) fn minimal(self) -> Self {
        if self.has_subtree() {
            Self::SUBTREE
        } else {
            self
        }
    }
}

impl Names {
    /// Takes names that come in order, each once.
    pub(super) fn of_sorted<'a>(names: impl Iterator<Item = (&'a [u8], Mark)>) -> Self {
        let mut maker = Maker::new(PIECE);
        names.for_each(|(key, mark)| maker.push(key, mark));
        Self::of_pieces(maker.finish())
    }

    /// The same names, without the records that were made of them for a zone.
    pub(super) fn shared(&self) -> Self {
        let pieces = self.pieces.iter().map(|piece| piece.shared()).collect();
        let count = self.count;
        Self { pieces, count }
    }

    /// The names that are kept, each with the mark that it is given; nothing goes with `NONE`.
    /// Shares the text wherever nothing differs.
    pub(super) fn kept<'a>(&'a self, mut mark: impl FnMut(&'a [u8], Mark) -> Mark) -> Self {
        let mut maker = Maker::new(PIECE);
        let mut marks = Vec::new();
        for piece in &self.pieces {
            marks.clear();
            marks.extend(piece.iter().map(|(key, old)| mark(key, old)));
            if piece.iter().zip(&marks).all(|((_, old), new)| old == *new) {
                maker.add(piece.shared());
                continue;
            }
            let left = piece.iter().zip(&marks).filter(|(_, mark)| !mark.is_none());
            left.for_each(|((key, _), mark)| maker.push(key, *mark));
        }
        Self::of_pieces(maker.finish())
    }

    /// The minimal names: what a name above says already is left out.
    pub(super) fn to_minimal(&self) -> Self {
        let mut held: Option<&[u8]> = None;
        self.kept(|key, mark| {
            if held.is_some_and(|parent| is_below(key, parent)) {
                return Mark::NONE;
            }
            if mark.has_subtree() {
                held = Some(key);
            }
            mark.minimal()
        })
    }

    fn of_pieces(pieces: Vec<Arc<Piece>>) -> Self {
        let count = pieces.iter().map(|piece| piece.len()).sum();
        Self { pieces, count }
    }

    /// How many names it holds.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The pieces in order.
    pub(super) fn pieces(&self) -> &[Arc<Piece>] {
        &self.pieces
    }

    /// The mark of a name.
    pub(super) fn get(&self, key: &[u8]) -> Mark {
        let piece = self.pieces.get(self.piece_of(key));
        piece.map_or(Mark::NONE, |piece| match piece.find(key) {
            Ok(at) => piece.at(at).1,
            Err(_) => Mark::NONE,
        })
    }

    /// Whether a name above this one holds its subtree.
    pub(super) fn is_covered_from_above(&self, key: &[u8]) -> bool {
        above(key).any(|parent| self.get(parent).has_subtree())
    }

    /// Whether the name's whole subtree is held, by itself or from above.
    pub(super) fn holds_subtree(&self, key: &[u8]) -> bool {
        self.get(key).has_subtree() || self.is_covered_from_above(key)
    }

    /// Whether the name itself is held, by itself or from above.
    pub(super) fn holds(&self, key: &[u8]) -> bool {
        !self.get(key).is_none() || self.is_covered_from_above(key)
    }

    /// The mark that a zone of minimal names has: nothing where a name above says it already.
    pub(super) fn minimal(&self, key: &[u8]) -> Mark {
        let mark = self.get(key).minimal();
        match mark {
            Mark::NONE => mark,
            _ if self.is_covered_from_above(key) => Mark::NONE,
            _ => mark,
        }
    }

    /// All names in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Mark)> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    /// The names from a key on.
    pub(super) fn from(&self, key: &[u8]) -> impl Iterator<Item = (&[u8], Mark)> {
        let at = self.piece_of(key);
        let (first, rest) = match self.pieces.get(at..) {
            Some([first, rest @ ..]) => (Some(first), rest),
            _ => (None, &[][..]),
        };
        let begin = first.map_or(0, |piece| piece.find(key).unwrap_or_else(|at| at));
        let first = first.into_iter().flat_map(move |p| p.iter().skip(begin));
        first.chain(rest.iter().flat_map(|piece| piece.iter()))
    }

    /// The names below a key, without the key's own.
    pub(super) fn below(&self, key: &[u8]) -> impl Iterator<Item = (&[u8], Mark)> {
        // Names that only begin alike (`b-a` after `b`) stand behind all that is below.
        let here = self.from(key).skip_while(move |(name, _)| *name == key);
        here.take_while(move |(name, _)| is_below(name, key))
    }

    /// The set after moves that stand in order, each name once; what they say of the marks before
    /// isn't looked at.
    pub(super) fn with(&self, moves: &[Move]) -> Self {
        let mut pieces = Vec::with_capacity(self.pieces.len() + 1);
        let mut taken = 0;
        let mut rest = moves;
        while let Some(first) = rest.first() {
            let at = self.piece_of(&first.key).max(taken);
            pieces.extend(self.pieces.iter().take(at).skip(taken).cloned());
            let next = self.pieces.get(at + 1).and_then(|p| p.first());
            let here = match next {
                Some(next) => rest.partition_point(|m| *m.key < *next),
                None => rest.len(),
            };
            let (mine, others) = rest.split_at(here);
            pieces.extend(rewritten(self.pieces.get(at), mine));
            (taken, rest) = (at + 1, others);
        }
        pieces.extend(self.pieces.iter().skip(taken).cloned());
        Self::of_pieces(pieces)
    }

    /// The moves that lead from this set to another.
    pub(super) fn moves_to(&self, other: &Self) -> Vec<Move> {
        moves_between(self.iter(), other.iter())
    }

    /// The piece in which a name stands or would stand.
    fn piece_of(&self, key: &[u8]) -> usize {
        let after = self
            .pieces
            .partition_point(|piece| piece.first().is_some_and(|first| first <= key));
        after.saturating_sub(1)
    }
}

/// The moves that lead from one run of names in order to another.
pub(super) fn moves_between<'a>(
    old: impl Iterator<Item = (&'a [u8], Mark)>,
    new: impl Iterator<Item = (&'a [u8], Mark)>,
) -> Vec<Move> {
    let mut moves = Vec::new();
    for (key, old, new) in merged(old, new) {
        if old != new {
            let key = key.into();
            moves.push(Move { key, old, new });
        }
    }
    moves
}

/// Two runs of names in order as one, with the mark in each.
pub(super) fn merged<'a>(
    a: impl Iterator<Item = (&'a [u8], Mark)>,
    b: impl Iterator<Item = (&'a [u8], Mark)>,
) -> impl Iterator<Item = (&'a [u8], Mark, Mark)> {
    fn next<'a>(names: &mut Peekable<impl Iterator<Item = (&'a [u8], Mark)>>) -> Mark {
        names.next().map_or(Mark::NONE, |(_, mark)| mark)
    }
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || {
        let (key, order) = match (a.peek(), b.peek()) {
            (Some((left, _)), Some((right, _))) => (*left.min(right), left.cmp(right)),
            (Some((left, _)), None) => (*left, Ordering::Less),
            (None, Some((right, _))) => (*right, Ordering::Greater),
            (None, None) => return None,
        };
        Some(match order {
            Ordering::Less => (key, next(&mut a), Mark::NONE),
            Ordering::Greater => (key, Mark::NONE, next(&mut b)),
            Ordering::Equal => (key, next(&mut a), next(&mut b)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            name::{Name, Profile, key_of},
            wire::{Form, pack},
        },
        *,
    };
    use std::collections::BTreeMap;

    fn names(map: &BTreeMap<Box<[u8]>, Mark>) -> Names {
        Names::of_sorted(map.iter().map(|(key, mark)| (&**key, *mark)))
    }

    /// Numbers that are the same at every run.
    fn numbers(mut seed: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        }
    }

    fn some_name(number: &mut impl FnMut(u64) -> u64) -> String {
        let long = "x".repeat(number(40) as usize);
        match number(4) {
            0 => format!("{long}s{}.vn", number(3000)),
            1 => format!("a{}.s{}.example", number(50), number(300)),
            2 => format!("{long}.b.c{}.d.e{}.vn", number(9), number(99)),
            _ => format!("s{}.com", number(9000)),
        }
    }

    #[test]
    fn pieces_keep_up_with_a_map_and_fit_into_messages() {
        let form = Form {
            apex: Name::parse("block.blockfeed").unwrap(),
            profile: Profile::Redirect(Name::parse("notice.example.vn").unwrap()),
            ttl: 60,
            refresh: 60,
            retry: 60,
            expire: 60,
        };
        let mut number = numbers(1);
        let mut map = BTreeMap::new();
        let mut held = Names::default();
        for round in 0..60 {
            let mut moved = BTreeMap::new();
            for _ in 0..number(if round % 10 == 0 { 5000 } else { 20 }) + 1 {
                let bits = number(4) as u8;
                let key = key_of(some_name(&mut number).trim_matches('.'));
                moved.insert(key, Mark::of_bits(bits).unwrap());
            }
            let mut moves = Vec::new();
            for (key, new) in moved {
                let old = held.get(&key);
                assert_eq!(old, map.get(&key).copied().unwrap_or_default());
                match new.is_none() {
                    true => map.remove(&key),
                    false => map.insert(key.clone(), new),
                };
                moves.push(Move { key, old, new });
            }
            let before = held.clone();
            held = held.with(&moves);
            assert!(held.iter().eq(map.iter().map(|(k, m)| (&**k, *m))));
            assert_eq!(held.len(), map.len());
            assert!(names(&map).moves_to(&held).is_empty());
            moves.retain(|m| m.old != m.new);
            assert_eq!(before.moves_to(&held), moves);
            for piece in held.pieces() {
                let (_, bytes) = pack(&form, piece);
                assert!(bytes.len() + 12 <= 16 << 10, "{}", bytes.len());
            }
            let minimal = map
                .iter()
                .filter(|(key, _)| !held.is_covered_from_above(key));
            let minimal = minimal.map(|(key, mark)| (&**key, mark.minimal()));
            assert!(held.to_minimal().iter().eq(minimal));
            let some = |key: &[u8]| match key.len() % 7 {
                0 => Mark::NONE,
                _ => Mark::ALONE,
            };
            let want = map
                .iter()
                .map(|(k, m)| (&**k, if k.len() % 50 > 5 { *m } else { some(k) }));
            let kept = held.kept(|k, m| if k.len() % 50 > 5 { m } else { some(k) });
            assert!(kept.iter().eq(want.filter(|(_, m)| !m.is_none())));
        }
        assert!(held.pieces().len() > 5);
        let parent = key_of("vn");
        let below: Vec<_> = held.below(&parent).collect();
        let want = map.iter().filter(|(key, _)| is_below(key, &parent));
        assert!(below.into_iter().eq(want.map(|(k, m)| (&**k, *m))));
    }
}
