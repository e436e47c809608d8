//! `/healthz` and `/readyz`.

use super::{
    problem::{Answer, Problem},
    site::Site,
};
use axum::{extract::State, http::StatusCode};

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The log goes on: manifests are signed anew each minute, by the thread that commits.
pub(super) async fn ready(State(site): State<Site>) -> Answer<&'static str> {
    if *site.stopping.borrow() {
        return Err(Problem::unavailable("the server is stopping"));
    }
    let authority = site.casework.authority();
    if let Some(why) = authority.fault() {
        let text = format!(
            "the log takes nothing in since a write failed ({why}); what was published is served"
        );
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "read_only", text).after(60));
    }
    let current = authority.current();
    let signed = current.feeds.values().map(|feed| feed.signed).min();
    let age = authority.now().saturating_sub(signed.unwrap_or(0));
    if age > site.config.stale {
        return Err(Problem::unavailable(format!(
            "the manifests were last signed {age} seconds ago: the sequencer has stopped or hangs"
        )));
    }
    Ok("ready\n")
}
