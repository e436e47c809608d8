//! The route table.

use super::{
    Config, Error, erasure, feeds, files, health, metrics::Metrics, problem::Problem, proposals,
    public, site::Site, subscribers, trust, watch,
};
use crate::casework::Casework;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use prometheus::Registry;
use std::sync::Arc;

/// The most bytes of a body that isn't an upload.
const SMALL: usize = 256 * 1024;

/// All routes, without a socket: files, API, health. `stopping` turns true when long polls are
/// to end. Registers the server's metrics.
pub fn router(
    config: &Config,
    casework: Casework,
    registry: &Registry,
    stopping: tokio::sync::watch::Receiver<bool>,
) -> Result<Router, Error> {
    let metrics = Metrics::new(registry)?;
    Ok(of_site(Site::new(
        Arc::new(config.clone()),
        casework,
        metrics,
        stopping,
    )))
}

pub(super) fn of_site(site: Site) -> Router {
    let upload = usize::try_from(site.config.upload).unwrap_or(usize::MAX);
    let uploads = Router::new()
        .route("/api/v1/proposals", post(proposals::propose))
        .route("/api/v1/trust", post(trust::renew))
        .layer(DefaultBodyLimit::max(upload));
    let small = Router::new()
        .route("/log/checkpoint", get(files::checkpoint))
        .route("/log/tile/{*path}", get(files::tile))
        .route("/part/{sha256}", get(files::part))
        .route("/feeds/{*rest}", get(feeds::feeds))
        .route("/api/v1/log", get(public::log))
        .route("/api/v1/lookup", get(public::lookup))
        .route("/api/v1/decisions/{id}", get(public::decision))
        .route("/api/v1/decisions/{id}/erasure", post(erasure::erase))
        .route("/api/v1/entries", get(public::entries))
        .route("/api/v1/ids/next", get(public::next_id))
        .route("/api/v1/proposals", get(proposals::list))
        .route("/api/v1/proposals/{id}", get(proposals::one))
        .route(
            "/api/v1/proposals/{id}/parts/{sha256}",
            get(proposals::part),
        )
        .route("/api/v1/proposals/{id}/openings", get(proposals::openings))
        .route("/api/v1/proposals/{id}/approvals", post(proposals::approve))
        .route(
            "/api/v1/proposals/{id}/withdrawal",
            post(proposals::withdraw),
        )
        .route("/api/v1/receipts", post(subscribers::receive))
        .route(
            "/api/v1/subscribers",
            get(subscribers::list).post(subscribers::register),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(DefaultBodyLimit::max(SMALL));
    small
        .merge(uploads)
        .fallback(async || Problem::missing("there is no such path here"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "this path takes another method; the header Allow names it",
            )
        })
        .layer(middleware::from_fn_with_state(site.clone(), watch::watch))
        .with_state(site)
}
