//! `blockfeed withdraw`: takes a proposal back before it is approved.

use super::{Error, Output, desk::DeskArgs};
use crate::config::Config;
use clap::Args;

/// Take an open proposal back
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed withdraw 2026-000123 --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem

Its id is used up all the same.")]
pub struct WithdrawArgs {
    /// The proposal
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    desk: DeskArgs,
}

impl WithdrawArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let answer = server.withdraw(&self.id, &officer).await?;
        out.data(&answer)?;
        out.line(format!("withdrawn  {}", self.id))
    }
}
