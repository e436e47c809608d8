//! The mirror: follows a log, verifies each step as the auditor does, and keeps a folder that
//! anybody may serve (design: Storage and scale, "a mirror, a CDN or a bucket serves them").
//!
//! Every leaf, part, digest, manifest and feed file is held against the fold before it is handed
//! on, so that a mirror passes on nothing but what its own log key's holder signed and the
//! decisions give. Tiles are made here from the verified leaves. What only entitled readers may
//! have (sellers, accounts) is never asked for: a folder can't tell who reads it.
//!
//! In this order, so that whoever reads meanwhile finds whatever is pointed to: parts, tiles and
//! bundles, feed files, checkpoint, manifests. A crash leaves files that nothing points to; a start
//! folds the folder again and goes on from its checkpoint.

mod bucket;
mod check;
mod held;
mod keep;
mod past;

pub use bucket::Bucket;

use super::{
    Finding, Pin,
    files::{Files, Page},
    heads::{self, Heads},
};
use crate::{
    entries::FeedName,
    feed::paths,
    fetch::{self, Source},
    store::files::{self, Batch},
};
use bytes::Bytes;
use held::Held;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The mirror's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the log is read, tried in this order: base URLs or folders.
    pub sources: Vec<String>,
    /// The folder that is kept.
    pub to: PathBuf,
    /// A bucket that is kept as well, `s3://name/prefix`; keys and endpoint come from AWS_… variables.
    pub bucket: Option<String>,
    /// First 8 bytes of leaf 0's hash, 16 hex digits: which log it has to be.
    pub session: Option<String>,
    /// Takes whatever history is met first.
    pub trust_on_first_use: bool,
    /// Where the folder is served; unset: by a web server of one's own.
    pub listen: Option<SocketAddr>,
    /// Where metrics are served; unset: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Seconds between looks; a server is asked to answer sooner where something changed.
    pub poll_seconds: u64,
    /// Seconds between looks for texts that were erased at the source, and have to be here.
    pub erasure_seconds: u64,
    #[serde(default)]
    pub fetch: fetch::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            to: PathBuf::from("mirror"),
            bucket: None,
            session: None,
            trust_on_first_use: false,
            listen: None,
            metrics: None,
            poll_seconds: 30,
            erasure_seconds: 3600,
            fetch: fetch::Config::default(),
        }
    }
}

/// A mirror at work. One process at a time keeps a folder.
pub struct Mirror {
    config: Config,
    sources: Vec<Source>,
    own: Source,
    held: Option<Held>,
    /// Serials that manifests begin or end a delta at, which the way back has to meet.
    bounds: BTreeMap<FeedName, BTreeSet<u64>>,
    /// The files that the last manifests list, which were verified; paths say the hash of the bytes.
    verified: BTreeSet<String>,
    bucket: Option<Bucket>,
    looked_for_erasures: Option<Instant>,
}

/// What a round brought.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Round {
    /// The source that was taken.
    pub source: Option<String>,
    /// The log's size before and now.
    pub from: u64,
    pub size: u64,
    /// Seconds since the oldest manifest was signed.
    pub age: u64,
    /// Files written, and sent to the bucket.
    pub files: u64,
    pub sent: u64,
    /// Texts taken away since the source has erased them.
    pub erased: u64,
    /// What sources offered in vain.
    pub faults: Vec<(String, Finding)>,
}

impl Round {
    /// Whether a source was refused for what it says, and not for being away or behind.
    pub fn is_alarming(&self) -> bool {
        let passing =
            |code: &str| matches!(code, "unreadable" | "missing" | "older" | "manifest_behind");
        self.faults
            .iter()
            .any(|(_, finding)| !passing(finding.code))
    }
}

