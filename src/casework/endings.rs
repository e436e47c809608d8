//! What ends soon: decisions that run out, and stays after which an entry is in force again.

use super::Casework;
use crate::canon::DecisionId;

/// Something that ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub id: DecisionId,
    /// Whether it is a stay: then its entries come back.
    pub is_stay: bool,
    /// Unix seconds.
    pub at: u64,
    /// Lines that are in force, of a decision.
    pub open: u64,
    pub category: String,
}

impl Casework {
    /// What ends within so many seconds, the soonest first.
    pub fn endings(&self, within: u64) -> Vec<Ending> {
        let until = self.inner.authority.now().saturating_add(within);
        let ledger = self.inner.authority.ledger();
        let (lists, stays) = ledger.due(until);
        let lists = lists.into_iter().filter_map(|id| {
            let list = ledger.lists().get(&id)?;
            Some(Ending {
                is_stay: false,
                at: list.not_after,
                open: list.open,
                category: list.body.category.clone(),
                id,
            })
        });
        let stays = stays.into_iter().filter_map(|id| {
            let stay = ledger.stays().get(&id)?;
            Some(Ending {
                is_stay: true,
                at: stay.until,
                open: 0,
                category: String::new(),
                id,
            })
        });
        let mut endings: Vec<Ending> = lists.chain(stays).collect();
        endings.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        endings
    }
}
