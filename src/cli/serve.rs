//! `blockfeed serve`: the authority.

use super::{
    Error, Output, facts, guard, host, recovery, reload::Reload, restart, secret, service, signals,
    telemetry,
};
use crate::{
    backup,
    casework::{self, Casework, Rules},
    config::Config,
    log::{self, Authority, Keys},
    serve, transfer,
};
use clap::Args;
use prometheus::Registry;
use serde_json::json;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Run the authority: sequencer, published files, API, metrics
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed serve --config /var/lib/blockfeed/blockfeed.toml
  blockfeed serve --data data --listen 127.0.0.1:8399 --metrics 127.0.0.1:9399

SIGTERM or Ctrl-C ends it with 0 after the commit at hand. Whatever a crash left undone is
finished at the next start. SIGHUP reads certificates anew; they are also read when the files change.
After a failed write nothing is taken in and reading goes on; when the disk takes writes again the
process ends with 74, to be started anew.")]
pub struct ServeArgs {
    /// The data directory [setting log.data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where files and API are served [setting serve.listen]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where metrics are served [setting serve.metrics]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Where policy zones are served, by UDP and TCP [setting transfer.listen]
    #[arg(long, value_name = "ADDRESS")]
    dns: Option<SocketAddr>,
    /// A file that holds the passphrase of the log and feed keys [else BLOCKFEED_PASSPHRASE, else asked for]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Where files and API are served over TLS [setting serve.tls_listen]
    #[arg(long, value_name = "ADDRESS")]
    tls_listen: Option<SocketAddr>,
}

impl ServeArgs {
    pub async fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        if let Some(data) = self.data {
            config.log.data = data;
        }
        config.serve.listen = self.listen.unwrap_or(config.serve.listen);
        config.serve.metrics = self.metrics.unwrap_or(config.serve.metrics);
        config.serve.tls_listen = self.tls_listen.or(config.serve.tls_listen);
        config.transfer.listen = self.dns.unwrap_or(config.transfer.listen);
        config.keys.passphrase_file = self.passphrase_file.or(config.keys.passphrase_file);
        telemetry::start(&config.logging)?;
        let stopped = signals::stopped()?;
        config.serve.connections = host::connections(config.serve.connections);
        let server = serve::Server::bind(config.serve.clone()).await?;
        let zones = bind_zones(&config).await?;
        let registry = Registry::new();
        let zones_certificate = zones.as_ref().and_then(transfer::Server::certificate);
        let certificates = server.certificate().into_iter().chain(zones_certificate);
        let reload = Reload::begin(certificates, &registry)?;
        let figures = host::watch(config.log.data.clone(), &registry)?;
        key_files(&config)?;
        // Before the zones: where the log had lost its tail, the kept zones are behind their secondaries.
        recovery::before_opening(&config).await?;
        // The zones that were kept are served while keys and log are read.
        let source = Arc::new(serve::Zones::waiting());
        let zones = start_zones(zones, &config, &source, &registry)?;
        let keys = keys(&config)?;
        let (failed, failure) = oneshot::channel();
        let casework = open(&config, &keys, &registry, |error| drop(failed.send(error)))?;
        source.open(casework.clone());
        drop(source);
        if let Err(error) = backup::control::listen(&config.log.data, casework.authority().store())
        {
            tracing::warn!(%error, "no backup can be taken while this runs");
        }
        say(&server, zones.as_ref(), out)?;
        let heartbeats = service::heartbeats();
        let (ended, end) = oneshot::channel();
        let log = config.log.clone();
        let stopped = async move {
            let broken = async {
                match failure.await {
                    Ok(error) => {
                        restart::when_writable(&log, &error).await;
                        error
                    }
                    // The log was closed without a failure.
                    Err(_) => std::future::pending().await,
                }
            };
            let why = tokio::select! {
                () = stopped => None,
                error = broken => Some(error),
            };
            service::stopping();
            drop(ended.send(why));
        };
        server.serve(casework.clone(), registry, stopped).await?;
        if let Some(zones) = zones {
            zones.stop().await;
        }
        close(casework).await;
        figures.abort();
        heartbeats.into_iter().for_each(|beats| beats.abort());
        drop(reload);
        match end.await {
            Ok(Some(error)) => Err(Error::Disk(error)),
            _ => Ok(()),
        }
    }
}

