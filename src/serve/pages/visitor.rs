//! Who looks at a page, as far as any page needs to know: which language, which path.

use super::texts::Lang;
use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite, time::Duration};
use std::convert::Infallible;

/// The cookie that keeps the language.
const COOKIE: &str = "lang";

/// What a page is asked with.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Visitor {
    pub(in crate::serve) lang: Lang,
    /// Path and query.
    pub(in crate::serve) path: String,
    /// Whether htmx asks for a piece of the page.
    pub(in crate::serve) piece: bool,
}

impl Visitor {
    pub(in crate::serve) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let lang = cookie(headers, COOKIE).and_then(|code| Lang::parse(&code));
        Self {
            lang: lang.unwrap_or_default(),
            path: uri.path_and_query().map_or("/", |p| p.as_str()).to_owned(),
            piece: headers.contains_key("hx-request"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.uri))
    }
}

/// The value of a cookie.
pub(in crate::serve) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).into_iter();
    texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value().to_owned())
}

/// Wraps every page: `?lang=en` keeps the language in a cookie and goes on without it, so that no
/// page knows of this. What the browser itself prefers isn't followed: the first page of a
/// Vietnamese authority is Vietnamese.
pub(in crate::serve) async fn language(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let Some((lang, rest)) = chosen(request.uri()) else {
        return next.run(request).await;
    };
    let kept = Cookie::build((COOKIE, lang.code()))
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .max_age(Duration::days(365));
    let values = (
        HeaderValue::from_str(&rest),
        HeaderValue::from_str(&kept.to_string()),
    );
    match values {
        (Ok(to), Ok(kept)) => (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, to), (header::SET_COOKIE, kept)],
        )
            .into_response(),
        _ => next.run(request).await,
    }
}

/// The language that a query chooses, and the path without it.
fn chosen(uri: &Uri) -> Option<(Lang, String)> {
    let pairs = || uri.query().unwrap_or_default().split('&');
    let lang = pairs().find_map(|pair| Lang::parse(pair.strip_prefix("lang=")?))?;
    let rest: Vec<&str> = pairs().filter(|pair| !pair.starts_with("lang=")).collect();
    // A path that begins with two slashes would name another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    Some((
        lang,
        if rest.is_empty() {
            path
        } else {
            format!("{path}?{}", rest.join("&"))
        },
    ))
}

/// The same page with another language chosen.
pub(super) fn in_language(path: &str, lang: Lang) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}lang={}", lang.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_chosen_once_and_kept() {
        let of = |uri: &str| chosen(&uri.parse().unwrap());
        assert_eq!(
            of("/lookup?q=a&lang=en&x=1"),
            Some((Lang::En, "/lookup?q=a&x=1".into()))
        );
        assert_eq!(
            of("//evil.example/?lang=vi"),
            Some((Lang::Vi, "/evil.example/".into()))
        );
        assert_eq!(of("/?lang=fr"), None);
        let mut headers = HeaderMap::new();
        let seen = |headers: &HeaderMap| Visitor::of(headers, &"/a?b".parse().unwrap()).lang;
        headers.insert("accept-language", HeaderValue::from_static("en"));
        assert_eq!(seen(&headers), Lang::Vi);
        headers.insert("cookie", HeaderValue::from_static("a=b; lang=en"));
        assert_eq!(seen(&headers), Lang::En);
        assert_eq!(in_language("/a?b=1", Lang::En), "/a?b=1&lang=en");
    }
}
