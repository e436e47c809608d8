//! `/api/v1/check`: what would become of a list.

use super::{
    caller::Signed,
    problem::{Answer, Problem},
    proposals::private,
    site::Site,
    subscribers::decoded,
};
use crate::casework::Checks;
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use serde::Deserialize;
use std::time::{SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// A read, though it is posted: nothing of it is kept.
pub(super) const PATH: &str = "/api/v1/check";

/// What is to be checked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ToCheck {
    /// At most 10,000 names, addresses, URLs or subjects, as typed or pasted.
    #[schema(max_items = 10_000)]
    subjects: Vec<String>,
    /// The category that they would be listed under, as in `lists/categories.toml`; `counterfeit` where none is given.
    category: Option<String>,
}

/// Would these pass? What the guard says of each, with the rule, the line of the list that matched and what to do instead;
/// and what is in force already. Nothing is kept, nobody is connected to. For officers: the answer rests on registers that
/// were given to the ministry, and names sellers of every platform.
#[utoipa::path(post, path = "/api/v1/check", tag = "desk", request_body = ToCheck,
    responses((status = 200, body = Checks)), security(("officer" = [])))]
pub(super) async fn check(
    State(site): State<Site>,
    _officer: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let asked: ToCheck = decoded(body)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_err(|e| Problem::internal(&e))?.as_secs();
    let category = asked.category.unwrap_or_else(|| "counterfeit".to_owned());
    let checks = site.ask(move |desk| desk.check(&asked.subjects, &category, now));
    Ok(private(Json(checks.await?)))
}
