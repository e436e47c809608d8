//! `/api/v1/decisions/<id>/erasure`.

use super::{
    problem::{Answer, Problem},
    proposals::{private, whole},
    public::decision_id,
    signed::Signed,
    site::Site,
};
use crate::subject::Subject;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Sellers and accounts in canonical form; none: all that have ended.
    subjects: Option<Vec<String>>,
    /// The decision's texts too.
    #[serde(default)]
    texts: bool,
}

/// `POST /api/v1/decisions/<id>/erasure`
pub(super) async fn erase(
    State(site): State<Site>,
    Path(id): Path<String>,
    signed: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let id = decision_id(id)?;
    let asked: Asked = serde_json::from_slice(&whole(body)?)
        .map_err(|e| Problem::bad("malformed", e.to_string()))?;
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
