//! Problems as people read them: what is a problem document for programs is a page for a browser.

use super::{shell::Shell, show::show_as, texts::Lang, visitor::Visitor, why::why};
use crate::serve::problem::Problem;
use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};

/// Below these paths programs ask, whatever they say they accept.
const PROGRAMS: [&str; 5] = ["/api/", "/feeds/", "/log/", "/part/", "/assets/"];

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    shell: Shell,
    status: u16,
    /// What happened, in the reader's language.
    what: &'static str,
    /// What to do now.
    then: &'static str,
    /// The problem's own words, in English, for whoever is asked for help.
    detail: String,
    code: &'static str,
    /// Whether it was met at the desk, to which it leads back.
    at_desk: bool,
}

/// Wraps every route.
pub(in crate::serve) async fn as_pages(request: Request, next: Next) -> Response {
    let visitor = wants_page(&request).then(|| Visitor::of(request.headers(), request.uri()));
    let mut answer = next.run(request).await;
    let problem = answer.extensions_mut().remove::<Problem>();
    match (visitor, problem) {
        (Some(visitor), Some(problem)) => page(&visitor, &problem, answer),
        _ => answer,
    }
}

fn wants_page(request: &Request) -> bool {
    let path = request.uri().path();
    !PROGRAMS.iter().any(|prefix| path.starts_with(prefix)) && reads_html(request.headers())
}

pub(super) fn reads_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).into_iter();
    let mut accepts = accepts.filter_map(|value| value.to_str().ok());
    accepts.any(|value| value.contains("text/html"))
}

fn page(visitor: &Visitor, problem: &Problem, answer: Response) -> Response {
    let (status, code, detail) = problem.told();
    let lang = visitor.lang;
    let (title, what, then) = words(lang, status, code);
    // What the error itself says goes before what every error of its status has in common.
    let (what, then) = why(lang, code, detail).map_or((what, then), |why| (why.what, why.then));
    let template = ProblemPage {
        shell: Shell::public(visitor, title),
        status: status.as_u16(),
        what,
        then,
        detail: detail.to_owned(),
        code,
        at_desk: visitor.path.starts_with("/desk"),
    };
    let Ok(mut page) = show_as(status, &template) else {
        return answer;
    };
    // Such as Retry-After, Allow, cookies; what a page has of its own stays.
    for (name, value) in answer.headers() {
        if !page.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            page.headers_mut().append(name, value.clone());
        }
    }
    page
}

/// Title, what happened, and what to do.
fn words(lang: Lang, status: StatusCode, code: &str) -> (&'static str, &'static str, &'static str) {
    let keys = match status {
        // A link of an invitation is spent, and nothing was erased.
        StatusCode::GONE if code == "link" => {
            ("problem.link", "problem.gone.what", "problem.gone.then")
        }
        StatusCode::NOT_FOUND => (
            "problem.missing.title",
            "problem.missing.what",
            "problem.missing.then",
        ),
        StatusCode::UNAUTHORIZED => (
            "problem.sign_in.title",
            "problem.sign_in.what",
            "problem.sign_in.then",
        ),
        StatusCode::FORBIDDEN => (
            "problem.forbidden.title",
            "problem.forbidden.what",
            "problem.forbidden.then",
        ),
        StatusCode::GONE => (
            "problem.gone.title",
            "problem.gone.what",
            "problem.gone.then",
        ),
        StatusCode::CONFLICT => (
            "problem.conflict.title",
            "problem.conflict.what",
            "problem.conflict.then",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "problem.many.title",
            "problem.many.what",
            "problem.many.then",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "problem.busy.title",
            "problem.busy.what",
            "problem.busy.then",
        ),
        status if status.is_server_error() => (
            "problem.ours.title",
            "problem.ours.what",
            "problem.ours.then",
        ),
        _ => (
            "problem.request.title",
            "problem.request.what",
            "problem.request.then",
        ),
    };
    (lang.t(keys.0), lang.t(keys.1), lang.t(keys.2))
}
