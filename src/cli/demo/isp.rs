//! The subscriber's part: an agent with its files.

use super::stage::Stage;
use crate::{
    agent::{self, Agent, OutputConfig, Report, SourceConfig},
    cli::Error,
};
use std::path::PathBuf;
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};

/// An ISP: its agent's settings and folder.
pub struct Isp {
    folder: PathBuf,
    config: agent::Config,
}

/// An agent that follows the log until it is ended.
pub struct Following {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), agent::Error>>,
}

impl Isp {
    pub fn new(stage: &Stage) -> Result<Self, Error> {
        let folder = stage.data.join("isp");
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let mut config = agent::Config {
            state: folder.join("state"),
            sources: vec![source(&stage.url())],
            ..agent::Config::default()
        };
        config.trust.genesis = Some(stage.genesis.to_string());
        for (feed, format, file) in FILES {
            config
                .outputs
                .push(output(feed, format, folder.join(file), &[])?);
        }
        Ok(Self { folder, config })
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// One round: pull, verify, apply.
    pub async fn round(&mut self) -> Result<Report, Error> {
        let report = open(&self.config)?.once().await?;
        well(&report)?;
        Ok(report)
    }

    /// Another agent, brought to the same serial, that the tampered feed is shown to later.
    pub async fn second(&self) -> Result<agent::Config, Error> {
        let config = agent::Config {
            state: self.folder.join("second-state"),
            outputs: Vec::new(),
            feeds: self.config.followed(),
            ..self.config.clone()
        };
        well(&open(&config)?.once().await?)?;
        Ok(config)
    }

    /// Follows the log by long poll, and runs `reload` when the resolver's file changed.
    pub fn follow(&self, reload: Vec<String>) -> Result<Following, Error> {
        let mut config = self.config.clone();
        for output in &mut config.outputs {
            if matches!(output.format.as_str(), "unbound" | "rpz") {
                output.reload.clone_from(&reload);
            }
        }
        let mut agent = open(&config)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = Handle::current();
        // On a thread of its own: the loop is one agent's whole life.
        let running = tokio::task::spawn_blocking(move || {
            let stopped = async { drop(stopped.await) };
            runtime.block_on(agent.run(stopped, |_| {}))
        });
        Ok(Following { stop, running })
    }
}

impl Following {
    pub async fn end(self) -> Result<(), Error> {
        // It may have ended by itself; its own error tells why.
        let _ = self.stop.send(());
        let ended = self.running.await;
        ended.map_err(|e| Error::said(format!("the agent broke off: {e}")))??;
        Ok(())
    }
}

/// Opens an agent; its metrics go nowhere here.
pub fn open(config: &agent::Config) -> Result<Agent, Error> {
    Ok(Agent::open(config.clone(), &prometheus::Registry::new())?)
}

/// A place to read from, without a token.
pub fn source(at: &str) -> SourceConfig {
    SourceConfig {
        at: at.to_owned(),
        token_file: None,
    }
}

fn output(
    feed: &str,
    format: &str,
    path: PathBuf,
    reload: &[String],
) -> Result<OutputConfig, Error> {
    let settings =
        serde_json::json!({ "feed": feed, "format": format, "path": path, "reload": reload });
    serde_json::from_value(settings).map_err(|e| Error::said(format!("an output: {e}")))
}

fn well(report: &Report) -> Result<(), Error> {
    if report.is_well() {
        return Ok(());
    }
    Err(Error::said(format!("the agent isn't well:\n{report}")))
}

/// Feed, format, file.
const FILES: &[(&str, &str, &str)] = &[
    ("domains", "rpz", "blocked.rpz"),
    ("domains", "unbound", "blocked.unbound"),
    ("domains", "txt", "blocked.txt"),
    ("networks", "nft", "blocked.nft"),
];
