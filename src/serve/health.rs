//! `/healthz` and `/readyz`.

use super::{
    problem::{Answer, Problem},
    site::Site,
};
use axum::extract::State;

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
