//! `blockfeed account …`: who may sign in at the desk.

use super::{Error, Output, subscriber::Place, when};
use crate::{
    accounts::{Accounts, Change, Enrolment, Metrics, Name, NewAccount, Role},
    canon::OfficerId,
    config::Config,
    log,
};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Accounts of the desk: made, listed, locked, reset
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed account new thu.ha --unit moit.e-commerce --role officer --signs-as o-0017 --data data
  blockfeed account list --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem
  blockfeed account lock thu.ha --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem")]
pub enum AccountVerb {
    New(NewArgs),
    List(ListArgs),
    Lock(OneArgs),
    Unlock(OneArgs),
    Reset(ResetArgs),
    Roles(RolesArgs),
    Link(LinkArgs),
    Journal(JournalArgs),
}

/// Make an account; prints the link by which its person chooses a password, this once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account new thu.ha --unit moit.e-commerce --role officer --signs-as o-0017 --data data
  blockfeed account new van.hanh --unit so389 --role operator --url https://desk.example.vn \\
    --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem

Roles: reporter, officer, approver, senior, coordinator, auditor, operator. An account signs
nothing by itself: the key is the officer's own, and the trust document names it.")]
pub struct NewArgs {
    /// What the person signs in as: a-z 0-9 . _ -
    #[arg(value_name = "NAME")]
    name: String,
    /// The person's unit, as in lists/units.toml
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// What the person may do (may be repeated)
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<Role>,
    /// The officer of the trust document whom the person signs as
    #[arg(long, value_name = "ID")]
    signs_as: Option<OfficerId>,
    #[command(flatten)]
    link: LinkBase,
    #[command(flatten)]
    at: Place,
}

/// Where the desk is opened, for the link.
#[derive(Debug, Clone, Args)]
struct LinkBase {
    /// Where people open the desk, for the link [default: the authority's own URL]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// List the accounts
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account list --data data
  blockfeed account list --json --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem")]
pub struct ListArgs {
    #[command(flatten)]
    at: Place,
}

/// Lock or unlock an account; locking ends its sessions at once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account lock thu.ha --data data
  blockfeed account unlock thu.ha --server http://127.0.0.1:8399 --officer o-0007 --key-file o-0007.pem")]
pub struct OneArgs {
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    at: Place,
}

/// Forget password and codes, end all sessions, and print a new link
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account reset thu.ha --data data")]
pub struct ResetArgs {
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    link: LinkBase,
    #[command(flatten)]
    at: Place,
}

/// Give an account other roles
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account roles thu.ha --role officer --role approver --data data")]
pub struct RolesArgs {
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
    /// A role that it has from now on; all that aren't named are taken away
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<Role>,
    #[command(flatten)]
    at: Place,
}

/// Say who an account is at the identity provider
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account link thu.ha 248289761001 --data data
  blockfeed account link thu.ha '' --data data     (no longer)")]
pub struct LinkArgs {
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
    /// Its subject (`sub`) there
    #[arg(value_name = "SUBJECT")]
    subject: String,
    #[command(flatten)]
    at: Place,
}

/// Show the journal of sign-ins, and whether it is as it was written; at the machine
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed account journal --data data --json")]
pub struct JournalArgs {
    /// How many entries, the newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    last: usize,
    #[command(flatten)]
    at: Place,
}

/// A link, as the authority tells it once.
#[derive(Serialize, Deserialize)]
struct Told {
    name: String,
    until: u64,
    token: String,
}

impl AccountVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            Self::New(args) => args.run(config, out).await,
            Self::List(args) => args.run(config, out).await,
            Self::Lock(args) => change(&args.at, &args.name, Change::Lock, config, out).await,
            Self::Unlock(args) => change(&args.at, &args.name, Change::Unlock, config, out).await,
            Self::Reset(args) => args.run(config, out).await,
            Self::Roles(args) => {
                let roles = Change::Roles(args.roles.into_iter().collect());
                change(&args.at, &args.name, roles, config, out).await
            }
            Self::Link(args) => {
                let link = Change::Link(args.subject);
                change(&args.at, &args.name, link, config, out).await
            }
            Self::Journal(args) => args.run(config, out),
        }
    }
}

impl NewArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let new = NewAccount {
            name: Name::new(&self.name)?,
            unit: self.unit,
            roles: self.roles.into_iter().collect(),
            officer: self.signs_as,
        };
        let told = match accounts(&self.at, config)? {
            Some(accounts) => told(accounts.new_account(new, MACHINE, when::now())?),
            None => {
                let desk = &self.at.desk;
                let (server, officer) = (desk.server(config)?, desk.officer(config)?);
                let answer = server
                    .signed("api/v1/accounts", &json!(new), &officer)
                    .await?;
                read(answer)?
            }
        };
        link(&self.link, &self.at, &told, config, out)
    }
}

impl ResetArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let answer = send(&self.at, &self.name, Change::Reset, config).await?;
        link(&self.link, &self.at, &read(answer)?, config, out)
    }
}

