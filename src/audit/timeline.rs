//! What each feed's files have to say, taken from the fold as it passes.
//!
//! The manifests name the serials; they are read before the fold and verified after it, so that
//! only the changes between serials that are asked for are held, and only until the last delta
//! over them is reckoned. Of a text its length and SHA-256 are kept.

use super::{
    files::Page,
    heads::{Heads, field},
};
use crate::{
    canon::Origin,
    entries::{Change, ChangeBuilder, FeedName, Set},
    feed::{delta, manifest::MAX_DELTAS, snapshot},
    tlog::Hash,
};
use std::collections::{BTreeMap, BTreeSet};

/// A text that the decisions give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) length: u64,
    pub(super) sha256: Hash,
}

/// A delta that the decisions give.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) text: Text,
    /// `E` lines (added, taken away).
    pub(super) counts: (u64, u64),
    pub(super) is_empty: bool,
}

/// One feed's course.
pub(super) struct Track {
    name: FeedName,
    /// What the manifest asks for and isn't reckoned yet.
    deltas: BTreeSet<(u64, u64)>,
    snapshot: Option<u64>,
    /// The serials at which a piece ends.
    bounds: BTreeSet<u64>,
    serial: u64,
    /// Changes between bounds, ascending; the last may be open.
    pieces: Vec<Piece>,
    /// Every serial that the feed stood at.
    pub(super) serials: BTreeSet<u64>,
    pub(super) steps: BTreeMap<(u64, u64), Step>,
    pub(super) snapshots: BTreeMap<u64, Text>,
}

/// All feeds' courses.
#[derive(Default)]
pub(super) struct Timeline {
    pub(super) tracks: BTreeMap<FeedName, Track>,
}

/// The change from one serial to another.
struct Piece {
    from: u64,
    to: u64,
    change: Moves,
}

/// A single change is kept as it is; only several are gathered.
enum Moves {
    One(Change),
    Several(ChangeBuilder),
}

impl Timeline {
    /// Notes what the manifests ask for.
    pub(super) fn new(heads: &Heads) -> Self {
        let track = |(feed, page): (&FeedName, &Page)| {
            let track = match page {
                Page::There(bytes) => Track::new(feed.clone(), bytes),
                Page::Denied | Page::Missing => Track::new(feed.clone(), b""),
            };
            (feed.clone(), track)
        };
        Self {
            tracks: heads.manifests.iter().map(track).collect(),
        }
    }

    /// A feed came to a new serial.
    pub(super) fn advance(
        &mut self,
        origin: &Origin,
        feed: &FeedName,
        serial: u64,
        change: &Change,
        set: &Set,
    ) {
        self.tracks
            .entry(feed.clone())
            .or_insert_with(|| Track::new(feed.clone(), b""))
            .advance(origin, serial, change, set);
    }
}

impl Track {
    fn new(name: FeedName, manifest: &[u8]) -> Self {
        let pair = |text: &str| {
            let mut fields = text.split(' ').map(|f| f.parse::<u64>().ok());
            Some((fields.next()??, fields.next().flatten()))
        };
        let deltas: BTreeSet<(u64, u64)> = field(manifest, "delta")
            .filter_map(|text| pair(text).and_then(|(from, to)| Some((from, to?))))
            .filter(|(from, to)| from < to)
            .take(MAX_DELTAS)
            .collect();
        let snapshot = field(manifest, "snapshot").find_map(pair);
        Self {
            name,
            bounds: deltas.iter().flat_map(|(from, to)| [*from, *to]).collect(),
            deltas,
            snapshot: snapshot.map(|(serial, _)| serial),
            serial: 0,
            pieces: Vec::new(),
            serials: BTreeSet::new(),
            steps: BTreeMap::new(),
            snapshots: BTreeMap::new(),
        }
    }

    fn advance(&mut self, origin: &Origin, serial: u64, change: &Change, set: &Set) {
        let before = std::mem::replace(&mut self.serial, serial);
        self.serials.insert(serial);
        if self.deltas.iter().any(|(from, _)| *from <= before) && before > 0 {
            self.gather(before, serial, change);
        }
        if self.snapshot == Some(serial) {
            let text = snapshot::encode(origin, &self.name, serial, set);
            self.snapshots.insert(serial, Text::of(&text));
        }
        let ready: Vec<(u64, u64)> = self
            .deltas
            .iter()
            .filter(|(_, to)| *to == serial)
            .copied()
            .collect();
        for (from, to) in ready {
            self.reckon(origin, from, to);
        }
        // What was asked for and never came, such as a delta between serials that the feed
        // didn't stand at, is dropped here and missed when the manifest is checked.
        self.deltas.retain(|(_, to)| *to > serial);
        let oldest = self.deltas.first().map_or(u64::MAX, |(from, _)| *from);
        self.pieces.retain(|piece| piece.from >= oldest);
    }

    fn gather(&mut self, before: u64, serial: u64, change: &Change) {
        match self.pieces.last_mut() {
            Some(last) if last.to == before && !self.bounds.contains(&before) => {
                let mut moves =
                    match std::mem::replace(&mut last.change, Moves::One(Change::default())) {
                        Moves::Several(moves) => moves,
                        Moves::One(first) => gathered(&first, ChangeBuilder::default()),
                    };
                moves = gathered(change, moves);
                last.change = Moves::Several(moves);
                last.to = serial;
            }
            _ => self.pieces.push(Piece {
                from: before,
                to: serial,
                change: Moves::One(change.clone()),
            }),
        }
        if self.bounds.contains(&serial)
            && let Some(last) = self.pieces.last_mut()
        {
            last.close(&self.name);
        }
    }

    fn reckon(&mut self, origin: &Origin, from: u64, to: u64) {
        let Some(first) = self.pieces.iter().position(|piece| piece.from == from) else {
            return;
        };
        let run = &self.pieces[first..];
        let step = match run {
            [
                Piece {
                    change: Moves::One(change),
                    ..
                },
            ] => Step::of(origin, &self.name, from, to, change),
            _ => {
                let mut moves = ChangeBuilder::default();
                for piece in run {
                    if let Moves::One(change) = &piece.change {
                        moves = gathered(change, moves);
                    }
                }
                Step::of(
                    origin,
                    &self.name,
                    from,
                    to,
                    &moves.finish(self.name.kind()),
                )
            }
        };
        self.steps.insert((from, to), step);
    }
}

impl Piece {
    fn close(&mut self, name: &FeedName) {
        if let Moves::Several(moves) = &mut self.change {
            self.change = Moves::One(std::mem::take(moves).finish(name.kind()));
        }
    }
}

impl Step {
    fn of(origin: &Origin, feed: &FeedName, from: u64, to: u64, change: &Change) -> Self {
        Self {
            text: Text::of(&delta::encode(origin, feed, from, to, change)),
            counts: change.counts(),
            is_empty: change.is_empty(),
        }
    }
}

impl Text {
    fn of(text: &[u8]) -> Self {
        Self {
            length: text.len() as u64,
            sha256: Hash::of(text),
        }
    }
}

fn gathered(change: &Change, mut moves: ChangeBuilder) -> ChangeBuilder {
    change.removed().for_each(|line| moves.remove(line));
    change.added().for_each(|line| moves.add(line));
    moves
}
