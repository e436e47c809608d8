//! `/feeds/…`: manifests with their long poll, files, proofs and rendered formats.
//!
//! A feed's name has one or two segments (`domains`, `sellers/shopee.vn`), so that these paths
//! are parsed here and not by the router.

use super::{
    Route,
    caller::Shown,
    files,
    metrics::Counted,
    page::{Keep, TEXT},
    problem::{Answer, Problem},
    rendered::Shelf,
    site::Site,
};
use crate::{
    casework,
    entries::FeedName,
    feed::{formats::Format, paths},
    tlog::Hash,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What may be asked of these paths.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Manifest: the serial that the reader has.
    pub(super) after: Option<u64>,
    /// Manifest: how long to wait for a later one, seconds.
    pub(super) wait: Option<u64>,
    /// Proof: the name.
    name: Option<String>,
}

/// What a path below `/feeds/` names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Manifest(FeedName),
    Snapshot(FeedName, Hash),
    Delta(FeedName, Hash),
    Proof(FeedName),
    Rendered(FeedName, Format),
}

/// `GET /feeds/…`
pub(super) async fn feeds(
    State(site): State<Site>,
    Path(rest): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let none = || {
        Problem::missing(
            "below /feeds/ there are <feed>/manifest, <feed>/snapshot/<sha256>.zst, <feed>/delta/<sha256>.zst, \
             <feed>/proof?name= and <feed>.<format>",
        )
    };
    let Some(place) = Place::parse(&rest) else {
        return none().into_response();
    };
    let route = place.route();
    let mut answer = match given(&site, &place, asked, &headers).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    };
    answer.extensions_mut().insert(route);
    answer
}

/// The answer, if whoever asks may have it. What is open stays so whatever token is shown: one
/// that has expired never keeps a resolver from unblocking.
async fn given(
    site: &Site,
    place: &Place,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: &HeaderMap,
) -> Answer {
    let is_open = site.config.is_open(place.feed());
    if !is_open {
        entitled(site, place.feed(), headers)?;
    }
    let Query(asked) = asked.map_err(|e| Problem::bad("query", e.body_text()))?;
    let mut answer = place.answer(site, asked, headers).await?;
    if !is_open {
        keep_private(&mut answer)?;
    }
    Ok(answer)
}

fn entitled(site: &Site, feed: &FeedName, headers: &HeaderMap) -> Answer<()> {
    let Shown::Token(reader) = Shown::of(site, headers)? else {
        return Err(casework::Error::Token("this feed is read by token").into());
    };
    reader.may_read(feed)?;
    if reader.sandbox {
        let why = "a sandbox token reads the API's made data; published files are the log's own";
        return Err(Problem::new(StatusCode::FORBIDDEN, "sandbox", why));
    }
    Ok(())
}

/// What one reader may have is kept by nobody between.
fn keep_private(answer: &mut Response) -> Answer<()> {
    let headers = answer.headers_mut();
    let kept = headers.get(header::CACHE_CONTROL);
    let kept = kept
        .and_then(|value| value.to_str().ok())
        .unwrap_or("no-cache");
    let rest = kept.strip_prefix("public, ").unwrap_or(kept);
    let value = HeaderValue::from_str(&format!("private, {rest}"));
    headers.insert(
        header::CACHE_CONTROL,
        value.map_err(|e| Problem::internal(&e))?,
    );
    headers.insert(header::VARY, HeaderValue::from_static("authorization"));
    Ok(())
}

impl Place {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let feed = |text: &str| FeedName::parse(text).ok();
        if let Some(name) = rest.strip_suffix("/manifest") {
            return Some(Self::Manifest(feed(name)?));
        }
        if let Some(name) = rest.strip_suffix("/proof") {
            return Some(Self::Proof(feed(name)?));
        }
        if let Some((folder, file)) = rest.strip_suffix(".zst").and_then(|r| r.rsplit_once('/')) {
            let hash = Hash::from_hex(file)
                .ok()
                .filter(|hash| hash.to_string() == file)?;
            let (name, kind) = folder.rsplit_once('/')?;
            return match kind {
                "snapshot" => Some(Self::Snapshot(feed(name)?, hash)),
                "delta" => Some(Self::Delta(feed(name)?, hash)),
                _ => None,
            };
        }
        let (name, extension) = rest.rsplit_once('.')?;
        Some(Self::Rendered(feed(name)?, Format::parse(extension).ok()?))
    }

    fn route(&self) -> Route {
        Route(match self {
            Self::Manifest(_) => "/feeds/{feed}/manifest",
            Self::Snapshot(..) => "/feeds/{feed}/snapshot/{sha256}.zst",
            Self::Delta(..) => "/feeds/{feed}/delta/{sha256}.zst",
            Self::Proof(_) => "/feeds/{feed}/proof",
            Self::Rendered(..) => "/feeds/{feed}.{format}",
        })
    }

    fn feed(&self) -> &FeedName {
        match self {
            Self::Manifest(feed)
            | Self::Snapshot(feed, _)
            | Self::Delta(feed, _)
            | Self::Proof(feed)
            | Self::Rendered(feed, _) => feed,
        }
    }

    async fn answer(&self, site: &Site, asked: Asked, headers: &HeaderMap) -> Answer {
        match self {
            Self::Manifest(feed) => manifest(site, feed, &asked, headers).await,
            Self::Snapshot(feed, hash) => {
                let public = site.casework.authority().public();
                files::feed_file(public, paths::snapshot, feed, hash, headers).await
            }
            Self::Delta(feed, hash) => {
                let public = site.casework.authority().public();
                files::feed_file(public, paths::delta, feed, hash, headers).await
            }
            Self::Proof(feed) => proof(site, feed.clone(), asked).await,
            Self::Rendered(feed, format) => {
                let page = Shelf::page(site, feed.clone(), *format).await?;
                page.answer(headers).await
            }
        }
    }
}

