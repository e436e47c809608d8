//! A source against a small server that misbehaves in every way that matters.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use http_body_util::{BodyExt, combinators::BoxBody};
use hyper::{Request, Response, body::Frame, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::mpsc};

use super::*;

type Body = BoxBody<Bytes, Infallible>;

#[tokio::test]
async fn a_server_is_read_with_path_query_token_and_condition() {
    let source = served(Config::default()).await.bearer("s3cret").unwrap();
    let page = source.fetch(
        Read::new("/log/echo", 1000)
            .query("after", 7)
            .query("q", "a b&c"),
    );
    let page = page.await.unwrap();
    assert_eq!(page.bytes, "/base/log/echo?after=7&q=a+b%26c Bearer s3cret");
    assert_eq!(page.etag.as_deref(), Some("\"e1\""));
    let again = Read::new("log/echo", 1000).unless(page.etag.as_deref());
    assert!(matches!(
        source.fetch(again).await,
        Err(Error::Unchanged { .. })
    ));
    assert!(!format!("{source:?} {source}").contains("s3cret"));
}

#[tokio::test]
async fn each_refusal_has_its_own_error() {
    let source = served(Config::default()).await;
    let read = async |path: &str| source.read(path, 1000).await.unwrap_err();
    assert!(matches!(read("missing").await, Error::NotFound { .. }));
    assert!(matches!(read("gone").await, Error::Gone { .. }));
    assert!(matches!(
        read("moved").await,
        Error::Status { code: 302, .. }
    ));
    assert!(matches!(
        read("broken").await,
        Error::Status { code: 500, .. }
    ));
    // A connection of its own: the test's server looks at the first request of each.
    let cut = served(Config::default()).await.read("cut", 1000).await;
    assert!(matches!(cut, Err(Error::Unreachable { .. })), "{cut:?}");
    let closed = Source::parse("http://127.0.0.1:1").unwrap();
    let refused = closed.read("x", 10).await.unwrap_err();
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused}");
}

#[tokio::test]
async fn more_than_the_limit_is_refused_announced_or_not() {
    let source = served(Config::default()).await;
    for path in ["large", "endless"] {
        let read = source.read(path, 99_999).await;
        assert!(
            matches!(read, Err(Error::TooLarge { limit: 99_999, .. })),
            "{path}"
        );
    }
    assert_eq!(source.read("large", 100_000).await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn a_hanging_or_dripping_server_ends_within_its_time() {
    let config = Config {
        grace_seconds: 1,
        total_seconds: 2,
        ..Config::default()
    };
    let source = served(config.clone()).await;
    let began = std::time::Instant::now();
    let drip = source.read("drip", 1000).await.unwrap_err();
    assert!(
        matches!(
            drip,
            Error::Timeout {
                what: "the body",
                ..
            }
        ),
        "{drip}"
    );
    let hang = source.fetch(Read::new("hang", 9).within(Duration::from_millis(200)));
    assert!(matches!(hang.await, Err(Error::Timeout { .. })));
    assert!(began.elapsed() < Duration::from_millis(1900));
    let slow = Config {
        least_bytes_per_second: 0,
        ..config
    };
    let drip = served(slow).await.read("drip", 1000).await.unwrap_err();
    assert!(
        matches!(
            drip,
            Error::Timeout {
                what: "the whole read",
                ..
            }
        ),
        "{drip}"
    );
}

#[tokio::test]
async fn a_post_brings_the_answer_of_any_status() {
    let source = served(Config::default()).await;
    let post = source.post("api/v1/receipts", "hello".into(), "text/plain", 100);
    let answer = post.await.unwrap();
    assert_eq!(
        (answer.status, &answer.bytes[..]),
        (422, &b"text/plain hello"[..])
    );
    assert_eq!(
        answer.content_type.as_deref(),
        Some("application/problem+json")
    );
    let asked = source.ask(Read::new("missing", 100)).await.unwrap();
    assert_eq!((asked.status, &asked.bytes[..]), (404, &b"no"[..]));
}

#[tokio::test]
async fn a_folder_is_read_and_not_left() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("mirror/log")).unwrap();
    std::fs::write(dir.path().join("mirror/log/checkpoint"), b"12345").unwrap();
    std::fs::write(dir.path().join("secret"), b"x").unwrap();
    let base = dir.path().join("mirror").display().to_string();
    for text in [base.clone(), format!("file://{base}")] {
        let source = Source::parse(&text).unwrap();
        assert_eq!(source.read("/log/checkpoint", 5).await.unwrap(), "12345");
        let read = async |path: &str| source.read(path, 4).await.unwrap_err();
        assert!(matches!(
            read("log/checkpoint").await,
            Error::TooLarge { .. }
        ));
        for path in ["log", "log/none", "log/checkpoint/x"] {
            assert!(matches!(read(path).await, Error::NotFound { .. }), "{path}");
        }
        for path in [
            "../secret",
            "log/../../secret",
            "//etc",
            "",
            "a?b",
            "a%2e",
            ".git",
        ] {
            assert!(matches!(read(path).await, Error::Path { .. }), "{path}");
        }
        assert!(!source.can_wait());
        let post = source.post("x", Bytes::new(), "text/plain", 1).await;
        assert!(matches!(post, Err(Error::NoServer { .. })));
    }
}

