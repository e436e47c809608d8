//! The set of a feed's lines, held in the 65,536 buckets of its own state digest.
//!
//! The buckets are the data: a line is found, added and taken away in one bucket of some
//! fifteen lines, whatever the size of the set, and the digest is at hand at any time.
//! Copies share what they have in common (see `page`), so that a copy costs nothing to speak of.

use super::{
    Change, Entry, FeedLine, FeedName, Row,
    page::{Page, WIDTH},
};
use crate::{
    canon::Origin,
    subject::Kind,
    tlog::{Hash, node_hash},
};
use sha2::{Digest, Sha256};
use std::{cmp::Ordering, sync::Arc};

/// A feed's lines in force.
#[derive(Clone)]
pub struct Set {
    kind: Kind,
    pages: Vec<Arc<Page>>,
    entries: u64,
    rows: u64,
}

/// A change that doesn't fit the set: it takes away what isn't there or adds what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    #[error("the change takes away a line that the set doesn't hold: {0:?}")]
    Absent(String),
    #[error("the change adds a line that the set holds already: {0:?}")]
    Present(String),
}

/// One bucket of the digest, whole, and the hashes from it up to the root R.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketProof {
    pub bucket: u16,
    /// The bucket's lines, sorted bytewise, without their LFs.
    pub lines: Vec<String>,
    /// Sixteen sibling hashes, from the bucket up.
    pub path: Vec<Hash>,
}

/// The bucket of a line, by its second field.
pub fn bucket_of(second_field: &str) -> u16 {
    let digest = Sha256::new()
        .chain_update(b"blockfeed/bucket/v1\0")
        .chain_update(second_field)
        .finalize();
    u16::from_be_bytes([digest[0], digest[1]])
}

