//! `blockfeed mirror`: follows a log, verifies it, keeps and serves what is published.

use super::{Error, Output, output, service, signals, telemetry};
use crate::{
    audit::mirror::{Mirror, Round},
    config::Config,
    serve::{self, Mirrored},
};
use clap::Args;
use prometheus::{IntCounterVec, IntGauge, Opts, Registry};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{sync::watch, time::Instant};

/// Follow a log, verify every step, keep its published files in a folder or a bucket, and serve them
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed mirror --source http://127.0.0.1:8399 --to /srv/blockfeed --session 00b8b3e1b11c426c
  blockfeed mirror --source https://a.example --source https://b.example --to /srv/blockfeed \\
    --session 00b8b3e1b11c426c --bucket s3://blocklist/399 --listen 127.0.0.1:8400

What isn't what the log's key signed and the decisions give is refused, and the next source is asked;
an older state never takes the place of a newer one. Any web server may serve the folder
(deploy/nginx). What only entitled readers may have (sellers, accounts) isn't mirrored. A bucket's
keys and endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.")]
pub struct MirrorArgs {
    /// Base URL or folder of the log, or of another mirror (may be repeated, tried in order) [setting mirror.sources]
    #[arg(long, value_name = "URL-OR-DIR")]
    source: Vec<String>,
    /// The folder that is kept [setting mirror.to]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// A bucket that is kept as well [setting mirror.bucket]
    #[arg(long, value_name = "s3://NAME/PREFIX")]
    bucket: Option<String>,
    /// The session (16 hex digits) of the log that it has to be [setting mirror.session]
    #[arg(long, value_name = "HEX")]
    session: Option<String>,
    /// Take whatever history is met first
    #[arg(long)]
    trust_on_first_use: bool,
    /// Serve the folder here [setting mirror.listen]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Serve metrics here [setting mirror.metrics]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// One look; the exit code is 0 only if a source was taken and none was found lying
    #[arg(long)]
    once: bool,
}

/// What the mirror counts.
struct Figures {
    size: IntGauge,
    signed: IntGauge,
    alarm: IntGauge,
    faults: IntCounterVec,
}

impl MirrorArgs {
    pub async fn run(self, config: Config, out: Output) -> Result<(), Error> {
        let mut settings = config.mirror.clone();
        if !self.source.is_empty() {
            settings.sources.clone_from(&self.source);
        }
        settings.to = self.to.clone().unwrap_or(settings.to);
        settings.bucket = self.bucket.clone().or(settings.bucket);
        settings.session = self.session.clone().or(settings.session);
        settings.trust_on_first_use |= self.trust_on_first_use;
        settings.listen = self.listen.or(settings.listen);
        settings.metrics = self.metrics.or(settings.metrics);
        telemetry::start(&config.logging)?;
        let stopped = signals::stopped()?;
        if self.once {
            let mut mirror = Mirror::open(settings).await.map_err(refused)?;
            let round = mirror.round().await.map_err(refused)?;
            out.data(&round)?;
            out.line(told(&round))?;
            return match round.source.is_some() && !round.is_alarming() {
                true => Ok(()),
                false => Err(Error::Shown),
            };
        }
        let registry = Registry::new();
        let figures = Figures::new(&registry).map_err(crate::log::Error::from)?;
        let (changed_tx, changed) = watch::channel(0);
        let (fresh_tx, fresh) = watch::channel(None);
        let (stop_tx, mut stop) = watch::channel(false);
        let mut told_to_stop = stop.clone();
        let mirrored = Mirrored {
            folder: Arc::new(settings.to.clone()),
            changed,
            fresh,
            stale: settings.poll_seconds.saturating_mul(10).max(300),
        };
        let serving = async {
            let Some(listen) = settings.listen else {
                return std::future::pending().await;
            };
            let stopped = async move { drop(told_to_stop.wait_for(|stop| *stop).await) };
            let bound = |at| output::note(&format!("serving http://{at}"));
            serve::serve_mirror(listen, mirrored, bound, stopped).await
        };
        let counting = async {
            let Some(listen) = settings.metrics else {
                return std::future::pending().await;
            };
            let bound = |at| output::note(&format!("metrics http://{at}/metrics"));
            serve::serve_figures(listen, registry.clone(), bound).await
        };
        let following = async {
            let mut mirror = Mirror::open(settings.clone()).await.map_err(refused)?;
            service::ready("following the log");
            loop {
                let round = mirror.round().await.map_err(refused)?;
                figures.note(&round);
                if round.source.is_some() {
                    fresh_tx.send_replace(Some(Instant::now()));
                    changed_tx.send_modify(|n| *n += 1);
                }
                tracing::info!("{}", told(&round));
                if round.is_alarming() {
                    tracing::error!(
                        "a source offers what isn't this log's: see the warnings before"
                    );
                }
                tokio::select! {
                    () = mirror.pause(&round) => {}
                    _ = stop.wait_for(|stop| *stop) => return Ok(()),
                }
            }
        };
        let heartbeats = service::heartbeats();
        let ending = async {
            stopped.await;
            service::stopping();
            stop_tx.send_replace(true);
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            done = following => done,
            done = serving => Ok(done?),
            done = counting => Ok(done?),
            () = ending => Ok(()),
        };
        if let Some(heartbeats) = heartbeats {
            heartbeats.abort();
        }
        done
    }
}

impl Figures {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let figures = Self {
            size: IntGauge::new(
                "blockfeed_mirror_size",
                "Leaves of the log that are mirrored",
            )?,
            signed: IntGauge::new(
                "blockfeed_mirror_signed_timestamp_seconds",
                "When the oldest mirrored manifest was signed, Unix seconds",
            )?,
            alarm: IntGauge::new(
                "blockfeed_mirror_alarm",
                "1 where a source was refused for what it says at the last look",
            )?,
            faults: IntCounterVec::new(
                Opts::new(
                    "blockfeed_mirror_faults_total",
                    "What sources offered in vain, by code",
                ),
                &["code"],
            )?,
        };
        registry.register(Box::new(figures.size.clone()))?;
        registry.register(Box::new(figures.signed.clone()))?;
        registry.register(Box::new(figures.alarm.clone()))?;
        registry.register(Box::new(figures.faults.clone()))?;
        Ok(figures)
    }

    fn note(&self, round: &Round) {
        self.size.set(i64::try_from(round.size).unwrap_or(i64::MAX));
        self.alarm.set(i64::from(round.is_alarming()));
        if round.source.is_some() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let signed = now.map_or(0, |now| now.as_secs()).saturating_sub(round.age);
            self.signed.set(i64::try_from(signed).unwrap_or(i64::MAX));
        }
        for (_, finding) in &round.faults {
            self.faults.with_label_values(&[finding.code]).inc();
        }
    }
}

fn told(round: &Round) -> String {
    let mut text = match &round.source {
        Some(source) => format!(
            "mirrored {source}: size {} to {}, {} files, {} sent, {} erased, signed {} s ago",
            round.from, round.size, round.files, round.sent, round.erased, round.age
        ),
        None => format!("no source was taken; size {} stands", round.size),
    };
    for (source, finding) in &round.faults {
        text.push_str(&format!("\nFAULT    {source}: {finding}"));
    }
    text
}

fn refused(finding: crate::audit::Finding) -> Error {
    Error::said(format!("the mirror: {finding}"))
}
