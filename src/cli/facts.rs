//! Facts as the settings name their sources, and as they are shown: each with its source and its age.

use super::{Error, Output, guard, when};
use crate::{
    check::{
        Guard,
        batch::{Batch, Options, Outcome, Override},
        collateral::Collateral,
        known,
    },
    config::Config,
    decision::List,
    registry::{
        Day,
        facts::{
            Allocation, Delegation, Facts, Licence, Neighbours, Network, Outcome as Ended,
            Popularity, Registration, Source, Sourced, Suffix, Unasked,
        },
        gather::Gatherer,
    },
    subject::Subject,
};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Asks for facts as the settings say. Live sources have so many seconds; without any, lists and data sets alone are asked.
pub fn gatherer(config: &Config, guard: &Guard, wait: Option<u64>) -> Result<Arc<Gatherer>, Error> {
    let mut settings = config.registry.clone();
    match wait {
        Some(wait) => {
            settings.source_seconds = settings.source_seconds.min(wait);
            settings.total_seconds = settings.total_seconds.min(wait);
        }
        None => settings.offline = true,
    }
    let gatherer = Gatherer::new(&settings, &config.log.data, guard.lists().clone())?;
    Ok(Arc::new(gatherer))
}

/// Whether there is any data set to ask.
pub fn has_sets(config: &Config) -> bool {
    let sets = config.registry.sets(&config.log.data);
    std::fs::read_dir(sets).is_ok_and(|mut sets| sets.next().is_some())
}

/// The facts on each subject that was understood, side by side.
pub async fn of_each(gatherer: &Arc<Gatherer>, batch: &Batch) -> Vec<Facts> {
    let mut asked = JoinSet::new();
    for line in batch.rows.iter().filter_map(|row| row.line()) {
        let (gatherer, subject) = (gatherer.clone(), line.subject().clone());
        asked.spawn(async move { gatherer.gather(&subject, when::now()).await });
    }
    asked.join_all().await
}

/// Says what the data sets here say of a list's canonical lines: what it touches, and what its proposer should have
/// overridden. Nothing where there is no data set, or the list is long: whoever proposed it saw what it touches.
pub fn preview(
    config: &Config,
    list: &List,
    lines: impl FnOnce() -> String,
    out: Output,
) -> Result<(), Error> {
    let count: u64 = list.parts.iter().map(|part| part.count).sum();
    if count > PREVIEWED || !has_sets(config) {
        return Ok(());
    }
    let lines = lines();
    let guard = guard::load(config)?;
    let gatherer = gatherer(config, &guard, None)?;
    let overrides: Vec<Override> = list
        .guard
        .overrides
        .iter()
        .map(|passed| Override {
            code: passed.code.clone(),
            reason: String::new(),
        })
        .collect();
    let options = Options {
        category: &list.category,
        keep_covered: true,
        overrides: &overrides,
        known: None,
    };
    let now = when::now();
    let facts = |subject: &Subject| gatherer.offline(subject, now);
    let read = known::read(lines.as_bytes(), &guard, &options, facts, |_| (), now);
    let (batch, of_list) = read;
    show_collateral(&of_list.collateral(&batch), out)?;
    let stopped = batch.rows.iter().filter_map(|row| match &row.outcome {
        Outcome::Refused(refusal) => Some((row, refusal)),
        _ => None,
    });
    for (row, refusal) in stopped.take(SHOWN) {
        out.line(format!(
            "note       {}: by the data sets here {}: {}",
            row.text, refusal.code, refusal.message
        ))?;
    }
    Ok(())
}

/// A longer list isn't previewed before it is signed.
const PREVIEWED: u64 = 100_000;

/// So many lines are named that data sets speak against.
const SHOWN: usize = 20;

/// Says what else a submission touches.
pub fn show_collateral(collateral: &Collateral, out: Output) -> Result<(), Error> {
    let touched = collateral.tallies();
    for (en, vi, tally) in touched.iter().filter(|(.., tally)| tally.count > 0) {
        out.line(format!(
            "touches    {} {en} / {vi}: {}",
            tally.count,
            tally.examples.join(" ")
        ))?;
    }
    Ok(())
}

/// Prints the facts on one subject. `now` is in Unix seconds.
pub fn show(facts: &Facts, now: u64, out: Output) -> Result<(), Error> {
    let page = Page { now, out };
    page.fact("suffix", &facts.suffix, suffix)?;
    page.fact("registered", &facts.registration, registration)?;
    for licences in &facts.licences {
        page.fact("registers", licences, |rows| licence(rows))?;
    }
    page.fact("popularity", &facts.popularity, popularity)?;
    page.fact("DNS", &facts.delegation, delegation)?;
    page.fact("operator", &facts.network, network)?;
    page.fact("allocation", &facts.allocation, allocation)?;
    page.fact("names there", &facts.neighbours, neighbours)
}