impl Set {
    /// The empty set of a kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            pages: std::iter::repeat_n(Arc::new(Page::empty()), WIDTH).collect(),
            entries: 0,
            rows: 0,
        }
    }

    /// The kind of its subjects.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many `E` lines it holds.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// How many `D` lines it holds.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether it holds this very line.
    pub fn contains(&self, line: &str) -> bool {
        let Some(field) = line.split(' ').nth(1) else {
            return false;
        };
        lines(self.bucket(bucket_of(field))).any(|l| l == line)
    }

    /// The entries of exactly this name, whatever their scope and decision. Costs a SHA-256; who
    /// asks for many names keeps an [`Index`](super::Index).
    pub fn entries_of<'a>(&'a self, name: &'a str) -> Vec<Entry<'a>> {
        self.entries_in(bucket_of(name), name).collect()
    }

    /// The row of a decision that holds entries here.
    pub fn row<'a>(&'a self, decision: &str) -> Option<Row<'a>> {
        self.row_in(bucket_of(decision), decision)
    }

    /// All lines, in the order of the buckets.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let filled = self.pages.iter().flat_map(|page| page.filled());
        filled.flat_map(lines)
    }

    /// All lines in feed order: `D` by id, then `E` (design: Feeds).
    pub fn sorted(&self) -> Vec<&str> {
        super::change::sorted_lines(self.kind, self.lines())
    }

    /// Applies a change whole, or not at all.
    pub fn apply(&mut self, change: &Change) -> Result<(), Clash> {
        self.apply_lines(change.removed(), change.added())
    }

    /// Applies a change given as lines of canonical text, whole or not at all.
    pub fn apply_lines<'a>(
        &mut self,
        removed: impl Iterator<Item = &'a str>,
        added: impl Iterator<Item = &'a str>,
    ) -> Result<(), Clash> {
        let mut moves: Vec<(u16, bool, &str)> = Vec::new();
        moves.extend(removed.map(|line| (bucket_of_line(line), false, line)));
        moves.extend(added.map(|line| (bucket_of_line(line), true, line)));
        moves.sort_unstable();
        let mut next = self.clone();
        for of_page in moves.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
            next.apply_to_page(of_page)?;
        }
        *self = next;
        Ok(())
    }

    /// The lines that this set holds and an older one doesn't, and the other way round: what
    /// (came, went), in no order. Where one was made from the other by a change it costs no more
    /// than the change, since the rest is shared.
    pub fn moved_since<'a>(&'a self, older: &'a Self) -> (Vec<&'a str>, Vec<&'a str>) {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for (new, old) in self.pages.iter().zip(&older.pages) {
            if Arc::ptr_eq(new, old) {
                continue;
            }
            for (new, old) in new.differing(old) {
                let lacks = |bucket: &[u8], line: &str| !lines(bucket).any(|l| l == line);
                came.extend(lines(new).filter(|line| lacks(old, line)));
                went.extend(lines(old).filter(|line| lacks(new, line)));
            }
        }
        (came, went)
    }

    /// The state digest of design: Feeds.
    pub fn digest(&self, origin: &Origin, feed: &FeedName) -> Hash {
        state_digest(origin, feed, self.entries, &self.top_levels()[0][0])
    }

    /// The bucket in which a name (or a decision's id) stands or would stand, with its path.
    pub fn proof(&self, name: &str) -> BucketProof {
        let bucket = bucket_of(name);
        let [high, low] = bucket.to_be_bytes();
        let page = &self.pages[usize::from(high)];
        let mut path: Vec<Hash> = page.path(low).collect();
        let levels = self.top_levels();
        let mut at = usize::from(high);
        for level in levels.iter().skip(1).rev() {
            path.push(level[at ^ 1]);
            at /= 2;
        }
        BucketProof {
            bucket,
            lines: lines(page.bucket(low)).map(Into::into).collect(),
            path,
        }
    }

    fn bucket(&self, bucket: u16) -> &[u8] {
        let [high, low] = bucket.to_be_bytes();
        self.pages[usize::from(high)].bucket(low)
    }

    /// The entries of a name in its bucket.
    pub(super) fn entries_in<'a>(
        &'a self,
        bucket: u16,
        name: &str,
    ) -> impl Iterator<Item = Entry<'a>> {
        let lines = self.lines_in(bucket, b'E', name);
        lines.filter_map(|line| match line {
            FeedLine::Entry(entry) => Some(entry),
            FeedLine::Row(_) => None,
        })
    }

    /// The row of a decision in its bucket.
    pub(super) fn row_in<'a>(&'a self, bucket: u16, decision: &str) -> Option<Row<'a>> {
        let mut lines = self.lines_in(bucket, b'D', decision);
        lines.find_map(|line| match line {
            FeedLine::Row(row) => Some(row),
            FeedLine::Entry(_) => None,
        })
    }

    /// The second field of each line of a bucket.
    pub(super) fn fields_in(&self, bucket: u16) -> impl Iterator<Item = &str> {
        lines(self.bucket(bucket)).filter_map(|line| line.split(' ').nth(1))
    }

    /// The lines of a bucket with this tag and this second field. They stand together, the bucket
    /// being sorted, and are found by halves: three or four lines are looked at.
    fn lines_in(&self, bucket: u16, tag: u8, field: &str) -> impl Iterator<Item = FeedLine<'_>> {
        let bucket = self.bucket(bucket);
        let from = bucket.get(first_line(bucket, tag, field)..);
        let own = from.unwrap_or_default().split(|b| *b == b'\n');
        own.map_while({
            let order = order(tag, field);
            move |line| order(line).is_eq().then_some(line)
        })
        .filter_map(|line| FeedLine::of_checked(self.kind, std::str::from_utf8(line).ok()?))
    }

    /// The levels over the page roots, the root R first, the 256 page roots last.
    fn top_levels(&self) -> Vec<Vec<Hash>> {
        let mut levels = vec![self.pages.iter().map(|p| p.root()).collect::<Vec<_>>()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below
                .chunks_exact(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
            levels.push(above);
        }
        levels.reverse();
        levels
    }

    /// Applies sorted moves that lie in one page.
    fn apply_to_page(&mut self, moves: &[(u16, bool, &str)]) -> Result<(), Clash> {
        let Some(&(first, ..)) = moves.first() else {
            return Ok(());
        };
        let page = &mut self.pages[usize::from(first >> 8)];
        let mut replaced = Vec::new();
        for of_bucket in moves.chunk_by(|a, b| a.0 == b.0) {
            let low = of_bucket[0].0.to_be_bytes()[1];
            let mut kept: Vec<&str> = lines(page.bucket(low)).collect();
            for &(_, adds, line) in of_bucket {
                let change: i64 = if adds { 1 } else { -1 };
                match (kept.binary_search(&line), adds) {
                    (Ok(_), true) => return Err(Clash::Present(line.into())),
                    (Err(_), false) => return Err(Clash::Absent(line.into())),
                    (Ok(at), false) => drop(kept.remove(at)),
                    (Err(at), true) => kept.insert(at, line),
                }
                let counter = if line.starts_with('E') {
                    &mut self.entries
                } else {
                    &mut self.rows
                };
                *counter = counter.saturating_add_signed(change);
            }
            let mut bytes = Vec::with_capacity(kept.iter().map(|l| l.len() + 1).sum());
            for line in kept {
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(b'\n');
            }
            replaced.push((low, bytes));
        }
        Arc::make_mut(page).replace(replaced);
        Ok(())
    }
}

