//! A template becomes an answer, with the headers that every page has.

use super::super::problem::{Answer, Problem};
use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// Scripts, styles and pictures are ours alone, and none stands in the page itself. What a
/// template forgets to escape still runs nowhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that anybody may see.
pub(in crate::serve) fn show(template: &impl Template) -> Answer {
    show_as(StatusCode::OK, template)
}

/// The same with another status.
pub(in crate::serve) fn show_as(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|e| Problem::internal(&e))?;
    let mut answer = (status, html).into_response();
    dress(answer.headers_mut(), "no-cache");
    Ok(answer)
}

/// A page for whoever is signed in, or with something that only its sender may know: kept nowhere.
pub(in crate::serve) fn show_private(status: StatusCode, template: &impl Template) -> Answer {
    let mut answer = show_as(status, template)?;
    dress(answer.headers_mut(), "no-store");
    Ok(answer)
}

/// On to another page after a form was taken.
pub(in crate::serve) fn see_other(path: &str) -> Answer {
    let to = HeaderValue::from_str(path).map_err(|e| Problem::internal(&e))?;
    let headers = [(header::LOCATION, to)];
    let mut answer: Response = (StatusCode::SEE_OTHER, headers).into_response();
    dress(answer.headers_mut(), "no-store");
    Ok(answer)
}

fn dress(headers: &mut HeaderMap, kept: &'static str) {
    let values = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("cache-control", kept),
        // Not `no-referrer`: a form's `Origin` would be lost with it.
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), \
             publickey-credentials-get=(self), publickey-credentials-create=(self)",
        ),
        ("vary", "cookie, accept, hx-request"),
    ];
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
