//! `blockfeed subscriber …`: who is to acknowledge, and what they have applied.

use super::{Error, Output, desk::DeskArgs, when};
use crate::config::Config;
use clap::{Args, Subcommand};
use serde_json::Value;

/// Subscribers who acknowledge: their keys, and what each has applied
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed subscriber status --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub enum SubscriberVerb {
    Add(AddArgs),
    Status(StatusArgs),
}

/// Register the key by which a subscriber signs receipts
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber add isp-one 3q2+7w… --server http://127.0.0.1:8399 \\
    --officer o-0017 --key-file o-0017.pem")]
pub struct AddArgs {
    /// The subscriber's name: a-z 0-9 -
    #[arg(value_name = "NAME")]
    name: String,
    /// Its public key, base64, as its agent prints it
    #[arg(value_name = "PUBKEY")]
    public: String,
    #[command(flatten)]
    desk: DeskArgs,
}

/// What each subscriber has applied, and how far behind it is
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber status --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub struct StatusArgs {
    #[command(flatten)]
    desk: DeskArgs,
}

impl SubscriberVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            Self::Add(args) => args.run(config, out).await,
            Self::Status(args) => args.run(config, out).await,
        }
    }
}

impl AddArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let answer = server
            .add_subscriber(&self.name, &self.public, &officer)
            .await?;
        out.data(&answer)?;
        out.line(format!("registered {}", self.name))
    }
}

impl StatusArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let answer = server.subscribers(&officer).await?;
        out.data(&answer)?;
        let all = answer.get("subscribers").unwrap_or(&answer);
        for subscriber in all.as_array().into_iter().flatten() {
            let name = subscriber
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("?");
            let feeds = subscriber.get("feeds").and_then(Value::as_object);
            if feeds.is_none_or(serde_json::Map::is_empty) {
                out.line(format!("{name}  has acknowledged nothing yet"))?;
            }
            for (feed, applied) in feeds.into_iter().flatten() {
                let number =
                    |key: &str| applied.get(key).and_then(Value::as_u64).unwrap_or_default();
                let current = applied.get("current").and_then(Value::as_bool) == Some(true);
                let lag = if current {
                    "current".into()
                } else {
                    format!("{} s behind", number("lag_seconds"))
                };
                out.line(format!(
                    "{name}  {feed}  serial {}  applied {}  {lag}",
                    number("serial"),
                    when::time(number("time"))
                ))?;
            }
        }
        Ok(())
    }
}
