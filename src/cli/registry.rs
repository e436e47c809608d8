//! `blockfeed registry …`: the data sets that checks rest on, and what is known of a subject.

use super::{
    Error, Output,
    output::{self, Progress},
    when,
};
use crate::{
    config::Config,
    registry::{
        self, Day,
        facts::Outcome,
        gather::{self, Gatherer},
        sets::{self, Bound, Kind, Sets},
    },
    subject::{Subject, typed},
};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Instant};

/// Data sets of registries and registers, and what is known of a subject
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed registry import --into vn-registry --date 2026-10-01 --licence 'VNNIC, for this ministry alone' vn.csv
  blockfeed registry list
  blockfeed registry show vn-registry shop.com.vn
  blockfeed registry facts shop.com.vn --offline")]
pub enum RegistryVerb {
    Import(ImportArgs),
    List(ListArgs),
    Show(ShowArgs),
    Facts(FactsArgs),
}

/// Import a data set; it takes the place of the one before whole, or not at all
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed registry import --into vn-registry --date 2026-10-01 --licence 'VNNIC, for this ministry alone' vn.csv.zst
  blockfeed registry import --into popularity --date 2026-10-01 --licence CC0-1.0 --columns rank,name tranco.csv
  blockfeed registry import --into delegations-apnic --date 2026-10-01 --licence 'NRO statistics' delegated-apnic-extended-latest

Sets and their columns (? may be missing):
  vn-registry   name status? registrar? created? expires? changed? name_servers?
  licences-…    name number status holder_kind? valid_to? register?
  delegations-… the regional registries' delegated-extended files
  networks      prefix (or start end) asn? operator? country?
  passive-dns   name address
  popularity    rank name
CSV has a header or --columns; a column that isn't known is refused until --drop leaves it out, since extracts hold
persons. A zone file serves for vn-registry and passive-dns. Files may be packed with zstd; - is standard input.")]
pub struct ImportArgs {
    /// The set: its kind, and perhaps a hyphen and a name of its own (licences-notified)
    #[arg(long, value_name = "NAME")]
    into: String,
    /// The day of which the data is
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: String,
    /// Under which terms it may be used here
    #[arg(long, value_name = "TEXT")]
    licence: String,
    /// The form of the file [default: by its beginning and name]
    #[arg(long, value_name = "FORM")]
    format: Option<Form>,
    /// The columns of a file without a header
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// A column that is left out (may be repeated)
    #[arg(long, value_name = "COLUMN")]
    drop: Vec<String>,
    /// Days after its date from which it is too old [default: by kind]
    #[arg(long, value_name = "DAYS")]
    fresh_days: Option<u64>,
    /// Let an older set, or one of less than half the rows, take the place of the one in use
    #[arg(long)]
    anyway: bool,
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Csv,
    Jsonl,
    Zone,
    Delegated,
}

/// The data sets: rows, date, age, licence
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed registry list
  blockfeed registry list --json")]
pub struct ListArgs {}

/// What one data set says of a name, an address or a network
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed registry show vn-registry shop.com.vn
  blockfeed registry show passive-dns 203.0.113.0/24 --json")]
pub struct ShowArgs {
    /// The set's name, as `registry list` has it
    #[arg(value_name = "NAME")]
    name: String,
    /// A name, an address or a network, as typed or pasted
    #[arg(value_name = "SUBJECT")]
    subject: String,
}

/// Everything that is known of a subject, each fact with source, time and age
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed registry facts shop.com.vn
  blockfeed registry facts 203.0.113.0/24 --offline --json")]
pub struct FactsArgs {
    /// A name, an address or a network, as typed or pasted
    #[arg(value_name = "SUBJECT")]
    subject: String,
    /// Ask data sets and lists alone
    #[arg(long)]
    offline: bool,
}

impl RegistryVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            RegistryVerb::Import(args) => args.run(config, out),
            RegistryVerb::List(_) => list(config, out),
            RegistryVerb::Show(args) => args.run(config, out),
            RegistryVerb::Facts(args) => args.run(config, out).await,
        }
    }
}

impl ImportArgs {
    fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let date = Day::parse(&self.date).map_err(|e| Error::said(e.to_string()))?;
        let order = sets::Order {
            set: &self.into,
            date,
            licence: &self.licence,
            format: self.format.map(Form::format),
            columns: self.columns.as_deref(),
            dropped: &self.drop,
            fresh_days: self.fresh_days,
            anyway: self.anyway,
            now: when::now(),
        };
        let began = Instant::now();
        let mut progress = Progress::new();
        let mut tell = |rows: u64, bytes: u64| {
            let rate = rows as f64 / began.elapsed().as_secs_f64().max(0.001);
            progress.tell(&format!(
                "{rows} rows, {} MB, {rate:.0} rows/s",
                bytes / 1_000_000
            ));
        };
        let done = sets::import(
            &config.registry.sets(&config.log.data),
            &order,
            &self.file,
            &mut tell,
        )?;
        drop(progress);
        out.data(&done)?;
        let set = &done.description;
        out.line(format!(
            "{}: {} rows of {}, {} keys; fresh until {}",
            set.name,
            set.rows,
            set.date,
            set.keys,
            when::last_day(set.fresh_until)
        ))?;
        if done.replaced > 0 {
            out.line(format!(
                "  {} rows were replaced by a later row of the same key",
                done.replaced
            ))?;
        }
        if done.skipped > 0 {
            out.line(format!(
                "  {} records of other types were left out",
                done.skipped
            ))?;
        }
        Ok(())
    }
}

