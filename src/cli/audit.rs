//! `blockfeed audit`: proves, or finds the first thing that doesn't hold.

use super::{Error, Output, output::Progress};
use crate::{
    audit::{self, Pin, Seen},
    config::Config,
    tlog::{Checkpoint, Note},
};
use clap::Args;
use serde_json::json;
use std::{fs, path::PathBuf};

/// Rebuild everything from what was published; name the first thing that doesn't hold
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed audit http://127.0.0.1:8399
  blockfeed audit /srv/mirror/blockfeed --session 00b8b3e1b11c426c --seen checkpoint.yesterday

Tree, approvals, sets, digests and every feed byte are rebuilt. What is pinned (--session,
--log-key, --seen) comes from elsewhere than the log: without it, the audit shows that what was
published is right in itself, not that it is the log you mean.")]
pub struct AuditArgs {
    /// Base URL, or a directory of published files
    #[arg(value_name = "URL-OR-DIRECTORY")]
    source: String,
    /// Bearer token, for feeds given to entitled readers; better in --token-file
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The session (16 hex digits) that this history must have
    #[arg(long, value_name = "HEX")]
    session: Option<String>,
    /// Verifier key that must have signed the checkpoint
    #[arg(long, value_name = "VKEY")]
    log_key: Option<String>,
    /// A checkpoint seen before, which this log must go on from
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
}

impl AuditArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let mut settings = audit::Config::new(&self.source);
        settings.fetch = config.fetch.clone();
        settings.token = match &self.token_file {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(Error::io(path))?;
                Some(text.trim_end().to_owned())
            }
            None => self.token.clone(),
        };
        settings.pin = Pin {
            session: self.session.clone(),
            log_key: self.log_key.clone(),
            seen: self.seen.as_ref().map(seen).transpose()?,
        };
        let mut progress = Progress::new();
        let audited = audit::run(&settings, &mut |done| progress.tell(&done.to_string())).await;
        drop(progress);
        match audited {
            Ok(report) => {
                out.data(&json!({ "holds": true, "report": report }))?;
                out.line(format!("{report}everything holds"))
            }
            Err(finding) => {
                out.data(&json!({ "holds": false, "finding": finding }))?;
                Err(Error::said(format!("{}: {finding}", self.source)))
            }
        }
    }
}

fn seen(path: &PathBuf) -> Result<Seen, Error> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let note = Note::parse(&bytes, crate::tlog::MAX_CHECKPOINT)?;
    let head = Checkpoint::parse(&note.text)?;
    Ok(Seen {
        size: head.size,
        root: head.root,
    })
}
