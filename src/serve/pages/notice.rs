//! `/notice`: what somebody sees whose resolver leads a blocked name here. Reads the name from
//! `Host`, answers 451 (RFC 7725), and leads to the look-up and the appeal.
//!
//! A redirected browser asks for any path: so [`redirected`] answers for `/` and for paths that
//! nothing else answers, where `Host` is a name in force. Pages of the register itself stay reachable
//! under any name.

use super::{
    lookup::{Statement, find, statement},
    names::{self, Names},
    parts::Tone,
    problems::reads_html,
    shell::Shell,
    show::show_as,
    visitor::Visitor,
};
use crate::serve::{problem::Answer, site::Site};
use askama::Template;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    shell: Shell,
    /// The name that led here; none: somebody opened the page itself.
    name: Option<String>,
    words: String,
    holds: Vec<Statement>,
    /// Where the register is reached, before a path.
    base: String,
}

/// `GET /notice`
pub(in crate::serve) async fn notice(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer {
    page(&site, &visitor, &headers).await
}

/// Wraps every route: a blocked name that was led here gets the notice and nothing else of `/`.
pub(in crate::serve) async fn redirected(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let is_ours = matched.is_some_and(|path| path.as_str() != "/");
    if is_ours || !reads_html(request.headers()) || host(request.headers()).is_none() {
        return next.run(request).await;
    }
    let visitor = Visitor::of(request.headers(), request.uri());
    match page(&site, &visitor, request.headers()).await {
        Ok(answer) if answer.status() == StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => answer,
        Ok(_) => next.run(request).await,
        Err(problem) => {
            tracing::debug!("a notice wasn't made");
            drop(problem.into_response());
            next.run(request).await
        }
    }
}

async fn page(site: &Site, visitor: &Visitor, headers: &HeaderMap) -> Answer {
    let lang = visitor.lang;
    let base = site.config.public_url.trim_end_matches('/').to_owned();
    let mut page = NoticePage {
        shell: Shell::public(visitor, lang.t("notice.title")),
        name: None,
        words: String::new(),
        holds: Vec::new(),
        base,
    };
    // Links of the frame would stay on the blocked name.
    page.shell.nav.clear();
    let Some(name) = host(headers) else {
        return show_as(StatusCode::OK, &page);
    };
    let asked = name.clone();
    let found = site.ask(move |desk| match find(desk, &asked) {
        Ok(found) => Ok(Some(found)),
        // A host such as `localhost` is nothing that can be listed.
        Err(crate::casework::Error::Query { .. }) => Ok(None),
        Err(error) => Err(error),
    });
    let Some((found, _, told)) = found.await? else {
        return show_as(StatusCode::OK, &page);
    };
    if !found.listed {
        return show_as(StatusCode::OK, &page);
    }
    let known = Names::new(site, lang);
    page.words = names::subject(lang, &found.canonical);
    page.shell.title = lang.fill("notice.blocked", [("name", &name)]);
    let told = told.into_iter();
    page.holds = told
        .map(|(hold, dossier)| statement(&known, lang, &hold, dossier))
        .collect();
    let blocked_by = format!("<{}/decisions>; rel=\"blocked-by\"", page.base);
    page.name = Some(name);
    let mut answer = show_as(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, &page)?;
    if let Ok(value) = HeaderValue::from_str(&blocked_by) {
        answer.headers_mut().insert(header::LINK, value);
    }
    Ok(answer)
}

/// The name in `Host`, without its port; none for an address, which is how a machine is asked
/// directly.
fn host(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::HOST)?.to_str().ok()?;
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => text,
    };
    let is_name = name.contains('.') && name.parse::<IpAddr>().is_err() && !name.starts_with('[');
    is_name.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(text));
            host(&headers)
        };
        assert_eq!(of("Shop.Example:8399").as_deref(), Some("shop.example"));
        for none in ["127.0.0.1:8399", "[::1]:80", "localhost", "203.0.113.7"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
