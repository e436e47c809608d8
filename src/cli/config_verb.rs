//! `blockfeed config`: every key, its value and its variable.

use super::{Error, Output};
use crate::config::Config;
use clap::Args;
use serde_json::{Map, Value};

/// Print every setting with its value and its environment variable
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed config --config /etc/blockfeed.toml
  BLOCKFEED_LOG_POLL=30 blockfeed config --set serve.listen=127.0.0.1:8400 --json")]
pub struct ConfigArgs {}

impl ConfigArgs {
    pub fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let values = toml::Value::try_from(config)
            .map_err(|e| Error::said(format!("the settings can't be shown: {e}")))?;
        let mut all = Map::new();
        for key in Config::keys() {
            let mut at = Some(&values);
            for name in key.path.split('.') {
                at = at.and_then(|value| value.get(name));
            }
            let text = at.map_or_else(|| "(not set)".into(), ToString::to_string);
            out.line(format!("{:<34} {text:<24} {}", key.path, key.variable()))?;
            let value = at.and_then(|v| serde_json::to_value(v).ok());
            all.insert(key.path, value.unwrap_or(Value::Null));
        }
        out.data(&all)
    }
}
