//! `blockfeed stay`: takes subjects out of force for a while (appeal, error).

use super::{
    Error, Output,
    desk::DeskArgs,
    proposal::{self, GroundsArgs},
    targets::{self, TargetArgs},
    when,
};
use crate::config::Config;
use clap::Args;
use serde_json::json;

/// Take what was listed out of force for a while; one officer is enough for 72 hours
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed stay shop.example.vn --until +72h --appeal KN-2026-17 \\
    --basis-authority moit.e-commerce --basis-number 16/QĐ-TMĐT --reasons 'Appeal received' \\
    --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem

It is in force at once. A longer stay (--propose) waits for a second officer. When a stay ends,
the entry is in force again; `blockfeed revoke <id of the stay>` ends it early.")]
pub struct StayArgs {
    #[command(flatten)]
    targets: TargetArgs,
    /// When it ends: a day or a span; by one officer within 72 hours
    #[arg(long, value_name = "END", default_value = "+71h")]
    until: String,
    /// Number of the appeal
    #[arg(long, value_name = "NUMBER")]
    appeal: Option<String>,
    /// Open a proposal for a second officer instead of committing at once
    #[arg(long)]
    propose: bool,
    #[command(flatten)]
    grounds: GroundsArgs,
    #[command(flatten)]
    desk: DeskArgs,
}

impl StayArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let found = self.targets.find(&server).await?;
        targets::show(&found, out)?;
        let (grounds, until) = (self.grounds.grounds()?, when::end(&self.until)?);
        let mut files = found.parts.clone();
        files.push(grounds.reasons.clone().into_bytes());
        let opened = proposal::open(&server, &officer, &files, !self.propose, |origin, id| {
            let targets = found.targets.clone();
            grounds.stay(origin, id, targets, until, self.appeal.clone())
        })
        .await?;
        let id = opened.body.id();
        out.data(&json!({
            "id": id, "status": opened.outcome.status, "body_sha256": opened.hash,
            "until": until, "committed": opened.outcome.committed, "targets": found.targets,
            "still_covered_by": found.covered.iter().map(|(_, hold)| hold).collect::<Vec<_>>(),
        }))?;
        match opened.outcome.committed {
            Some(c) => out.line(format!("stayed     by {id}, leaf {}, until {}", c.leaf, when::time(until))),
            None => out.line(format!(
                "proposed   {id} by {}\nnext       another officer: blockfeed approve {id} --server {}",
                officer.id,
                server.source()
            )),
        }
    }
}
