//! `blockfeed list`: what is in force in a feed, now or at an earlier serial.

use super::{Error, Output, desk::DeskArgs, held, output};
use crate::{config::Config, entries::FeedName};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The entries of a feed, now or at an earlier serial
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed list --server http://127.0.0.1:8399 | head
  blockfeed list --feed networks --at 184001 --json
  blockfeed list --state /var/lib/blockfeed-agent   (offline: what is enforced at a subscriber's)")]
pub struct ListArgs {
    /// The feed: domains, networks, sellers/<marketplace>, accounts/<platform>
    #[arg(long, value_name = "FEED", default_value = "domains")]
    feed: FeedName,
    /// As it stood at this serial, or at the last one before it
    #[arg(long, value_name = "SERIAL")]
    at: Option<u64>,
    /// What an agent enforces, from its folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "at")]
    state: Option<PathBuf>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// A page of a feed.
#[derive(Deserialize)]
struct Page {
    serial: u64,
    entries: u64,
    lines: Vec<String>,
    next: Option<String>,
}

impl ListArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        if let Some(state) = &self.state {
            return self.of_state(config, state, out);
        }
        let server = self.desk.server(config)?;
        let mut at = self.at.map(|serial| serial.to_string());
        let mut after: Option<String> = None;
        let mut all = Vec::new();
        let mut progress = output::Progress::new();
        loop {
            let mut query = vec![("feed", self.feed.as_str()), ("limit", LIMIT)];
            query.extend(at.as_deref().map(|serial| ("at", serial)));
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let value = server.entries(&query).await?;
            let page = Page::deserialize(&value).map_err(|e| Error::Answer {
                place: server.source().to_string(),
                why: e.to_string(),
            })?;
            if out.json {
                all.extend(page.lines);
            } else {
                for line in &page.lines {
                    out.line(line)?;
                }
            }
            progress.tell(&format!("{} of {} entries", all.len(), page.entries));
            // The pages after the first are of the same serial, whatever is decided meanwhile.
            at.get_or_insert_with(|| page.serial.to_string());
            after = page.next;
            if after.is_none() {
                drop(progress);
                output::note(&format!(
                    "{} serial {}: {} entries",
                    self.feed, page.serial, page.entries
                ));
                return out.data(&json!({
                    "feed": self.feed, "serial": page.serial, "entries": page.entries, "lines": all,
                }));
            }
        }
    }
}

impl ListArgs {
    fn of_state(&self, config: &Config, state: &Path, out: Output) -> Result<(), Error> {
        let (serial, lines) = held::enforced(config, state, &self.feed)?;
        lines.iter().try_for_each(|line| out.line(line))?;
        output::note(&format!(
            "{} serial {serial}: {} lines enforced",
            self.feed,
            lines.len()
        ));
        out.data(
            &json!({ "feed": self.feed, "serial": serial, "entries": lines.len(), "lines": lines }),
        )
    }
}

const LIMIT: &str = "10000";
