//! A server as a source: HTTP/1.1, with TLS or without.

use std::{fmt, future::Future, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::Instant;
use url::Url;

use super::{Answer, Config, Error, Page, Read};

/// A base URL and the connections to it.
#[derive(Clone)]
pub struct Server {
    /// Scheme, host and base path, without a slash at the end.
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    token: Option<HeaderValue>,
}

impl Server {
    pub fn parse(text: &str, config: &Config) -> Result<Server, Error> {
        let refused = |why: &str| Error::Source {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(text).map_err(|e| refused(&e.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            // Not repeated: the text holds a password.
            return Err(Error::Source {
                text: url.host_str().unwrap_or_default().to_owned(),
                why: "a name or password in a URL ends up in logs; use a token".to_owned(),
            });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("a base has neither ? nor #"));
        }
        Ok(Server {
            base: url.as_str().trim_end_matches('/').to_owned(),
            client: client(url.scheme() == "https", config)?,
            token: None,
        })
    }

    pub fn with_token(&self, token: &str) -> Result<Server, Error> {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(Server {
            token: Some(value),
            ..self.clone()
        })
    }

    /// The body of a 200.
    pub async fn fetch(&self, path: &str, read: &Read<'_>, config: &Config) -> Result<Page, Error> {
        let place = self.address(path, read);
        let request = self.request(Method::GET, &place, Bytes::new(), &headers_of(read))?;
        let body = Body::new(&place, read.limit, config);
        self.within(&place, read.deadline, config, async {
            let answer = self.send(&place, request).await?;
            match answer.status().as_u16() {
                200 => {
                    let etag = text_of(&answer, &header::ETAG);
                    let bytes = body.read(answer).await?;
                    Ok(Page { bytes, etag })
                }
                304 => Err(Error::Unchanged {
                    place: place.clone(),
                }),
                404 => Err(Error::NotFound {
                    place: place.clone(),
                }),
                410 => Err(Error::Gone {
                    place: place.clone(),
                }),
                code => Err(Error::Status {
                    place: place.clone(),
                    code,
                }),
            }
        })
        .await
    }

    /// The answer of any status to a GET.
    pub async fn ask(&self, path: &str, read: &Read<'_>, config: &Config) -> Result<Answer, Error> {
        let place = self.address(path, read);
        let request = self.request(Method::GET, &place, Bytes::new(), &headers_of(read))?;
        let body = Body::new(&place, read.limit, config);
        let answer = self.answer(&place, request, body);
        self.within(&place, read.deadline, config, answer).await
    }

    /// The answer of any status to a POST.
    pub async fn post(
        &self,
        path: &str,
        to: &Read<'_>,
        body: Bytes,
        content_type: &str,
        config: &Config,
    ) -> Result<Answer, Error> {
        let place = self.address(path, to);
        let mut headers = headers_of(to);
        headers.push((header::CONTENT_TYPE, content_type));
        let request = self.request(Method::POST, &place, body, &headers)?;
        let answer = self.answer(&place, request, Body::new(&place, to.limit, config));
        self.within(&place, to.deadline, config, answer).await
    }

    async fn answer(
        &self,
        place: &str,
        request: Request<Full<Bytes>>,
        body: Body<'_>,
    ) -> Result<Answer, Error> {
        let answer = self.send(place, request).await?;
        Ok(Answer {
            status: answer.status().as_u16(),
            content_type: text_of(&answer, &header::CONTENT_TYPE),
            bytes: body.read(answer).await?,
        })
    }

    fn address(&self, path: &str, read: &Read<'_>) -> String {
        let mut address = format!("{}/{path}", self.base);
        if !read.query.is_empty() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&read.query);
            address.push('?');
            address.push_str(&query.finish());
        }
        address
    }

    fn request(
        &self,
        method: Method,
        place: &str,
        body: Bytes,
        headers: &[(HeaderName, &str)],
    ) -> Result<Request<Full<Bytes>>, Error> {
        let unsendable = |e: hyper::http::Error| Error::Unreachable {
            place: place.to_owned(),
            why: format!("it can't be asked for: {e}"),
        };
        let uri: Uri = place
            .parse()
            .map_err(|e| unsendable(hyper::http::Error::from(e)))?;
        let mut request = Request::builder().method(method).uri(uri);
        request = request.header(header::USER_AGENT, AGENT);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let own = headers
            .iter()
            .any(|(name, _)| name == header::AUTHORIZATION);
        if let Some(token) = self.token.as_ref().filter(|_| !own) {
            request = request.header(header::AUTHORIZATION, token);
        }
        request.body(Full::new(body)).map_err(unsendable)
    }

    async fn send(
        &self,
        place: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Error> {
        self.client
            .request(request)
            .await
            .map_err(|e| Error::Unreachable {
                place: place.to_owned(),
                why: causes(&e),
            })
    }

    async fn within<T>(
        &self,
        place: &str,
        deadline: Option<Duration>,
        config: &Config,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let after = deadline.unwrap_or(Duration::from_secs(config.total_seconds));
        let done = tokio::time::timeout(after, work).await;
        done.unwrap_or(Err(Error::Timeout {
            place: place.to_owned(),
            what: "the whole read",
            after,
        }))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.base)
    }
}

