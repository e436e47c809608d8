//! `blockfeed serve`: the authority.

use super::{Error, Output, facts, guard, output, secret, signals, telemetry};
use crate::{
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

/// Run the authority: sequencer, published files, API, metrics
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed serve --config /var/lib/blockfeed/blockfeed.toml
  blockfeed serve --data data --listen 127.0.0.1:8399 --metrics 127.0.0.1:9399

SIGTERM or Ctrl-C ends it with 0 after the commit at hand. Whatever a crash left undone is
finished at the next start.")]
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
}

impl ServeArgs {
    pub async fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        if let Some(data) = self.data {
            config.log.data = data;
        }
        config.serve.listen = self.listen.unwrap_or(config.serve.listen);
        config.serve.metrics = self.metrics.unwrap_or(config.serve.metrics);
        config.transfer.listen = self.dns.unwrap_or(config.transfer.listen);
        config.keys.passphrase_file = self.passphrase_file.or(config.keys.passphrase_file);
        telemetry::start(&config.logging)?;
        let stopped = signals::stopped()?;
        let server = serve::Server::bind(config.serve.clone()).await?;
        let (listen, metrics) = server.addresses().map_err(Error::io("the listener"))?;
        let zones = bind_zones(&config).await?;
        let registry = Registry::new();
        key_files(&config)?;
        // The zones that were kept are served while keys and log are read.
        let source = Arc::new(serve::Zones::waiting());
        let zones = start_zones(zones, &config, &source, &registry)?;
        let keys = keys(&config)?;
        let casework = open(&config, &keys, &registry)?;
        source.open(casework.clone());
        drop(source);
        let dns = zones.as_ref().map(|zones| zones.addresses().plain);
        out.data(&json!({ "listen": listen, "metrics": metrics, "dns": dns }))?;
        let zones_at = dns.map_or(String::new(), |dns| format!("   zones dns://{dns}"));
        out.line(format!(
            "serving http://{listen}   metrics http://{metrics}/metrics{zones_at}"
        ))?;
        server.serve(casework.clone(), registry, stopped).await?;
        if let Some(zones) = zones {
            zones.stop().await;
        }
        close(casework).await;
        Ok(())
    }
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

/// Opens the log with its guard, and the desk before it. Blocks while the log is read.
pub fn open(config: &Config, keys: &Keys, registry: &Registry) -> Result<Casework, Error> {
    let guard = guard::load(config)?;
    let rules = Rules {
        version: guard::VERSION,
        lists: guard.lists().hash(),
        platforms: Arc::new(guard.lists().platforms.clone()),
        respond_hours: guard.lists().plan.respond_hours(),
        test_subjects: guard.lists().test_subjects.clone(),
        guard: Some(guard.clone()),
        gatherer: Some(facts::gatherer(config, &guard, 1)?),
        judge: Arc::new(move |body, ledger, now, parts| {
            guard::judge(&guard, body, ledger, now, parts)
        }),
    };
    let authority = Authority::open(
        config.log.clone(),
        keys,
        rules.hook(),
        log::Metrics::new(registry).map_err(log::Error::from)?,
        |error| {
            // Nobody knows what the disk holds now; the next start finds out.
            output::note(&format!("blockfeed: the sequencer ends: {error}"));
            std::process::exit(EXIT_DISK);
        },
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
    let beside = |name: &str| config.log.data.join("keys").join(name);
    let log = config.keys.log.clone().unwrap_or_else(|| beside("log.pem"));
    let feed = config.keys.feed.clone();
    let feed = feed.unwrap_or_else(|| beside("feed.pem"));
    if !log.exists() && !config.log.data.join("db").exists() {
        return Err(log::Error::Empty(config.log.data.display().to_string()).into());
    }
    Ok((log, feed))
}

fn named(log: &Path, feed: &Path) -> String {
    format!("{} and {}", log.display(), feed.display())
}

/// The exit code after a failed write: an init system may tell it from a refusal to start.
const EXIT_DISK: i32 = 74;

/// How long the log may take to end: a commit at hand, a snapshot that is being cut.
const CLOSING: Duration = Duration::from_secs(20);
