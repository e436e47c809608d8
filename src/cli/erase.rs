//! `blockfeed erase`: destroys what ended entries stood for (design: The log, *Privacy*).

use super::{Error, Output, desk::DeskArgs};
use crate::config::Config;
use clap::Args;

/// Destroy the openings of ended entries: who they were can't be told any more
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed erase 2026-000123 seller:shopee.vn/123456 \\
    --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem
  blockfeed erase 2026-000123 --reasons …     (all of it that has ended, and its reasons)

A senior officer's signature is needed. It can't be undone. The log and its proofs stay as they are:
commitments without openings. What a marketplace keeps of its own, it keeps.")]
pub struct EraseArgs {
    /// The decision
    #[arg(value_name = "ID")]
    id: String,
    /// Only these sellers and accounts, in canonical form
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    /// The decision's reasons and written overrides too
    #[arg(long)]
    reasons: bool,
    #[command(flatten)]
    desk: DeskArgs,
}

impl EraseArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let erased = server
            .erase(&self.id, &self.subjects, self.reasons, &officer)
            .await?;
        out.data(&erased)?;
        out.line(format!(
            "erased     {} openings and {} texts of {}",
            erased["openings"], erased["texts"], self.id
        ))
    }
}
