//! Pages of a feed, now and in the past, and the proofs that a name is or isn't in it.

use super::{AuthorityParts, Casework, Error, Item, lock, lookup::names_over, sandbox::Made};
use crate::{
    canon::Origin,
    decision::{FeedState, Fold, Interest, Leaf},
    entries::{FeedLine, FeedName, Set},
    feed::{Manifest, delta, paths, snapshot},
    log,
    subject::{Kind, check_name},
    tlog::Hash,
};
use serde::Serialize;
use std::{
    cmp::Ordering,
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use utoipa::ToSchema;

/// The most lines of a page.
pub const MAX_PAGE: usize = 10_000;

/// How many listings stay in memory.
const KEPT: usize = 3;

/// Some lines of a feed at a serial, in feed order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page {
    pub origin: Origin,
    pub feed: FeedName,
    pub serial: u64,
    pub digest: Hash,
    /// Entries of the whole feed.
    pub entries: u64,
    /// `D` and `E` lines.
    pub lines: Vec<String>,
    /// What to send as `after` for the next page; none: this was the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When the decisions of its entries end, at this serial.
    #[serde(skip)]
    pub(super) ends: HashMap<String, u64>,
}

/// The buckets that show whether a name is in a feed.
#[derive(Debug, Clone, Serialize)]
pub struct FeedProof {
    pub origin: Origin,
    pub feed: FeedName,
    pub serial: u64,
    pub digest: Hash,
    pub entries: u64,
    /// The name itself, then each ancestor or covering prefix.
    pub proofs: Vec<Bucket>,
}

/// One bucket, whole, with the 16 hashes from it to the root R.
#[derive(Debug, Clone, Serialize)]
pub struct Bucket {
    pub name: String,
    pub bucket: u16,
    pub lines: Vec<String>,
    pub path: Vec<Hash>,
}

