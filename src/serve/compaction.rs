//! `POST /api/v1/compaction`: the base of the zones moves to the present.

use super::{caller::Signed, problem::Answer, proposals::committed_at, site::Site};
use axum::{Json, extract::State};
use serde_json::Value;

/// Move the base of the zones to the present. Nothing that is in force changes.
#[utoipa::path(post, path = "/api/v1/compaction", tag = "desk",
    responses((status = 200, body = Value)), security(("officer" = [])))]
pub(super) async fn compact(State(site): State<Site>, signed: Signed) -> Answer<Json<Value>> {
    let committed = site.casework.compact(&signed.id, &signed.officer).await?;
    Ok(committed_at(committed))
}
