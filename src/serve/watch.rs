//! What is done around every request: its id, its time limit, its figures.

use super::{
    Route,
    connection::{self, Behind},
    limits,
    metrics::Counted,
    problem::Problem,
    site::Site,
};
use crate::canon::DecisionId;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tracing::Instrument;

/// Requests since the start; with the process's own random number they are ids.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Wraps a request.
pub(super) async fn watch(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = format!("{:08x}", COUNT.fetch_add(1, Ordering::Relaxed));
    let _at_hand = Counted::up(&site.metrics.at_hand);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let limit = limit(&site, &request);
    let query = request.uri().query().unwrap_or_default();
    let polls = query.contains("wait=");
    let span = span(&id, &method, matched.as_ref(), request.uri().path());
    let behind = connection::place(&mut request);
    let run = async {
        match &behind {
            Some(Behind(None)) => limits::refusal(1).into_response(),
            _ => next.run(request).await,
        }
    };
    let answered = tokio::time::timeout(limit, run.instrument(span.clone())).await;
    let mut answer = answered.unwrap_or_else(|_| {
        Problem::unavailable("the request took too long; nothing that was acknowledged is lost")
            .into_response()
    });
    let route = match (answer.extensions_mut().remove::<Route>(), &matched) {
        (Some(Route(route)), _) => route,
        (None, Some(path)) => path.as_str(),
        (None, None) => "other",
    };
    finish(&site, &span, route, &answer, polls, began);
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    let value = HeaderValue::from_static;
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    // A page has its own.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::REFERRER_POLICY, value("no-referrer"));
        headers.insert(header::CONTENT_SECURITY_POLICY, value("default-src 'none'"));
        if method == Method::GET || method == Method::HEAD {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value("*"));
        }
    }
    answer
}

/// What log lines of a request carry: never its path as it came, in which anybody may have written
/// anything; the route, and the decision that it is about.
fn span(id: &str, method: &Method, matched: Option<&MatchedPath>, path: &str) -> tracing::Span {
    let route = matched.map_or("other", MatchedPath::as_str);
    let decision = decision(route, path);
    tracing::info_span!("request", id, %method, route, decision)
}

/// The decision that a path names, where its route has a place for one.
fn decision<'a>(route: &str, path: &'a str) -> Option<&'a str> {
    let mut before = "";
    for (name, given) in route.split('/').zip(path.split('/')) {
        if name == "{id}" && matches!(before, "proposals" | "decisions") {
            return DecisionId::new(given).is_ok().then_some(given);
        }
        before = name;
    }
    None
}

/// Uploads and commits of a million lines take their time; a long poll waits as it was asked to.
fn limit(site: &Site, request: &Request) -> Duration {
    let config = &site.config;
    let seconds = if request.method() == Method::POST {
        config.upload_timeout
    } else {
        config.timeout.max(config.long_poll.saturating_add(5))
    };
    Duration::from_secs(seconds)
}

fn finish(
    site: &Site,
    span: &tracing::Span,
    route: &str,
    answer: &Response,
    polls: bool,
    began: Instant,
) {
    let status = answer.status().as_u16();
    let class = match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    let took = began.elapsed();
    let metrics = &site.metrics;
    metrics.requests.with_label_values(&[route, class]).inc();
    if !polls {
        metrics
            .seconds
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }
    span.in_scope(|| {
        tracing::debug!(
            route,
            status,
            milliseconds = took.as_millis() as u64,
            "answered"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::decision;

    #[test]
    fn a_log_line_names_decisions_and_nothing_else_of_a_path() {
        let route = "/api/v1/proposals/{id}/parts/{sha256}";
        assert_eq!(
            decision(route, "/api/v1/proposals/2026-000001/parts/ab"),
            Some("2026-000001")
        );
        assert_eq!(
            decision(route, "/api/v1/proposals/an%20address/parts/ab"),
            None
        );
        assert_eq!(decision("/feeds/{*rest}", "/feeds/2026-000001"), None);
        assert_eq!(decision("other", "/proposals/2026-000001"), None);
    }
}
