//! The command line: parse, dispatch, print, exit code. No rule of the domain lives here.
//!
//! Each verb has a file of its own, named for it. Verbs that write speak HTTP to the running
//! authority, the officer's signature being the credential; only `init`, `serve`, `backup` and
//! `restore` open the data directory. Standard output has the answer (with `--json` one JSON document), standard
//! error has progress and errors; the exit code is 0 only on success, 2 for a wrong command line
//! (and for a probe that can't tell).
//! Follows issue 1, "Command line".

mod account;
mod agent;
mod amend;
mod approve;
mod audit;
mod backup;
mod check;
mod compact;
mod config_verb;
mod demo;
mod desk;
mod doctor;
mod document;
mod erase;
mod error;
mod facts;
mod form;
mod guard;
mod held;
mod host;
mod init;
mod list;
mod listed;
mod lists;
mod lookup;
mod manual;
mod mirror;
mod officer;
mod output;
mod probe;
mod proposal;
mod propose;
mod recovery;
mod registry;
mod reload;
mod restart;
mod restore;
mod revoke;
mod sealed;
mod secret;
mod serve;
mod server;
mod service;
mod show;
mod signals;
mod stay;
mod subscriber;
mod subscribers;
mod targets;
mod telemetry;
mod trust;
mod views;
mod when;
mod withdraw;

pub use error::Error;
pub use output::Output;

use crate::config::{self, Config};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Signed, transparent blocklists: one append-only log of decisions; feeds that prove themselves
#[derive(Debug, Parser)]
#[command(
    name = "blockfeed",
    version,
    after_help = "Example:
  blockfeed demo                                   the whole way from a list to a block, in one go
  blockfeed check facebook.com                     would it pass?
  blockfeed audit http://127.0.0.1:8399            prove everything that was published

Settings: --config FILE (TOML), BLOCKFEED_<SECTION>_<KEY> variables, --set section.key=value;
`blockfeed config` prints them all. blockfeed VERB --help has an example for every verb."
)]
pub struct Cli {
    /// The settings file [else BLOCKFEED_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    config: Option<PathBuf>,
    /// One setting, over file and environment (may be repeated)
    #[arg(
        long,
        value_name = "SECTION.KEY=VALUE",
        global = true,
        help_heading = "Everywhere"
    )]
    set: Vec<String>,
    /// Print data as JSON
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::InitArgs),
    Serve(serve::ServeArgs),
    Backup(backup::BackupArgs),
    Restore(restore::RestoreArgs),
    #[command(subcommand)]
    Account(account::AccountVerb),
    #[command(subcommand)]
    Officer(officer::OfficerVerb),
    #[command(subcommand)]
    Trust(trust::TrustVerb),
    Propose(Box<propose::ProposeArgs>),
    Approve(approve::ApproveArgs),
    Erase(erase::EraseArgs),
    Compact(compact::CompactArgs),
    Withdraw(withdraw::WithdrawArgs),
    Amend(amend::AmendArgs),
    Stay(stay::StayArgs),
    Revoke(revoke::RevokeArgs),
    Check(check::CheckArgs),
    #[command(subcommand)]
    Registry(registry::RegistryVerb),
    Lookup(lookup::LookupArgs),
    #[command(subcommand)]
    Lists(lists::ListsVerb),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Agent(agent::AgentVerb),
    Audit(audit::AuditArgs),
    Mirror(mirror::MirrorArgs),
    Probe(probe::ProbeArgs),
    #[command(subcommand)]
    Subscriber(subscriber::SubscriberVerb),
    Config(config_verb::ConfigArgs),
    Doctor(doctor::DoctorArgs),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
    Demo(demo::DemoArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("blockfeed: threads can't be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Shown) => ExitCode::FAILURE,
        Err(Error::Unsure) => ExitCode::from(2),
        Err(error) => {
            output::note(&format!("blockfeed: {error}"));
            match error {
                Error::Disk(_) => ExitCode::from(EXIT_DISK),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// The exit code after a failed write: an init system may tell it from a refusal to start.
const EXIT_DISK: u8 = 74;

async fn run(cli: Cli) -> Result<(), Error> {
    let environment: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let config = config::load(cli.config.as_deref(), &environment, &cli.set)?;
    dispatch(cli.verb, config, Output { json: cli.json }).await
}

async fn dispatch(verb: Verb, config: Config, out: Output) -> Result<(), Error> {
    match verb {
        Verb::Init(args) => args.run(config, out),
        Verb::Serve(args) => args.run(config, out).await,
        Verb::Account(verb) => verb.run(&config, out).await,
        Verb::Backup(args) => args.run(config, out),
        Verb::Restore(args) => args.run(config, out).await,
        Verb::Officer(verb) => verb.run(out),
        Verb::Trust(verb) => verb.run(&config, out).await,
        Verb::Propose(args) => args.run(&config, out).await,
        Verb::Approve(args) => args.run(&config, out).await,
        Verb::Erase(args) => args.run(&config, out).await,
        Verb::Compact(args) => args.run(&config, out).await,
        Verb::Withdraw(args) => args.run(&config, out).await,
        Verb::Amend(args) => args.run(&config, out).await,
        Verb::Stay(args) => args.run(&config, out).await,
        Verb::Revoke(args) => args.run(&config, out).await,
        Verb::Check(args) => args.run(&config, out).await,
        Verb::Registry(verb) => verb.run(&config, out).await,
        Verb::Lookup(args) => args.run(&config, out).await,
        Verb::Lists(verb) => verb.run(&config, out),
        Verb::Show(args) => args.run(&config, out).await,
        Verb::List(args) => args.run(&config, out).await,
        Verb::Agent(verb) => verb.run(&config, out).await,
        Verb::Audit(args) => args.run(&config, out).await,
        Verb::Mirror(args) => args.run(config, out).await,
        Verb::Probe(args) => args.run(&config, out).await,
        Verb::Subscriber(verb) => verb.run(&config, out).await,
        Verb::Config(args) => args.run(&config, out),
        Verb::Doctor(args) => args.run(config, out).await,
        Verb::Completions(args) => args.run(out),
        Verb::Man(args) => args.run(out),
        Verb::Demo(args) => args.run(config, out).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
