//! What was in force at an earlier state leaf, folded again from the store.

use super::{Authority, Error, state::StoreParts};
use crate::{
    decision::{Fold, Interest, Leaf},
    entries::{FeedName, Set},
};

impl Authority {
    /// The set of a feed as the state leaf left it that ends at this size of the log. Folds every
    /// leaf up to there: seconds for a large log.
    pub fn set_at(&self, feed: &FeedName, size: u64) -> Result<Option<Set>, Error> {
        let store = self.store();
        let parts = StoreParts(store);
        let genesis = store.leaf(0)?.ok_or(Error::Missing(0))?;
        let interest = Interest::Feeds([feed.clone()].into());
        let mut fold = Fold::begin(&genesis, interest, &parts)?;
        for leaf in store.leaves(1, size)? {
            let (index, bytes) = leaf?;
            fold.apply(&bytes, &parts)
                .map_err(|why| Error::Leaf { index, why })?;
        }
        let is_there = fold.ledger.size() == size && fold.ledger.is_closed();
        let set = fold.lines.set(feed).cloned();
        let set = set.unwrap_or_else(|| Set::new(feed.kind()));
        Ok(is_there.then_some(set))
    }

    /// The sizes at which the base of the zones stands and stood before, as of this size of the
    /// log, which a state leaf ends. Equal where there was no other.
    pub fn bases_at(&self, size: u64) -> Result<[u64; 2], Error> {
        let base = self.base_told_by(size.saturating_sub(1))?;
        // A base moves in a commit of its state leaf alone: the leaf before it ended a commit, too.
        let Some(earlier) = base.checked_sub(2).filter(|index| *index > 0) else {
            return Ok([base, base]);
        };
        Ok([base, self.base_told_by(earlier)?])
    }

    /// The base that the state leaf at this index names.
    fn base_told_by(&self, index: u64) -> Result<u64, Error> {
        let bytes = self.leaf(index)?.ok_or(Error::Missing(index))?;
        match Leaf::parse(&bytes) {
            Ok(Leaf::State(state)) => Ok(state.base),
            Ok(_) => Err(Error::Missing(index)),
            Err(why) => Err(Error::Leaf { index, why }),
        }
    }
}
