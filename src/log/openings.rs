//! The private table of openings: what the commitments of a decision stand for (design: The log,
//! *Privacy*).
//!
//! A row is there from the proposal on, and until it is erased. Keys are decision and commitment,
//! so that they tell nothing by themselves; what erasure must destroy is in the values alone.

use super::{Error, state::StoreParts};
use crate::{
    canon::{DecisionId, Origin},
    decision::{Opening, PartError, Parts},
    store::{Durability, Store, Write},
    tlog::Hash,
};

const OPENINGS: &str = "openings";

/// Writes openings in one synced write. The same ones again change nothing.
pub(super) fn keep(store: &Store, openings: &[Opening]) -> Result<(), Error> {
    let rows = openings
        .iter()
        .map(|opening| {
            let commitment = opening.commitment().map_err(|e| broken(e.to_string()))?;
            Ok((key(&opening.id, &commitment), opening.to_text()))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let puts: Vec<Write<'_>> = rows
        .iter()
        .map(|(key, value)| Write::Put {
            table: OPENINGS,
            key,
            value: value.as_bytes(),
        })
        .collect();
    Ok(store.write(&puts, Durability::Synced)?)
}

/// The opening of one commitment; none where it was erased or never came.
pub(super) fn read(
    store: &Store,
    origin: &Origin,
    id: &DecisionId,
    commitment: &Hash,
) -> Result<Option<Opening>, Error> {
    let bytes = store.get(OPENINGS, &key(id, commitment))?;
    bytes.map(|bytes| parse(&bytes, origin, id)).transpose()
}

/// Hands every opening with its commitment to `each`, by decision.
pub(super) fn each(
    store: &Store,
    origin: &Origin,
    mut each: impl FnMut(Hash, Opening),
) -> Result<(), Error> {
    for row in store.scan(OPENINGS, b"")? {
        let (key, value) = row?;
        let (id, commitment) = split(&key).ok_or_else(|| broken("its key"))?;
        each(commitment, parse(&value, origin, &id)?);
    }
    Ok(())
}

/// The openings that there are of a decision, by commitment.
pub(super) fn of(
    store: &Store,
    origin: &Origin,
    id: &DecisionId,
) -> Result<Vec<(Hash, Opening)>, Error> {
    let prefix = [id.as_str().as_bytes(), &[0]].concat();
    let mut found = Vec::new();
    for row in store.scan(OPENINGS, &prefix)? {
        let (key, value) = row?;
        let (_, commitment) = split(&key).ok_or_else(|| broken("its key"))?;
        found.push((commitment, parse(&value, origin, id)?));
    }
    Ok(found)
}

/// Destroys openings, in the files too. What isn't there is passed over.
pub(super) fn erase(store: &Store, id: &DecisionId, commitments: &[Hash]) -> Result<(), Error> {
    let keys: Vec<Vec<u8>> = commitments.iter().map(|c| key(id, c)).collect();
    Ok(store.erase(OPENINGS, &keys)?)
}

fn key(id: &DecisionId, commitment: &Hash) -> Vec<u8> {
    [id.as_str().as_bytes(), &[0], &commitment.0].concat()
}

fn split(key: &[u8]) -> Option<(DecisionId, Hash)> {
    let (id, commitment) = key.split_at_checked(key.len().checked_sub(33)?)?;
    let commitment = commitment.strip_prefix(&[0])?.try_into().ok()?;
    let id = DecisionId::new(std::str::from_utf8(id).ok()?).ok()?;
    Some((id, Hash(commitment)))
}

fn parse(value: &[u8], origin: &Origin, id: &DecisionId) -> Result<Opening, Error> {
    let text = std::str::from_utf8(value).map_err(|e| broken(e.to_string()))?;
    Opening::from_text(text, origin, id).map_err(broken)
}

fn broken(why: impl Into<String>) -> Error {
    Error::Opening(why.into())
}

/// What the guard may see: parts as the fold reads them, and the openings beside them.
pub(super) struct Evidence<'a> {
    pub(super) store: &'a Store,
    pub(super) origin: &'a Origin,
}

impl Parts for Evidence<'_> {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        StoreParts(self.store).part(sha256)
    }

    fn opening(&self, id: &DecisionId, commitment: &Hash) -> Result<Option<Opening>, PartError> {
        read(self.store, self.origin, id, commitment)
            .map_err(|e| PartError::Unreadable(e.to_string()))
    }
}
