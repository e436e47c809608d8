//! `/api/v1/changes` and `/api/v1/entries`: a feed for programs that keep a copy.

use super::{
    caller::Caller,
    feeds,
    problem::Answer,
    public::{dressed, feed_name, query},
    site::Site,
};
use crate::{
    casework::{Casework, Changes, Item, Page},
    entries::FeedName,
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How many lines or items a page has where it isn't said.
const LIMIT: usize = 1_000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[param(value_type = FeedName)]
    feed: String,
    /// The serial of what the reader holds; 0, or nothing: it holds nothing.
    #[serde(default)]
    since: u64,
    /// Seconds to wait for a change where there is none yet.
    wait: Option<u64>,
    /// Items of a page: 1,000 where it isn't said, 10,000 at most.
    limit: Option<usize>,
    /// The `page` of the answer before.
    page: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Paged {
    #[param(value_type = FeedName)]
    feed: String,
    /// A serial of the feed, or a size of the log at which a commit was closed; none: now.
    at: Option<u64>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Lines of a page: 1,000 where it isn't said, 10,000 at most.
    limit: Option<usize>,
}

/// A page of a feed.
#[derive(Serialize, ToSchema)]
pub(super) struct Entries {
    #[serde(flatten)]
    page: Page,
    /// The entries among the lines, as programs read them; for who shows a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Item>>,
}

/// What changed in a feed since a serial: the cursor of who keeps a copy.
#[utoipa::path(get, path = "/api/v1/changes", tag = "feeds", params(Asked),
    responses((status = 200, body = Changes)), security((), ("token" = [])))]
pub(super) async fn changes(
    State(site): State<Site>,
    caller: Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    let Query(asked) = query(asked)?;
    let feed = feed_name(&asked.feed)?;
    let limit = asked.limit.unwrap_or(LIMIT);
    let page = asked.page;
    let reader = caller.reads(&site, &feed)?.cloned();
    if reader.as_ref().is_some_and(|reader| reader.sandbox) {
        let made =
            move |desk: &Casework| desk.made_changes(&feed, asked.since, page.as_deref(), limit);
        return Ok(dressed(&caller, Json(site.ask(made).await?)));
    }
    let current = site.casework.serial(&feed);
    let wait = asked.wait.unwrap_or(0).min(site.config.long_poll);
    if wait > 0 && page.is_none() && asked.since == current {
        feeds::passed(&site, &feed, asked.since, Duration::from_secs(wait)).await?;
    }
    let found = site.ask(move |desk| {
        let changes = desk.changes(&feed, asked.since, page.as_deref(), limit)?;
        if let (Some(reader), None, false) = (reader, page, changes.whole) {
            desk.note_cursor(&reader.subscriber, &feed, asked.since)?;
        }
        Ok(changes)
    });
    Ok(dressed(&caller, Json(found.await?)))
}

/// A page of a feed's lines, now or at a serial of the past.
#[utoipa::path(get, path = "/api/v1/entries", tag = "feeds", params(Paged),
    responses((status = 200, body = Entries)), security((), ("token" = [])))]
pub(super) async fn entries(
    State(site): State<Site>,
    caller: Caller,
    asked: Result<Query<Paged>, QueryRejection>,
) -> Answer {
    let Query(asked) = query(asked)?;
    let feed = feed_name(&asked.feed)?;
    let reader = caller.reads(&site, &feed)?.cloned();
    let found = site.ask(move |desk| {
        let limit = asked.limit.unwrap_or(LIMIT);
        let after = asked.after.as_deref();
        if reader.as_ref().is_some_and(|reader| reader.sandbox) {
            let (page, items) = desk.made_page(&feed, after, limit)?;
            let items = Some(items);
            return Ok(Entries { page, items });
        }
        let page = desk.page(&feed, asked.at, after, limit)?;
        let items = reader.is_some().then(|| desk.items(&page)).transpose()?;
        Ok(Entries { page, items })
    });
    Ok(dressed(&caller, Json(found.await?)))
}