#[test]
fn what_names_no_source_is_refused() {
    for text in [
        "",
        "ftp://h/",
        "file://host/x",
        "http://",
        "http://h/?a",
        "https://u:pw@h/",
    ] {
        let refused = Source::parse(text).unwrap_err().to_string();
        assert!(refused.contains("names no source"), "{text}: {refused}");
        assert!(!refused.contains("pw"), "{refused}");
    }
    let source = Source::parse("http://host/a/").unwrap();
    assert_eq!(source.to_string(), "http://host/a");
    assert!(matches!(source.bearer("a\nb"), Err(Error::Token)));
}

/// A source over the test's server, under the path `/base`.
async fn served(config: Config) -> Source {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut start = [0; 64];
                let seen = socket.peek(&mut start).await.unwrap_or(0);
                if start[..seen].starts_with(b"GET /base/cut") {
                    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
                    let _ = socket.write_all(half).await;
                    return;
                }
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service_fn(answer))
                    .await;
            });
        }
    });
    Source::with(&format!("http://{address}/base/"), config).unwrap()
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, hyper::http::Error> {
    let header = |name| {
        let value = request.headers().get(name).and_then(|v| v.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let reply = Response::builder();
    match request.uri().path() {
        "/base/log/echo" if header("if-none-match") == "\"e1\"" => reply.status(304).body(full("")),
        "/base/log/echo" => {
            let text = format!("{} {}", request.uri(), header("authorization"));
            reply.header("etag", "\"e1\"").body(full(&text))
        }
        "/base/large" => reply.body(full(&"x".repeat(100_000))),
        "/base/endless" => reply.body(streamed(Duration::ZERO, 4096)),
        "/base/drip" => reply.body(streamed(Duration::from_millis(50), 1)),
        "/base/hang" => std::future::pending().await,
        "/base/gone" => reply.status(410).body(full("erased")),
        "/base/moved" => reply
            .status(302)
            .header("location", "/base/large")
            .body(full("")),
        "/base/broken" => reply.status(500).body(full("")),
        "/base/api/v1/receipts" => {
            let kind = header("content-type");
            let body = request.into_body().collect().await;
            let body = body.map(|body| body.to_bytes()).unwrap_or_default();
            reply
                .status(422)
                .header("content-type", "application/problem+json")
                .body(full(&format!("{kind} {}", String::from_utf8_lossy(&body))))
        }
        _ => reply.status(404).body(full("no")),
    }
}

fn full(text: &str) -> Body {
    BodyExt::boxed(http_body_util::Full::from(Bytes::from(text.to_owned())))
}

/// A body that never ends: `size` bytes, again and again, `pause` apart.
fn streamed(pause: Duration, size: usize) -> Body {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        while sender.send(vec![b'x'; size].into()).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    });
    BodyExt::boxed(Chunks(receiver))
}

struct Chunks(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.0.poll_recv(cx);
        chunk.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
