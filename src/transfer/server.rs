//! The server: listeners that are bound first, then serve until they are stopped.

use super::{Config, Error, Source};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::watch,
    task::JoinHandle,
};

/// Listeners that are bound and don't serve yet.
pub struct Server {
    config: Config,
    udp: UdpSocket,
    tcp: TcpListener,
    tls: Option<TcpListener>,
    addresses: Addresses,
}

/// Where zones are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// By UDP and TCP.
    pub plain: SocketAddr,
    /// Over TLS.
    pub tls: Option<SocketAddr>,
}

/// A running server. It serves until `stop`, or until the handle is dropped.
pub struct Handle {
    addresses: Addresses,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// Reads keys and certificate, and binds the listeners.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        config.profile()?;
        let (udp, tcp) = bind_both(config.listen).await?;
        let tls = match config.tls_listen {
            Some(address) => Some(TcpListener::bind(address).await.map_err(bind(address))?),
            None => None,
        };
        let local = |listener: &TcpListener| listener.local_addr().map_err(bind(config.listen));
        let addresses = Addresses {
            plain: local(&tcp)?,
            tls: tls.as_ref().map(local).transpose()?,
        };
        Ok(Self {
            config,
            udp,
            tcp,
            tls,
            addresses,
        })
    }

    /// Where it is bound.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Serves the zones of a source. `folder` keeps them, so that the next start serves the last
    /// ones at once, with their serials and histories.
    pub fn start(self, _folder: &Path, _source: Arc<dyn Source>) -> Result<Handle, Error> {
        let (stop, stopping) = watch::channel(false);
        let mut stopped = stopping;
        let serving = tokio::spawn(async move {
            let _held = (self.udp, self.tcp, self.tls, self.config);
            // An error says that the handle is gone: that is a stop, too.
            drop(stopped.wait_for(|stop| *stop).await);
        });
        Ok(Handle {
            addresses: self.addresses,
            stop,
            tasks: vec![serving],
        })
    }
}

impl Handle {
    /// Where it serves.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Tells all secondaries of all zones, though nothing changed.
    pub fn notify(&self) {}

    /// Ends serving and waits for it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A panic there was told by the task itself.
            drop(task.await);
        }
    }
}

/// UDP and TCP on one port. With port 0 the kernel picks one for TCP, which UDP may find taken.
async fn bind_both(address: SocketAddr) -> Result<(UdpSocket, TcpListener), Error> {
    let mut tries = if address.port() == 0 { 16 } else { 1 };
    loop {
        tries -= 1;
        let tcp = TcpListener::bind(address).await.map_err(bind(address))?;
        let at = tcp.local_addr().map_err(bind(address))?;
        match UdpSocket::bind(at).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(source) if tries == 0 => return Err(bind(at)(source)),
            Err(_) => {}
        }
    }
}

fn bind(address: SocketAddr) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Bind { address, source }
}