impl Form {
    fn format(self) -> sets::Format {
        match self {
            Form::Csv => sets::Format::Csv,
            Form::Jsonl => sets::Format::JsonLines,
            Form::Zone => sets::Format::Zone,
            Form::Delegated => sets::Format::Delegated,
        }
    }
}

fn list(config: &Config, out: Output) -> Result<(), Error> {
    let sets = Sets::open(&config.registry.sets(&config.log.data));
    let (now, all) = (when::now(), sets.standings());
    out.data(&all)?;
    for kind in Kind::ALL.into_iter().filter(|kind| !sets.has(*kind)) {
        out.line(format!("{:<22} nothing was imported", kind.as_str()))?;
    }
    for standing in &all {
        let Some(set) = &standing.description else {
            let fault = standing.fault.as_deref().unwrap_or_default();
            out.line(format!("{:<22} can't be read: {fault}", standing.name))?;
            continue;
        };
        let age = now.saturating_sub(set.at) / 86_400;
        let old = if now >= set.fresh_until {
            "  TOO OLD"
        } else {
            ""
        };
        out.line(format!(
            "{:<22} {:>10} rows  of {} ({age} days){old}  {}",
            set.name, set.rows, set.date, set.licence
        ))?;
    }
    Ok(())
}

impl ShowArgs {
    fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let lists = super::guard::lists(config)?;
        let subject = read(&self.subject, &lists)?;
        let sets = Sets::open(&config.registry.sets(&config.log.data)).only(&self.name);
        let Some(kind) = Kind::of_set(&self.name).filter(|kind| sets.has(*kind)) else {
            let remedy = "`blockfeed registry list` shows those that were imported";
            return Err(Error::said(format!(
                "there is no data set {:?}: {remedy}",
                self.name
            )));
        };
        let bound = Bound::counting(config.registry.neighbours);
        let facts = gather::from_sets(&sets, &lists, &subject, bound, when::now());
        match kind {
            Kind::VnRegistry => show(&facts.registration, "registration", out),
            Kind::Licences => facts
                .licences
                .iter()
                .try_for_each(|fact| show(fact, "licences", out)),
            Kind::Delegations => show(&facts.allocation, "allocation", out),
            Kind::Networks => show(&facts.network, "network", out),
            Kind::PassiveDns => show(&facts.neighbours, "neighbours", out),
            Kind::Popularity => show(&facts.popularity, "popularity", out),
        }
    }
}

impl FactsArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let lists = super::guard::lists(config)?;
        let subject = read(&self.subject, &lists)?;
        let mut settings = config.registry.clone();
        settings.offline |= self.offline;
        let gatherer = Gatherer::new(&settings, &config.log.data, Arc::new(lists))?;
        let facts = gatherer.gather(&subject, when::now()).await;
        out.data(&facts)?;
        if out.json {
            return Ok(());
        }
        out.line(&facts.subject)?;
        line(&facts.suffix, "suffix")?;
        line(&facts.registration, "registration")?;
        facts
            .licences
            .iter()
            .try_for_each(|fact| line(fact, "licences"))?;
        line(&facts.delegation, "delegation")?;
        line(&facts.popularity, "popularity")?;
        line(&facts.network, "network")?;
        line(&facts.allocation, "allocation")?;
        line(&facts.neighbours, "neighbours")
    }
}

fn show<T: Serialize>(
    fact: &registry::facts::Sourced<T>,
    what: &str,
    out: Output,
) -> Result<(), Error> {
    match out.json {
        true => out.data(fact),
        false => line(fact, what),
    }
}

/// One fact in a line: what, how it ended, whose word it is, how old.
fn line<T: Serialize>(fact: &registry::facts::Sourced<T>, what: &str) -> Result<(), Error> {
    let now = when::now();
    let said = match &fact.outcome {
        Outcome::Known(known) => serde_json::to_string(known).unwrap_or_default(),
        Outcome::Absent => "no such thing".to_owned(),
        Outcome::NotAsked(why) => {
            return output::print(&format!("  {what:<13} not asked ({why:?})"));
        }
        Outcome::Failed(fault) => format!("FAILED ({:?}): {}", fault.kind, fault.detail),
    };
    let old = if fact.is_stale(now) { ", TOO OLD" } else { "" };
    output::print(&format!(
        "  {what:<13} {said}\n  {:13} {}, {} days old{old}",
        "",
        fact.source,
        fact.age(now) / 86_400
    ))
}

/// A name, an address or a network, canonical or as typed.
fn read(text: &str, lists: &registry::Lists) -> Result<Subject, Error> {
    if let Ok(subject) = Subject::parse(text) {
        return Ok(subject);
    }
    typed::read(text, &lists.platforms)
        .map(|read| read.line.subject().clone())
        .map_err(|unusable| Error::said(format!("{text:?} is no subject: {unusable}")))
}