/// The manifest, at once or when its serial has passed `after`.
async fn manifest(site: &Site, feed: &FeedName, asked: &Asked, headers: &HeaderMap) -> Answer {
    let Some(after) = asked.after else {
        return page(site, feed, headers).await;
    };
    if site.casework.feed(feed)?.state.serial > after {
        return page(site, feed, headers).await;
    }
    let wait = asked.wait.unwrap_or(0).min(site.config.long_poll);
    if wait > 0 && passed(site, feed, after, Duration::from_secs(wait)).await? {
        return page(site, feed, headers).await;
    }
    let mut answer = page(site, feed, &HeaderMap::new()).await?;
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    *answer.body_mut() = axum::body::Body::empty();
    for name in ["content-length", "content-type", "accept-ranges"] {
        answer.headers_mut().remove(name);
    }
    Ok(answer)
}

async fn page(site: &Site, feed: &FeedName, headers: &HeaderMap) -> Answer {
    let view = site.casework.feed(feed)?;
    let bytes = files::shared(&view.manifest);
    files::of_memory(bytes, TEXT, Keep::Ask)
        .answer(headers)
        .await
}

/// Waits until the feed's serial has passed `after`; false when the time is over or the server
/// stops.
pub(super) async fn passed(
    site: &Site,
    feed: &FeedName,
    after: u64,
    wait: Duration,
) -> Answer<bool> {
    let Ok(_permit) = site.long_polls.clone().try_acquire_owned() else {
        return Err(Problem::unavailable(
            "too many long polls wait already; ask without `wait`",
        ));
    };
    let _counted = Counted::up(&site.metrics.long_polls);
    let mut changed = site.casework.authority().changed();
    let mut stopping = site.stopping.clone();
    let end = Instant::now() + wait;
    loop {
        // Seen before the state is read: a commit after this line wakes the wait below.
        changed.borrow_and_update();
        if site.casework.serial(feed) > after {
            return Ok(true);
        }
        let woken = async {
            tokio::select! {
                () = next(&mut changed) => true,
                _ = stopping.wait_for(|stop| *stop) => false,
            }
        };
        if !timeout_at(end, woken).await.unwrap_or(false) {
            return Ok(false);
        }
    }
}

/// The next commit; for ever where none can come since a write failed: whoever waits is answered
/// when its time is over, not at once and again and again.
async fn next(changed: &mut tokio::sync::watch::Receiver<u64>) {
    if changed.changed().await.is_err() {
        std::future::pending().await
    }
}

async fn proof(site: &Site, feed: FeedName, asked: Asked) -> Answer {
    let name = asked
        .name
        .ok_or_else(|| Problem::bad("query", "say ?name=, a canonical name without its kind"))?;
    let proof = site.ask(move |desk| desk.proof(&feed, &name)).await?;
    Ok(([("cache-control", "no-cache")], Json(proof)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let hash = "0a".repeat(32);
        let found = |path: &str| Place::parse(path).map(|place| place.route().0);
        assert_eq!(found("domains/manifest"), Some("/feeds/{feed}/manifest"));
        assert_eq!(
            found("sellers/shopee.vn/manifest"),
            Some("/feeds/{feed}/manifest")
        );
        assert!(found(&format!("sellers/shopee.vn/delta/{hash}.zst")).is_some());
        assert!(found(&format!("domains/snapshot/{hash}.zst")).is_some());
        for none in [
            "",
            "manifest",
            "/manifest",
            "domains",
            "domains.",
            "other/manifest",
            "../manifest",
            "sellers/../manifest",
            "sellers/a/b/manifest",
            "domains/manifest/",
            "domains/snapshot/x.zst",
            "domains/../../db.zst",
            &format!("domains/snapshot/{}.zst", "0A".repeat(32)),
            &format!("domains/other/{hash}.zst"),
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
