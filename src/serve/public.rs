//! The public API: the log in short, look-up, decisions, pages of a feed, the next id.

use super::{
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    canon::DecisionId,
    casework::{Dossier, Lookup, Page},
    entries::FeedName,
    feed::Manifest,
    tlog::VerifierKey,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// How many lines a page has where it isn't said.
const LIMIT: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Looked {
    q: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paged {
    feed: String,
    at: Option<u64>,
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/log`
pub(super) async fn log(State(site): State<Site>) -> Answer<Json<Value>> {
    let answer = site.ask(|desk| {
        let sha256 = desk.trust_hash()?;
        let rules = desk.rules();
        let current = desk.authority().current();
        let ledger = desk.authority().ledger();
        let (origin, trust) = (ledger.origin(), ledger.trust());
        let newest = |name: &str, keys: Vec<[u8; 32]>| {
            let key = VerifierKey::ed25519(name, keys.last()?).ok()?;
            Some(key.to_string())
        };
        let feeds: serde_json::Map<String, Value> = current
            .feeds
            .iter()
            .map(|(name, view)| (name.to_string(), json!(view.state)))
            .collect();
        Ok(json!({
            "origin": origin, "session": ledger.session(), "size": current.size, "time": current.time,
            "trust": { "version": trust.version, "sha256": sha256, "expires": trust.expires },
            "guard": { "version": rules.version, "lists": rules.lists },
            "feeds": feeds,
            "log_vkey": newest(origin.as_str(), trust.log_keys()),
            "feed_vkey": newest(&Manifest::key_name(origin), trust.feed_keys()),
        }))
    });
    answer.await.map(Json)
}

/// `GET /api/v1/lookup?q=`
pub(super) async fn lookup(
    State(site): State<Site>,
    asked: Result<Query<Looked>, QueryRejection>,
) -> Answer<Json<Lookup>> {
    let Query(Looked { q }) = query(asked)?;
    site.ask(move |desk| desk.lookup(&q)).await.map(Json)
}

/// `GET /api/v1/decisions/<id>`
pub(super) async fn decision(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Answer<Json<Dossier>> {
    let id = decision_id(id)?;
    site.ask(move |desk| desk.dossier(&id)).await.map(Json)
}

/// `GET /api/v1/entries?feed=&at=&after=&limit=`
pub(super) async fn entries(
    State(site): State<Site>,
    asked: Result<Query<Paged>, QueryRejection>,
) -> Answer<Json<Page>> {
    let Query(asked) = query(asked)?;
    let feed = FeedName::parse(&asked.feed).map_err(|e| Problem::bad("no_feed", e.to_string()))?;
    let page = site.ask(move |desk| {
        let limit = asked.limit.unwrap_or(LIMIT);
        desk.entries(&feed, asked.at, asked.after.as_deref(), limit)
    });
    page.await.map(Json)
}

/// `GET /api/v1/ids/next`
pub(super) async fn next_id(State(site): State<Site>) -> Answer<Json<Value>> {
    let id = site.ask(|desk| desk.next_id()).await?;
    Ok(Json(json!({ "id": id })))
}

/// The id in a path. One that can't be an id names nothing.
pub(super) fn decision_id(text: String) -> Answer<DecisionId> {
    DecisionId::new(text).map_err(|e| Problem::missing(e.to_string()))
}

pub(super) fn query<T>(asked: Result<Query<T>, QueryRejection>) -> Answer<Query<T>> {
    asked.map_err(|e| Problem::bad("query", e.body_text()))
}
