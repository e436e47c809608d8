//! Reading from servers that nobody here chose: registries, and whatever they redirect to.
//!
//! No such server can make us connect to an address of its choosing: names are resolved first, the addresses judged by
//! [`Reach`], and the connection made to the very address that was judged. Redirects are few, each is judged anew, and none
//! leads from https to http.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use ipnet::IpNet;
use tokio::net::TcpStream;
use url::Url;

use super::{
    Answer, Config, Error,
    http::{AGENT, Body, IDLE, causes, text_of},
};

/// Which addresses may be connected to: the public ones, and what the operator allows or refuses.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Allowed though they aren't public, each with its port.
    pub allow: Vec<SocketAddr>,
    /// Refused though they are public.
    pub refuse: Vec<IpNet>,
}

/// An address that isn't connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it leads to {address}, which is {why}; never connected to")]
pub struct Forbidden {
    pub address: IpAddr,
    pub why: &'static str,
}

impl Reach {
    /// Whether this address may be connected to.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, target: SocketAddr) -> Result<(), Forbidden> {
        let address = target.ip();
        if self.allow.contains(&target) {
            return Ok(());
        }
        let why = if self.refuse.iter().any(|net| net.contains(&address)) {
            Some("refused by the settings")
        } else {
            unreachable(address).or_else(|| is_own(address).then_some("this machine's own"))
        };
        match why {
            Some(why) => Err(Forbidden { address, why }),
            None => Ok(()),
        }
    }
}

/// Why an address isn't public, if it isn't (the special-purpose registries of RFC 6890 and what came after).
fn unreachable(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => unreachable_v4(v4),
        IpAddr::V6(v6) => unreachable_v6(v6),
    }
}

fn unreachable_v4(v4: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = v4.octets();
    match (a, b, c) {
        _ if v4.is_loopback() => Some("loopback"),
        _ if v4.is_private() => Some("private"),
        _ if v4.is_link_local() => Some("link-local"),
        _ if v4.is_multicast() => Some("multicast"),
        (0, ..) => Some("this network"),
        (100, 64..=127, _) => Some("a carrier's private space"),
        (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) | (240.., ..) => Some("reserved"),
        _ if v4.is_documentation() => Some("for documentation"),
        _ => None,
    }
}

fn unreachable_v6(v6: Ipv6Addr) -> Option<&'static str> {
    let segments = v6.segments();
    match segments {
        _ if v6.is_loopback() => Some("loopback"),
        _ if v6.is_unspecified() => Some("unspecified"),
        _ if v6.is_unique_local() => Some("private"),
        _ if v6.is_unicast_link_local() => Some("link-local"),
        _ if v6.is_multicast() => Some("multicast"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("for documentation"),
        // Teredo, 6to4 and NAT64 hide an IPv4 address; a registry has no use for them.
        [0x2001, 0..=0x1ff, ..] | [0x2002, ..] | [0x64, 0xff9b, ..] => Some("a tunnel"),
        // Whatever is public lies in 2000::/3; v4-mapped addresses don't.
        [first, ..] if first & 0xe000 != 0x2000 => Some("reserved"),
        _ => None,
    }
}

/// An address is our own if a socket can be bound to it.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Connects to a host by name or address literal, if one of its addresses may be connected to.
///
/// # Errors
/// [`Unconnected::Forbidden`] where none may be; the network's own.
pub async fn connect(reach: &Reach, host: &str, port: u16) -> Result<TcpStream, Unconnected> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut last = None;
    for target in tokio::net::lookup_host((bare, port)).await? {
        match reach.judge(target) {
            Err(forbidden) => last = last.or(Some(Unconnected::Forbidden(forbidden))),
            Ok(()) => match TcpStream::connect(target).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(e) => last = Some(Unconnected::Io(e)),
            },
        }
    }
    Err(last.unwrap_or_else(|| Unconnected::Io(io::Error::other("the name has no address"))))
}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum Unconnected {
    #[error("{0}")]
    Forbidden(Forbidden),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A client of such servers. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    client: Client<HttpsConnector<Connect>, Full<Bytes>>,
    /// Why https can't be spoken, where the machine has no root certificates.
    no_roots: Option<Arc<str>>,
}

/// What is asked for, and how much of an answer is taken.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    pub accept: &'a str,
    /// Bytes.
    pub limit: u64,
    pub redirects: u8,
    pub deadline: Duration,
}

