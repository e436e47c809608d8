//! Ledger and lines together: the whole fold.

use super::{FeedState, Interest, Leaf, Ledger, Lines, PartError, Parts, Refusal, State};
use crate::{
    entries::{Change, FeedName},
    tlog::Hash,
};
use std::collections::BTreeMap;

/// The state after leaves 0…N: what leaves say and the lines in force.
#[derive(Clone)]
pub struct Fold {
    pub ledger: Ledger,
    pub lines: Lines,
}

/// A leaf that was taken in.
#[derive(Debug, Clone)]
pub struct Applied {
    pub leaf: Leaf,
    /// At a state leaf: the change of each feed since the one before.
    pub changes: BTreeMap<FeedName, Change>,
}

impl Fold {
    /// Begins with the genesis leaf and the trust document that it names.
    pub fn begin(bytes: &[u8], interest: Interest, parts: &dyn Parts) -> Result<Self, Refusal> {
        let Leaf::Genesis(genesis) = Leaf::parse(bytes)? else {
            return Err(Refusal::Genesis);
        };
        let document = document(parts, &genesis.trust)?;
        Ok(Self {
            ledger: Ledger::begin(bytes, &document)?,
            lines: Lines::new(interest),
        })
    }

    /// Judges a leaf and, if it may come next, takes it in; otherwise nothing changes.
    pub fn apply(&mut self, bytes: &[u8], parts: &dyn Parts) -> Result<Applied, Refusal> {
        let leaf = Leaf::parse(bytes)?;
        let changes = self.apply_leaf(&leaf, parts)?;
        Ok(Applied { leaf, changes })
    }

    /// The same for a leaf at hand.
    pub fn apply_leaf(
        &mut self,
        leaf: &Leaf,
        parts: &dyn Parts,
    ) -> Result<BTreeMap<FeedName, Change>, Refusal> {
        let document = match leaf {
            Leaf::Trust(trust) => Some(document(parts, &trust.sha256)?),
            _ => None,
        };
        let trust = self.ledger.judge(leaf, document.as_deref())?;
        let moves = self.lines.judge(leaf, &self.ledger, parts)?;
        let changes = self.lines.absorb(leaf, moves);
        self.ledger.absorb(leaf, trust);
        Ok(changes)
    }

    /// The state leaf that closes the commit here. `compacts`: moves the base zones to it.
    pub fn closing(&self, time: u64, compacts: bool) -> State {
        let own = self.ledger.size() + 1;
        let feeds: BTreeMap<FeedName, FeedState> = self.lines.close(&self.ledger, own);
        let base = if compacts || self.ledger.base() == 0 {
            own
        } else {
            self.ledger.base()
        };
        State::new(time, feeds, base)
    }
}

fn document(parts: &dyn Parts, sha256: &Hash) -> Result<Vec<u8>, Refusal> {
    let refuse = |why| Refusal::TrustPart(sha256.to_string(), why);
    let bytes = parts.part(sha256).map_err(refuse)?;
    if Hash::of(&bytes) != *sha256 {
        return Err(refuse(PartError::Hash));
    }
    Ok(bytes)
}
