//! The sockets: both listeners are bound before anything is served, connections end in peace.

use super::{
    Config, Error,
    addresses::Addresses,
    limits::Peer,
    metrics::{Counted, Metrics},
    router,
    site::Site,
};
use crate::casework::Casework;
use axum::{
    Router,
    http::{Request, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use prometheus::{Encoder, Registry, TextEncoder};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt;

/// How long a connection may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(15);

/// How often the figures of who has acted are reckoned.
const STANDINGS: Duration = Duration::from_secs(30);

/// A metrics port needs few connections.
const METRICS_CONNECTIONS: usize = 32;

/// Two listeners that are bound and don't serve yet.
pub struct Server {
    config: Arc<Config>,
    files: TcpListener,
    metrics: TcpListener,
}

/// Binds both listeners and serves until `shutdown` is done; long polls end at once then, other
/// requests have `grace` seconds.
pub async fn run(
    config: Config,
    casework: Casework,
    registry: Registry,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    Server::bind(config)
        .await?
        .serve(casework, registry, shutdown)
        .await
}

impl Server {
    /// Binds both listeners; port 0 takes a free one.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let files = bind(config.listen, "--listen").await?;
        let metrics = bind(config.metrics, "--metrics").await?;
        Ok(Self {
            config: Arc::new(config),
            files,
            metrics,
        })
    }

    /// Where files and API, and where metrics are served.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.files.local_addr()?, self.metrics.local_addr()?))
    }

    /// Serves until `shutdown` is done.
    pub async fn serve(
        self,
        casework: Casework,
        registry: Registry,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let metrics = Metrics::new(&registry)?;
        let (stop, stopping) = watch::channel(false);
        let connections = metrics.connections.clone();
        let shown = show_standings(casework.clone(), stopping.clone());
        let accounts = router::open_accounts(&self.config, &casework, &registry)?;
        let site = Site::new(
            self.config.clone(),
            casework,
            accounts,
            metrics,
            stopping.clone(),
        );
        let files = Listener {
            listener: self.files,
            router: router::of_site(site)?,
            limit: Arc::new(Semaphore::new(
                self.config.connections.min(Semaphore::MAX_PERMITS),
            )),
            addresses: Addresses::new(self.config.address_connections),
            open: Some(connections),
            grace: Duration::from_secs(self.config.grace),
            stopping: stopping.clone(),
        };
        let figures = Listener {
            listener: self.metrics,
            router: metrics_router(registry),
            limit: Arc::new(Semaphore::new(METRICS_CONNECTIONS)),
            addresses: Addresses::new(0),
            open: None,
            grace: Duration::from_secs(1),
            stopping,
        };
        let ends = async {
            shutdown.await;
            stop.send_replace(true);
        };
        tokio::join!(files.serve(), figures.serve(), shown, ends);
        Ok(())
    }
}

/// One listener with what it serves.
struct Listener {
    listener: TcpListener,
    router: Router,
    limit: Arc<Semaphore>,
    addresses: Addresses,
    open: Option<prometheus::IntGauge>,
    grace: Duration,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    async fn serve(mut self) {
        let graceful = GracefulShutdown::new();
        while let Some((stream, peer, permit)) = self.accept().await {
            let Some(place) = self.addresses.take(peer.ip()) else {
                continue;
            };
            let peer = Peer(peer.ip());
            let router = self.router.clone();
            let known = router.map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request
            });
            let service = TowerToHyperService::new(known);
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
            let (watcher, mut stopping) = (graceful.watcher(), self.stopping.clone());
            let counted = self.open.as_ref().map(Counted::up);
            tokio::spawn(async move {
                let began = tokio::select! {
                    began = tokio::time::timeout(HEAD_TIME, begun(&stream)) => began.is_ok(),
                    _ = stopping.wait_for(|stop| *stop) => false,
                };
                if began {
                    let connection = builder
                        .serve_connection(TokioIo::new(stream), service)
                        .into_owned();
                    // A reader that goes away in the middle is no fault of ours.
                    let _ = watcher.watch(connection).await;
                }
                drop((permit, place, counted));
            });
        }
        drop(self.listener);
        if tokio::time::timeout(self.grace, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("requests were still at hand when the time to end them was over");
        }
    }

    /// The next connection, when there is room for one; none when the server stops.
    async fn accept(&mut self) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let (limit, listener) = (self.limit.clone(), &self.listener);
        let next = async {
            let permit = limit.acquire_owned().await.ok()?;
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        // Small answers go out at once; one that can't be set this way works too.
                        let _ = stream.set_nodelay(true);
                        return Some((stream, peer, permit));
                    }
                    Err(error) => {
                        // Too many open files, or a connection that broke before it was taken.
                        tracing::warn!(%error, "a connection wasn't accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::select! {
            next = next => next,
            _ = self.stopping.wait_for(|stop| *stop) => None,
        }
    }
}

/// Waits until it shows which protocol a connection speaks. The server behind waits for that
/// without a limit of its own.
async fn begun(stream: &TcpStream) {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
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

/// Keeps the figures of who has acted fresh until the server stops.
async fn show_standings(casework: Casework, mut stopping: watch::Receiver<bool>) {
    loop {
        let desk = casework.clone();
        let shown = tokio::task::spawn_blocking(move || desk.show_standings()).await;
        if let Ok(Err(error)) = shown {
            tracing::warn!(%error, "where the subscribers stand can't be shown");
        }
        tokio::select! {
            () = tokio::time::sleep(STANDINGS) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            Error::Taken { address, flag }
        } else {
            Error::Listen {
                address,
                flag,
                source,
            }
        }
    })
}

fn metrics_router(registry: Registry) -> Router {
    let figures = move || {
        let registry = registry.clone();
        async move {
            let mut text = Vec::new();
            match TextEncoder::new().encode(&registry.gather(), &mut text) {
                Ok(()) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
                Err(error) => {
                    tracing::error!(%error, "the metrics can't be written");
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                }
            }
        }
    };
    Router::new().route("/metrics", get(figures))
}
