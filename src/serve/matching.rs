//! `/api/v1/match`: many subjects at once.

use super::{
    caller::Bearer, problem::Answer, proposals::private, site::Site, subscribers::decoded,
};
use crate::casework::{Match, Reader};
use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A read, though it is posted: its answer names subjects in clear, and is kept nowhere.
pub(super) const PATH: &str = "/api/v1/match";

/// So many are asked at once, in some hundred microseconds; more go beside the event loop.
const AT_ONCE: usize = 200;

/// What is to be matched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// At most 10,000 names, addresses, URLs or subjects.
    #[schema(max_items = 10_000)]
    subjects: Vec<String>,
}

/// What is in force of each, in order.
#[derive(Serialize, ToSchema)]
pub(super) struct Matches {
    matches: Vec<Match>,
}

/// Which of these subjects are in force, by which decision, until when? Feeds that are neither open
/// nor in the token's scope aren't asked.
#[utoipa::path(post, path = "/api/v1/match", tag = "feeds", request_body = Asked,
    responses((status = 200, body = Matches)), security(("token" = [])))]
pub(super) async fn matching(
    State(site): State<Site>,
    Bearer(reader): Bearer,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let asked: Asked = decoded(body)?;
    let matches = if asked.subjects.len() <= AT_ONCE && !reader.sandbox {
        ask(&site, &reader, &asked)?
    } else {
        let here = site.clone();
        let asking = tokio::task::spawn_blocking(move || ask(&here, &reader, &asked));
        asking
            .await
            .map_err(|e| super::problem::Problem::internal(&e))??
    };
    Ok(private(Json(Matches { matches })))
}

fn ask(site: &Site, reader: &Reader, asked: &Asked) -> Answer<Vec<Match>> {
    let is_open = |feed: &_| site.config.is_open(feed);
    let desk = &site.casework;
    Ok(desk.matches(reader, &is_open, &asked.subjects)?)
}
