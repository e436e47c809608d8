//! `blockfeed lists`: the lists that judge, and their refreshing from files.

use super::{Error, Output, guard};
use crate::{
    config::Config,
    registry::{
        Day,
        lists::{
            Head,
            refresh::{Group, Incoming, refresh},
        },
    },
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// The lists that judge: show them, refresh one from a file
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed lists show
  blockfeed lists import shared-networks.txt ips-v4.txt --group cloudflare --directory lists \\
    --source https://www.cloudflare.com/ips-v4 --licence facts --date 2026-11-20
  blockfeed lists import public_suffix_list.dat public_suffix_list.dat --directory lists")]
pub enum ListsVerb {
    Show(ShowArgs),
    Import(ImportArgs),
}

/// Show each list with its day, its rows and where it comes from
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed lists show --json")]
pub struct ShowArgs {}

/// Refresh a list from a file: read whole, judged with all others, then put in the old one's place
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed lists import shared-networks.txt ips-v4.txt --group cloudflare --directory lists \\
    --source https://www.cloudflare.com/ips-v4 --licence facts --date 2026-11-20

A file with a group has a name, an address or a network a line, or is a MISP warning list (JSON); the
group's old rows go. Without --group it is the whole list in its own form, with its head. A bad row, or
a list that lost more than half of its rows, changes nothing. Restart the authority to judge by it.")]
pub struct ImportArgs {
    /// The list, by its file in lists/
    #[arg(value_name = "LIST")]
    list: String,
    /// What comes
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The directory of lists; it begins as the built-in ones [setting lists.directory]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The rows that the file stands for, such as cloudflare
    #[arg(long, value_name = "WORD", requires_all = ["source", "licence", "date"])]
    group: Option<String>,
    /// Where it comes from
    #[arg(long, value_name = "TEXT", requires = "group")]
    source: Option<String>,
    /// Under which licence
    #[arg(long, value_name = "TEXT", requires = "group")]
    licence: Option<String>,
    /// Of which day, such as 2026-11-20
    #[arg(long, value_name = "DAY", requires = "group", value_parser = day)]
    date: Option<Day>,
    /// Let the list lose more than half of its rows
    #[arg(long)]
    shrink: bool,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).map_err(|bad| bad.to_string())
}

impl ListsVerb {
    pub fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            Self::Show(_) => show(config, out),
            Self::Import(args) => args.run(config, out),
        }
    }
}

impl ImportArgs {
    fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let directory = self.directory.as_ref().or(config.lists.directory.as_ref());
        let directory = directory.ok_or_else(|| {
            Error::said(
                "--directory DIR is missing: the lists built into the program can't be changed; name a directory, here and as the setting lists.directory",
            )
        })?;
        let bytes = std::fs::read(&self.file).map_err(Error::io(&self.file))?;
        let name = self.file.display().to_string();
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::said(format!("{name}: it is not UTF-8; nothing was changed")))?;
        let group = match (&self.group, &self.source, &self.licence, self.date) {
            (Some(group), Some(source), Some(licence), Some(date)) => Some(Group {
                group,
                source,
                licence,
                date,
            }),
            _ => None,
        };
        let did = refresh(
            directory,
            &Incoming {
                list: &self.list,
                name: &name,
                text: &text,
                group,
                shrink: self.shrink,
            },
        )?;
        out.data(&did)?;
        out.line(format!(
            "{}: {} rows, {} added, {} removed\nlists before {}\nlists now    {}\nin {}; restart the authority to judge by it",
            self.list,
            did.rows,
            did.added,
            did.removed,
            did.before,
            did.after,
            directory.display()
        ))
    }
}

fn show(config: &Config, out: Output) -> Result<(), Error> {
    let guard = guard::load(config)?;
    let lists = guard.lists();
    let plain: [(&Head, usize); 6] = [
        (&lists.protected_names.head, lists.protected_names.len()),
        (
            &lists.protected_networks.head,
            lists.protected_networks.len(),
        ),
        (&lists.popular_names.head, lists.popular_names.len()),
        (&lists.platform_hosts.head, lists.platform_hosts.len()),
        (&lists.reserved_suffixes.head, lists.reserved_suffixes.len()),
        (&lists.shared_networks.head, lists.shared_networks.len()),
    ];
    let suffixes = lists.suffixes.dated().map(|date| date.to_string());
    let rows: Vec<_> = plain
        .iter()
        .map(|(head, rows)| {
            json!({
                "file": head.file, "title": head.title, "source": head.source,
                "licence": head.licence, "date": head.date.to_string(), "rows": rows,
            })
        })
        .collect();
    out.data(&json!({ "sha256": lists.hash(), "suffix_list": suffixes, "lists": rows }))?;
    out.line(format!("lists      {}", lists.hash()))?;
    out.line(format!(
        "{}  public_suffix_list.dat",
        suffixes.as_deref().unwrap_or("no day    ")
    ))?;
    for (head, rows) in plain {
        out.line(format!(
            "{}  {:<24} {rows:>6} rows  {} ({})",
            head.date, head.file, head.source, head.licence
        ))?;
    }
    Ok(())
}
