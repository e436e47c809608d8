//! `blockfeed compact`: moves the base of the zones (design: DNS, *Levels*).

use super::{Error, Output, desk::DeskArgs};
use crate::config::Config;
use clap::Args;

/// Move what has changed into the zones' base, so that the small zones are small again
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed compact --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem

A senior officer's signature is needed. Nothing that is in force changes. It happens by itself when
the small zones have grown (settings log.compact_at, log.compact_quietly, log.quiet_hour), and never
within 180 seconds of the one before. The small zones keep what has changed since the base before:
a second one, later, empties them.")]
pub struct CompactArgs {
    #[command(flatten)]
    desk: DeskArgs,
}

impl CompactArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let answer = server.compact(&officer).await?;
        out.data(&answer)?;
        out.line(format!(
            "compacted  the base stands at {}",
            answer["committed"]["size"]
        ))
    }
}
