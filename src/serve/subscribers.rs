//! `/api/v1/receipts` and `/api/v1/subscribers`.

use super::{
    problem::{Answer, Problem},
    proposals::{private, whole},
    signed::Signed,
    site::Site,
};
use crate::casework::{Receipt, Subscriber};
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::IntoResponse,
};
use serde::de::DeserializeOwned;
use serde_json::json;

/// `POST /api/v1/receipts`
pub(super) async fn receive(
    State(site): State<Site>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<StatusCode> {
    let receipt: Receipt = decoded(body)?;
    site.ask(move |desk| desk.receive(&receipt)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/subscribers`
pub(super) async fn list(State(site): State<Site>, _officer: Signed) -> Answer {
    let standings = site.ask(|desk| desk.standings()).await?;
    Ok(private(Json(json!({ "subscribers": standings }))))
}

/// `POST /api/v1/subscribers`: `{"name","public"}`
pub(super) async fn register(
    State(site): State<Site>,
    signed: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let subscriber: Subscriber = decoded(body)?;
    let known = site
        .ask(move |desk| desk.register(subscriber, signed.id))
        .await?;
    Ok((StatusCode::CREATED, private(Json(known))).into_response())
}

fn decoded<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Answer<T> {
    serde_json::from_slice(&whole(body)?).map_err(|e| Problem::bad("malformed", e.to_string()))
}
