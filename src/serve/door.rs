//! The door of the API: a request is read whole, and who sends it is known, before a handler
//! sees it.

use super::{
    caller::Shown,
    checking,
    once::Turn,
    problem::{Answer, Problem},
    site::Site,
};
use crate::tlog::Hash;
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// The most bytes of a body from somebody who shows no token.
const SMALL: usize = 256 * 1024;

/// The most bytes of a list that an officer has checked: ten thousand lines of some length.
const LIST: usize = 2 << 20;

/// The most bytes of a body from a subscriber: ten thousand long URLs.
const LARGE: usize = 8 << 20;

/// Wraps every request to the API that isn't an upload.
pub(super) async fn door(State(site): State<Site>, request: Request, next: Next) -> Response {
    match enter(&site, request).await {
        Ok((turn, request)) => turn.take(request, next).await,
        Err(problem) => problem.into_response(),
    }
}

async fn enter(site: &Site, request: Request) -> Answer<(Turn, Request)> {
    let (mut parts, body) = request.into_parts();
    let shown = Shown::of(site, &parts.headers)?;
    let limit = match shown {
        Shown::Token(_) => LARGE,
        Shown::Signature(_) if parts.uri.path() == checking::PATH => LIST,
        _ => SMALL,
    };
    let span = Duration::from_secs(site.config.timeout);
    let late = |_| Problem::unavailable("the body didn't come in time");
    let body = whole(body, limit);
    let body = tokio::time::timeout(span, body).await.map_err(late)??;
    let hash = Hash::of(&body);
    let caller = shown.caller(site, &parts, &hash)?;
    let turn = Turn::of(site, &parts, &caller, &hash)?;
    parts.extensions.insert(caller);
    Ok((turn, Request::from_parts(parts, Body::from(body))))
}

/// A body, whole.
async fn whole(body: Body, limit: usize) -> Answer<Bytes> {
    to_bytes(body, limit).await.map_err(|e| {
        // The one error of a limit has this source; any other is a connection that broke.
        let source = std::error::Error::source(&e);
        if source.is_some_and(|s| s.is::<http_body_util::LengthLimitError>()) {
            return Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the body has more than {limit} bytes, the most that is taken here"),
            );
        }
        Problem::bad("body", e.to_string())
    })
}
