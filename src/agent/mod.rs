//! The subscriber's agent: pull, verify, apply, acknowledge; in a loop or once.
//!
//! Owns what a subscriber believes and why, the folder that it is kept in, the files that
//! resolvers and firewalls load, and the receipts. Follows design: The agent; the rules stand
//! in `chain` (the log), `follow` (a feed), `brake`, `enforced` and `outputs`.
//!
//! ```text
//! source ─▶ pull ─▶ chain ─▶ follow ─▶ state on disk ─▶ enforced ─▶ outputs ─▶ receipts
//!           bounds   log      feed      the head first   less what    files,
//!                                                        is spared    commands, zones
//! ```
//!
//! Whatever fails, the last good set stays, the failure is told (a [`Report`], an alarm, a
//! metric) and is tried again. A kill at any moment leaves the state before or the one after.

mod brake;
mod chain;
mod config;
mod disk;
mod enforced;
mod error;
mod follow;
mod keep;
mod kernel;
mod load;
mod metrics;
mod never;
mod outputs;
mod pull;
mod receipts;
mod report;
mod round;
mod settle;
mod standing;
mod watch;
mod work;
mod zones;

pub use config::{
    BrakeConfig, Config, Limits, OutputConfig, ReceiptConfig, RetryConfig, RootPin, SourceConfig,
    TrustConfig, Verify,
};
pub use error::{Error, Fault};
pub use receipts::Receipt;
pub use report::{
    Alarm, FaultReport, FeedPlan, FeedReport, OutputOutcome, OutputReport, Plan, Report, Withheld,
};
pub use standing::Head;

use crate::{
    entries::{FeedName, Set},
    fetch::Source,
    tlog::Hash,
};
use brake::HeldBack;
use chain::Chain;
use disk::Disk;
use enforced::Enforced;
use follow::Followed;
use keep::Compaction;
use metrics::Metrics;
use never::NeverBlock;
use outputs::{Done, Output};
use receipts::Acknowledger;
use standing::Standing;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use zones::Zones;

/// A subscriber's agent. One at a time works in a state folder.
pub struct Agent {
    config: Config,
    sources: Vec<Source>,
    disk: Disk,
    /// What is on disk, if anything was verified yet.
    standing: Option<Standing>,
    /// The log; none before the first contact, or where its copy was damaged.
    chain: Option<Chain>,
    feeds: BTreeMap<FeedName, Followed>,
    enforced: BTreeMap<FeedName, (Hash, Enforced)>,
    never: NeverBlock,
    outputs: Vec<Output>,
    done: Done,
    acknowledger: Option<Acknowledger>,
    compactions: BTreeMap<FeedName, Compaction>,
    /// What the brake held back of feeds that are damaged otherwise.
    salvaged: BTreeMap<FeedName, HeldBack>,
    /// Alarms about the state folder, told until a round puts it right.
    damage: Vec<Alarm>,
    metrics: Metrics,
    registry: prometheus::Registry,
    /// The policy zones, once they are served.
    zones: Option<Zones>,
    clock: Clock,
}

