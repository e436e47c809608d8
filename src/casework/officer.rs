//! Requests that an officer signs: reading what is private, withdrawing, registering.

use super::{Casework, Error, lock};
use crate::{
    canon::{KeyId, OfficerId, Origin},
    tlog::Hash,
    trust::{Officer, Proof},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::HashMap;

/// Signatures of requests that were taken lately.
pub(super) type Taken = HashMap<Vec<u8>, (u64, Option<String>)>;

/// How far a signed request's time may lie from the clock here, seconds.
const LEEWAY: u64 = 300;

/// The signature under a request: `Blockfeed <officer> <key> <unix time> <base64 signature>`.
#[derive(Debug, Clone)]
pub struct RequestSignature {
    pub officer: OfficerId,
    pub key: KeyId,
    /// Unix seconds.
    pub time: u64,
    pub sig: Vec<u8>,
}

/// The bytes that an officer's Ed25519 key signs for a request. `path` has its query; `body` is
/// the hash of the body's bytes, so that nobody between can exchange it.
pub fn request_message(
    origin: &Origin,
    method: &str,
    path: &str,
    time: u64,
    body: &Hash,
) -> Vec<u8> {
    format!("blockfeed/request/v2\n{origin}\n{method}\n{path}\n{time}\n{body}\n").into_bytes()
}

impl RequestSignature {
    /// Reads the text of the header.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut fields = text.split(' ');
        let (Some("Blockfeed"), Some(officer), Some(key), Some(time), Some(sig), None) = (
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
        ) else {
            return Err(Error::Unauthorised("the header has another form"));
        };
        let (Ok(officer), Ok(key), Ok(time), Ok(sig)) = (
            OfficerId::new(officer),
            KeyId::new(key),
            time.parse(),
            STANDARD.decode(sig),
        ) else {
            return Err(Error::Unauthorised("a field of the header can't be read"));
        };
        Ok(Self {
            officer,
            key,
            time,
            sig,
        })
    }
}

impl Casework {
    /// The officer who signed a request with a body of this hash, under the trust document in
    /// force.
    pub fn authenticate(
        &self,
        signature: &RequestSignature,
        method: &str,
        path: &str,
        body: &Hash,
    ) -> Result<(OfficerId, Officer), Error> {
        let now = self.inner.authority.now();
        if now.abs_diff(signature.time) > LEEWAY {
            return Err(Error::Unauthorised(
                "its time lies more than 300 seconds from the clock here",
            ));
        }
        let ledger = self.inner.authority.ledger();
        let trust = ledger.trust();
        let officer = trust.officers.get(&signature.officer);
        let key = officer.and_then(|officer| officer.keys.get(&signature.key));
        let (Some(officer), Some(key)) = (officer, key) else {
            return Err(Error::Unauthorised(
                "the trust document in force names no such officer and key",
            ));
        };
        let message = request_message(ledger.origin(), method, path, signature.time, body);
        let proof = Proof::Ed25519 {
            sig: &signature.sig,
        };
        key.verify(&message, &proof, &trust.webauthn)
            .map_err(|_| Error::Unauthorised("the signature doesn't verify"))?;
        Ok((signature.officer.clone(), officer.clone()))
    }
}

impl Casework {
    /// Refuses a signature that was taken before: whoever overhears a request can't have it done
    /// again. Under the `Idempotency-Key` that it came with first it may come again, since it is
    /// answered and not done. It is remembered for as long as its time would be accepted, and
    /// until a restart.
    pub fn first_time(&self, signature: &RequestSignature, key: Option<&str>) -> Result<(), Error> {
        let now = self.inner.authority.now();
        let mut taken = lock(&self.inner.taken);
        taken.retain(|_, (time, _)| now.saturating_sub(*time) <= LEEWAY);
        match taken.get(&signature.sig) {
            Some((_, first)) if key.is_some() && first.as_deref() == key => Ok(()),
            Some(_) => Err(Error::Replayed),
            None => {
                let first = (signature.time, key.map(str::to_owned));
                taken.insert(signature.sig.clone(), first);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_one_form() {
        assert!(RequestSignature::parse("Blockfeed o-0001 k1 1790000000 AAAA").is_ok());
        for bad in [
            "",
            "Bearer o-0001 k1 1790000000 AAAA",
            "Blockfeed o-0001 k1 1790000000",
            "Blockfeed o-0001 k1 1790000000 AAAA more",
            "Blockfeed o-0001 k1 -1 AAAA",
            "Blockfeed o-0001 k1 1 A",
            "Blockfeed o-1 k1 1 AAAA",
            "Blockfeed  o-0001 k1 1 AAAA",
        ] {
            assert!(RequestSignature::parse(bad).is_err(), "{bad}");
        }
    }
}
