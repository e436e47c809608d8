//! The officer behind a request, by the signature in its header.

use super::{
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    canon::OfficerId,
    casework::{Error, RequestSignature},
    trust::Officer,
};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

/// Whoever signed the request: `Authorization: Blockfeed <officer> <key> <time> <signature>`.
pub(super) struct Signed {
    pub(super) id: OfficerId,
    pub(super) officer: Officer,
}

impl FromRequestParts<Site> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Answer<Self> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let text = header
            .and_then(|value| value.to_str().ok())
            .ok_or(Error::Unauthorised("there is none"))?;
        let signature = RequestSignature::parse(text)?;
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        let signer = site
            .casework
            .authenticate(&signature, parts.method.as_str(), path)?;
        let (id, officer) = signer;
        Ok(Self { id, officer })
    }
}
