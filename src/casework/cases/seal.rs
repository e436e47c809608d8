//! Sealing of cases: each has a key of its own, wrapped by one that lies outside the database. Destroying
//! a case's key makes what it sealed unreadable for ever, in every backup taken after it.

use super::{CaseId, Part};
use crate::{
    casework::Error,
    seal::{self, Key, Secret},
};
use ring::hmac;
use std::path::Path;

/// The file of the wrapping key, in the folder of keys.
const FILE: &str = "cases.key";

/// The wrapping key, and the one that chains the journal.
pub(super) struct Keeper {
    wrapping: Key,
    pub(super) chain: hmac::Key,
}

/// The key of one case.
pub(super) struct CaseKey(Key);

impl Keeper {
    /// Reads the key file; makes it where there is no case yet.
    pub(super) fn open(keys: &Path, is_new: bool) -> Result<Self, Error> {
        let secret = match Secret::read(keys, FILE)? {
            Some(secret) => secret,
            None if is_new => Secret::make(keys, FILE)?,
            None => {
                return Err(Error::Keys(format!(
                    "{} isn't there: cases are sealed with it; put it back from its backup",
                    keys.join(FILE).display()
                )));
            }
        };
        let chain = secret.derived(b"blockfeed/case-journal/v1")?;
        Ok(Self {
            wrapping: secret.key(b"blockfeed/case-keys/v1")?,
            chain: hmac::Key::new(hmac::HMAC_SHA256, &*chain),
        })
    }

    /// A new key for a case, and its wrapped form.
    pub(super) fn new_key(&self, id: &CaseId) -> Result<(CaseKey, Vec<u8>), Error> {
        let (key, bytes) = Key::draw()?;
        let wrapped = self.wrapping.seal(&bound(id, "key"), &*bytes)?;
        Ok((CaseKey(key), wrapped))
    }

    /// The key of a case from its wrapped form.
    pub(super) fn unwrap(&self, id: &CaseId, wrapped: &[u8]) -> Result<CaseKey, Error> {
        let bytes = self.wrapping.open(&bound(id, "key"), wrapped)?;
        Ok(CaseKey(Key::new(&bytes)?))
    }
}

impl CaseKey {
    pub(super) fn seal(&self, id: &CaseId, part: Part, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.seal(&bound(id, part.as_str()), bytes)?)
    }

    pub(super) fn open(&self, id: &CaseId, part: Part, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.open(&bound(id, part.as_str()), sealed)?.to_vec())
    }
}

fn bound(id: &CaseId, what: &str) -> String {
    format!("blockfeed/case/v1\n{id}\n{what}\n")
}

pub(super) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    Ok(seal::random(bytes)?)
}
