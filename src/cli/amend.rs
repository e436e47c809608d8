//! `blockfeed amend`: moves the end of a decision.

use super::{
    Error, Output,
    desk::DeskArgs,
    proposal::{self, GroundsArgs},
    when,
};
use crate::{canon::DecisionId, config::Config};
use clap::Args;
use serde_json::json;

/// Propose another end for a decision
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed amend 2026-000123 --not-after +180d --basis-authority moit.e-commerce \\
    --basis-number 17/QĐ-TMĐT --reasons 'The shop sells on' \\
    --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub struct AmendArgs {
    /// The decision
    #[arg(value_name = "ID")]
    id: DecisionId,
    /// Its new end: a day, which counts to its end, or a span from now
    #[arg(long, value_name = "END")]
    not_after: String,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    desk: DeskArgs,
}

impl AmendArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let (grounds, not_after) = (self.grounds.grounds()?, when::end(&self.not_after)?);
        let files = [grounds.reasons.clone().into_bytes()];
        let opened = proposal::open(&server, &officer, &files, false, |origin, id| {
            grounds.amend(origin, id, self.id.clone(), not_after)
        })
        .await?;
        let id = opened.body.id();
        out.data(&json!({
            "id": id, "status": opened.outcome.status, "body_sha256": opened.hash,
            "target": self.id, "not_after": not_after,
        }))?;
        out.line(format!(
            "proposed   {id}: {} to end {} (inclusive)\nnext       another officer: blockfeed approve {id} --server {}",
            self.id,
            when::last_day(not_after),
            server.source()
        ))
    }
}
