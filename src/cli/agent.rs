//! `blockfeed agent`: the subscriber's side, in a loop, once, or as a plan.

use super::{Error, Output, host, output, reload::Reload, service, signals, telemetry};
use crate::{
    agent::{Agent, OutputConfig, Report, SourceConfig},
    config::Config,
    entries::FeedName,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The subscriber: pull, verify, apply, acknowledge
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed agent once --source http://127.0.0.1:8399 --genesis 1f0c…  \\
    --output domains:rpz:/etc/bind/blockfeed.rpz --state /var/lib/blockfeed-agent
  blockfeed agent plan --config /etc/blockfeed-agent.toml
  blockfeed agent run  --config /etc/blockfeed-agent.toml

The settings stand under [agent] in the file; `blockfeed config` prints them all.")]
pub struct AgentVerb {
    #[command(subcommand)]
    mode: Option<Mode>,
    #[command(flatten)]
    args: AgentArgs,
}

/// How the agent works.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Mode {
    /// Work until it is stopped (the default)
    #[command(after_help = "Example:\n  blockfeed agent run --config /etc/blockfeed-agent.toml")]
    Run,
    /// One round; the exit code is 0 only if all is verified, applied and well
    #[command(
        after_help = "Example:\n  blockfeed agent once --config /etc/blockfeed-agent.toml --json"
    )]
    Once,
    /// What a round would do; nothing is written
    #[command(after_help = "Example:\n  blockfeed agent plan --config /etc/blockfeed-agent.toml")]
    Plan,
}

/// Flags over the settings of `[agent]`.
#[derive(Debug, Clone, Args)]
struct AgentArgs {
    /// One round, as `agent once`
    #[arg(long, global = true)]
    once: bool,
    /// The plan alone, as `agent plan`
    #[arg(long, global = true)]
    dry_run: bool,
    /// The agent's own folder
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
    /// Base URL or folder to read (may be repeated, tried in order)
    #[arg(long, value_name = "URL", global = true)]
    source: Vec<String>,
    /// A feed to follow (may be repeated)
    #[arg(long, value_name = "FEED", global = true)]
    feed: Vec<FeedName>,
    /// A file to keep: feed:format:path, such as domains:rpz:/etc/bind/blockfeed.rpz (may be repeated)
    #[arg(long, value_name = "FEED:FORMAT:PATH", global = true)]
    output: Vec<String>,
    /// The hash of the log's first leaf (64 hex digits) or its session (16)
    #[arg(long, value_name = "HEX", global = true)]
    genesis: Option<String>,
    /// Take whatever history is met first
    #[arg(long, global = true)]
    trust_on_first_use: bool,
    /// Let what the brake held back up to this serial pass
    #[arg(long, value_name = "SERIAL", global = true)]
    accept: Option<u64>,
    /// A file of names and networks that are never enforced here
    #[arg(long, value_name = "FILE", global = true)]
    never_block: Option<PathBuf>,
    /// Where metrics are served while it runs
    #[arg(long, value_name = "ADDRESS", global = true)]
    metrics: Option<std::net::SocketAddr>,
}

impl AgentArgs {
    fn lay_over(&self, config: &mut crate::agent::Config) -> Result<(), Error> {
        if let Some(state) = &self.state {
            config.state.clone_from(state);
        }
        if !self.source.is_empty() {
            let at = |at: &String| SourceConfig {
                at: at.clone(),
                token_file: None,
            };
            config.sources = self.source.iter().map(at).collect();
        }
        config.feeds.extend(self.feed.iter().cloned());
        for text in &self.output {
            config.outputs.push(output_of(text)?);
        }
        if self.genesis.is_some() {
            config.trust.genesis.clone_from(&self.genesis);
        }
        config.trust.trust_on_first_use |= self.trust_on_first_use;
        config.accept = self.accept.or(config.accept);
        if self.never_block.is_some() {
            config.never_block.clone_from(&self.never_block);
        }
        Ok(())
    }
}

impl AgentVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let mut settings = config.agent.clone();
        self.args.lay_over(&mut settings)?;
        let mode = match self.mode {
            _ if self.args.dry_run => Mode::Plan,
            _ if self.args.once => Mode::Once,
            mode => mode.unwrap_or(Mode::Run),
        };
        let registry = prometheus::Registry::new();
        let state = settings.state.clone();
        let mut agent = Agent::open(settings, &registry)?;
        match mode {
            Mode::Plan => {
                let plan = agent.plan().await?;
                out.data(&plan)?;
                out.line(plan.to_string().trim_end())?;
                match plan.source {
                    Some(_) => Ok(()),
                    None => Err(Error::said(
                        "no source offers anything that can be verified",
                    )),
                }
            }
            Mode::Once => {
                let report = agent.once().await?;
                out.data(&report)?;
                out.line(report.to_string().trim_end())?;
                verdict(&report)
            }
            Mode::Run => {
                telemetry::start(&config.logging)?;
                let stopped = signals::stopped()?;
                if let Some(zones) = agent.serve_zones().await? {
                    out.data(&serde_json::json!({ "zones": zones.plain, "tls": zones.tls }))?;
                    out.line(format!("zones   {} by UDP and TCP", zones.plain))?;
                }
                let _reload = Reload::begin(agent.certificate(), &registry)?;
                host::watch(state, &registry)?;
                if let Some(address) = self.args.metrics {
                    telemetry::serve_metrics(address, registry).await?;
                }
                service::ready("following the feeds");
                service::heartbeats();
                let told = |report: &Result<Report, crate::agent::Error>| match report {
                    // A closed standard output must not end an agent.
                    Ok(report) => drop(tell(report, out)),
                    Err(error) => output::note(&format!("blockfeed agent: {error}")),
                };
                agent.run(stopped, told).await?;
                service::stopping();
                Ok(())
            }
        }
    }
}

fn tell(report: &Report, out: Output) -> Result<(), Error> {
    out.data(report)?;
    out.line(report.to_string().trim_end())
}

/// A round that left something to look at is no success for a script.
fn verdict(report: &Report) -> Result<(), Error> {
    if report.is_well() {
        return Ok(());
    }
    let alarms = report
        .alarms
        .iter()
        .map(|a| format!("{}: {}", a.code, a.message));
    let faults = report
        .faults
        .iter()
        .map(|f| format!("{}: {}: {}", f.source, f.code, f.message));
    let all: Vec<_> = alarms.chain(faults).collect();
    Err(Error::said(if all.is_empty() {
        "a feed wasn't verified in this round, or an output isn't as it should be".to_owned()
    } else {
        all.join("\n  ")
    }))
}

fn output_of(text: &str) -> Result<OutputConfig, Error> {
    let bad = || {
        Error::said(format!(
            "--output {text}: it is written FEED:FORMAT:PATH, such as domains:rpz:/etc/bind/blockfeed.rpz"
        ))
    };
    let mut fields = text.splitn(3, ':');
    let (Some(feed), Some(format), Some(path)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(bad());
    };
    let table = toml::Table::from_iter([
        ("feed".to_owned(), toml::Value::String(feed.to_owned())),
        ("format".to_owned(), toml::Value::String(format.to_owned())),
        ("path".to_owned(), toml::Value::String(path.to_owned())),
    ]);
    serde::Deserialize::deserialize(table).map_err(|_: toml::de::Error| bad())
}
