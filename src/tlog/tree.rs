//! The Merkle tree in memory (RFC 6962 §2.1): append, root at any size, proofs, hash tiles.

use super::hash::{Hash, empty_root, node_hash};
use super::tile::{Level, TILE_WIDTH, TileId};

/// An append-only Merkle tree that keeps every complete subtree: 64 bytes a leaf in all.
///
/// `push` is amortised O(1); roots and proofs, at the present or any earlier size, are O(log n).
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[h][i]` is the root of the complete subtree of the leaves `i·2^h .. (i+1)·2^h`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends a leaf by its hash ([`super::leaf_hash`] of the entry).
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut height = 0;
        loop {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[height];
            level.push(node);
            // An even count means that a pair was just completed: its parent is complete too.
            match level.as_slice() {
                [.., left, right] if level.len().is_multiple_of(2) => node = node_hash(left, right),
                _ => return,
            }
            height += 1;
        }
    }

    /// Forgets all leaves from `size` on; a size past the present one changes nothing.
    pub fn truncate(&mut self, size: u64) {
        for (height, level) in self.levels.iter_mut().enumerate() {
            level.truncate(usize::try_from(size >> height).unwrap_or(usize::MAX));
        }
        self.levels.retain(|level| !level.is_empty());
    }

    /// Hash of the leaf at `index`, from 0.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.node(0, index)
    }

    /// Root at the present size.
    pub fn root(&self) -> Hash {
        // A size that the tree has always has a root.
        self.root_at(self.size()).unwrap_or_else(empty_root)
    }

    /// Root that the tree had at `size`; `None` where it has not grown so far.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root()),
            _ => self.range_root(0, size),
        }
    }

    /// Inclusion proof of the leaf at `index` in the tree of `size` leaves, from the leaf's sibling upwards.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut low, mut high) = (0, size);
        let mut proof = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if index < middle {
                proof.push(self.range_root(middle, high)?);
                high = middle;
            } else {
                proof.push(self.range_root(low, middle)?);
                low = middle;
            }
        }
        proof.reverse();
        Some(proof)
    }

    /// Proof that the tree of `old` leaves is the beginning of the one of `new`; empty for `old` 0 and for equal sizes.
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.size() {
            return None;
        }
        let mut proof = Vec::new();
        if old == 0 {
            return Some(proof);
        }
        let (mut low, mut high) = (0, new);
        while old != high {
            let middle = low + split(high - low);
            if old <= middle {
                proof.push(self.range_root(middle, high)?);
                high = middle;
            } else {
                proof.push(self.range_root(low, middle)?);
                low = middle;
            }
        }
        // At the left edge the subtree is the old tree itself, whose root the verifier has.
        if low != 0 {
            proof.push(self.range_root(low, high)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// Bytes of a hash tile (`width` × 32); `None` for an entry bundle or for hashes that are not there yet.
    pub fn tile(&self, id: &TileId) -> Option<Vec<u8>> {
        let Level::Hashes(level) = id.level else {
            return None;
        };
        let hashes = self.levels.get(usize::from(level) * 8)?;
        let start = usize::try_from(id.index.checked_mul(u64::from(TILE_WIDTH))?).ok()?;
        let end = start.checked_add(usize::from(id.width))?;
        let hashes = hashes.get(start..end)?;
        Some(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    fn node(&self, height: u32, index: u64) -> Option<Hash> {
        let level = self.levels.get(height as usize)?;
        level.get(usize::try_from(index).ok()?).copied()
    }

    /// Root over the leaves `low..high`, where `low` is a multiple of a power of two not below `high - low`.
    fn range_root(&self, low: u64, high: u64) -> Option<Hash> {
        let mut peaks = Vec::new();
        let mut at = low;
        while at < high {
            let height = (high - at).ilog2();
            peaks.push(self.node(height, at >> height)?);
            at += 1 << height;
        }
        let last = peaks.pop()?;
        Some(
            peaks
                .iter()
                .rev()
                .fold(last, |right, left| node_hash(left, &right)),
        )
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

/// The largest power of two below `n`, for `n` of 2 and more.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::super::leaf_hash;
    use super::*;

    fn tree(size: u64) -> Tree {
        (0..size)
            .map(|i| leaf_hash(format!("decision {i}").as_bytes()))
            .collect()
    }

    #[test]
    fn roots_of_the_vectors() {
        let tree = tree(256);
        let root = |size| tree.root_at(size).map(|root| root.to_string());
        assert_eq!(tree.root_at(0), Some(empty_root()));
        assert_eq!(
            root(3).as_deref(),
            Some("a6446d8f3326d499e12fcb9fdd1182445aed39639de5473b97c5176e9eb0e647")
        );
        assert_eq!(
            root(256).as_deref(),
            Some("866ce236ade72edcf0a2f43e30dc09beeda14edd6f874608e69b4e3c1e99029b")
        );
        assert_eq!(root(257), None);
    }

    #[test]
    fn truncating_takes_the_tree_back() {
        let mut grown = tree(300);
        grown.truncate(77);
        assert_eq!(grown.size(), 77);
        assert_eq!(grown.root(), tree(77).root());
        grown.push(leaf_hash(b"decision 77"));
        assert_eq!(grown.root(), tree(78).root());
        grown.truncate(0);
        assert_eq!(grown.root(), empty_root());
    }
}
