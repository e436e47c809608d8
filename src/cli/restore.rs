//! `blockfeed restore`: a data directory from a backup, with the tail from what was published.

use super::{Error, Output, output::Progress, recovery};
use crate::{
    backup::{self, Manifest},
    config::Config,
    fetch::Source,
    log,
};
use clap::Args;
use serde_json::json;
use std::{fs, path::PathBuf, time::Instant};

/// Put a backup back into an empty directory, with what was published since
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed restore /backup/blockfeed-2026-11-28.tar.zst --data /var/lib/blockfeed --tail-from https://mirror.example
  blockfeed restore - --data new --tail-from /mnt/old-disk/public < blockfeed.tar.zst

A log that goes on from an old copy shows two histories, and every subscriber refuses it for ever. So
the published log has to be named, wherever it can still be read: the old machine's public folder, a
mirror, a bucket's web address. What came after the backup is taken up from there, verified as an
auditor does. Only where nothing newer can have been published does --nothing-newer stand for it.
What was private and came after the backup (proposals, receipts, tokens, openings of sellers and
accounts) is lost. Then start `blockfeed serve`: it makes published files and zones anew.")]
pub struct RestoreArgs {
    /// The backup: a directory, a .tar.zst, or - for one on standard input
    #[arg(value_name = "BACKUP")]
    backup: String,
    /// The new data directory: empty or not there yet [setting log.data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the log was published: URL or folder; what the backup lacks comes from there (may be repeated)
    #[arg(long, value_name = "URL-OR-DIR")]
    tail_from: Vec<String>,
    /// Only hold the backup against what is published there, and refuse one that is older (may be repeated)
    #[arg(long, value_name = "URL-OR-DIR")]
    published: Vec<String>,
    /// Nothing was published after the backup, or the log is moved and its old machine stands still
    #[arg(long)]
    nothing_newer: bool,
}

impl RestoreArgs {
    pub async fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        let began = Instant::now();
        if let Some(data) = &self.data {
            config.log.data.clone_from(data);
        }
        if self.tail_from.is_empty() && self.published.is_empty() && !self.nothing_newer {
            return Err(Error::said(
                "nothing says what was published after this backup, and a log that goes on from an older copy shows \
                 two histories, which every subscriber refuses. Name where the log is published: --tail-from \
                 URL-OR-DIR (a mirror, or the old machine's public folder). If nothing newer can have been published: \
                 --nothing-newer",
            ));
        }
        let mut progress = Progress::new();
        let manifest = backup::unpack(&self.backup, &config.log.data, &mut |done| {
            progress.tell(&format!("{} MiB unpacked", done >> 20));
        })?;
        drop(progress);
        let unpacked = began.elapsed().as_secs_f64();
        let done = self.complete(&config, &manifest).await;
        let caught = match done {
            Ok(caught) => caught,
            Err(error) => {
                // Not to be served: a start would go on from here.
                take_away(&config)?;
                return Err(error);
            }
        };
        move_settings(&config, &manifest)?;
        let (size, seconds) = (log::size_of(&config.log)?, began.elapsed().as_secs_f64());
        let recovered: Vec<_> = caught.iter().flat_map(|c| &c.decisions).collect();
        let unopened: Vec<_> = caught.iter().flat_map(|c| &c.without_openings).collect();
        out.data(&json!({
            "data": config.log.data, "origin": manifest.origin, "session": manifest.session,
            "backup_size": manifest.size, "backup_time": manifest.time, "size": size,
            "recovered": recovered, "without_openings": unopened, "keys": manifest.keys,
            "seconds": seconds, "unpack_seconds": unpacked,
        }))?;
        out.line(format!("restored {} in {seconds:.1} s", manifest.origin))?;
        out.line(format!(
            "backup   at size {}, of {}",
            manifest.size, manifest.time
        ))?;
        out.line(format!(
            "log      at size {size}: {} decisions came back from what was published",
            recovered.len()
        ))?;
        if !unopened.is_empty() {
            let ids: Vec<String> = unopened.iter().map(ToString::to_string).collect();
            out.line(format!(
                "private  what {} stand for (sellers, accounts) was never published: revoke and list them again",
                ids.join(", ")
            ))?;
        }
        if !manifest.keys {
            out.line("keys     bring the log and feed key: they weren't in the backup")?;
        }
        out.line(format!(
            "\nnext:\n  blockfeed serve --config {}",
            config.log.data.join("blockfeed.toml").display()
        ))
    }

    /// Folds the log that was put back, and takes up its tail.
    async fn complete(
        &self,
        config: &Config,
        manifest: &Manifest,
    ) -> Result<Vec<log::Caught>, Error> {
        let head = log::seal(&config.log)?;
        if (head.size, hex::encode(head.root)) != (manifest.size, manifest.root.clone()) {
            return Err(Error::said(
                "the database in the backup isn't the one that its manifest tells of",
            ));
        }
        let mut caught = Vec::new();
        for text in &self.tail_from {
            let source = Source::with(text, config.fetch.clone())?;
            caught.push(recovery::take_up(config, &source).await?);
        }
        let size = log::size_of(&config.log)?;
        for text in &self.published {
            let source = Source::with(text, config.fetch.clone())?;
            let offered = log::offered(&source).await?;
            if offered > size {
                return Err(Error::said(format!(
                    "this backup is older than what was published: it ends at size {size}, {source} shows {offered}. \
                     Going on from it would show two histories. Take what it lacks from there: --tail-from {text}"
                )));
            }
        }
        Ok(caught)
    }
}

/// Removes a log that was put back and may not go on.
fn take_away(config: &Config) -> Result<(), Error> {
    let data = &config.log.data;
    for entry in fs::read_dir(data).map_err(Error::io(data))? {
        let path = entry.map_err(Error::io(data))?.path();
        let removed = match path.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
        removed.map_err(Error::io(&path))?;
    }
    Ok(())
}

/// The settings name paths in the old data directory: they are those of the new one now.
fn move_settings(config: &Config, manifest: &Manifest) -> Result<(), Error> {
    let path = config.log.data.join("blockfeed.toml");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(());
    };
    let new = std::path::absolute(&config.log.data).map_err(Error::io(&path))?;
    let (old, new) = (manifest.data.display(), new.display());
    let moved = text
        .replace(&format!("\"{old}\""), &format!("\"{new}\""))
        .replace(&format!("\"{old}/"), &format!("\"{new}/"));
    fs::write(&path, moved).map_err(Error::io(&path))
}
