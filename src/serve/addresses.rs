//! How many connections each address has: one that opens thousands shuts nobody else out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// The connections that are open, by address. Clones share them.
#[derive(Clone)]
pub(super) struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// One connection's place; free again when it is dropped.
pub(super) struct Place {
    of: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// At most so many an address; 0: no limit.
    pub(super) fn new(most: usize) -> Self {
        let open = Arc::default();
        Self { open, most }
    }

    /// A place for one more; none where the address has as many as it may.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.entry(address).or_default();
        if self.most > 0 && *held >= self.most {
            return None;
        }
        *held += 1;
        Some(Place {
            of: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = &self.of.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = open.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places() {
        let addresses = Addresses::new(2);
        let [a, b] = [1, 2].map(|n| IpAddr::from([192, 0, 2, n]));
        let held = [addresses.take(a), addresses.take(a)];
        assert!(held.iter().all(Option::is_some));
        assert!(addresses.take(a).is_none());
        assert!(addresses.take(b).is_some());
        drop(held);
        assert!(addresses.take(a).is_some());
        assert!(addresses.open.lock().unwrap().is_empty());
    }
}
