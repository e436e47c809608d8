//! `/api/v1/decisions/<id>/erasure`.

use super::{
    caller::Signed,
    problem::{Answer, Problem},
    proposals::private,
    public::decision_id,
    site::Site,
    subscribers::decoded,
};
use crate::{canon::DecisionId, casework::Erased, subject::Subject};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// What is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureOrder {
    /// Sellers and accounts in canonical form; none: all that have ended.
    subjects: Option<Vec<String>>,
    /// The decision's texts too.
    #[serde(default)]
    texts: bool,
}

/// Destroy what ended entries of a decision stand for. It can't be undone.
#[utoipa::path(post, path = "/api/v1/decisions/{id}/erasure", tag = "desk",
    params(("id" = DecisionId, Path)), request_body = ErasureOrder,
    responses((status = 200, body = Erased)), security(("officer" = [])))]
pub(super) async fn erase(
    State(site): State<Site>,
    Path(id): Path<String>,
    signed: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let id = decision_id(id)?;
    let asked: ErasureOrder = decoded(body)?;
    let subjects = asked.subjects.map(|texts| {
        let read = texts.iter().map(|text| Subject::parse(text));
        read.collect::<Result<Vec<_>, _>>()
    });
    let subjects = subjects
        .transpose()
        .map_err(|e| Problem::bad("bad_subject", e.to_string()))?;
    let erased = site.ask(move |desk| {
        desk.erase(
            &id,
            subjects.as_deref(),
            asked.texts,
            &signed.id,
            &signed.officer,
        )
    });
    Ok(private(Json(erased.await?)))
}
