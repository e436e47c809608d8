//! `blockfeed lookup`: is it in force now, and by what?

use super::{Error, Output, desk::DeskArgs, held, when};
use crate::config::Config;
use clap::Args;
use std::path::PathBuf;

/// Is it in force now, and by what decision?
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed lookup www.shop.example.vn --server http://127.0.0.1:8399
  blockfeed lookup 203.0.113.7 --json
  blockfeed lookup shop.example.vn --state /var/lib/blockfeed-agent   (offline, at a subscriber's)")]
pub struct LookupArgs {
    /// A name, an address, a network, a URL or an account, as typed or pasted
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// Look in the verified sets of an agent's folder instead
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(flatten)]
    desk: DeskArgs,
}

impl LookupArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let found = match &self.state {
            Some(state) => held::lookup(config, state, &self.subject)?,
            None => self.desk.server(config)?.lookup(&self.subject).await?,
        };
        out.data(&found)?;
        let canonical = found.canonical.as_deref().unwrap_or(&self.subject);
        if !found.listed {
            return out.line(format!(
                "{canonical} is not listed / không có trong danh sách"
            ));
        }
        out.line(format!("{canonical} is listed / có trong danh sách"))?;
        for hold in &found.holds {
            let category = hold.more.get("category").and_then(|v| v.as_str());
            out.line(format!(
                "  {}  {} {}  {}  until {}",
                hold.decision,
                hold.subject,
                hold.scope,
                category.unwrap_or_default(),
                when::last_day(hold.not_after),
            ))?;
        }
        Ok(())
    }
}
