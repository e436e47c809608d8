//! `POST /api/v1/trust`: fields `document` and `signatures`; the root signatures are the credential.

use super::{problem::Answer, proposals::committed_at, site::Site, upload::Upload};
use crate::decision::MAX_PART;
use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::Value;

/// The most bytes of the list of signatures.
const MAX_SIGNATURES: u64 = 64 * 1024;

pub(super) async fn renew(State(site): State<Site>, request: Request) -> Answer<Json<Value>> {
    let mut upload = Upload::of(request).await?;
    let document = upload.field("document", MAX_PART).await?;
    let signatures = upload.field("signatures", MAX_SIGNATURES).await?;
    let committed = site.casework.renew_trust(&document, &signatures).await?;
    Ok(committed_at(committed))
}
