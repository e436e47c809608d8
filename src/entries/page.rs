//! A page: 256 neighbouring buckets of the state digest with the hashes above them.
//!
//! A set has 256 pages. They are shared between copies of a set and copied when written, so
//! that taking a copy of a million entries costs 256 reference counts, and an empty page
//! costs nothing.

use crate::tlog::{Hash, node_hash};
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub(super) const WIDTH: usize = 256;

/// 256 buckets and the tree over them.
#[derive(Clone)]
pub(super) struct Page {
    /// A bucket's lines, sorted bytewise, each ended by LF.
    buckets: Vec<Arc<[u8]>>,
    /// A binary heap: `nodes[1]` is the page's root, `nodes[256 + i]` the hash of bucket i.
    nodes: Vec<Hash>,
}

impl Page {
    pub(super) fn empty() -> Self {
        let nothing: Arc<[u8]> = Arc::from([]);
        let mut page = Self {
            nodes: vec![bucket_hash(&nothing); 2 * WIDTH],
            buckets: vec![nothing; WIDTH],
        };
        for i in (1..WIDTH).rev() {
            page.hash_node(i);
        }
        page
    }

    pub(super) fn bucket(&self, i: u8) -> &Arc<[u8]> {
        &self.buckets[usize::from(i)]
    }

    /// The buckets that hold anything, in order. Most are empty in a small set.
    pub(super) fn filled(&self) -> impl Iterator<Item = &[u8]> {
        let buckets = self.buckets.iter().map(|bucket| &**bucket);
        buckets.filter(|bucket| !bucket.is_empty())
    }

    /// The buckets that another page doesn't share with this one: (here, there).
    pub(super) fn differing<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let pairs = self.buckets.iter().zip(&other.buckets);
        pairs
            .filter(|(here, there)| !Arc::ptr_eq(here, there))
            .map(|(here, there)| (&**here, &**there))
    }

    pub(super) fn root(&self) -> Hash {
        self.nodes[1]
    }

    /// Puts new lines into some buckets, then hashes just what lies above them.
    pub(super) fn replace(&mut self, changes: impl IntoIterator<Item = (u8, Vec<u8>)>) {
        let mut touched: Vec<usize> = Vec::new();
        for (i, lines) in changes {
            let at = usize::from(i);
            self.nodes[WIDTH + at] = bucket_hash(&lines);
            self.buckets[at] = lines.into();
            touched.push(WIDTH + at);
        }
        touched.sort_unstable();
        while touched.first().is_some_and(|i| *i > 1) {
            touched.iter_mut().for_each(|i| *i /= 2);
            touched.dedup();
            touched.iter().for_each(|i| self.hash_node(*i));
        }
    }

    /// The eight sibling hashes from the bucket up to the page's root.
    pub(super) fn path(&self, i: u8) -> impl Iterator<Item = Hash> + '_ {
        let mut at = WIDTH + usize::from(i);
        std::iter::from_fn(move || {
            let sibling = (at > 1).then(|| self.nodes[at ^ 1]);
            at /= 2;
            sibling
        })
    }

    fn hash_node(&mut self, i: usize) {
        self.nodes[i] = node_hash(&self.nodes[2 * i], &self.nodes[2 * i + 1]);
    }
}

/// SHA-256(0x00 ‖ lines).
pub(super) fn bucket_hash(lines: &[u8]) -> Hash {
    let digest = Sha256::new()
        .chain_update([0])
        .chain_update(lines)
        .finalize();
    Hash(digest.into())
}