/// A feed's text at a serial, cut into lines.
pub(super) struct Listing {
    pub(super) state: FeedState,
    text: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

/// The listings asked for last.
#[derive(Default)]
pub(super) struct Listings(VecDeque<(FeedName, Arc<Listing>)>);

impl Casework {
    /// A page of a feed. `at` is a serial of the feed, or a size at which a commit was closed;
    /// none is the present. `after` is the `next` of the page before, and keeps to its serial.
    pub fn page(
        &self,
        feed: &FeedName,
        at: Option<u64>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page, Error> {
        let cursor = after.map(parse_cursor).transpose()?;
        let (at, from) = match cursor {
            Some((serial, from)) => (Some(serial), from),
            None => (at, 0),
        };
        let listing = self.listing(feed, at)?;
        Ok(self.cut(feed, &listing, from, limit))
    }

    /// The same of a made feed, which has no past.
    pub fn made_page(
        &self,
        feed: &FeedName,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Page, Vec<Item>), Error> {
        let from = after.map(parse_cursor).transpose()?.map_or(0, |(_, n)| n);
        let made = Made::of(self, feed);
        let origin = self.inner.authority.ledger().origin().clone();
        let listing = Listing::new(&origin, feed, made.state, &made.set);
        let page = self.cut(feed, &listing, from, limit);
        let mut items = page.items();
        made.complete(self.hours(feed), &mut items);
        Ok((page, items))
    }

    fn cut(&self, feed: &FeedName, listing: &Listing, from: usize, limit: usize) -> Page {
        let to = from
            .saturating_add(limit.clamp(1, MAX_PAGE))
            .min(listing.ends.len());
        let lines: Vec<String> = (from..to)
            .filter_map(|n| listing.line(n))
            .map(str::to_owned)
            .collect();
        let serial = listing.state.serial;
        let ends = ends(feed.kind(), &lines, listing);
        Page {
            ends,
            origin: self.inner.authority.ledger().origin().clone(),
            feed: feed.clone(),
            serial,
            digest: listing.state.digest,
            entries: listing.state.entries,
            lines,
            next: (to < listing.ends.len()).then(|| format!("{serial}-{to}")),
        }
    }

    /// The proof that a name (without its kind) is or isn't in the feed now.
    pub fn proof(&self, feed: &FeedName, name: &str) -> Result<FeedProof, Error> {
        check_name(feed.kind(), name).map_err(|e| Error::Query {
            query: name.chars().take(120).collect(),
            code: "not_canonical",
            why: e.to_string(),
            offer: None,
        })?;
        let view = self.feed(feed)?;
        let bucket = |name: String| {
            let proof = view.set.proof(&name);
            Bucket {
                name,
                bucket: proof.bucket,
                lines: proof.lines,
                path: proof.path,
            }
        };
        Ok(FeedProof {
            origin: self.inner.authority.ledger().origin().clone(),
            feed: feed.clone(),
            serial: view.state.serial,
            digest: view.state.digest,
            entries: view.state.entries,
            proofs: names_over(feed.kind(), name)
                .into_iter()
                .map(bucket)
                .collect(),
        })
    }

    /// When a serial was made, Unix seconds: the time of the state leaf that closed at this size.
    pub fn time_of(&self, serial: u64) -> Result<u64, Error> {
        Ok(self.leaf(serial.saturating_sub(1))?.time())
    }

    pub(super) fn listing(&self, feed: &FeedName, at: Option<u64>) -> Result<Arc<Listing>, Error> {
        let view = self.feed(feed)?;
        let state = match at {
            Some(at) if at != view.state.serial => self.state_at(feed, at)?,
            _ => view.state,
        };
        if let Some(listing) = self.kept(feed, state.serial) {
            return Ok(listing);
        }
        let one_at_a_time = lock(&self.inner.listing);
        if let Some(listing) = self.kept(feed, state.serial) {
            return Ok(listing);
        }
        let set = if state.serial == view.state.serial {
            view.set
        } else {
            self.set_at(feed, &state)?
        };
        let origin = self.inner.authority.ledger().origin().clone();
        let listing = Arc::new(Listing::new(&origin, feed, state, &set));
        let mut kept = lock(&self.inner.listings);
        kept.0.push_front((feed.clone(), listing.clone()));
        kept.0.truncate(KEPT);
        drop(one_at_a_time);
        Ok(listing)
    }

    /// A listing that was made before.
    fn kept(&self, feed: &FeedName, serial: u64) -> Option<Arc<Listing>> {
        let listings = lock(&self.inner.listings);
        let mut of_feed = listings.0.iter().filter(|(name, _)| name == feed);
        let found = of_feed.find(|(_, listing)| listing.state.serial == serial);
        found.map(|(_, listing)| listing.clone())
    }

    /// Where a feed stood when the log had a size.
    pub(super) fn state_at(&self, feed: &FeedName, at: u64) -> Result<FeedState, Error> {
        let refuse = |why| Error::NoSerial {
            feed: feed.to_string(),
            at,
            why,
        };
        if at == 0 || at > self.inner.authority.current().size {
            return Err(refuse("the log doesn't have that size"));
        }
        match self.leaf(at - 1)? {
            Leaf::State(state) => {
                (state.feeds.get(feed).copied()).ok_or_else(|| refuse("the feed had no entry yet"))
            }
            _ => Err(refuse(
                "no commit was closed at that size, so that no serial has it",
            )),
        }
    }

    /// A set of the past: back from the present over published deltas where they lead there, else
    /// from the first leaf on.
    fn set_at(&self, feed: &FeedName, state: &FeedState) -> Result<Set, Error> {
        if let Ok(Some(set)) = self.unwound(feed, state.serial) {
            return Ok(set);
        }
        self.replayed(feed, state.serial)
    }

    fn unwound(&self, feed: &FeedName, serial: u64) -> Result<Option<Set>, Error> {
        let authority = &self.inner.authority;
        let view = self.feed(feed)?;
        let (origin, keys) = {
            let ledger = authority.ledger();
            (ledger.origin().clone(), ledger.trust().feed_keys())
        };
        let manifest = Manifest::open(&view.manifest, &origin, &keys)?;
        let mut set = view.set;
        let mut at = view.state.serial;
        while at > serial {
            let fits = |d: &&crate::feed::DeltaRef| d.to == at && d.from >= serial;
            let Some(step) = manifest.deltas.iter().filter(fits).min_by_key(|d| d.from) else {
                return Ok(None);
            };
            let path = authority
                .public()
                .join(paths::delta(feed, &step.file.packed_sha256));
            let packed = std::fs::read(&path).map_err(|source| log::Error::Io {
                path: path.display().to_string(),
                source,
            })?;
            let text = step.file.open(&packed)?;
            let change = delta::decode(&text, &origin, feed, step.from, step.to)?;
            set.apply_lines(change.added(), change.removed())
                .map_err(crate::feed::Error::from)?;
            at = step.from;
        }
        Ok((at == serial).then_some(set))
    }

    fn replayed(&self, feed: &FeedName, serial: u64) -> Result<Set, Error> {
        let authority = &self.inner.authority;
        let parts = AuthorityParts(authority);
        let leaf = |index| -> Result<Vec<u8>, Error> {
            Ok(authority.leaf(index)?.ok_or(log::Error::Missing(index))?)
        };
        let interest = Interest::Feeds([feed.clone()].into());
        let mut fold = Fold::begin(&leaf(0)?, interest, &parts)?;
        for index in 1..serial {
            fold.apply(&leaf(index)?, &parts)?;
        }
        fold.lines
            .set(feed)
            .cloned()
            .ok_or_else(|| Error::NoFeed(feed.to_string()))
    }
}

impl Listing {
    pub(super) fn new(origin: &Origin, feed: &FeedName, state: FeedState, set: &Set) -> Self {
        let text = snapshot::encode(origin, feed, state.serial, set);
        let text = String::from_utf8(text).unwrap_or_default();
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Self { state, text, ends }.without_head()
    }

