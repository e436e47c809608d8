//! The auditor: rebuilds everything from what was published and names the first thing that
//! doesn't hold.
//!
//! Owns no rule of its own about decisions: leaves are judged by the one fold that sequencer and
//! agent run, with the interest in everything. What is added here is that nothing published is
//! left out: every tile and bundle, every part, every approval, every state leaf's digests, every
//! manifest and every byte of the snapshots and deltas that it lists.
//! Follows design: The log, Feeds, Keys; tlog: "Tiles", "Checkpoint".
//!
//! A mirror (`mirror`) verifies in the same way as it follows, keeps what it verified, and hands it on.
//!
//! The order, which is also the order in which findings come:
//!
//! 1. `heads`: the checkpoint is one; pins that were given hold.
//! 2. `tree`: hash tiles make the checkpoint's root.
//! 3. `history`: leaves 0…N are the tree's, and each may come where it stands.
//! 4. The checkpoint is signed by a log key, and cosigned by the quorum, of the trust document
//!    that these leaves lead to.
//! 5. `feeds`: manifests and files, against what the fold gave at each serial (`timeline`).

mod feeds;
mod files;
mod finding;
mod heads;
mod history;
pub mod mirror;
mod report;
mod timeline;
mod tree;

pub use finding::Finding;
pub use report::{FeedReport, FilesReport, Progress, Report};

use crate::{
    feed::{Manifest, paths},
    fetch::{self, Source},
    tlog::{Hash, MAX_CHECKPOINT, Note, Opened, Tree, VerifierKey},
    trust::Document,
};
use files::Files;
use heads::Heads;
use history::History;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use timeline::Timeline;

/// What to audit, and what is known of it from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// URL or folder, with `log/checkpoint` below it.
    pub source: String,
    /// Bearer token, for feeds that are given to entitled readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(default)]
    pub pin: Pin,
    /// Seconds that a manifest may lag behind the checkpoint: the log may be growing.
    #[serde(default = "patience")]
    pub patience_seconds: u64,
    #[serde(default)]
    pub fetch: fetch::Config,
}

/// What the auditor knows already. Without it, an audit shows that what was published is right
/// in itself, not that it is the log one meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pin {
    /// First 8 bytes of leaf 0's hash, 16 hex digits.
    pub session: Option<String>,
    /// Verifier key (`name+id+key`) that must have signed the checkpoint.
    pub log_key: Option<String>,
    /// A checkpoint seen before, which this log must go on from.
    pub seen: Option<Seen>,
}

/// Size and root of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
}

impl Config {
    /// Audits this source, with nothing known beforehand.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            token: None,
            pin: Pin::default(),
            patience_seconds: patience(),
            fetch: fetch::Config::default(),
        }
    }
}

/// Where progress is told.
type Watch<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Audits everything. Takes one pass over the leaves; memory grows with the set in force and the
/// largest decision, not with the history.
///
/// # Errors
/// The first thing that doesn't hold; also what couldn't be read, since nothing can be said of it.
pub async fn run(config: &Config, watch: Watch<'_>) -> Result<Report, Finding> {
    let files = open(config)?;
    let patience = Duration::from_secs(config.patience_seconds);
    let heads = heads::read(&files, patience).await?;
    watch(Progress::Head {
        size: heads.checkpoint.size,
    });
    check_log_key(&heads, config.pin.log_key.as_deref())?;
    let tree = tree::rebuild(&files, &heads.checkpoint, &mut *watch).await?;
    check_history(&tree, &config.pin)?;
    let timeline = Timeline::new(&heads);
    let history = history::fold(&files, &tree, timeline, &mut *watch).await?;
    let trust = history.fold.ledger.trust();
    let opened = feeds::open_checkpoint(paths::CHECKPOINT, &heads.note, trust)?;
    let feeds = feeds::audit(&files, &heads, &tree, &history, watch).await?;
    Ok(report(history, opened, feeds))
}

fn open(config: &Config) -> Result<Files, Finding> {
    let given = |e: fetch::Error| Finding::given("source", e);
    let mut source = Source::with(&config.source, config.fetch.clone()).map_err(given)?;
    if let Some(token) = &config.token {
        source = source.bearer(token).map_err(given)?;
    }
    Ok(Files::new(source))
}

