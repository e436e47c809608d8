//! `/api/v1/receipts`, `/api/v1/acknowledgements` and `/api/v1/standing`: what subscribers say
//! they did.

use super::{
    caller::Bearer, problem::Answer, proposals::private, site::Site, subscribers::decoded,
};
use crate::{
    casework::{Acknowledged, Acknowledgement, Receipt, Standing},
    entries::FeedName,
};
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What was done about entries of a feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledgements {
    feed: FeedName,
    /// At most 10,000; each is judged by itself.
    #[schema(value_type = Vec<Acknowledgement>, max_items = 10_000)]
    acknowledgements: Vec<Value>,
}

/// Say what was applied, signed by the subscriber's key.
#[utoipa::path(post, path = "/api/v1/receipts", tag = "acting", request_body = Receipt,
    responses((status = 204, description = "Kept, unless a later one is known")))]
pub(super) async fn receive(
    State(site): State<Site>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<StatusCode> {
    let receipt: Receipt = decoded(body)?;
    site.ask(move |desk| desk.receive(&receipt)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say what was done about each entry. What isn't taken is named by its place in the call.
#[utoipa::path(post, path = "/api/v1/acknowledgements", tag = "acting",
    request_body = Acknowledgements,
    responses((status = 200, body = Acknowledged)), security(("token" = [])))]
pub(super) async fn acknowledge(
    State(site): State<Site>,
    Bearer(reader): Bearer,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let said: Acknowledgements = decoded(body)?;
    let answer = site
        .ask(move |desk| desk.acknowledge(&reader, &said.feed, said.acknowledgements))
        .await?;
    Ok(private(Json(answer)))
}

/// Where the subscriber that shows the token stands.
#[utoipa::path(get, path = "/api/v1/standing", tag = "acting",
    responses((status = 200, body = Standing)), security(("token" = [])))]
pub(super) async fn standing(State(site): State<Site>, Bearer(reader): Bearer) -> Answer {
    let standing = site
        .ask(move |desk| desk.standing_of(&reader.subscriber))
        .await?;
    Ok(private(Json(standing)))
}