    /// The first line of a snapshot is its head.
    fn without_head(mut self) -> Self {
        let head = self.ends.first().map_or(0, |end| end + 1);
        self.text.drain(..head);
        self.ends = self.ends.iter().skip(1).map(|end| end - head).collect();
        self
    }

    /// The end of a decision at this serial, Unix seconds. `D` lines stand first, by id.
    pub(super) fn end_of(&self, kind: Kind, decision: &str) -> Option<u64> {
        let rows = self.ends.len().saturating_sub(self.entries_in_all());
        let row = |n: usize| match FeedLine::of_checked(kind, self.line(n)?)? {
            FeedLine::Row(row) => Some(row),
            FeedLine::Entry(_) => None,
        };
        let (mut low, mut high) = (0, rows);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = row(middle)?;
            match found.decision.cmp(decision) {
                Ordering::Equal => return Some(found.not_after),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The `E` lines from one on, in feed order, and how many there are in all.
    pub(super) fn entries(&self, from: usize, limit: usize) -> (Vec<&str>, usize) {
        let rows = self.ends.len().saturating_sub(self.entries_in_all());
        let lines = (from..self.entries_in_all()).take(limit);
        let lines = lines.filter_map(|n| self.line(rows + n)).collect();
        (lines, self.entries_in_all())
    }

    /// `D` lines stand first.
    fn entries_in_all(&self) -> usize {
        usize::try_from(self.state.entries).unwrap_or(usize::MAX)
    }

    fn line(&self, n: usize) -> Option<&str> {
        let begin = match n.checked_sub(1) {
            Some(before) => self.ends.get(before)? + 1,
            None => 0,
        };
        self.text.get(begin..*self.ends.get(n)?)
    }
}

/// The ends of the decisions that these lines are of.
fn ends(kind: Kind, lines: &[String], listing: &Listing) -> HashMap<String, u64> {
    let mut ends = HashMap::new();
    for line in lines {
        let Some(FeedLine::Entry(entry)) = FeedLine::of_checked(kind, line) else {
            continue;
        };
        if !ends.contains_key(entry.decision)
            && let Some(end) = listing.end_of(kind, entry.decision)
        {
            ends.insert(entry.decision.to_owned(), end);
        }
    }
    ends
}

/// `<serial>-<lines before>`.
fn parse_cursor(text: &str) -> Result<(u64, usize), Error> {
    let cursor = text
        .split_once('-')
        .and_then(|(serial, from)| Some((serial.parse().ok()?, from.parse().ok()?)));
    cursor.ok_or_else(|| Error::malformed("the cursor", "it is the `next` of a page"))
}
