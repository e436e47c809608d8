//! `Idempotency-Key`: a write that is sent twice is done once, and answered alike.

use super::{
    caller::Caller,
    checking, matching,
    problem::{Answer, Problem},
    site::Site,
    subscribers::ToldOnce,
};
use crate::{
    canon::Base64,
    casework::{MAX_ANSWER, Once, Told},
    tlog::Hash,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

const KEY: &str = "idempotency-key";

/// The longest key, bytes.
const LONGEST: usize = 255;

/// What is to be done about a request.
pub(super) enum Turn {
    /// It isn't a write under a key.
    Free,
    /// The first under its key.
    First(Once),
    /// It was answered before.
    Again(Told),
}

impl Turn {
    /// Whose turn it is, by the key and who sends it. A sandbox keeps nothing.
    pub(super) fn of(site: &Site, parts: &Parts, caller: &Caller, body: &Hash) -> Answer<Self> {
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let asks = [matching::PATH, checking::PATH].contains(&parts.uri.path());
        let writes = !reads && !asks;
        let (Some(key), Some(writer), true) = (parts.headers.get(KEY), caller.writer(), writes)
        else {
            return Ok(Self::Free);
        };
        let key = key.to_str().ok();
        let plain = |key: &&str| {
            (1..=LONGEST).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
        };
        let key = key.filter(plain).ok_or_else(|| {
            let why = "the Idempotency-Key has 1 to 255 printable ASCII characters without a space";
            Problem::bad("idempotency_key", why)
        })?;
        let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
        let request = Hash::of(format!("{}\n{path}\n{body}\n", parts.method));
        Ok(match site.casework.once(&writer, key, request)? {
            Ok(once) => Self::First(once),
            Err(told) => Self::Again(told),
        })
    }

    /// Answers the request.
    pub(super) async fn take(self, request: Request, next: Next) -> Response {
        match self {
            Self::Free => next.run(request).await,
            Self::Again(told) => again(told),
            Self::First(once) => {
                // By itself: what was begun is finished and kept, though the writer has gone away.
                let done = tokio::spawn(async move { first(once, request, next).await });
                match done.await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(problem)) => problem.into_response(),
                    Err(e) => Problem::internal(&e).into_response(),
                }
            }
        }
    }
}

async fn first(once: Once, request: Request, next: Next) -> Answer {
    let answer = next.run(request).await;
    if !is_final(answer.status()) {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|e| Problem::internal(&e))?;
    let kept = match parts.extensions.get::<ToldOnce>() {
        Some(ToldOnce(rest)) => rest.clone(),
        None => body.clone(),
    };
    if kept.len() <= MAX_ANSWER {
        let media = parts.headers.get(header::CONTENT_TYPE);
        let told = Told {
            status: parts.status.as_u16(),
            media: media
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            body: Base64(kept.to_vec()),
        };
        let kept = tokio::task::spawn_blocking(move || once.keep(told)).await;
        kept.map_err(|e| Problem::internal(&e))??;
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Whether asking again would be answered the same: not a fault, nor too many requests.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && !matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED
        )
}

fn again(told: Told) -> Response {
    let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::OK);
    let mut answer = (status, told.body.0).into_response();
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let (Ok(media), false) = (HeaderValue::from_str(&told.media), told.media.is_empty()) {
        headers.insert(header::CONTENT_TYPE, media);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("idempotent-replay", HeaderValue::from_static("true"));
    answer
}
