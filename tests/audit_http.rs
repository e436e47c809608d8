//! `audit` of a server: feeds that are withheld, texts that are erased, a log that grows while it
//! is read.

mod forge;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, Response, StatusCode},
};
use blockfeed::{
    audit::{self, Config, Finding, Progress, Report},
    entries::FeedName,
    tlog::Hash,
};
use forge::publish::Published;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What a server has for a path at its nth request.
type Answer = dyn Fn(usize, &str) -> Result<Vec<u8>, StatusCode> + Send + Sync;

#[derive(Clone)]
struct Server {
    requests: Arc<AtomicUsize>,
    answer: Arc<Answer>,
}

async fn serve(State(server): State<Server>, request: Request<Body>) -> Response<Body> {
    let n = server.requests.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path().trim_start_matches('/');
    let token = request.headers().get("authorization");
    let entitled = token.is_some_and(|t| t == "Bearer entitled");
    let withheld = path.starts_with("feeds/sellers/") && !entitled;
    let (status, bytes) = match (server.answer)(n, path) {
        _ if withheld => (StatusCode::FORBIDDEN, Vec::new()),
        Ok(bytes) => (StatusCode::OK, bytes),
        Err(status) => (status, Vec::new()),
    };
    Response::builder()
        .status(status)
        .body(bytes.into())
        .unwrap()
}

/// Audits a server; says also how often it was asked.
fn audit(
    token: Option<&str>,
    answer: impl Fn(usize, &str) -> Result<Vec<u8>, StatusCode> + Send + Sync + 'static,
) -> (Result<Report, Finding>, usize) {
    let server = Server {
        requests: Arc::new(AtomicUsize::new(0)),
        answer: Arc::new(answer),
    };
    let requests = server.requests.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(server);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = Config {
            token: token.map(Into::into),
            patience_seconds: 3,
            ..Config::new(format!("http://{place}"))
        };
        audit::run(&config, &mut |_: Progress| {}).await
    });
    (report, requests.load(Ordering::SeqCst))
}

fn of(published: &Published, path: &str) -> Result<Vec<u8>, StatusCode> {
    let file = published.files.get(path);
    file.cloned().ok_or(StatusCode::NOT_FOUND)
}

#[test]
fn withheld_feeds_are_said_to_be_so() {
    let published = Arc::new(forge::vectors::log().publish());
    let files = published.clone();
    let report = audit(None, move |_, path| of(&files, path)).0.unwrap();
    let sellers = FeedName::parse("sellers/shopee.vn").unwrap();
    assert!(report.feeds[&sellers].files.is_none());
    assert!(report.notes.iter().any(|n| n.contains("sellers/shopee.vn")));
    assert!(report.feeds[&FeedName::domains()].files.is_some());
    // With a token that is good for it everything is audited.
    let files = published.clone();
    let report = audit(Some("entitled"), move |_, path| of(&files, path));
    assert!(report.0.unwrap().feeds[&sellers].files.is_some());
    // An open feed that is withheld isn't overlooked.
    let (report, _) = audit(None, move |_, path| match path {
        "feeds/domains/manifest" => Err(StatusCode::UNAUTHORIZED),
        _ => of(&published, path),
    });
    assert_eq!(report.unwrap_err().code, "denied");
}

#[test]
fn erased_texts_are_counted_but_parts_are_never_gone() {
    let published = Arc::new(forge::vectors::log().publish());
    let gone = |text: &str| format!("part/{}", Hash::of(text.as_bytes()));
    let (files, reason) = (published.clone(), gone("Lý do của 2026-000002"));
    let (report, _) = audit(None, move |_, path| {
        if path == reason {
            return Err(StatusCode::GONE);
        }
        of(&files, path)
    });
    assert_eq!(report.unwrap().erased_texts, 1);
    let subjects = gone("domain:other.example +\ndomain:shop.example.vn +\n");
    let path = subjects.clone();
    let (report, _) = audit(None, move |_, asked| {
        if asked == path {
            return Err(StatusCode::GONE);
        }
        of(&published, asked)
    });
    let finding = report.unwrap_err();
    assert_eq!((finding.code, finding.leaf), ("part", Some(4)), "{finding}");
    assert_eq!(finding.file, Some(subjects));
}

#[test]
fn a_server_in_trouble_is_no_verdict_on_the_log() {
    let published = forge::vectors::log().publish();
    let (report, _) = audit(None, move |n, path| match n {
        0..12 => of(&published, path),
        _ => Err(StatusCode::SERVICE_UNAVAILABLE),
    });
    assert_eq!(report.unwrap_err().code, "unreadable");
}

/// At whatever request a commit is published, files first, then the checkpoint, then the
/// manifests a little later: the audit passes, and what it audits is one of the two states.
#[test]
fn a_log_that_grows_while_it_is_read() {
    let whole = forge::vectors::log();
    let mut before = whole.clone();
    before.leaves.truncate(16);
    for points in before.points.values_mut() {
        points.retain(|point| point.serial <= 16);
    }
    let (old, new) = (before.publish(), whole.publish());
    let mut files = old.files.clone();
    files.extend(new.files.clone());
    let old_sizes = audit(None, {
        let old = old.clone();
        move |_, path| of(&old, path)
    });
    assert_eq!(old_sizes.0.unwrap().size, 16);
    let mut sizes = Vec::new();
    for commit in 0..=old_sizes.1 {
        let (old, files) = (old.clone(), files.clone());
        let (report, _) = audit(None, move |n, path| {
            let published = if path.ends_with("/manifest") {
                commit + 2
            } else {
                commit
            };
            if n < published && old.files.contains_key(path) {
                return of(&old, path);
            }
            files.get(path).cloned().ok_or(StatusCode::NOT_FOUND)
        });
        sizes.push(
            report
                .unwrap_or_else(|e| panic!("commit at {commit}: {e}"))
                .size,
        );
    }
    assert_eq!((sizes[0], sizes[sizes.len() - 1]), (18, 16));
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}
