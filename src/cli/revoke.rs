//! `blockfeed revoke`: ends decisions, or subjects under every decision that holds them.

use super::{
    Error, Output,
    desk::DeskArgs,
    proposal::{self, GroundsArgs},
    targets::{self, TargetArgs},
};
use crate::config::Config;
use clap::Args;
use serde_json::json;

/// Propose to end what was listed, for ever
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed revoke shop.example.vn --basis-authority moit.e-commerce --basis-number 15/QĐ-TMĐT \\
    --reasons 'The name belongs to a lawful shop since May' \\
    --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem
  blockfeed revoke 2026-000123 …     (a whole decision, or a stay, which ends early)

A subject is ended under every decision that holds it; what covers it besides is named. Another
officer then approves, and the subject is free.")]
pub struct RevokeArgs {
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    desk: DeskArgs,
}

impl RevokeArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let found = self.targets.find(&server).await?;
        targets::show(&found, out)?;
        let grounds = self.grounds.grounds()?;
        let mut files = found.parts.clone();
        files.push(grounds.reasons.clone().into_bytes());
        let opened = proposal::open(&server, &officer, &files, false, |origin, id| {
            grounds.revoke(origin, id, found.targets.clone())
        })
        .await?;
        let id = opened.body.id();
        out.data(&json!({
            "id": id, "status": opened.outcome.status, "body_sha256": opened.hash,
            "targets": found.targets,
            "still_covered_by": found.covered.iter().map(|(_, hold)| hold).collect::<Vec<_>>(),
        }))?;
        out.line(format!(
            "proposed   {id} by {}\nnext       another officer: blockfeed approve {id} --server {}",
            officer.id,
            server.source()
        ))
    }
}