impl BucketProof {
    /// The root R that this proof leads to.
    pub fn root(&self) -> Hash {
        let text: String = self.lines.iter().flat_map(|l| [l.as_str(), "\n"]).collect();
        let mut hash = super::page::bucket_hash(text.as_bytes());
        let mut at = self.bucket;
        for sibling in &self.path {
            hash = if at & 1 == 0 {
                node_hash(&hash, sibling)
            } else {
                node_hash(sibling, &hash)
            };
            at /= 2;
        }
        hash
    }

    /// The state digest that this proof leads to; compare it with the one in a signed state leaf.
    pub fn digest(&self, origin: &Origin, feed: &FeedName, entries: u64) -> Hash {
        state_digest(origin, feed, entries, &self.root())
    }
}

/// The state digest over the root R of the buckets (design: Feeds).
fn state_digest(origin: &Origin, feed: &FeedName, entries: u64, root: &Hash) -> Hash {
    let digest = Sha256::new()
        .chain_update(b"blockfeed/state/v1\0")
        .chain_update(origin.as_str())
        .chain_update([0])
        .chain_update(feed.as_str())
        .chain_update([0])
        .chain_update(entries.to_be_bytes())
        .chain_update(root.0)
        .finalize();
    Hash(digest.into())
}

fn bucket_of_line(line: &str) -> u16 {
    bucket_of(line.split(' ').nth(1).unwrap_or_default())
}

/// Where in a sorted bucket the first line stands that isn't below this tag and field.
fn first_line(bucket: &[u8], tag: u8, field: &str) -> usize {
    let order = order(tag, field);
    let (mut from, mut to) = (0, bucket.len());
    while from < to {
        let half = bucket.get(from..to).unwrap_or_default();
        let (left, right) = half.split_at(half.len() / 2);
        let start = memchr::memrchr(b'\n', left).map_or(0, |at| at + 1);
        let end = left.len() + memchr::memchr(b'\n', right).unwrap_or(right.len());
        match order(half.get(start..end).unwrap_or_default()) {
            Ordering::Less => from += end + 1,
            _ => to = from + start,
        }
    }
    from
}

/// How a line stands to all lines of this tag and field.
fn order(tag: u8, field: &str) -> impl Fn(&[u8]) -> Ordering {
    move |line: &[u8]| {
        let rest = line.get(2..).unwrap_or_default();
        let (head, tail) = rest.split_at_checked(field.len()).unwrap_or((rest, &[]));
        let by_tag = line.first().cmp(&Some(&tag));
        let by_field = || head.cmp(field.as_bytes());
        by_tag.then_with(by_field).then_with(|| match tail.first() {
            Some(b' ') => Ordering::Equal,
            // A longer field stands behind: what may follow in it is above a space.
            Some(_) => Ordering::Greater,
            None => Ordering::Less,
        })
    }
}

/// The lines of a bucket; they were text when they were put there.
fn lines(bucket: &[u8]) -> impl Iterator<Item = &str> {
    bucket
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .filter_map(|l| std::str::from_utf8(l).ok())
}
