//! `/api/v1/subscribers` and their tokens.

use super::{
    caller::Signed,
    problem::{Answer, Problem},
    proposals::{private, whole},
    site::Site,
};
use crate::{
    casework::{Standing, Subscriber, SubscriberChange, Token, TokenOrder},
    entries::FeedName,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::IntoResponse,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A subscriber to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSubscriber {
    /// `[a-z0-9-]{1,40}`
    #[schema(pattern = "^[a-z0-9-]{1,40}$")]
    name: String,
    /// The raw Ed25519 public key by which it signs receipts; none: it sends none.
    public: Option<crate::canon::Base64>,
    /// What its tokens may be made for.
    #[serde(default)]
    feeds: BTreeSet<FeedName>,
}

/// All subscribers.
#[derive(Serialize, ToSchema)]
pub(super) struct Standings {
    subscribers: Vec<Standing>,
}

/// A subscriber's tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<Token>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(super) struct NewToken {
    /// In clear this once: only its SHA-256 is kept. Absent where the answer is told again to the
    /// same `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^bf_[A-Za-z0-9_-]{43}$")]
    secret: Option<String>,
    #[serde(flatten)]
    token: Token,
}

/// What is told again in place of an answer that may be told but once.
#[derive(Clone)]
pub(super) struct ToldOnce(pub(super) Bytes);

/// All subscribers and where each stands.
#[utoipa::path(get, path = "/api/v1/subscribers", tag = "subscribers",
    responses((status = 200, body = Standings)), security(("officer" = [])))]
pub(super) async fn list(State(site): State<Site>, _officer: Signed) -> Answer {
    let subscribers = site.ask(|desk| desk.standings()).await?;
    Ok(private(Json(Standings { subscribers })))
}

/// Register a subscriber. The same one again is no error.
#[utoipa::path(post, path = "/api/v1/subscribers", tag = "subscribers", request_body = NewSubscriber,
    responses((status = 201, body = Subscriber)), security(("officer" = [])))]
pub(super) async fn register(
    State(site): State<Site>,
    signed: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    signed.may_administer()?;
    let new: NewSubscriber = decoded(body)?;
    let public = new.public.as_ref().map(|key| &key[..]);
    let subscriber = Subscriber::new(&new.name, public, new.feeds)?;
    let known = site
        .ask(move |desk| desk.register(subscriber, signed.id))
        .await?;
    Ok((StatusCode::CREATED, private(Json(known))).into_response())
}

/// One subscriber and where it stands.
#[utoipa::path(get, path = "/api/v1/subscribers/{name}", tag = "subscribers",
    params(("name" = String, Path)),
    responses((status = 200, body = Standing)), security(("officer" = [])))]
pub(super) async fn one(
    State(site): State<Site>,
    _officer: Signed,
    Path(name): Path<String>,
) -> Answer {
    let standing = site.ask(move |desk| desk.standing_of(&name)).await?;
    Ok(private(Json(standing)))
}

/// Change a subscriber's feeds, or give it the key that it had none of.
#[utoipa::path(post, path = "/api/v1/subscribers/{name}", tag = "subscribers",
    params(("name" = String, Path)), request_body = SubscriberChange,
    responses((status = 200, body = Subscriber)), security(("officer" = [])))]
pub(super) async fn change(
    State(site): State<Site>,
    signed: Signed,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    signed.may_administer()?;
    let change: SubscriberChange = decoded(body)?;
    let changed = site
        .ask(move |desk| desk.change_subscriber(&name, change))
        .await?;
    Ok(private(Json(changed)))
}

/// A subscriber's tokens, live and lately ended.
#[utoipa::path(get, path = "/api/v1/subscribers/{name}/tokens", tag = "subscribers",
    params(("name" = String, Path)),
    responses((status = 200, body = Tokens)), security(("officer" = [])))]
pub(super) async fn tokens(
    State(site): State<Site>,
    _officer: Signed,
    Path(name): Path<String>,
) -> Answer {
    let tokens = site.ask(move |desk| desk.tokens(&name)).await?;
    Ok(private(Json(Tokens { tokens })))
}

/// Make a token. A subscriber has two live ones at most, so that one can take the other's place.
#[utoipa::path(post, path = "/api/v1/subscribers/{name}/tokens", tag = "subscribers",
    params(("name" = String, Path)), request_body = TokenOrder,
    responses((status = 201, body = NewToken)), security(("officer" = [])))]
pub(super) async fn issue(
    State(site): State<Site>,
    signed: Signed,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    signed.may_administer()?;
    let order: TokenOrder = decoded(body)?;
    let issued = site
        .ask(move |desk| desk.issue_token(&name, order, signed.id))
        .await?;
    let mut new = NewToken {
        secret: None,
        token: issued.token,
    };
    let again = serde_json::to_vec(&new).map_err(|e| Problem::internal(&e))?;
    new.secret = Some(issued.secret);
    let mut answer = (StatusCode::CREATED, private(Json(new))).into_response();
    answer.extensions_mut().insert(ToldOnce(again.into()));
    Ok(answer)
}

/// End a token at once.
#[utoipa::path(post, path = "/api/v1/subscribers/{name}/tokens/{id}/revocation", tag = "subscribers",
    params(("name" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Token)), security(("officer" = [])))]
pub(super) async fn revoke(
    State(site): State<Site>,
    signed: Signed,
    Path((name, id)): Path<(String, String)>,
) -> Answer {
    signed.may_administer()?;
    let token = site.ask(move |desk| desk.revoke_token(&name, &id)).await?;
    Ok(private(Json(token)))
}

/// A JSON body.
pub(super) fn decoded<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Answer<T> {
    serde_json::from_slice(&whole(body)?).map_err(|e| Problem::bad("malformed", e.to_string()))
}
