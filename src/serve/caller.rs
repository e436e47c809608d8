//! Who a request comes from, by its header `Authorization`: nobody, a subscriber's token, or the
//! officer who signed it.

use super::{
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    canon::OfficerId,
    casework::{Error, Reader, RequestSignature},
    entries::FeedName,
    tlog::Hash,
    trust::{Officer, Role},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use std::{convert::Infallible, sync::Arc};

/// What `door` found out, for the handlers.
#[derive(Clone)]
pub(super) enum Caller {
    Nobody,
    Token(Arc<Reader>),
    Officer(Arc<Signed>),
}

/// Whoever signed the request: `Authorization: Blockfeed <officer> <key> <time> <signature>`.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) id: OfficerId,
    pub(super) officer: Officer,
}

/// Whoever shows a token: `Authorization: Bearer bf_…`.
pub(super) struct Bearer(pub(super) Arc<Reader>);

/// What the header holds, before a signature is verified.
pub(super) enum Shown {
    Nothing,
    Token(Arc<Reader>),
    Signature(RequestSignature),
}

impl Shown {
    /// Reads the header. A token that isn't good is refused, a signature is yet to be verified.
    pub(super) fn of(site: &Site, headers: &HeaderMap) -> Answer<Self> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Nothing);
        };
        let text = match (value.to_str(), values.next()) {
            (Ok(text), None) => text,
            _ => return Err(Error::Unauthorised("the header has another form").into()),
        };
        match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(Self::Token(Arc::new(site.casework.reader(token.trim())?)))
            }
            _ => Ok(Self::Signature(RequestSignature::parse(text)?)),
        }
    }

    /// The caller of a request whose body has this hash.
    pub(super) fn caller(&self, site: &Site, parts: &Parts, body: &Hash) -> Answer<Caller> {
        Ok(match self {
            Self::Nothing => Caller::Nobody,
            Self::Token(reader) => Caller::Token(reader.clone()),
            Self::Signature(signature) => {
                let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
                let method = parts.method.as_str();
                let signer = site.casework.authenticate(signature, method, path, body)?;
                if parts.method != Method::GET {
                    let key = parts.headers.get("idempotency-key");
                    let key = key.and_then(|key| key.to_str().ok());
                    site.casework.first_time(signature, key)?;
                }
                let (id, officer) = signer;
                Caller::Officer(Arc::new(Signed { id, officer }))
            }
        })
    }
}

impl Caller {
    /// Under whose name answers to writes are kept; none where none is.
    pub(super) fn writer(&self) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Token(reader) if reader.sandbox => None,
            Self::Token(reader) => Some(format!("subscriber {}", reader.subscriber)),
            Self::Officer(signed) => Some(format!("officer {}", signed.id)),
        }
    }

    /// The token that reads a feed; none where the feed is open and none was shown.
    pub(super) fn reads(&self, site: &Site, feed: &FeedName) -> Answer<Option<&Reader>> {
        match self {
            Self::Token(reader) if reader.sandbox => {
                reader.may_read(feed)?;
                Ok(Some(reader))
            }
            Self::Token(reader) if !site.config.is_open(feed) => {
                reader.may_read(feed)?;
                Ok(Some(reader))
            }
            Self::Token(reader) => Ok(Some(reader)),
            _ if site.config.is_open(feed) => Ok(None),
            _ => Err(Error::Token("this feed is read by token").into()),
        }
    }
}

impl Signed {
    /// Whether the officer may change who reads.
    pub(super) fn may_administer(&self) -> Answer<()> {
        if self.officer.roles.contains(&Role::Propose) {
            return Ok(());
        }
        let error = Error::Forbidden {
            officer: self.id.to_string(),
            why: "subscribers and tokens are changed by officers with the role propose",
        };
        Err(error.into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.unwrap_or(Self::Nobody))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Officer(signed)) => Ok(Self::clone(signed)),
            Some(Caller::Token(_)) => {
                Err(Error::Unauthorised("a token isn't an officer's signature").into())
            }
            _ => Err(Error::Unauthorised("there is none").into()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        match parts.extensions.get::<Caller>() {
            Some(Caller::Token(reader)) => Ok(Self(reader.clone())),
            Some(Caller::Officer(_)) => {
                Err(Error::Token("an officer's signature isn't one").into())
            }
            _ => Err(Error::Token("there is none").into()),
        }
    }
}
