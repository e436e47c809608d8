//! `blockfeed subscriber …`: who reads which feeds, by which tokens, and what each has done.

use super::{Error, Output, desk::DeskArgs, when};
use crate::{
    canon::Base64,
    casework::{Book, Subscriber, SubscriberChange, TokenOrder},
    config::Config,
    entries::FeedName,
    store::Store,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

/// Subscribers: their feeds, keys and tokens, and what each has done
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed subscriber add shopee --feed sellers/shopee.vn --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem
  blockfeed subscriber token shopee --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem
  blockfeed subscriber status --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub enum SubscriberVerb {
    Add(AddArgs),
    Change(ChangeArgs),
    Token(TokenArgs),
    Revoke(RevokeArgs),
    Status(StatusArgs),
}

/// Register a subscriber
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber add shopee --feed sellers/shopee.vn --server http://127.0.0.1:8399 \\
    --officer o-0017 --key-file o-0017.pem
  blockfeed subscriber add isp-one 3q2+7w… --feed domains --feed networks --data data")]
pub struct AddArgs {
    /// The subscriber's name: a-z 0-9 -
    #[arg(value_name = "NAME")]
    name: String,
    /// The public key by which it signs receipts, base64, as its agent prints it
    #[arg(value_name = "PUBKEY")]
    public: Option<String>,
    /// A feed that its tokens may be made for; as many as there are
    #[arg(long = "feed", value_name = "FEED")]
    feeds: Vec<FeedName>,
    #[command(flatten)]
    at: Place,
}

/// Change a subscriber's feeds, or give it the key that it had none of
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber change shopee --feed sellers/shopee.vn --feed domains --server http://127.0.0.1:8399 \\
    --officer o-0017 --key-file o-0017.pem")]
pub struct ChangeArgs {
    /// The subscriber's name
    #[arg(value_name = "NAME")]
    name: String,
    /// A feed that is its own from now on; all that aren't named are taken away [none: as they are]
    #[arg(long = "feed", value_name = "FEED")]
    feeds: Vec<FeedName>,
    /// Its public key, base64, where it had none
    #[arg(long, value_name = "PUBKEY")]
    public: Option<String>,
    #[command(flatten)]
    at: Place,
}

/// Make a token; it is printed this once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber token shopee --expires +90d --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem

A subscriber has two live tokens at most: make the new one, hand it over, revoke the old one.")]
pub struct TokenArgs {
    /// The subscriber's name
    #[arg(value_name = "NAME")]
    name: String,
    /// A feed that it opens [default: all of the subscriber's]
    #[arg(long = "feed", value_name = "FEED")]
    feeds: Vec<FeedName>,
    /// When it ends: +90d, or a day such as 2027-03-01 [default: in a year]
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// One that sees made data, and of which nothing is kept: for those who build against the API
    #[arg(long)]
    sandbox: bool,
    #[command(flatten)]
    at: Place,
}

/// End a token at once
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber revoke shopee 5f2a90c1d3e4 --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub struct RevokeArgs {
    /// The subscriber's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The token's id, as `subscriber status` shows it
    #[arg(value_name = "TOKEN")]
    id: String,
    #[command(flatten)]
    at: Place,
}

/// What each subscriber holds, has applied and has acknowledged, and what is overdue
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed subscriber status --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem
  blockfeed subscriber status shopee --json --server http://127.0.0.1:8399 --officer o-0017 --key-file o-0017.pem")]
pub struct StatusArgs {
    /// One subscriber [default: all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// Where it is done: at a running authority, or at the machine while none runs.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// The data directory, while no authority runs on it: then no officer signs
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "officer", "key_file"])]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub desk: DeskArgs,
}

impl SubscriberVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            Self::Add(args) => args.run(config, out).await,
            Self::Change(args) => args.run(config, out).await,
            Self::Token(args) => args.run(config, out).await,
            Self::Revoke(args) => args.run(config, out).await,
            Self::Status(args) => args.run(config, out).await,
        }
    }
}

impl Place {
    /// The store at the machine, if that is where it is done.
    pub fn store(&self) -> Result<Option<Arc<Store>>, Error> {
        let Some(data) = &self.data else {
            return Ok(None);
        };
        let db = crate::log::Config::at(data).db();
        if !db.exists() {
            return Err(crate::log::Error::Empty(data.display().to_string()).into());
        }
        let store = Store::open(&db).map_err(crate::log::Error::from)?;
        Ok(Some(Arc::new(store)))
    }

    fn book(&self) -> Result<Option<Book>, Error> {
        let book = |store| Ok(Book::open(store)?);
        self.store()?.map(book).transpose()
    }
}

impl AddArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let public = self.public.as_deref().map(key).transpose()?;
        let feeds: BTreeSet<FeedName> = self.feeds.into_iter().collect();
        let answer = if let Some(mut book) = self.at.book()? {
            let new = Subscriber::new(&self.name, public.as_deref(), feeds)?;
            json!(book.register(new, None, when::now())?)
        } else {
            let (server, officer) = (self.at.desk.server(config)?, self.at.desk.officer(config)?);
            let mut new = json!({ "name": self.name, "feeds": feeds });
            if let Some(public) = public {
                new["public"] = json!(Base64(public));
            }
            server.add_subscriber(&new, &officer).await?
        };
        out.data(&answer)?;
        out.line(format!("registered {}", self.name))
    }
}