impl ListArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let answer = match accounts(&self.at, config)? {
            Some(accounts) => json!({ "accounts": accounts.accounts()? }),
            None => {
                let desk = &self.at.desk;
                let (server, officer) = (desk.server(config)?, desk.officer(config)?);
                let path = "api/v1/accounts";
                let signed = server.authorization(&officer, "GET", path, b"").await?;
                server.get(path, &[], Some(&signed)).await?
            }
        };
        out.data(&answer)?;
        let all = answer.get("accounts").and_then(Value::as_array);
        for account in all.into_iter().flatten() {
            let text = |key: &str| account.get(key).and_then(Value::as_str).unwrap_or("-");
            let flag = |key: &str| account.get(key).and_then(Value::as_bool) == Some(true);
            let roles = account.get("roles").and_then(Value::as_array);
            let roles: Vec<&str> = roles
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let state = match (flag("locked"), flag("enrolled")) {
                (true, _) => "LOCKED",
                (false, true) => "in use",
                (false, false) => "not enrolled yet",
            };
            out.line(format!(
                "{:<16} {:<24} {:<24} {:<8} {state}",
                text("name"),
                text("unit"),
                roles.join(","),
                text("officer")
            ))?;
        }
        Ok(())
    }
}

impl JournalArgs {
    fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let Some(accounts) = accounts(&self.at, config)? else {
            return Err(Error::said(
                "the journal is read at the machine, with --data DIR, while no authority runs; in a browser it is at /desk/journal",
            ));
        };
        let verified = accounts.verify_journal()?;
        let journal = accounts.journal(None, self.last)?;
        out.data(&json!({ "verified": verified, "entries": journal.entries }))?;
        for entry in &journal.entries {
            out.line(format!(
                "{:>6}  {}  {:<22} {:<16} {}",
                entry.number,
                when::time(entry.time),
                entry.event.as_str(),
                entry.account,
                entry.detail.as_deref().unwrap_or_default()
            ))?;
        }
        match verified.broken_at {
            Some(at) => Err(Error::said(format!(
                "entry {at} isn't as it was written: somebody has changed the database"
            ))),
            None => out.line(format!(
                "{} entries, each bound to the one before; the last is {}",
                verified.entries, verified.last
            )),
        }
    }
}

/// The accounts at the machine, if that is where it is done.
fn accounts(at: &Place, config: &Config) -> Result<Option<Accounts>, Error> {
    let (Some(store), Some(data)) = (at.store()?, &at.data) else {
        return Ok(None);
    };
    let metrics = Metrics::unregistered().map_err(|e| Error::said(e.to_string()))?;
    let settings = config.serve.accounts.clone();
    let keys = log::Config::at(data).keys();
    Ok(Some(Accounts::open(store, &keys, settings, metrics)?))
}

async fn change(
    at: &Place,
    name: &str,
    change: Change,
    config: &Config,
    out: Output,
) -> Result<(), Error> {
    let answer = send(at, name, change, config).await?;
    out.data(&answer)?;
    out.line(format!("changed {name}"))
}

async fn send(at: &Place, name: &str, change: Change, config: &Config) -> Result<Value, Error> {
    let name = Name::new(name)?;
    if let Some(accounts) = accounts(at, config)? {
        let made = accounts.change_account(&name, change, MACHINE, when::now())?;
        return Ok(made.map_or_else(|| json!({}), |made| json!(told(made))));
    }
    let (server, officer) = (at.desk.server(config)?, at.desk.officer(config)?);
    let path = format!("api/v1/accounts/{name}");
    server.signed(&path, &json!(change), &officer).await
}

fn told(made: Enrolment) -> Told {
    Told {
        name: made.name.to_string(),
        until: made.until,
        token: made.token.as_str().to_owned(),
    }
}

fn read(answer: Value) -> Result<Told, Error> {
    serde_json::from_value(answer).map_err(|e| Error::Answer {
        place: "the authority".into(),
        why: e.to_string(),
    })
}

/// Prints the link, and what to do with it.
fn link(
    base: &LinkBase,
    at: &Place,
    told: &Told,
    config: &Config,
    out: Output,
) -> Result<(), Error> {
    let url = base.url.clone().or_else(|| at.desk.server.clone());
    let url = url.or_else(|| config.officer.server.clone());
    let url = url.unwrap_or_else(|| format!("http://localhost:{}", config.serve.listen.port()));
    let link = format!("{}/desk/enrol/{}", url.trim_end_matches('/'), told.token);
    out.data(&json!({ "name": told.name, "until": told.until, "link": link }))?;
    out.line(format!("account    {}", told.name))?;
    out.line(format!("link       {link}"))?;
    out.line(format!(
        "           shown this once, good once, until {}: hand it to its person by a way that nobody else reads",
        when::time(told.until)
    ))
}

/// Who did it, in the journal, where nobody signed.
const MACHINE: &str = "the machine's own administrator";
