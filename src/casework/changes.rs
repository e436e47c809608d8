//! What changed in a feed since a serial: the cursor of a program that keeps a copy (design:
//! Feeds, "Cursors are serials"; Who holds what).
//!
//! The published deltas are composed, so that an answer costs what the change is long and not
//! what the set is. Where no chain of them leads from the cursor, the set itself is given.

use super::{
    Casework, Error, Item, Op,
    composition::{Composition, row},
    lock,
    page::{Listing, MAX_PAGE},
    place::Place,
    sandbox::{FIRST, LAST, Made},
};
use crate::{
    canon::Origin,
    entries::{Change, ChangeBuilder, FeedName, Set},
    feed::{DeltaRef, Manifest, delta, paths},
    log,
    tlog::Hash,
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc};
use utoipa::ToSchema;

/// What changed between two serials, or one page of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Changes {
    pub origin: Origin,
    pub feed: FeedName,
    /// The cursor that was asked with.
    pub since: u64,
    /// The cursor to ask with next, once all pages are applied.
    pub serial: u64,
    /// The state digest at `serial`.
    pub digest: Hash,
    /// What comes is the set and no change: the reader drops what it holds when the page is the
    /// `first`.
    pub whole: bool,
    /// Whether the answer begins here. A page that can't be given any more begins anew: then it
    /// is the first again, and what came before it of the same set is dropped, too.
    pub first: bool,
    /// What is removed stands first.
    pub changes: Vec<Item>,
    /// Ask again with this for the next page; none: this was the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Casework {
    /// What changed in a feed since a serial. `page` is that of the answer before; where it can't
    /// be honoured any more, the answer begins anew with the whole set.
    pub fn changes(
        &self,
        feed: &FeedName,
        since: u64,
        page: Option<&str>,
        limit: usize,
    ) -> Result<Changes, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let place = match page {
            Some(text) => Place::parse(text)?,
            None => Place::Step {
                since,
                serial: self.serial(feed),
                from: 0,
            },
        };
        if self.serial(feed) == 0 {
            return Ok(self.nothing_yet(feed, since));
        }
        match place {
            Place::Step {
                since,
                serial,
                from,
            } => {
                if let Some(change) = self.composed(feed, since, serial)? {
                    return self.step(&change, from, limit);
                }
                let listing = self.listing(feed, None)?;
                self.whole(feed, &listing, since, 0, limit)
            }
            Place::Whole {
                since,
                serial,
                from,
            } => match self.listing(feed, Some(serial)) {
                Ok(listing) => self.whole(feed, &listing, since, from, limit),
                Err(Error::NoSerial { .. }) => {
                    let listing = self.listing(feed, None)?;
                    self.whole(feed, &listing, since, 0, limit)
                }
                Err(other) => Err(other),
            },
        }
    }

    /// The serial of a feed; 0 where nothing was ever listed in it.
    pub fn serial(&self, feed: &FeedName) -> u64 {
        let current = self.inner.authority.current();
        let view = current.feeds.get(feed);
        view.map_or(0, |view| view.state.serial)
    }

    /// A feed that has no entry yet: whoever asks holds the whole of it, and asks again with 0.
    fn nothing_yet(&self, feed: &FeedName, since: u64) -> Changes {
        let origin = self.inner.authority.ledger().origin().clone();
        Changes {
            digest: Set::new(feed.kind()).digest(&origin, feed),
            origin,
            feed: feed.clone(),
            since,
            serial: 0,
            whole: true,
            first: true,
            changes: Vec::new(),
            page: None,
        }
    }

    /// The same of a made feed.
    pub fn made_changes(
        &self,
        feed: &FeedName,
        since: u64,
        page: Option<&str>,
        limit: usize,
    ) -> Result<Changes, Error> {
        let limit = limit.clamp(1, MAX_PAGE);
        let made = Made::of(self, feed);
        let place = page.map(Place::parse).transpose()?;
        let (whole, since, from) = match place {
            Some(Place::Whole { since, from, .. }) => (true, since, from),
            Some(Place::Step { since, from, .. }) => (!is_made(since), since, from),
            None => (!is_made(since), since, 0),
        };
        let mut changes = if whole {
            let origin = self.inner.authority.ledger().origin().clone();
            let listing = Listing::new(&origin, feed, made.state, &made.set);
            self.whole_page(feed, &listing, since, from, limit)
        } else {
            let empty = Change::default();
            let change = if since == LAST { &empty } else { &made.change };
            let change = Composition::new(feed, since, LAST, change, |_| None);
            self.step_page(&change, made.state.digest, from, limit)
        };
        made.complete(self.hours(feed), &mut changes.changes);
        Ok(changes)
    }

    fn step(&self, change: &Composition, from: usize, limit: usize) -> Result<Changes, Error> {
        let digest = self.state_at(&change.feed, change.serial)?.digest;
        let mut page = self.step_page(change, digest, from, limit);
        self.complete(&change.feed, &mut page.changes)?;
        Ok(page)
    }

    fn step_page(&self, change: &Composition, digest: Hash, from: usize, limit: usize) -> Changes {
        let to = from.saturating_add(limit);
        let (since, serial) = (change.since, change.serial);
        let next = Place::Step {
            since,
            serial,
            from: to,
        };
        Changes {
            origin: self.inner.authority.ledger().origin().clone(),
            feed: change.feed.clone(),
            since,
            serial,
            digest,
            whole: false,
            first: from == 0,
            changes: change.items(from, limit),
            page: (to < change.len()).then(|| next.text()),
        }
    }

    fn whole(
        &self,
        feed: &FeedName,
        listing: &Listing,
        since: u64,
        from: usize,
        limit: usize,
    ) -> Result<Changes, Error> {
        let mut page = self.whole_page(feed, listing, since, from, limit);
        self.complete(feed, &mut page.changes)?;
        Ok(page)
    }

    fn whole_page(
        &self,
        feed: &FeedName,
        listing: &Listing,
        since: u64,
        from: usize,
        limit: usize,
    ) -> Changes {
        let (lines, all) = listing.entries(from, limit);
        let read = |line| {
            let mut item = Item::of_line(Op::Add, feed.kind(), line)?;
            item.not_after = listing.end_of(feed.kind(), &item.decision);
            Some(item)
        };
        let to = from.saturating_add(limit);
        let serial = listing.state.serial;
        let next = Place::Whole {
            since,
            serial,
            from: to,
        };
        Changes {
            origin: self.inner.authority.ledger().origin().clone(),
            feed: feed.clone(),
            since,
            serial,
            digest: listing.state.digest,
            whole: true,
            first: from == 0,
            changes: lines.into_iter().filter_map(read).collect(),
            page: (to < all).then(|| next.text()),
        }
    }

    /// The change between two serials; none where no chain of published deltas leads from one to
    /// the other.
    fn composed(
        &self,
        feed: &FeedName,
        since: u64,
        serial: u64,
    ) -> Result<Option<Arc<Composition>>, Error> {
        if let Some(kept) = lock(&self.inner.compositions).find(feed, since, serial) {
            return Ok(Some(kept));
        }
        let Some(chain) = self.chain(feed, since, serial)? else {
            return Ok(None);
        };
        let mut both = ChangeBuilder::default();
        for step in &chain {
            let Some(change) = self.read_delta(feed, step)? else {
                return Ok(None);
            };
            change.removed().for_each(|line| both.remove(line));
            change.added().for_each(|line| both.add(line));
        }
        let change = both.finish(feed.kind());
        let view = self.feed(feed)?;
        let Some(later) = self.ends_before(feed, serial, view.state.serial)? else {
            return Ok(None);
        };
        let end_of = |decision: &str| {
            let now = || view.set.row(decision).map(|row| row.not_after);
            later.get(decision).copied().or_else(now)
        };
        let made = Arc::new(Composition::new(feed, since, serial, &change, end_of));
        lock(&self.inner.compositions).keep(made.clone());
        Ok(Some(made))
    }

    /// The ends at a serial of the decisions that had another one, or none, at a later serial. An
    /// entry is told with the end of its page's serial: the next step tells the change.
    fn ends_before(
        &self,
        feed: &FeedName,
        serial: u64,
        later: u64,
    ) -> Result<Option<HashMap<Box<str>, u64>>, Error> {
        let mut ends = HashMap::new();
        if serial == later {
            return Ok(Some(ends));
        }
        let Some(chain) = self.chain(feed, serial, later)? else {
            return Ok(None);
        };
        for step in &chain {
            let Some(change) = self.read_delta(feed, step)? else {
                return Ok(None);
            };
            for (decision, end) in change.removed().filter_map(|l| row(feed.kind(), l)) {
                ends.entry(decision).or_insert(end);
            }
        }
        Ok(Some(ends))
    }

    /// The published deltas from one serial to another, the longest step each time.
    fn chain(
        &self,
        feed: &FeedName,
        since: u64,
        serial: u64,
    ) -> Result<Option<Vec<DeltaRef>>, Error> {
        let view = self.feed(feed)?;
        if since == 0 || since > serial || serial > view.state.serial {
            return Ok(None);
        }
        if since == view.state.serial {
            return Ok(Some(Vec::new()));
        }
        let (origin, keys) = {
            let ledger = self.inner.authority.ledger();
            (ledger.origin().clone(), ledger.trust().feed_keys())
        };
        let manifest = Manifest::open(&view.manifest, &origin, &keys)?;
        if since == serial {
            // A serial that a delta ends at is one that the feed has had.
            let had = manifest.deltas.iter().any(|d| d.to == serial);
            return Ok(had.then(Vec::new));
        }
        let (mut chain, mut at) = (Vec::new(), since);
        while at != serial {
            let steps = manifest.deltas.iter();
            let fits = steps.filter(|d| d.from == at && d.to <= serial);
            let Some(step) = fits.max_by_key(|d| d.to) else {
                return Ok(None);
            };
            chain.push(*step);
            at = step.to;
        }
        Ok(Some(chain))
    }

    /// A published delta; none where it was taken away.
    fn read_delta(&self, feed: &FeedName, step: &DeltaRef) -> Result<Option<Change>, Error> {
        let authority = &self.inner.authority;
        let path = paths::delta(feed, &step.file.packed_sha256);
        let path = authority.public().join(path);
        let packed = match std::fs::read(&path) {
            Ok(packed) => packed,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = path.display().to_string();
                return Err(log::Error::Io { path, source }.into());
            }
        };
        let text = step.file.open(&packed)?;
        let origin = authority.ledger().origin().clone();
        let change = delta::decode(&text, &origin, feed, step.from, step.to)?;
        Ok(Some(change))
    }
}

fn is_made(serial: u64) -> bool {
    (FIRST..=LAST).contains(&serial)
}
