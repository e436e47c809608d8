//! The server: listeners that are bound first, then serve until they are stopped.

use super::{
    Config, Error, Metrics, Source,
    desk::Desk,
    disk::Disk,
    door::{self, Patience},
    files::Files,
    keeper,
    keys::Keys,
    levels::Level,
    maker::{Forms, Maker},
    name::{Name, Profile},
    notify::News,
    places::{Place, Places},
    ring, tls,
    wire::Form,
};
use crate::tls::Certificate;
use arc_swap::ArcSwap;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Listeners that are bound and don't serve yet.
pub struct Server {
    config: Config,
    forms: Forms,
    keys: Keys,
    stamp: ring::Stamp,
    udp: UdpSocket,
    tcp: TcpListener,
    tls: Option<(TcpListener, Arc<Certificate>)>,
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
    desk: Arc<Desk>,
    stop: watch::Sender<bool>,
    news: Arc<watch::Sender<News>>,
    tasks: JoinSet<()>,
    keeper: JoinHandle<()>,
}

impl Server {
    /// Reads keys and certificate, and binds the listeners.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let forms = forms(&config)?;
        // Before it is read: a change in between is seen.
        let stamp = config.keys.as_deref().and_then(ring::stamp_of);
        let keys = config.keys.as_deref().map(Keys::read).transpose()?;
        let (udp, tcp) = bind_both(config.listen).await?;
        let tls = match config.tls_listen {
            Some(address) => {
                let certificate = tls::certificate(&config)?;
                let listener = TcpListener::bind(address).await.map_err(bind(address))?;
                Some((listener, certificate))
            }
            None => None,
        };
        let local = |listener: &TcpListener| listener.local_addr().map_err(bind(config.listen));
        let addresses = Addresses {
            plain: local(&tcp)?,
            tls: tls.as_ref().map(|(tls, _)| local(tls)).transpose()?,
        };
        Ok(Self {
            config,
            forms,
            keys: keys.unwrap_or_default(),
            stamp,
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

    /// The certificate of transfers over TLS, for whoever looks after it.
    pub fn certificate(&self) -> Option<Arc<Certificate>> {
        self.tls
            .as_ref()
            .map(|(_, certificate)| certificate.clone())
    }

    /// Serves the zones of a source. `folder` keeps them, so that the next start serves the last
    /// ones at once, with their serials and histories.
    pub fn start(
        self,
        folder: &Path,
        source: Arc<dyn Source>,
        metrics: Metrics,
    ) -> Result<Handle, Error> {
        let disk = Disk::open(folder)?;
        let (stop, stopping) = watch::channel(false);
        let news = Arc::new(watch::channel(News::default()).0);
        let desk = Arc::new(Desk {
            zones: ArcSwap::default(),
            keys: ArcSwap::from_pointee(self.keys),
            allow: self.config.allow.clone(),
            source: source.clone(),
            metrics: metrics.clone(),
        });
        let keeper = {
            let (desk, news, forms) = (desk.clone(), news.clone(), self.forms);
            let make = move || Maker::open(source, disk, forms);
            let files = Files(self.config.files.clone());
            tokio::task::spawn_blocking(move || keeper::run(make, &files, &desk, &news, stopping))
        };
        let mut tasks = JoinSet::new();
        let (file, unsigned) = ((self.config.keys, self.stamp), self.config.notify);
        tasks.spawn(ring::follow(file, unsigned, desk.clone(), news.clone()));
        tasks.spawn(door::datagrams(self.udp, desk.clone()));
        let patience = Patience {
            read: Duration::from_secs(self.config.read_seconds),
            write: Duration::from_secs(self.config.write_seconds),
        };
        let (all, each) = (self.config.connections, self.config.address_connections);
        let places = Places::new(all, each, metrics);
        let (at, of) = (desk.clone(), places.clone());
        tasks.spawn(accept(self.tcp, None, at, of, patience));
        if let Some((listener, certificate)) = self.tls {
            let (at, acceptor) = (desk.clone(), tls::acceptor(&certificate)?);
            tasks.spawn(accept(listener, Some(acceptor), at, places, patience));
        }
        Ok(Handle {
            addresses: self.addresses,
            desk,
            stop,
            news,
            tasks,
            keeper,
        })
    }
}

impl Handle {
    /// Where it serves.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The zones' names and serials; none before anything was known of what is in force.
    pub fn serials(&self) -> Vec<(String, u32)> {
        let zones = self.desk.zones.load();
        let of = |zone: &Arc<super::zone::Zone>| (zone.form.apex.to_string(), zone.serial);
        zones.iter().flatten().map(of).collect()
    }

    /// Waits until the zones were made of what is in force.
    pub async fn ready(&self) {
        let mut news = self.news.subscribe();
        // The sender is held here.
        drop(news.wait_for(|news| news.changes > 0).await);
    }

    /// Tells all secondaries of all zones, though nothing changed.
    pub fn notify(&self) {
        self.news.send_modify(|news| news.wanted += 1);
    }

    /// Ends serving and waits for it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.tasks.shutdown().await;
        // A panic there was told by the thread itself.
        drop(self.keeper.await);
    }
}

/// Takes connections, for ever; each is served by a task that ends with this one.
async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    desk: Arc<Desk>,
    places: Arc<Places>,
    patience: Patience,
) {
    let mut open = JoinSet::new();
    loop {
        // Those that have ended are let go of.
        while open.try_join_next().is_some() {}
        let Ok((stream, from)) = listener.accept().await else {
            // No descriptor left: some connection must end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let ip = from.ip();
        let Some((place, notice)) = places.take(ip, desk.is_allowed(ip)) else {
            continue;
        };
        let (desk, tls) = (desk.clone(), tls.clone());
        open.spawn(async move {
            tokio::select! {
                ended = connection(stream, from, tls, (&place, &desk), patience) => {
                    if let Err(error) = ended {
                        tracing::debug!(%from, %error, "a DNS connection broke off");
                    }
                }
                () = notice.end(patience.read) => desk.metrics.cut_off.inc(),
            }
            drop(place);
        });
    }
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    tls: Option<TlsAcceptor>,
    (place, desk): (&Place, &Desk),
    patience: Patience,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => door::stream(stream, from.ip(), place, desk, patience).await,
        Some(acceptor) => {
            let stream = timeout(patience.read, acceptor.accept(stream)).await??;
            door::stream(stream, from.ip(), place, desk, patience).await
        }
    }
}

