//! A mirror's folder over HTTP: the published files alone, with the same headers as the authority
//! gives them, and the long poll of manifests.
//!
//! It knows no token: what only entitled readers may have isn't in the folder. It has no limits of
//! its own on connections; a web server stands before it, or serves the folder itself.

use super::{
    Error,
    feeds::{Asked, Place},
    files,
    page::{Keep, TEXT},
    problem::{Answer, Problem},
};
use crate::feed::paths;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::get,
};
use prometheus::Registry;
use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, time::Instant};

/// What is served, and how its readers learn of something new.
#[derive(Clone)]
pub struct Mirrored {
    pub folder: Arc<PathBuf>,
    /// Changes with every round that brought something.
    pub changed: watch::Receiver<u64>,
    /// When the last good round was, for `/readyz`.
    pub fresh: watch::Receiver<Option<Instant>>,
    /// Seconds after which that is too long ago.
    pub stale: u64,
}

/// Serves a mirror's folder until `shutdown` is done. Gives the listener's address to `bound`.
pub async fn serve_mirror(
    listen: SocketAddr,
    mirrored: Mirrored,
    bound: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let refused = |source| Error::Listen {
        address: listen,
        flag: "--listen",
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    bound(listener.local_addr().map_err(refused)?);
    let router = Router::new()
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/tile/{*path}", get(tile))
        .route("/part/{sha256}", get(part))
        .route("/feeds/{*rest}", get(feeds))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || Problem::missing("a mirror has the published files alone"))
        .with_state(mirrored);
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
        .map_err(refused)
}

/// A registry's figures over HTTP.
pub async fn serve_figures(
    listen: SocketAddr,
    registry: Registry,
    bound: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let refused = |source| Error::Listen {
        address: listen,
        flag: "--metrics",
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    bound(listener.local_addr().map_err(refused)?);
    axum::serve(listener, super::listen::metrics_router(registry))
        .await
        .map_err(refused)
}

async fn checkpoint(State(site): State<Mirrored>, headers: HeaderMap) -> Answer {
    head(&site, paths::CHECKPOINT, &headers).await
}

async fn tile(
    State(site): State<Mirrored>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Answer {
    files::tile_in(&site.folder, &path, &headers).await
}

async fn part(
    State(site): State<Mirrored>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let none = || Problem::missing("there is no part of this name here, or its text was erased");
    let sha256 = files::hash_of(&name).ok_or_else(none)?;
    let there = files::part_in(&site.folder, &sha256, &headers).await?;
    there.ok_or_else(none)
}

async fn feeds(
    State(site): State<Mirrored>,
    Path(rest): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer {
    let none = || {
        Problem::missing("a mirror has <feed>/manifest, <feed>/snapshot/… and <feed>/delta/… alone")
    };
    match Place::parse(&rest).ok_or_else(none)? {
        Place::Manifest(feed) => manifest(&site, &paths::manifest(&feed), &asked, &headers).await,
        Place::Snapshot(feed, hash) => {
            files::feed_file(&site.folder, paths::snapshot, &feed, &hash, &headers).await
        }
        Place::Delta(feed, hash) => {
            files::feed_file(&site.folder, paths::delta, &feed, &hash, &headers).await
        }
        Place::Proof(_) | Place::Rendered(..) => Err(none()),
    }
}

/// The manifest, at once or when its serial has passed `after`.
async fn manifest(site: &Mirrored, path: &str, asked: &Asked, headers: &HeaderMap) -> Answer {
    let (Some(after), wait) = (asked.after, asked.wait.unwrap_or(0).min(LONGEST)) else {
        return head(site, path, headers).await;
    };
    let mut changed = site.changed.clone();
    let end = Instant::now() + Duration::from_secs(wait);
    loop {
        // Seen before the file is read: what comes after this line wakes the wait below.
        changed.borrow_and_update();
        if serial(&read(site, path).await?).is_some_and(|serial| serial > after) {
            return head(site, path, headers).await;
        }
        let waited = tokio::time::timeout_at(end, changed.changed()).await;
        if !matches!(waited, Ok(Ok(()))) {
            return Ok(StatusCode::NOT_MODIFIED.into_response());
        }
    }
}

async fn head(site: &Mirrored, path: &str, headers: &HeaderMap) -> Answer {
    let bytes = read(site, path).await?;
    files::of_memory(bytes.into(), TEXT, Keep::Ask)
        .answer(headers)
        .await
}

async fn read(site: &Mirrored, path: &str) -> Answer<Vec<u8>> {
    match tokio::fs::read(site.folder.join(path)).await {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Problem::missing("it isn't mirrored, or not yet"))
        }
        Err(e) => Err(Problem::internal(&e)),
    }
}

fn serial(manifest: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(manifest);
    text.lines()
        .find_map(|line| line.strip_prefix("serial ")?.parse().ok())
}

async fn ready(State(site): State<Mirrored>) -> Answer {
    let stale = Duration::from_secs(site.stale);
    let is_fresh = site.fresh.borrow().is_some_and(|at| at.elapsed() < stale);
    match is_fresh {
        true => Ok("ok\n".into_response()),
        false => Err(Problem::unavailable("no source was verified lately")),
    }
}

/// Seconds that a long poll may wait.
const LONGEST: u64 = 60;