fn check_log_key(heads: &Heads, key: Option<&str>) -> Result<(), Finding> {
    let Some(text) = key else { return Ok(()) };
    let key: VerifierKey = text
        .parse()
        .map_err(|e| Finding::given("pin", format!("the pinned log key: {e}")))?;
    let origin = &heads.checkpoint.origin;
    if key.name != *origin {
        let why = format!("the pinned key is of {}, this log is {origin}", key.name);
        return Err(Finding::head("pin", why));
    }
    let note = Note::parse(&heads.note, MAX_CHECKPOINT);
    let signed = note.and_then(|note| note.verified_by(&[key]));
    match signed.as_deref() {
        Ok([_, ..]) => Ok(()),
        Ok([]) => Err(Finding::head(
            "pin",
            format!("it isn't signed by the pinned key {text}"),
        )),
        Err(e) => Err(Finding::checkpoint(paths::CHECKPOINT, e)),
    }
}

fn check_history(tree: &Tree, pin: &Pin) -> Result<(), Finding> {
    let session = tree
        .leaf(0)
        .map(|hash| hex::encode(&hash.0[..8]))
        .unwrap_or_default();
    if let Some(pinned) = pin.session.as_ref().filter(|pinned| **pinned != session) {
        let why = format!(
            "this history's session is {session}, the pinned one {pinned}: another log under the same name"
        );
        return Err(Finding::leaf("pin", 0, why));
    }
    let Some(Seen { size, root }) = pin.seen else {
        return Ok(());
    };
    match tree.root_at(size) {
        Some(now) if now == root => Ok(()),
        Some(_) => Err(Finding::head(
            "two_histories",
            format!("at {size} leaves this log has another root than the one seen before"),
        )),
        None => Err(Finding::head(
            "shrank",
            format!(
                "a checkpoint of {size} leaves was seen before; this log has {}",
                tree.size()
            ),
        )),
    }
}

fn report(
    history: History,
    opened: Opened,
    feeds: BTreeMap<crate::entries::FeedName, FeedReport>,
) -> Report {
    let ledger = &history.fold.ledger;
    let trust = ledger.trust();
    let notes = notes(&history, &feeds);
    let tally = history.tally;
    Report {
        origin: ledger.origin().to_string(),
        session: ledger.session(),
        size: ledger.size(),
        root: opened.checkpoint.root.to_base64(),
        first_time: tally.first_time,
        last_time: ledger.time(),
        decisions: tally.actions,
        open_decisions: ledger.lists().values().filter(|r| r.open > 0).count() as u64,
        bulk_decisions: tally.bulk,
        overrides: tally.overrides,
        approvals: tally.approvals,
        feeds,
        parts: tally.parts,
        texts: tally.texts.len() as u64,
        erased_texts: tally.erased.len() as u64,
        trust_version: trust.version,
        log_keys: vkeys(trust.origin.as_str(), &trust.log_keys()),
        feed_keys: vkeys(&Manifest::key_name(&trust.origin), &trust.feed_keys()),
        witnesses: trust.witnesses.keys.clone(),
        quorum: trust.witnesses.quorum,
        cosigned: opened
            .cosignatures
            .into_iter()
            .map(|(key, time)| (key.name, time))
            .collect(),
        notes,
    }
}

fn vkeys(name: &str, keys: &[[u8; 32]]) -> Vec<String> {
    keys.iter()
        .filter_map(|key| VerifierKey::ed25519(name, key).ok())
        .map(|key| key.to_string())
        .collect()
}

fn notes(history: &History, feeds: &BTreeMap<crate::entries::FeedName, FeedReport>) -> Vec<String> {
    let mut notes = Vec::new();
    let trust: &Document = history.fold.ledger.trust();
    if trust.witnesses.quorum == 0 {
        notes.push(
            "quorum 0: no witness has to cosign, so that a lying operator could show two histories to two readers"
                .to_owned(),
        );
    }
    if let Some(before) = &history.continues {
        notes.push(format!(
            "goes on from {} at {} leaves, root {}: audit that log too",
            before.origin,
            before.size,
            before.root.to_base64()
        ));
    }
    for (name, _) in feeds.iter().filter(|(_, feed)| feed.files.is_none()) {
        notes.push(format!(
            "{name}: not audited beyond its digest; the source gives its files to entitled readers"
        ));
    }
    notes
}

/// Seconds.
fn patience() -> u64 {
    5
}
