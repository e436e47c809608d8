//! How one version of the trust document follows another (TUF specification §5.3, root role).

use super::{Document, Error, document::Root, key};
use crate::{
    canon::{Base64, KeyId, Origin},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A root key's signature over a version of the trust document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootSignature {
    pub key: KeyId,
    pub sig: Base64,
}

/// Accepts the first trust document: version 1, signed by its own threshold.
pub fn verify_first(
    bytes: &[u8],
    origin: &Origin,
    signatures: &[RootSignature],
) -> Result<Document, Error> {
    let document = named(bytes, origin, 1)?;
    let message = message(bytes, &document);
    let valid = valid(&[&document.root], &message, signatures)?;
    threshold(&document, &document.root, &valid)?;
    Ok(document)
}

/// Accepts the version after `current`: signed by the thresholds of both.
pub fn verify_next(
    current: &Document,
    bytes: &[u8],
    signatures: &[RootSignature],
) -> Result<Document, Error> {
    let next = named(bytes, &current.origin, current.version + 1)?;
    let message = message(bytes, &next);
    let valid = valid(&[&current.root, &next.root], &message, signatures)?;
    threshold(current, &current.root, &valid)?;
    threshold(&next, &next.root, &valid)?;
    Ok(next)
}

fn named(bytes: &[u8], origin: &Origin, version: u64) -> Result<Document, Error> {
    let document = Document::parse(bytes)?;
    if document.origin != *origin {
        return Err(Error::Origin {
            found: document.origin.to_string(),
            expected: origin.to_string(),
        });
    }
    if document.version != version {
        return Err(Error::Version {
            found: document.version,
            expected: version,
        });
    }
    Ok(document)
}

fn message(bytes: &[u8], document: &Document) -> Vec<u8> {
    Document::root_message(&document.origin, document.version, &Hash::of(bytes))
}

/// The public keys whose signatures hold. One that fails, or names no key, rejects them all.
fn valid(
    roots: &[&Root],
    message: &[u8],
    signatures: &[RootSignature],
) -> Result<BTreeSet<Base64>, Error> {
    let mut names = BTreeSet::new();
    let mut valid = BTreeSet::new();
    for signature in signatures {
        if !names.insert(&signature.key) {
            return Err(Error::SignedTwice(signature.key.to_string()));
        }
        let holder = roots
            .iter()
            .filter_map(|root| root.keys.get(&signature.key))
            .find(|k| key::verify_ed25519(&k.public, message, &signature.sig))
            .ok_or_else(|| Error::Signature(signature.key.to_string()))?;
        valid.insert(holder.public.clone());
    }
    Ok(valid)
}

fn threshold(document: &Document, root: &Root, valid: &BTreeSet<Base64>) -> Result<(), Error> {
    let found = root
        .keys
        .values()
        .filter(|k| valid.contains(&k.public))
        .count();
    if found < root.threshold {
        return Err(Error::Threshold {
            version: document.version,
            found,
            needed: root.threshold,
        });
    }
    Ok(())
}