impl ChangeArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let change = SubscriberChange {
            feeds: (!self.feeds.is_empty()).then(|| self.feeds.into_iter().collect()),
            public: self.public.as_deref().map(key).transpose()?.map(Base64),
        };
        let answer = if let Some(mut book) = self.at.book()? {
            json!(book.change(&self.name, change)?)
        } else {
            let (server, officer) = (self.at.desk.server(config)?, self.at.desk.officer(config)?);
            let change = json!(change);
            server
                .change_subscriber(&self.name, &change, &officer)
                .await?
        };
        out.data(&answer)?;
        out.line(format!("changed {}", self.name))
    }
}

impl TokenArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let order = TokenOrder {
            feeds: (!self.feeds.is_empty()).then(|| self.feeds.into_iter().collect()),
            expires: self.expires.as_deref().map(when::end).transpose()?,
            sandbox: self.sandbox,
        };
        let answer = if let Some(mut book) = self.at.book()? {
            let issued = book.issue(&self.name, order, None, when::now())?;
            let mut answer = json!(issued.token);
            answer["secret"] = json!(issued.secret);
            answer
        } else {
            let (server, officer) = (self.at.desk.server(config)?, self.at.desk.officer(config)?);
            server
                .issue_token(&self.name, &json!(order), &officer)
                .await?
        };
        out.data(&answer)?;
        out.line(format!(
            "token   {}   (shown this once)",
            text(&answer, "secret")
        ))?;
        let expires = when::time(number(&answer, "expires"));
        out.line(format!("id      {}   until {expires}", text(&answer, "id")))
    }
}

impl RevokeArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let answer = if let Some(mut book) = self.at.book()? {
            json!(book.revoke(&self.name, &self.id, when::now())?)
        } else {
            let (server, officer) = (self.at.desk.server(config)?, self.at.desk.officer(config)?);
            server.revoke_token(&self.name, &self.id, &officer).await?
        };
        out.data(&answer)?;
        out.line(format!("revoked {} of {}", self.id, self.name))
    }
}

impl StatusArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (server, officer) = (self.desk.server(config)?, self.desk.officer(config)?);
        let answer = match &self.name {
            Some(name) => server.subscriber(name, &officer).await?,
            None => server.subscribers(&officer).await?,
        };
        out.data(&answer)?;
        let all = match answer.get("subscribers").and_then(Value::as_array) {
            Some(all) => all.as_slice(),
            None => std::slice::from_ref(&answer),
        };
        all.iter().try_for_each(|one| show(one, out))
    }
}

/// One subscriber: its tokens, then a line a feed.
fn show(subscriber: &Value, out: Output) -> Result<(), Error> {
    let name = text(subscriber, "name");
    let now = when::now();
    for token in list(subscriber, "tokens") {
        let state = match (token.get("revoked"), number(token, "expires")) {
            (Some(_), _) => "revoked".to_owned(),
            (None, expires) if expires <= now => "expired".to_owned(),
            (None, expires) => format!("until {}", when::time(expires)),
        };
        let sort = match token.get("sandbox").and_then(Value::as_bool) {
            Some(true) => "sandbox token",
            _ => "token",
        };
        out.line(format!("{name}  {sort} {}  {state}", text(token, "id")))?;
    }
    let feeds = subscriber.get("feeds").and_then(Value::as_object);
    let feeds: BTreeMap<_, _> = feeds.into_iter().flatten().collect();
    if feeds.is_empty() {
        out.line(format!(
            "{name}  has no feed and has acknowledged nothing yet"
        ))?;
    }
    for (feed, standing) in feeds {
        out.line(format!("{name}  {feed}  {}", said(standing)))?;
    }
    Ok(())
}

/// What a subscriber did about one feed, in words.
fn said(standing: &Value) -> String {
    let mut words = Vec::new();
    if let Some(applied) = standing.get("applied") {
        let lag = match applied.get("current").and_then(Value::as_bool) {
            Some(true) => "current".into(),
            _ => format!("{} s behind", number(applied, "lag_seconds")),
        };
        let at = when::time(number(applied, "time"));
        words.push(format!(
            "applied serial {} at {at}, {lag}",
            number(applied, "serial")
        ));
    }
    if let (Some(held), true) = (standing.get("held"), words.is_empty()) {
        let at = when::time(number(held, "time"));
        words.push(format!(
            "holds serial {} since {at}",
            number(held, "serial")
        ));
    }
    let said = standing.get("acknowledged").and_then(Value::as_object);
    for (outcome, count) in said.into_iter().flatten() {
        if let Some(count) = count.as_u64().filter(|count| *count > 0) {
            words.push(format!("{count} {}", outcome.replace('_', " ")));
        }
    }
    match (number(standing, "waiting"), number(standing, "overdue")) {
        (0, _) => {}
        (waiting, 0) => words.push(format!("{waiting} waiting")),
        (waiting, overdue) => words.push(format!("{waiting} waiting, {overdue} OVERDUE")),
    }
    if words.is_empty() {
        return "nothing yet".into();
    }
    words.join("; ")
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("?")
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn key(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(text)
        .map_err(|e| Error::said(format!("the public key {text:?} isn't base64: {e}")))
}