/// What each zone's records look like.
fn forms(config: &Config) -> Result<Forms, Error> {
    let profile = config.profile()?;
    let zones = &config.zones;
    let named = [
        (Level::Rpz, &zones.rpz),
        (Level::Block, &zones.block),
        (Level::Allow, &zones.allow),
        (Level::Base, &zones.base),
        (Level::Net, &zones.net),
    ];
    let mut forms = Vec::new();
    for (level, text) in named {
        let why = || {
            format!(
                "transfer.zones.{}: {text:?} is no zone's name",
                level.as_str()
            )
        };
        let apex = Name::parse(text).ok_or_else(|| Error::Setting(why()))?;
        forms.push(Arc::new(Form {
            apex,
            profile: match level {
                Level::Allow => Profile::Pass,
                _ => profile.clone(),
            },
            ttl: config.ttl,
            refresh: config.refresh,
            retry: config.retry,
            expire: config.expire,
        }));
    }
    let twice = |form: &Arc<Form>| forms.iter().filter(|f| f.apex == form.apex).count() > 1;
    if let Some(form) = forms.iter().find(|form| twice(form)) {
        let why = format!("transfer.zones: two zones are named {}", form.apex);
        return Err(Error::Setting(why));
    }
    let short = |_| Error::Setting("transfer.zones: five zones are named".into());
    forms.try_into().map_err(short)
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