impl Outside {
    /// A client that keeps to `reach`.
    ///
    /// # Errors
    /// [`Error::Roots`] where TLS can't be set up at all.
    pub fn new(reach: Reach) -> Result<Outside, Error> {
        let connect = Connect(Arc::new(reach));
        let provider = rustls::crypto::ring::default_provider();
        let native = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider.clone());
        let (builder, no_roots) = match native {
            Ok(builder) => (builder, None),
            Err(e) => {
                let bare = rustls::ClientConfig::builder_with_provider(provider.into())
                    .with_safe_default_protocol_versions()
                    .map_err(|e| Error::Roots { why: causes(&e) })?
                    .with_root_certificates(rustls::RootCertStore::empty())
                    .with_no_client_auth();
                let builder = HttpsConnectorBuilder::new().with_tls_config(bare);
                (builder, Some(causes(&e).into()))
            }
        };
        let connector = builder
            .https_or_http()
            .enable_http1()
            .wrap_connector(connect);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Outside { client, no_roots })
    }

    /// Gets a URL and follows its redirects; the answer has any status but a redirect's.
    ///
    /// # Errors
    /// [`Error::Private`], [`Error::Redirect`], [`Error::TooLarge`], [`Error::Timeout`], [`Error::Unreachable`],
    /// [`Error::Roots`].
    pub async fn get(&self, url: &Url, get: Get<'_>) -> Result<Answer, Error> {
        let work = self.follow(url.clone(), get);
        let done = tokio::time::timeout(get.deadline, work).await;
        done.unwrap_or_else(|_| {
            Err(Error::Timeout {
                place: url.to_string(),
                what: "the answer",
                after: get.deadline,
            })
        })
    }

    async fn follow(&self, mut url: Url, get: Get<'_>) -> Result<Answer, Error> {
        for _ in 0..=get.redirects {
            let place = url.to_string();
            let answer = self.send(&url, get.accept).await?;
            let status = answer.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return Ok(Answer {
                    status,
                    content_type: text_of(&answer, &header::CONTENT_TYPE),
                    bytes: Body::new(&place, get.limit, &Config::default())
                        .read(answer)
                        .await?,
                });
            }
            url = next(&url, text_of(&answer, &header::LOCATION).as_deref())?;
        }
        Err(Error::Redirect {
            place: url.to_string(),
            why: format!("more than {} redirects lead here", get.redirects),
        })
    }

    async fn send(
        &self,
        url: &Url,
        accept: &str,
    ) -> Result<hyper::Response<hyper::body::Incoming>, Error> {
        if let Some(why) = self.no_roots.as_deref().filter(|_| url.scheme() == "https") {
            return Err(Error::Roots {
                why: why.to_owned(),
            });
        }
        let place = url.to_string();
        let unsendable = |e: hyper::http::Error| Error::Unreachable {
            place: place.clone(),
            why: format!("it can't be asked for: {e}"),
        };
        let uri: Uri = place
            .parse()
            .map_err(|e| unsendable(hyper::http::Error::from(e)))?;
        let request = Request::get(uri)
            .header(header::USER_AGENT, AGENT)
            .header(header::ACCEPT, accept)
            .body(Full::new(Bytes::new()))
            .map_err(unsendable)?;
        let sent = self.client.request(request).await;
        sent.map_err(|e| match forbidden(&e) {
            Some(forbidden) => Error::Private {
                place: place.clone(),
                forbidden,
            },
            None => Error::Unreachable {
                place: place.clone(),
                why: causes(&e),
            },
        })
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outside")
    }
}

/// Where a redirect leads, if it may be followed.
fn next(from: &Url, location: Option<&str>) -> Result<Url, Error> {
    let refused = |why: String| Error::Redirect {
        place: from.to_string(),
        why,
    };
    let Some(location) = location else {
        return Err(refused("a redirect that leads nowhere".to_owned()));
    };
    let to = from
        .join(location)
        .map_err(|e| refused(format!("a redirect to something else than a URL: {e}")))?;
    let plain = to.username().is_empty() && to.password().is_none();
    match (from.scheme(), to.scheme()) {
        ("https", "https") | ("http", "http" | "https") if plain => Ok(to),
        _ => Err(refused(format!("a redirect to {to} isn't followed"))),
    }
}

/// The forbidden address that lies under an error of the client.
fn forbidden(error: &(dyn std::error::Error + 'static)) -> Option<Forbidden> {
    let mut under = Some(error);
    while let Some(cause) = under {
        if let Some(Unconnected::Forbidden(found)) = cause.downcast_ref::<Unconnected>() {
            return Some(found.clone());
        }
        under = cause.source();
    }
    None
}

/// Opens the client's connections.
#[derive(Clone)]
struct Connect(Arc<Reach>);

impl tower::Service<Uri> for Connect {
    type Response = TokioIo<TcpStream>;
    type Error = Unconnected;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Unconnected>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unconnected>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let reach = self.0.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().to_owned();
            let by_scheme = if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            };
            let port = uri.port_u16().unwrap_or(by_scheme);
            connect(&reach, &host, port).await.map(TokioIo::new)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        let reach = Reach {
            allow: vec!["127.0.0.1:4400".parse().unwrap()],
            refuse: vec!["9.9.9.0/24".parse().unwrap()],
        };
        let may = |text: &str| reach.judge(text.parse().unwrap()).is_ok();
        for public in [
            "1.1.1.1:443",
            "203.119.8.1:43",
            "[2606:4700::1111]:443",
            "127.0.0.1:4400",
        ] {
            assert!(may(public), "{public}");
        }
        for closed in [
            "127.0.0.1:4401",
            "127.0.0.2:4400",
            "10.1.2.3:443",
            "172.31.0.1:443",
            "192.168.1.1:80",
            "169.254.169.254:80",
            "100.100.100.200:80",
            "0.0.0.0:80",
            "192.0.2.1:80",
            "198.18.0.1:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "9.9.9.9:443",
            "[::1]:80",
            "[::]:80",
            "[fe80::1]:80",
            "[fd00::1]:80",
            "[::ffff:127.0.0.1]:80",
            "[64:ff9b::7f00:1]:80",
            "[2002:7f00:1::]:80",
            "[2001:db8::1]:80",
            "[ff02::1]:80",
        ] {
            assert!(!may(closed), "{closed}");
        }
    }

    #[test]
    fn redirects_stay_on_the_web_and_never_lose_tls() {
        let from = |text: &str| Url::parse(text).unwrap();
        let to = |a: &str, b: Option<&str>| next(&from(a), b).map(|url| url.to_string());
        assert_eq!(
            to("https://a.vn/x/", Some("y")).unwrap(),
            "https://a.vn/x/y"
        );
        assert!(to("http://a.vn/", Some("https://b.vn/")).is_ok());
        for location in [
            None,
            Some("http://a.vn/"),
            Some("file:///etc/passwd"),
            Some("https://u:p@b.vn/"),
            Some("https://["),
        ] {
            assert!(to("https://a.vn/", location).is_err(), "{location:?}");
        }
    }
}
