//! A new trust document: the root keys' signatures are the credential.

use super::{Casework, Error};
use crate::{
    log::{Committed, Entrant},
    trust::{RootSignature, verify_next},
};

impl Casework {
    /// Puts the next trust document in force, as bytes with the root signatures as JSON.
    pub async fn renew_trust(
        &self,
        document: &[u8],
        signatures: &[u8],
    ) -> Result<Committed, Error> {
        let signatures: Vec<RootSignature> = serde_json::from_slice(signatures)
            .map_err(|e| Error::malformed("the list of signatures", e))?;
        let next = verify_next(self.inner.authority.ledger().trust(), document, &signatures)
            .map_err(crate::decision::Refusal::from)?;
        let sha256 = crate::tlog::Hash::of(document);
        self.keep(|| self.inner.authority.keep_part(document).map(drop))?;
        let entrant = Entrant::Trust {
            version: next.version,
            sha256,
            signatures,
        };
        Ok(self.inner.authority.submit(entrant).await?)
    }
}