impl Mirror {
    /// Opens the folder: what lies there is folded and verified anew.
    pub async fn open(config: Config) -> Result<Self, Finding> {
        let given = |e: &dyn std::fmt::Display| Finding::given("source", e.to_string());
        if config.sources.is_empty() {
            return Err(given(&"there is no source: name a base URL or a folder"));
        }
        if config.session.is_none()
            && !config.trust_on_first_use
            && !config.to.join(paths::CHECKPOINT).exists()
        {
            return Err(Finding::given(
                "pin",
                "nothing says which log to follow: give its session (the publisher tells it by another way than \
                 this source), or take whatever is met first (trust_on_first_use)",
            ));
        }
        let source = |text: &String| Source::with(text, config.fetch.clone());
        let sources = config
            .sources
            .iter()
            .map(source)
            .collect::<Result<Vec<_>, _>>();
        let bucket = config.bucket.as_deref().map(Bucket::parse).transpose();
        files::sweep(&config.to).map_err(|e| Finding::given("folder", e))?;
        let own = Source::with(&config.to.display().to_string(), config.fetch.clone());
        let mut mirror = Self {
            sources: sources.map_err(|e| given(&e))?,
            own: own.map_err(|e| given(&e))?,
            held: None,
            bounds: BTreeMap::new(),
            verified: BTreeSet::new(),
            bucket: bucket?,
            looked_for_erasures: None,
            config,
        };
        mirror.take_own().await;
        Ok(mirror)
    }

    /// Folds what lies in the folder. What can't be folded any more is brought anew; the sources
    /// are verified all the same.
    async fn take_own(&mut self) {
        if self.held.is_none() && self.config.to.join(paths::CHECKPOINT).exists() {
            self.verified.clear();
            if let Err(finding) = self.take(&self.own.clone()).await {
                tracing::warn!(%finding, "the mirror's folder is damaged: it is brought anew");
                self.held = None;
                self.verified.clear();
            }
        }
    }