/// How a body is read: never more than the limit in memory, never slower than the floor.
pub(super) struct Body<'a> {
    place: &'a str,
    limit: u64,
    grace: Duration,
    floor: u64,
}

impl<'a> Body<'a> {
    pub(super) fn new(place: &'a str, limit: u64, config: &Config) -> Body<'a> {
        Body {
            place,
            limit,
            grace: Duration::from_secs(config.grace_seconds),
            floor: config.least_bytes_per_second,
        }
    }

    pub(super) async fn read(&self, answer: Response<Incoming>) -> Result<Bytes, Error> {
        let began = Instant::now();
        let mut body = answer.into_body();
        // What the server announces is refused unread; what it sends is counted all the same.
        if hyper::body::Body::size_hint(&body).lower() > self.limit {
            return Err(self.too_large());
        }
        let mut bytes = BytesMut::new();
        loop {
            let allowed = self.allowed(bytes.len() as u64);
            let frame = match tokio::time::timeout_at(began + allowed, body.frame()).await {
                Err(_) => {
                    return Err(Error::Timeout {
                        place: self.place.to_owned(),
                        what: "the body",
                        after: allowed,
                    });
                }
                Ok(None) => return Ok(bytes.freeze()),
                Ok(Some(frame)) => frame.map_err(|e| Error::Unreachable {
                    place: self.place.to_owned(),
                    why: format!("it broke off after {} bytes: {}", bytes.len(), causes(&e)),
                })?,
            };
            if let Some(data) = frame.data_ref() {
                if (bytes.len() + data.len()) as u64 > self.limit {
                    return Err(self.too_large());
                }
                bytes.extend_from_slice(data);
            }
        }
    }

    /// How long a body may have taken that has brought `so_far` bytes.
    fn allowed(&self, so_far: u64) -> Duration {
        match so_far.checked_div(self.floor) {
            Some(seconds) => self.grace.saturating_add(Duration::from_secs(seconds)),
            None => NO_FLOOR,
        }
    }

    fn too_large(&self) -> Error {
        Error::TooLarge {
            place: self.place.to_owned(),
            limit: self.limit,
        }
    }
}

fn client(
    tls: bool,
    config: &Config,
) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(Duration::from_secs(config.connect_seconds)));
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    let connector = if tls {
        builder
            .with_provider_and_native_roots(provider)
            .map_err(|e| Error::Roots { why: causes(&e) })?
            .https_only()
            .enable_http1()
            .wrap_connector(tcp)
    } else {
        // Never used for TLS, so without roots: a machine that has none can still read http.
        let plain = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::Roots { why: causes(&e) })?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        builder
            .with_tls_config(plain)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp)
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector))
}

fn headers_of<'a>(read: &Read<'a>) -> Vec<(HeaderName, &'a str)> {
    let etag = read.etag.map(|etag| (header::IF_NONE_MATCH, etag));
    let authorization = read.authorization.map(|text| (header::AUTHORIZATION, text));
    etag.into_iter().chain(authorization).collect()
}

pub(super) fn text_of(answer: &Response<Incoming>, name: &HeaderName) -> Option<String> {
    let value = answer.headers().get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// An error and what lies under it, in one line: the outer texts say little ("client error").
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(cause) = under {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        under = cause.source();
    }
    text
}

pub(super) const AGENT: &str = concat!("blockfeed/", env!("CARGO_PKG_VERSION"));
/// How long an unused connection is kept: under the minute of common servers and proxies.
pub(super) const IDLE: Duration = Duration::from_secs(50);
/// In place of a floor of 0 bytes a second; the read's deadline holds.
const NO_FLOOR: Duration = Duration::from_secs(365 * 24 * 3600);
