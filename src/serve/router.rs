//! The route table. What stands under `/api/v1` is described where it is handled; the API's
//! description and the routes come from the same lines here.

use super::{
    Config, Error, accounts, acting, changes, checking, compaction, desk, door, erasure, feeds,
    files, health, limits, matching,
    metrics::Metrics,
    openapi,
    page::{JSON, Keep},
    pages,
    problem::Problem,
    proposals, public,
    site::Site,
    subscribers, trust, watch,
};
use crate::{accounts::Accounts, casework::Casework};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, StatusCode},
    middleware,
    routing::get,
};
use bytes::Bytes;
use prometheus::Registry;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All routes, without a socket: files, API, health. `stopping` turns true when long polls are
/// to end. Registers the server's metrics.
pub fn router(
    config: &Config,
    casework: Casework,
    registry: &Registry,
    stopping: tokio::sync::watch::Receiver<bool>,
) -> Result<Router, Error> {
    let metrics = Metrics::new(registry)?;
    let accounts = open_accounts(config, &casework, registry)?;
    let config = Arc::new(config.clone());
    of_site(Site::new(config, casework, accounts, metrics, stopping))
}

/// The accounts lie in the log's own store.
pub(super) fn open_accounts(
    config: &Config,
    casework: &Casework,
    registry: &Registry,
) -> Result<Accounts, Error> {
    let metrics = crate::accounts::Metrics::new(registry)?;
    let store = casework.authority().store().clone();
    let keys = casework.authority().keys();
    let settings = config.accounts.clone();
    Ok(Accounts::open(store, &keys, settings, metrics)?)
}

pub(super) fn of_site(site: Site) -> Result<Router, Error> {
    pages::texts::check()?;
    let (api, document) = api(&site).split_for_parts();
    let document: Bytes = openapi::finish(document).to_json()?.into();
    let described = async move |headers: HeaderMap| {
        files::of_memory(document, JSON, Keep::Ask)
            .answer(&headers)
            .await
    };
    Ok(files_and_health()
        .route("/api/openapi.json", get(described))
        .merge(api)
        .merge(pages::routes())
        .merge(desk::routes(&site))
        .fallback(async || Problem::missing("there is no such path here"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "this path takes another method; the header Allow names it",
            )
        })
        .layer(middleware::from_fn(pages::problems::as_pages))
        .layer(middleware::from_fn_with_state(
            site.clone(),
            pages::redirected,
        ))
        .layer(middleware::from_fn_with_state(site.clone(), watch::watch))
        .with_state(site))
}

fn files_and_health() -> Router<Site> {
    Router::new()
        .route("/log/checkpoint", get(files::checkpoint))
        .route("/log/tile/{*path}", get(files::tile))
        .route("/part/{sha256}", get(files::part))
        .route("/feeds/{*rest}", get(feeds::feeds))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
}

/// Every route under `/api/v1`, with its description.
fn api(site: &Site) -> OpenApiRouter<Site> {
    let upload = usize::try_from(site.config.upload).unwrap_or(usize::MAX);
    let uploads = OpenApiRouter::new()
        .routes(routes!(proposals::propose))
        .routes(routes!(trust::renew))
        .layer(DefaultBodyLimit::max(upload));
    let small = OpenApiRouter::with_openapi(openapi::begin())
        .routes(routes!(public::log))
        .routes(routes!(public::lookup))
        .routes(routes!(public::decision))
        .routes(routes!(erasure::erase))
        .routes(routes!(compaction::compact))
        .routes(routes!(changes::entries))
        .routes(routes!(changes::changes))
        .routes(routes!(matching::matching))
        .routes(routes!(checking::check))
        .routes(routes!(public::next_id))
        .routes(routes!(proposals::list))
        .routes(routes!(proposals::one))
        .routes(routes!(proposals::part))
        .routes(routes!(proposals::openings))
        .routes(routes!(proposals::approve))
        .routes(routes!(proposals::withdraw))
        .routes(routes!(acting::receive))
        .routes(routes!(acting::acknowledge))
        .routes(routes!(acting::standing))
        .routes(routes!(subscribers::list, subscribers::register))
        .routes(routes!(subscribers::one, subscribers::change))
        .routes(routes!(subscribers::tokens, subscribers::issue))
        .routes(routes!(subscribers::revoke))
        .routes(routes!(accounts::list, accounts::make))
        .routes(routes!(accounts::change))
        .layer(middleware::from_fn_with_state(site.clone(), door::door))
        // The door has read the body within its own limits.
        .layer(DefaultBodyLimit::disable());
    let limits = middleware::from_fn_with_state(site.clone(), limits::limit);
    small.merge(uploads).layer(limits)
}
