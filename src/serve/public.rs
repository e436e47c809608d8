//! The public API: the log in short, look-up, decisions, pages of a feed, the next id.

use super::{
    caller::Caller,
    problem::{Answer, Problem},
    site::Site,
};
use crate::{
    canon::DecisionId,
    casework::{Dossier, Lookup},
    entries::FeedName,
    feed::Manifest,
    tlog::VerifierKey,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Looked {
    /// A name, an address, a network, a URL, a subject.
    q: String,
}

/// The next id that is free.
#[derive(Serialize, ToSchema)]
pub(super) struct NextId {
    id: DecisionId,
}

/// The log in short: where it stands, its keys, its feeds.
#[utoipa::path(get, path = "/api/v1/log", tag = "public", responses((status = 200, body = Value)))]
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

/// Is it in force, by what, until when?
#[utoipa::path(get, path = "/api/v1/lookup", tag = "public", params(Looked),
    responses((status = 200, body = Value)))]
pub(super) async fn lookup(
    State(site): State<Site>,
    asked: Result<Query<Looked>, QueryRejection>,
) -> Answer<Json<Lookup>> {
    let Query(Looked { q }) = query(asked)?;
    site.ask(move |desk| desk.lookup_with_stays(&q))
        .await
        .map(Json)
}

/// A decision's life: what it said, who signed, what touched it, its proof.
#[utoipa::path(get, path = "/api/v1/decisions/{id}", tag = "public",
    params(("id" = DecisionId, Path)), responses((status = 200, body = Value)))]
pub(super) async fn decision(
    State(site): State<Site>,
    Path(id): Path<String>,
) -> Answer<Json<Dossier>> {
    let id = decision_id(id)?;
    site.ask(move |desk| desk.dossier(&id)).await.map(Json)
}

/// The next free id. It isn't reserved: whoever proposes first has it.
#[utoipa::path(get, path = "/api/v1/ids/next", tag = "desk", responses((status = 200, body = NextId)))]
pub(super) async fn next_id(State(site): State<Site>) -> Answer<Json<NextId>> {
    let id = site.ask(|desk| desk.next_id()).await?;
    Ok(Json(NextId { id }))
}

/// The feed that a query names.
pub(super) fn feed_name(text: &str) -> Answer<FeedName> {
    FeedName::parse(text).map_err(|e| Problem::bad("no_feed", e.to_string()))
}

/// What was given by token is kept by nobody between.
pub(super) fn dressed(caller: &Caller, answer: impl IntoResponse) -> Response {
    let kept = match caller {
        Caller::Nobody => "no-cache",
        _ => "private, no-store",
    };
    ([("cache-control", kept)], answer).into_response()
}

/// The id in a path. One that can't be an id names nothing.
pub(super) fn decision_id(text: String) -> Answer<DecisionId> {
    DecisionId::new(text).map_err(|e| Problem::missing(e.to_string()))
}

pub(super) fn query<T>(asked: Result<Query<T>, QueryRejection>) -> Answer<Query<T>> {
    asked.map_err(|e| Problem::bad("query", e.body_text()))
}
