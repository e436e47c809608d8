//! Neighbouring names as one message has them, and how names that come in order are cut into such
//! pieces.

use super::{
    names::{Mark, Move, merged},
    shelf::Packed,
};
use std::{
    cmp::Ordering,
    sync::{Arc, OnceLock},
};

/// Neighbouring names of one set. Never empty.
#[derive(Debug)]
pub(super) struct Piece {
    text: Arc<Text>,
    packed: OnceLock<Packed>,
}

/// Names that stand next to each other, in one set or several.
#[derive(Debug)]
struct Text {
    /// Mark and key of each name, one after the other.
    bytes: Box<[u8]>,
    /// Where each begins.
    starts: Box<[u16]>,
}

impl Piece {
    /// The names in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Mark)> {
        (0..self.len()).map(|at| self.at(at))
    }

    /// The piece's records, made by `pack` the first time.
    pub(super) fn packed(&self, pack: impl FnOnce(&Self) -> Packed) -> &Packed {
        self.packed.get_or_init(|| pack(self))
    }

    /// The same names, without the records that were made of them.
    pub(super) fn shared(&self) -> Arc<Self> {
        Arc::new(Self {
            text: self.text.clone(),
            packed: OnceLock::new(),
        })
    }

    /// How many names it holds.
    pub(super) fn len(&self) -> usize {
        self.text.starts.len()
    }

    /// The first name.
    pub(super) fn first(&self) -> Option<&[u8]> {
        (self.len() > 0).then(|| self.at(0).0)
    }

    /// A name by its place.
    pub(super) fn at(&self, at: usize) -> (&[u8], Mark) {
        let Text { bytes, starts } = &*self.text;
        let start = |at: usize| starts.get(at).map(|start| usize::from(*start));
        let begin = start(at).unwrap_or(bytes.len());
        let end = start(at + 1).unwrap_or(bytes.len());
        match bytes.get(begin..end).and_then(<[u8]>::split_first) {
            Some((bits, key)) => (key, Mark::of_bits(*bits).unwrap_or_default()),
            None => (&[], Mark::NONE),
        }
    }

    /// The place of a name, or where it would stand.
    pub(super) fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.at(middle).0.cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(middle),
                Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

/// A piece after moves that fall into it: one piece, several of like size, or none.
pub(super) fn rewritten(piece: Option<&Arc<Piece>>, moves: &[Move]) -> Vec<Arc<Piece>> {
    let changed = moves.iter().map(|m| (&*m.key, m.new));
    let old = piece.into_iter().flat_map(|piece| piece.iter());
    let mut moved = changed.clone().peekable();
    let mut names: Vec<(&[u8], Mark)> = Vec::new();
    for (key, old, new) in merged(old, changed) {
        let is_moved = moved.next_if(|(next, _)| *next == key).is_some();
        let mark = if is_moved { new } else { old };
        if !mark.is_none() {
            names.push((key, mark));
        }
    }
    let mut last: &[u8] = &[];
    let mut whole = 0;
    for (key, _) in &names {
        whole += cost(last, key);
        last = key;
    }
    let parts = whole.div_ceil(PIECE).max(1);
    let mut maker = Maker::new((whole / parts + SLACK).min(PIECE));
    names.iter().for_each(|(key, mark)| maker.push(key, *mark));
    maker.finish()
}

/// Makes pieces of names that come in order.
pub(super) struct Maker {
    limit: usize,
    pieces: Vec<Arc<Piece>>,
    text: Vec<u8>,
    starts: Vec<u16>,
    cost: usize,
    last: Vec<u8>,
}

impl Maker {
    /// `limit`: octets of a message that a piece may fill.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            pieces: Vec::new(),
            text: Vec::new(),
            starts: Vec::new(),
            cost: 0,
            last: Vec::new(),
        }
    }

    /// Adds the next name.
    pub(super) fn push(&mut self, key: &[u8], mark: Mark) {
        let full = self.cost + cost(&self.last, key) > self.limit;
        if full || self.text.len() + key.len() > TEXT {
            self.close();
        }
        let Ok(start) = u16::try_from(self.text.len()) else {
            // Never: the text was cut off at `TEXT`.
            return;
        };
        self.cost += cost(&self.last, key);
        self.starts.push(start);
        self.text.push(mark.bits());
        self.text.extend_from_slice(key);
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// Ends the piece at hand.
    fn close(&mut self) {
        if !self.starts.is_empty() {
            // Copies of the right size; the room is used again.
            let text = Text {
                bytes: self.text.as_slice().into(),
                starts: self.starts.as_slice().into(),
            };
            self.pieces.push(Arc::new(Piece {
                text: Arc::new(text),
                packed: OnceLock::new(),
            }));
            self.text.clear();
            self.starts.clear();
        }
        self.cost = 0;
        self.last.clear();
    }

    /// Adds a piece as it is.
    pub(super) fn add(&mut self, piece: Arc<Piece>) {
        self.close();
        self.pieces.push(piece);
    }

    /// The pieces.
    pub(super) fn finish(mut self) -> Vec<Arc<Piece>> {
        self.close();
        self.pieces
    }
}

/// The most octets that a name's two records take behind the name before, whose labels they point to.
fn cost(last: &[u8], key: &[u8]) -> usize {
    let alike = last.iter().zip(key).take_while(|(a, b)| a == b).count();
    let whole_labels = match (last.get(alike), key.get(alike)) {
        (None | Some(0), None | Some(0)) => alike,
        _ => key
            .get(..alike)
            .and_then(|k| k.iter().rposition(|b| *b == 0))
            .unwrap_or(0),
    };
    // Labels with a length each, a pointer, and two records of a pointer, fixed fields and a
    // pointer for what they say.
    key.len() - whole_labels + 1 + 2 + (10 + 2) + (2 + 2 + 10 + 2)
}

/// The octets of a message that a piece may fill: pointers reach 16 KiB, the first record spells
/// the zone's name and what is said.
pub(super) const PIECE: usize = (16 << 10) - 12 - 2 * 256;

/// The most bytes of a piece's text: where each name begins is kept in sixteen bits.
const TEXT: usize = 60_000;

/// What a part of a divided piece may hold over its share.
const SLACK: usize = 400;
