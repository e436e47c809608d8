//! One connection: TLS where the listener has a certificate, then HTTP/1 or 2 until it ends.

use super::{
    addresses::{Addresses, Place},
    limits::Peer,
    proxy::Proxies,
};
use axum::{Router, extract::Request as Asked, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
    service::TowerToHyperService,
};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::ServiceExt;

/// How long a connection may take to send the head of a request, and before that to agree on TLS.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(15);

/// What HTTP/2 begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What ALPN offers. A client that offers only the oldest would be sent away without it.
pub(super) const PROTOCOLS: &[&str] = &["h2", "http/1.1", "http/1.0"];

/// Whoever a proxy of ours speaks for has so many requests at hand as others have connections:
/// the place that this one takes, or none where the client has as many as it may.
#[derive(Clone)]
pub(super) struct Behind(pub(super) Option<Arc<Place>>);

/// What all connections of a listener share.
#[derive(Clone)]
pub(super) struct Speaker {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) proxies: Arc<Proxies>,
    pub(super) addresses: Addresses,
    /// True from the moment on at which nothing new begins.
    pub(super) stopping: watch::Receiver<bool>,
}

impl Speaker {
    /// Serves a connection until it ends. A reader that goes away in the middle is no fault of ours.
    pub(super) async fn serve(mut self, stream: TcpStream, peer: IpAddr, watcher: Watcher) {
        let Some(acceptor) = self.tls.clone() else {
            if self.in_time(begun(&stream)).await.is_some() {
                self.speak(builder(), stream, peer, watcher).await;
            }
            return;
        };
        let stream = match self.in_time(acceptor.accept(stream)).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return tracing::debug!(%error, "a TLS handshake broke off"),
            None => return,
        };
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            let builder = builder().http1_only();
            return self.speak(builder, stream, peer, watcher).await;
        }
        if let Some(Ok(stream)) = self.in_time(with_preface(stream)).await {
            let builder = builder().http2_only();
            self.speak(builder, stream, peer, watcher).await;
        }
    }

    /// What a connection does before HTTP begins: within its time, and not while the server stops.
    async fn in_time<T>(&mut self, begins: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = timeout(HEAD_TIME, begins) => done.ok(),
            _ = self.stopping.wait_for(|stop| *stop) => None,
        }
    }

    async fn speak(
        self,
        builder: auto::Builder<TokioExecutor>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: IpAddr,
        watcher: Watcher,
    ) {
        let Self {
            router,
            proxies,
            addresses,
            ..
        } = self;
        let known = router.map_request(move |mut request: Request<Incoming>| {
            let client = proxies.client(peer, request.headers());
            if client != peer.to_canonical() {
                let place = addresses.take(client).map(Arc::new);
                request.extensions_mut().insert(Behind(place));
            }
            request.extensions_mut().insert(Peer(client));
            request
        });
        let service = TowerToHyperService::new(known);
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let _ = watcher.watch(connection).await;
    }
}

/// The place of a request that came through a proxy of ours, held as long as this is.
pub(super) fn place(request: &mut Asked) -> Option<Behind> {
    request.extensions_mut().remove::<Behind>()
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIME)
        .keep_alive_timeout(HEAD_TIME);
    builder
}

/// Waits until it shows which protocol a connection speaks. The server behind waits for that
/// without a limit of its own.
async fn begun(stream: &TcpStream) {
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            // What arrived so far may become the preface.
            Ok(n) if n > 0 && n < PREFACE.len() && PREFACE.starts_with(&first[..n]) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            _ => return,
        }
    }
}

/// Waits for the preface of HTTP/2, and gives back the connection as if it had not been read.
async fn with_preface(
    stream: TlsStream<TcpStream>,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    let (mut reader, writer) = tokio::io::split(stream);
    let mut first = [0; PREFACE.len()];
    reader.read_exact(&mut first).await?;
    if first != *PREFACE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let again = io::Cursor::new(first).chain(reader);
    Ok(tokio::io::join(again, writer))
}
