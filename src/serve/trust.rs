//! `POST /api/v1/trust`: fields `document` and `signatures`; the root signatures are the credential.

use super::{problem::Answer, proposals::committed_at, site::Site, upload::Upload};
use crate::decision::MAX_PART;
use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::Value;
use utoipa::ToSchema;

/// The most bytes of the list of signatures.
const MAX_SIGNATURES: u64 = 64 * 1024;

/// The fields of an upload, in this order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct Renewal {
    /// The canonical trust document.
    document: String,
    /// The root keys' signatures.
    signatures: String,
}

/// Put a new trust document in force. The root signatures are the credential.
#[utoipa::path(post, path = "/api/v1/trust", tag = "desk",
    request_body(content = Renewal, content_type = "multipart/form-data"),
    responses((status = 200, body = Value)))]
pub(super) async fn renew(State(site): State<Site>, request: Request) -> Answer<Json<Value>> {
    let mut upload = Upload::of(request).await?;
    let document = upload.field("document", MAX_PART).await?;
    let signatures = upload.field("signatures", MAX_SIGNATURES).await?;
    let committed = site.casework.renew_trust(&document, &signatures).await?;
    Ok(committed_at(committed))
}