    /// The log's size as far as it is mirrored.
    pub fn size(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.tree.size())
    }

    /// One look at the sources in their order, until one was taken.
    ///
    /// # Errors
    /// What a source offers in vain is told in the round; an error is the folder's or the bucket's.
    pub async fn round(&mut self) -> Result<Round, Finding> {
        // After a source that was found out only while its leaves were folded: no older one may
        // take the place of what lies here.
        self.take_own().await;
        let mut round = Round {
            from: self.size(),
            ..Round::default()
        };
        for source in self.sources.clone() {
            let name = source.to_string();
            match self.take(&source).await {
                Ok((files, age)) => {
                    (round.files, round.age) = (files, age);
                    round.source = Some(name);
                    round.erased = self.follow_erasures(&source).await?;
                    break;
                }
                Err(finding) if finding.code == "folder" => return Err(finding),
                Err(finding) => {
                    tracing::warn!(source = name, code = finding.code, "refused: {finding}");
                    round.faults.push((name, finding));
                }
            }
        }
        round.size = self.size();
        if let (Some(bucket), Some(_)) = (&mut self.bucket, &round.source) {
            round.sent = bucket.send(&self.config.to).await?;
        }
        Ok(round)
    }

    /// Waits until it is time to look again: a server is asked to answer when it has more.
    pub async fn pause(&self, round: &Round) {
        let wait = self.config.poll_seconds.max(1);
        let newest = self.held.as_ref().and_then(|held| {
            held.history
                .fold
                .ledger
                .feeds()
                .get(&FeedName::domains())
                .map(|state| state.serial)
        });
        let first = self.sources.first().filter(|source| source.can_wait());
        let is_first = first.is_some_and(|source| Some(source.to_string()) == round.source);
        let (Some(source), Some(serial), true) = (first, newest, is_first) else {
            return tokio::time::sleep(Duration::from_secs(wait)).await;
        };
        let began = Instant::now();
        let path = paths::manifest(&FeedName::domains());
        let read = fetch::Read::new(&path, crate::feed::manifest::MAX_MANIFEST as u64)
            .query("after", serial)
            .query("wait", wait)
            .within(Duration::from_secs(wait + 10));
        if source.fetch(read).await.is_err() && began.elapsed() < Duration::from_secs(1) {
            // It can't wait, or it isn't there.
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
    }

    /// Verifies what a source offers and keeps it. Gives files written and the manifests' age.
    async fn take(&mut self, source: &Source) -> Result<(u64, u64), Finding> {
        let files = Files::with_kept(source.clone(), self.own.clone());
        let heads = heads::read(&files, PATIENCE).await?;
        self.note_bounds(&heads);
        let old = self.size();
        let grown = match self.held.take() {
            Some(held) => held.grow(self, source, &files, &heads).await,
            None => Held::begin(self, source, &files, &heads).await,
        };
        // What was held before stays held, whatever this source said.
        let (held, verdict) = grown;
        self.held = held;
        verdict?;
        let Some(mut held) = self.held.take() else {
            return Err(Finding::head("checkpoint", "the log is empty"));
        };
        let kept = self.keep(&held, &files, &heads, old).await;
        if kept.is_ok() {
            held.forget(&self.bounds);
        }
        self.held = Some(held);
        if kept.as_ref().is_err_and(|finding| finding.code == AGAIN) {
            // The way to a serial that a manifest asks for isn't at hand: it is folded again.
            self.held = None;
        }
        kept
    }

    fn note_bounds(&mut self, heads: &Heads) {
        for (feed, page) in &heads.manifests {
            if let Page::There(bytes) = page {
                let bounds = self.bounds.entry(feed.clone()).or_default();
                bounds.extend(check::bounds(bytes));
            }
        }
    }

    /// Writes what was verified, in the order that readers need.
    async fn keep(
        &mut self,
        held: &Held,
        files: &Files,
        heads: &Heads,
        old: u64,
    ) -> Result<(u64, u64), Finding> {
        let mut out = Batch::new(&self.config.to);
        let mut written = keep::tiles(held, old, &self.config.to, &mut out)?;
        let mut manifests: Vec<(FeedName, Bytes)> = Vec::new();
        let (mut listed, mut oldest) = (BTreeMap::new(), u64::MAX);
        for feed in held.history.fold.ledger.feeds().keys() {
            let bytes = match heads.manifests.get(feed) {
                Some(Page::There(bytes)) => bytes.clone(),
                // For entitled readers alone.
                Some(Page::Denied) if feed.platform().is_some() => continue,
                _ => {
                    let why = "the log has this feed, but no manifest of it is published";
                    return Err(Finding::file("missing", paths::manifest(feed), why));
                }
            };
            let checked = check::manifest(held, heads, feed, &bytes, &self.verified)?;
            for (path, file) in &checked.missing {
                let packed = files.read(path, file.packed_length).await?;
                file.open(&packed)
                    .map_err(|e| Finding::file("feed_file", path, e))?;
                out.write(path, &packed)
                    .map_err(|e| Finding::given("folder", e))?;
                written += 1;
            }
            oldest = oldest.min(checked.time);
            listed.insert(feed.clone(), checked.listed);
            manifests.push((feed.clone(), bytes));
        }
        out.finish().map_err(|e| Finding::given("folder", e))?;
        keep::heads(&self.config.to, &heads.note, &manifests)?;
        keep::prune(&self.config.to, &listed, held.tree.size());
        self.verified = listed.into_values().flatten().collect();
        for (feed, bytes) in &manifests {
            self.bounds.insert(feed.clone(), check::bounds(bytes));
        }
        let now = keep::now();
        Ok((
            written + 1 + manifests.len() as u64,
            now.saturating_sub(oldest.min(now)),
        ))
    }

    /// Takes texts away that the source has erased: it says so by 410.
    async fn follow_erasures(&mut self, source: &Source) -> Result<u64, Finding> {
        let due = Duration::from_secs(self.config.erasure_seconds);
        if self
            .looked_for_erasures
            .is_some_and(|at| at.elapsed() < due)
        {
            return Ok(0);
        }
        self.looked_for_erasures = Some(Instant::now());
        let Some(held) = &mut self.held else {
            return Ok(0);
        };
        let mut erased = 0;
        for sha256 in held.history.tally.texts.clone() {
            let path = paths::part(&sha256);
            let read = source.read(&path, crate::decision::MAX_PART).await;
            if matches!(read, Err(fetch::Error::Gone { .. })) {
                keep::remove(&self.config.to, &path)?;
                if let Some(bucket) = &mut self.bucket {
                    bucket.remove(&path).await?;
                }
                held.history.tally.texts.remove(&sha256);
                held.history.tally.erased.insert(sha256);
                erased += 1;
            }
        }
        Ok(erased)
    }
}

impl Config {
    fn pin(&self) -> Pin {
        Pin {
            session: self.session.clone(),
            ..Pin::default()
        }
    }
}

/// How long a manifest may stay behind the checkpoint: a publication on its way.
const PATIENCE: Duration = Duration::from_secs(3);
/// The code of a look that has to begin anew.
const AGAIN: &str = "again";
