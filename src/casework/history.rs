//! An index of the public log: what touched which decision, who was trusted when, the tree.
//!
//! Everything here follows from the leaves; it is read from them when the desk opens, and goes on
//! with them.

use super::{Error, register::Register};
use crate::{
    canon::DecisionId,
    decision::{Body, DecisionLeaf, Leaf},
    log::{self, Authority},
    tlog::{self, Hash, Tree},
    trust::Document,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The leaves so far, indexed.
#[derive(Default)]
pub(super) struct History {
    tree: Tree,
    /// Sizes at which commits were closed, ascending.
    closes: Vec<u64>,
    /// Trust documents by the leaf that put them in force, ascending.
    trusts: Vec<(u64, Hash, Arc<Document>)>,
    /// When the last of them came, Unix seconds.
    trusted_at: u64,
    /// Leaves that name a decision or a stay as what they change.
    touches: HashMap<DecisionId, Vec<u64>>,
    /// Parts that leaves name.
    parts: HashSet<Hash>,
    /// Decisions and figures as the public reads them.
    pub(super) register: Register,
}

impl History {
    /// Reads all leaves of the log.
    pub(super) fn open(authority: &Authority) -> Result<Self, Error> {
        let mut history = Self::default();
        history.catch_up(authority)?;
        Ok(history)
    }

    /// Goes on to what is published.
    pub(super) fn catch_up(&mut self, authority: &Authority) -> Result<(), Error> {
        let size = authority.current().size;
        while self.tree.size() < size {
            let index = self.tree.size();
            let bytes = authority.leaf(index)?.ok_or(log::Error::Missing(index))?;
            let leaf = Leaf::parse(&bytes).map_err(|why| log::Error::Leaf { index, why })?;
            self.take(index, &leaf, authority)?;
            self.register.take(index, &leaf);
            self.tree.push(tlog::leaf_hash(&bytes));
        }
        Ok(())
    }

    /// The hash of the trust document in force.
    pub(super) fn trust_hash(&self) -> Hash {
        self.trusts
            .last()
            .map_or(Hash([0; 32]), |(_, hash, _)| *hash)
    }

    /// When the trust document in force came, Unix seconds.
    pub(super) fn trusted_at(&self) -> u64 {
        self.trusted_at
    }

    /// The trust document by which a leaf was judged: the last one put in force before it.
    pub(super) fn trust_before(&self, leaf: u64) -> Option<&Arc<Document>> {
        let after = self.trusts.partition_point(|(at, ..)| *at < leaf);
        self.trusts.get(after.checked_sub(1)?).map(|(_, _, d)| d)
    }

    /// Leaves that changed a decision or a stay, ascending.
    pub(super) fn touches(&self, id: &DecisionId) -> &[u64] {
        self.touches.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a leaf names this part.
    pub(super) fn names(&self, sha256: &Hash) -> bool {
        self.parts.contains(sha256)
    }

    /// The size at which the commit of a leaf was closed.
    pub(super) fn closed_at(&self, leaf: u64) -> u64 {
        let after = self.closes.partition_point(|size| *size <= leaf);
        self.closes.get(after).copied().unwrap_or(self.tree.size())
    }

    /// Inclusion of a leaf in the tree of a size.
    pub(super) fn inclusion(&self, leaf: u64, size: u64) -> Option<Vec<Hash>> {
        self.tree.inclusion(leaf, size)
    }

    fn take(&mut self, index: u64, leaf: &Leaf, authority: &Authority) -> Result<(), Error> {
        match leaf {
            Leaf::Genesis(genesis) => {
                self.trust(index, &genesis.trust, authority)?;
                self.trusted_at = leaf.time();
            }
            Leaf::Trust(trust) => {
                self.trust(index, &trust.sha256, authority)?;
                self.trusted_at = leaf.time();
            }
            Leaf::Decision(leaf) => self.decision(index, leaf),
            Leaf::Expire(leaf) => {
                for id in leaf.decisions.iter().chain(&leaf.stays) {
                    self.touches.entry(id.clone()).or_default().push(index);
                }
            }
            Leaf::State(_) => self.closes.push(index + 1),
        }
        Ok(())
    }

    fn decision(&mut self, index: u64, leaf: &DecisionLeaf) {
        let body = &leaf.body;
        let amended = match body {
            Body::Amend(amend) => Some(&amend.target),
            _ => None,
        };
        for id in body.targets().iter().map(|t| &t.decision).chain(amended) {
            self.touches.entry(id.clone()).or_default().push(index);
        }
        self.parts.extend(body.parts().iter().map(|p| p.sha256));
        self.parts.extend(body.texts().iter().map(|t| t.sha256));
    }

    fn trust(&mut self, index: u64, sha256: &Hash, authority: &Authority) -> Result<(), Error> {
        self.parts.insert(*sha256);
        let bytes = authority
            .part(sha256)?
            .ok_or_else(|| Error::PartMissing(sha256.to_string()))?;
        let document = Document::parse(&bytes).map_err(|why| log::Error::Leaf {
            index,
            why: why.into(),
        })?;
        self.trusts.push((index, *sha256, Arc::new(document)));
        Ok(())
    }
}