/// Says where it serves, to whoever started it.
fn say(server: &serve::Server, zones: Option<&transfer::Handle>, out: Output) -> Result<(), Error> {
    let (listen, metrics) = server.addresses().map_err(Error::io("the listener"))?;
    let tls = server.secure_address();
    let zones = zones.map(transfer::Handle::addresses);
    let (dns, xot) = (zones.map(|z| z.plain), zones.and_then(|z| z.tls));
    out.data(&json!({ "listen": listen, "tls": tls, "metrics": metrics, "dns": dns, "xot": xot }))?;
    let mut text = format!("serving http://{listen}   metrics http://{metrics}/metrics");
    for (what, at) in [
        ("https://", tls),
        ("zones dns://", dns),
        ("zones xot://", xot),
    ] {
        if let Some(at) = at {
            text.push_str(&format!("   {what}{at}"));
        }
    }
    out.line(&text)?;
    service::ready(&text);
    Ok(())
}

/// Binds the listeners of the policy zones, unless the settings want none.
pub async fn bind_zones(config: &Config) -> Result<Option<transfer::Server>, Error> {
    if !config.transfer.serve {
        return Ok(None);
    }
    Ok(Some(transfer::Server::bind(config.transfer.clone()).await?))
}

/// Serves the zones of an authority; before its log is open, those that were kept.
pub fn start_zones(
    server: Option<transfer::Server>,
    config: &Config,
    source: &Arc<serve::Zones>,
    registry: &Registry,
) -> Result<Option<transfer::Handle>, Error> {
    let Some(server) = server else {
        return Ok(None);
    };
    let metrics = transfer::Metrics::new(registry).map_err(transfer::Error::from)?;
    let folder = config.log.data.join("zones");
    Ok(Some(server.start(&folder, source.clone(), metrics)?))
}

/// Opens the log with its guard, and the desk before it. Blocks while the log is read. `failed` is
/// told when a write has failed.
pub fn open(
    config: &Config,
    keys: &Keys,
    registry: &Registry,
    failed: impl FnOnce(log::Error) + Send + 'static,
) -> Result<Casework, Error> {
    let guard = guard::load(config)?;
    let rules = Rules {
        version: guard::VERSION,
        lists: guard.lists().hash(),
        platforms: Arc::new(guard.lists().platforms.clone()),
        respond_hours: guard.lists().plan.respond_hours(),
        test_subjects: guard.lists().test_subjects.clone(),
        guard: Some(guard.clone()),
        gatherer: Some(facts::gatherer(config, &guard, None)?),
        judge: Arc::new(move |body, ledger, now, parts| {
            guard::judge(&guard, body, ledger, now, parts)
        }),
    };
    let authority = Authority::open(
        config.log.clone(),
        keys,
        rules.hook(),
        log::Metrics::new(registry).map_err(log::Error::from)?,
        failed,
    )?;
    let metrics = casework::Metrics::new(registry).map_err(log::Error::from)?;
    Ok(Casework::open(authority, rules, metrics)?)
}

/// Ends the log after the commit at hand and waits until its database is closed: threads of the
/// database that still run when the process ends would break it off.
pub async fn close(casework: Casework) {
    let authority = casework.authority().clone();
    drop(casework);
    authority.stop();
    let store = authority.store().clone();
    drop(authority);
    let began = Instant::now();
    while Arc::strong_count(&store) > 1 && began.elapsed() < CLOSING {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Opens the log's online keys.
pub fn keys(config: &Config) -> Result<Keys, Error> {
    let (log, feed) = key_files(config)?;
    let file = config.keys.passphrase_file.as_deref();
    let passphrase = secret::passphrase(file, &named(&log, &feed))?;
    Ok(Keys {
        log: secret::read_key(&log, &passphrase)?,
        feed: secret::read_key(&feed, &passphrase)?,
    })
}

/// The files of the online keys; refused where there is no log at all.
fn key_files(config: &Config) -> Result<(PathBuf, PathBuf), Error> {
    let (log, feed) = config.keys.paths(&config.log.keys());
    if !log.exists() && !config.log.data.join("db").exists() {
        return Err(log::Error::Empty(config.log.data.display().to_string()).into());
    }
    Ok((log, feed))
}

fn named(log: &Path, feed: &Path) -> String {
    format!("{} and {}", log.display(), feed.display())
}

/// How long the log may take to end: a commit at hand, a snapshot that is being cut.
const CLOSING: Duration = Duration::from_secs(20);