/// Unix seconds by the local clock, or by a test's.
#[derive(Clone)]
struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Agent {
    /// Opens the state folder and takes up what was verified before. Nothing is fetched, and no
    /// output is touched. Damage is no error: what is damaged is verified anew from a source,
    /// against the head that is remembered.
    ///
    /// # Errors
    /// Settings that can't work; another agent in the folder; a never-block list, key or token
    /// that can't be read; the disk.
    pub fn open(config: Config, registry: &prometheus::Registry) -> Result<Self, Error> {
        config.check()?;
        let sources = config
            .sources
            .iter()
            .map(|source| open_source(source, &config))
            .collect::<Result<_, _>>()?;
        let outputs = config
            .outputs
            .iter()
            .map(Output::new)
            .collect::<Result<_, _>>()?;
        let never = match &config.never_block {
            Some(path) => NeverBlock::load(path)?,
            None => NeverBlock::default(),
        };
        let acknowledger = config.receipts.as_ref().map(Acknowledger::open);
        let disk = Disk::open(&config.state)?;
        let mut agent = Self {
            sources,
            standing: None,
            chain: None,
            feeds: BTreeMap::new(),
            enforced: BTreeMap::new(),
            never,
            outputs,
            done: Done::default(),
            acknowledger: acknowledger.transpose()?,
            compactions: BTreeMap::new(),
            salvaged: BTreeMap::new(),
            damage: Vec::new(),
            metrics: Metrics::new(registry)?,
            registry: registry.clone(),
            zones: None,
            clock: Clock::local(),
            disk,
            config,
        };
        agent.take_up();
        Ok(agent)
    }

    /// The same agent by another clock (Unix seconds): for tests.
    pub fn with_clock(mut self, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Clock(Arc::new(now));
        self
    }

    /// The log as far as it is verified.
    pub fn head(&self) -> Option<Head> {
        self.chain.as_ref().map(Chain::head)
    }

    /// The feeds that are followed.
    pub fn followed(&self) -> std::collections::BTreeSet<FeedName> {
        self.config.followed()
    }

    /// The serial and the verified set of a feed; none before it was verified.
    pub fn verified(&self, feed: &FeedName) -> Option<(u64, Set)> {
        let followed = self.feeds.get(feed)?;
        Some((followed.serial, followed.set(feed)))
    }

    /// The `E` lines of a feed that are enforced now, in feed order.
    pub fn enforced(&self, feed: &FeedName) -> Option<Vec<String>> {
        let followed = self.feeds.get(feed)?;
        let enforced = Enforced::new(feed, followed, &self.never, self.trusted_time());
        Some(enforced.sorted())
    }

    /// The time that is trusted, Unix seconds; 0 before the first contact. Never runs back.
    pub fn trusted_time(&self) -> u64 {
        self.standing.as_ref().map_or(0, |s| s.trusted_time)
    }

    /// The public half of the receipt key, base64: what a publisher registers.
    pub fn receipt_key(&self) -> Option<String> {
        self.acknowledger.as_ref().map(Acknowledger::public)
    }

    /// Stops after so many more writes to the state folder, each of which then fails: a test
    /// sees what a crash between any two of them leaves.
    #[doc(hidden)]
    pub fn allow_writes(&self, steps: u64) {
        self.disk.budget().set(steps);
    }

    fn now(&self) -> u64 {
        (self.clock.0)()
    }

    /// Session and head that are remembered though the copy of the log is gone.
    fn remembered(&self) -> Option<(&str, Head)> {
        let standing = self.standing.as_ref()?;
        Some((standing.session.as_str(), standing.head))
    }

    /// Reads the state folder.
    fn take_up(&mut self) {
        match Done::load(&self.disk) {
            Ok(done) => self.done = done,
            // The outputs are written once more.
            Err(e) => tracing::warn!(error = %e, "what was written before isn't known"),
        }
        let standing = match Standing::load(&self.disk) {
            Ok(Some(standing)) => standing,
            Ok(None) => return,
            Err(e) => return self.damaged(None, &e),
        };
        let note = standing.checkpoint.0.clone();
        let followed = self.config.followed();
        let records = standing
            .feeds
            .iter()
            .filter(|(feed, _)| followed.contains(*feed));
        match Chain::load(&mut self.disk, &standing.head, note) {
            Ok(chain) => {
                for (feed, record) in records.clone() {
                    match keep::load(&self.disk, &chain, feed, record) {
                        Ok(followed) => drop(self.feeds.insert(feed.clone(), followed)),
                        Err(e) => self.damaged(Some(feed.clone()), &e),
                    }
                }
                self.chain = Some(chain);
            }
            Err(e) => self.damaged(None, &e),
        }
        for (feed, record) in records {
            if self.feeds.contains_key(feed) {
                continue;
            }
            if let Ok(held_back) = keep::load_held_back(&self.disk, feed, record) {
                self.salvaged.insert(feed.clone(), held_back);
            }
        }
        self.standing = Some(standing);
    }

    fn damaged(&mut self, feed: Option<FeedName>, error: &Error) {
        let message = format!(
            "{error}. It is verified anew from a source; the outputs stay as they are until then"
        );
        tracing::error!(%message, "the state folder");
        self.damage.push(Alarm {
            feed,
            code: "damaged".into(),
            message,
        });
    }
}

impl Clock {
    fn local() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |since| since.as_secs())
        }))
    }
}

fn open_source(source: &SourceConfig, config: &Config) -> Result<Source, Error> {
    let opened = Source::with(&source.at, config.fetch.clone())?;
    match &source.token_file {
        None => Ok(opened),
        Some(path) => {
            let token = std::fs::read_to_string(path).map_err(|e| Error::disk("read", path, e))?;
            Ok(opened.bearer(token.trim_end_matches(['\n', '\r']))?)
        }
    }
}
