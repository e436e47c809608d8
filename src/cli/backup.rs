//! `blockfeed backup`: a copy of the data directory, taken while the authority runs.

use super::{Error, Output, output::Progress};
use crate::{
    backup::{self, Stage, Target},
    config::Config,
    decision::Leaf,
};
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, time::Instant};

/// Copy the data directory, while the authority runs or while it doesn't
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed backup --config /var/lib/blockfeed/blockfeed.toml --to /backup/blockfeed-2026-11-28.tar.zst
  blockfeed backup --data /var/lib/blockfeed --to - | ssh vault 'cat > blockfeed.tar.zst'

As the user that the authority runs as: it is asked for a copy by a socket in its data directory,
and goes on. In it: log, parts, private tables, tokens' hashes, openings, data sets, settings, and a
manifest with every file's hash. Not in it: published files and zones' serials, which the start makes
anew; root keys and officers' keys; the log and feed key unless --with-keys is given (they stay
encrypted); the file of TSIG keys. Keep it as you keep the data directory: it holds what is private.")]
pub struct BackupArgs {
    /// The data directory [setting log.data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A new directory, a new file that ends in .tar.zst, or - for standard output
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// Take the encrypted log and feed key along
    #[arg(long)]
    with_keys: bool,
}

impl BackupArgs {
    pub fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        let began = Instant::now();
        if let Some(data) = &self.data {
            config.log.data.clone_from(data);
        }
        let data = &config.log.data;
        let target = Target::parse(&self.to);
        let to_stream = matches!(target, Target::Stream);
        if to_stream && out.json {
            return Err(Error::said(
                "the backup itself goes to standard output: leave --json out",
            ));
        }
        let keys = match self.with_keys {
            true => {
                let (log, feed) = config.keys.paths(&config.log.keys());
                vec![("keys/log.pem".into(), log), ("keys/feed.pem".into(), feed)]
            }
            false => Vec::new(),
        };
        let mut stage =
            Stage::take(
                data,
                &config.registry.sets(data),
                &keys,
                |first| match Leaf::parse(first) {
                    Ok(Leaf::Genesis(genesis)) => Some(genesis.origin.to_string()),
                    _ => None,
                },
            )?;
        let held = began.elapsed();
        let mut progress = Progress::new();
        let manifest = backup::pack(&mut stage, &target, &mut |done| {
            progress.tell(&format!("{} MiB packed", done >> 20));
        })?;
        drop((progress, stage));
        let seconds = began.elapsed().as_secs_f64();
        if to_stream {
            super::output::note(&format!(
                "backed up {} at size {}",
                manifest.origin, manifest.size
            ));
            return Ok(());
        }
        out.data(&json!({
            "to": self.to, "origin": manifest.origin, "session": manifest.session,
            "size": manifest.size, "root": manifest.root, "time": manifest.time,
            "files": manifest.files.len(), "bytes": manifest.bytes(), "keys": manifest.keys,
            "seconds": seconds, "copy_seconds": held.as_secs_f64(),
        }))?;
        out.line(format!("backup   {}", self.to))?;
        out.line(format!(
            "log      {} at size {}, root {}",
            manifest.origin, manifest.size, manifest.root
        ))?;
        out.line(format!(
            "holds    {} files, {:.1} MiB, in {seconds:.1} s",
            manifest.files.len(),
            manifest.bytes() as f64 / f64::from(1 << 20)
        ))?;
        let keys = match manifest.keys {
            true => "log and feed key are in it, encrypted; keep their passphrase elsewhere",
            false => "no key is in it: keep the log and feed key elsewhere, or take --with-keys",
        };
        out.line(format!("keys     {keys}"))
    }
}
