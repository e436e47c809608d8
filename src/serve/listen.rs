//! The sockets: both listeners are bound before anything is served, connections end in peace.

use super::{
    Config, Error,
    addresses::Addresses,
    connection::{PROTOCOLS, Speaker},
    metrics::{Counted, Metrics},
    proxy::Proxies,
    router,
    site::Site,
};
use crate::{
    casework::Casework,
    tls::{Certificate, Files, Versions},
};
use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use hyper_util::server::graceful::GracefulShutdown;
use prometheus::{Encoder, Registry, TextEncoder};
use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

/// How often the figures of who has acted are reckoned.
const STANDINGS: Duration = Duration::from_secs(30);

/// A metrics port needs few connections.
const METRICS_CONNECTIONS: usize = 32;

/// Listeners that are bound and don't serve yet.
pub struct Server {
    config: Arc<Config>,
    files: TcpListener,
    /// The same over TLS.
    secure: Option<(TcpListener, Arc<Certificate>)>,
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
    /// Reads the certificate and binds the listeners; port 0 takes a free one.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let files = bind(config.listen, "--listen").await?;
        let metrics = bind(config.metrics, "--metrics").await?;
        let secure = match config.tls_listen {
            Some(address) => {
                let certificate = certificate(&config)?;
                Some((bind(address, "--tls-listen").await?, certificate))
            }
            None => None,
        };
        Ok(Self {
            config: Arc::new(config),
            files,
            secure,
            metrics,
        })
    }

    /// Where files and API, and where metrics are served.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.files.local_addr()?, self.metrics.local_addr()?))
    }

    /// Where files and API are served over TLS.
    pub fn secure_address(&self) -> Option<SocketAddr> {
        self.secure.as_ref()?.0.local_addr().ok()
    }

    /// The certificate of TLS, for whoever looks after it.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.secure
            .as_ref()
            .map(|(_, certificate)| certificate.clone())
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
        let addresses = Addresses::new(self.config.address_connections);
        let speaker = Speaker {
            router: router::of_site(site)?,
            tls: None,
            proxies: Arc::new(Proxies::new(&self.config)),
            addresses: addresses.clone(),
            stopping: stopping.clone(),
        };
        let most = self.config.connections.min(Semaphore::MAX_PERMITS);
        let files = Listener {
            listener: self.files,
            speaker,
            limit: Arc::new(Semaphore::new(most)),
            addresses,
            open: Some(connections),
            grace: Duration::from_secs(self.config.grace),
            stopping: stopping.clone(),
        };
        let secure = self
            .secure
            .map(|(listener, certificate)| files.over_tls(listener, &certificate));
        let secure = secure.transpose()?;
        let figures = Listener {
            listener: self.metrics,
            speaker: Speaker {
                router: metrics_router(registry),
                ..files.speaker.clone()
            },
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
        let secure = async {
            if let Some(secure) = secure {
                secure.serve().await;
            }
        };
        tokio::join!(files.serve(), secure, figures.serve(), shown, ends);
        Ok(())
    }
}

/// One listener with what it serves.
struct Listener {
    listener: TcpListener,
    speaker: Speaker,
    limit: Arc<Semaphore>,
    addresses: Addresses,
    open: Option<prometheus::IntGauge>,
    grace: Duration,
    stopping: watch::Receiver<bool>,
}

impl Listener {
    /// Another that serves the same over TLS, within the same limits.
    fn over_tls(
        &self,
        listener: TcpListener,
        certificate: &Arc<Certificate>,
    ) -> Result<Self, Error> {
        let tls = certificate.acceptor(Versions::Both, PROTOCOLS)?;
        Ok(Self {
            listener,
            speaker: Speaker {
                tls: Some(tls),
                ..self.speaker.clone()
            },
            limit: self.limit.clone(),
            addresses: self.addresses.clone(),
            open: self.open.clone(),
            grace: self.grace,
            stopping: self.stopping.clone(),
        })
    }

    async fn serve(mut self) {
        let graceful = GracefulShutdown::new();
        while let Some((stream, peer, permit)) = self.accept().await {
            let peer = peer.ip();
            // A proxy's connections are many clients'; their places are taken by request.
            let place = if self.speaker.proxies.trusts(peer) {
                None
            } else {
                match self.addresses.take(peer) {
                    Some(place) => Some(place),
                    None => continue,
                }
            };
            let (speaker, watcher) = (self.speaker.clone(), graceful.watcher());
            let counted = self.open.as_ref().map(Counted::up);
            tokio::spawn(async move {
                speaker.serve(stream, peer, watcher).await;
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

fn certificate(config: &Config) -> Result<Arc<Certificate>, Error> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
        return Err(Error::NoCertificate);
    };
    let files = Files {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    Ok(Certificate::open("http", files)?)
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

pub(super) fn metrics_router(registry: Registry) -> Router {
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