struct Page {
    now: u64,
    out: Output,
}

impl Page {
    fn fact<T>(
        &self,
        what: &str,
        fact: &Sourced<T>,
        shown: impl Fn(&T) -> String,
    ) -> Result<(), Error> {
        let text = match &fact.outcome {
            Ended::NotAsked(Unasked::NotApplicable) => return Ok(()),
            Ended::NotAsked(Unasked::Offline) => "not asked (offline)".to_owned(),
            Ended::NotAsked(Unasked::NoSource) => {
                "nobody to ask: no data set of this kind was imported".to_owned()
            }
            Ended::Failed(fault) => format!("no answer: {}", fault.detail),
            Ended::Absent => "none".to_owned(),
            Ended::Known(value) => shown(value),
        };
        let source = match fact.source {
            Source::Nobody => String::new(),
            _ => format!("   [{}, {}]", fact.source, self.age(fact.age(self.now))),
        };
        self.out.line(format!("  {what:<12} {text}{source}"))
    }

    fn age(&self, seconds: u64) -> String {
        match seconds {
            0..120 => "now".to_owned(),
            120..172_800 => format!("{} hours old", seconds.div_ceil(3600)),
            _ => format!("{} days old", seconds / 86_400),
        }
    }
}

fn day(at: u64) -> Day {
    Day::in_vietnam(i64::try_from(at).unwrap_or(i64::MAX))
}

/// Texts that are there, with commas.
fn joined(texts: impl IntoIterator<Item = Option<String>>) -> String {
    let there: Vec<String> = texts.into_iter().flatten().collect();
    there.join(", ")
}

fn suffix(suffix: &Suffix) -> String {
    joined([
        Some(suffix.suffix.clone()),
        suffix.private.then(|| "a company's".to_owned()),
        suffix
            .registrable
            .as_ref()
            .map(|name| format!("registrable {name}")),
    ])
}

fn registration(registration: &Registration) -> String {
    let contact = registration.abuse_contact.as_ref();
    let servers = &registration.name_servers;
    joined([
        Some(registration.name.clone()),
        (!registration.registered).then(|| "free".to_owned()),
        registration.created.map(|at| format!("since {}", day(at))),
        registration.expires.map(|at| format!("until {}", day(at))),
        registration.registrar.as_ref().map(|by| format!("by {by}")),
        (!registration.statuses.is_empty()).then(|| registration.statuses.join(" ")),
        (!servers.is_empty()).then(|| format!("at {}", servers.join(" "))),
        contact
            .and_then(|contact| contact.email.as_ref())
            .map(|email| format!("abuse {email}")),
    ])
}

fn licence(rows: &[Licence]) -> String {
    let shown = rows.iter().map(|row| {
        Some(joined([
            Some(format!("{} {} {}", row.name, row.register, row.number)),
            Some(row.status.clone()),
            row.holder_kind.clone(),
            row.valid_to.map(|at| format!("until {}", day(at))),
        ]))
    });
    shown.flatten().collect::<Vec<_>>().join("; ")
}

fn popularity(popularity: &Popularity) -> String {
    format!("{} has rank {}", popularity.name, popularity.rank)
}

fn delegation(delegation: &Delegation) -> String {
    let addresses = delegation.addresses.iter().map(ToString::to_string);
    let addresses: Vec<String> = addresses.collect();
    joined([
        (!delegation.delegated).then(|| "not delegated".to_owned()),
        (!addresses.is_empty()).then(|| addresses.join(" ")),
        (!delegation.name_servers.is_empty())
            .then(|| format!("by {}", delegation.name_servers.join(" "))),
        delegation.wildcard.then(|| "a wildcard".to_owned()),
        delegation
            .parked
            .as_ref()
            .map(|by| format!("parked at {by}")),
        Some(format!("DNSSEC {:?}", delegation.dnssec).to_lowercase()),
    ])
}

fn network(network: &Network) -> String {
    joined([
        Some(network.operator.clone()),
        network.asn.map(|asn| format!("AS{asn}")),
        network.country.clone(),
        Some(network.prefix.to_string()),
    ])
}

fn allocation(allocation: &Allocation) -> String {
    joined([
        Some(allocation.prefix.to_string()),
        Some(allocation.status.clone()),
        Some(allocation.registry.clone()),
        allocation.country.clone(),
    ])
}

fn neighbours(neighbours: &Neighbours) -> String {
    let more = if neighbours.at_least { "at least " } else { "" };
    let some: Vec<&str> = neighbours
        .sample
        .iter()
        .map(String::as_str)
        .take(5)
        .collect();
    format!("{more}{}: {}", neighbours.names, some.join(" "))
}
