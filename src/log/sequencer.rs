//! The sequencer: the one thread that writes.

use super::{
    Config, Current, Error, Metrics, Rejected,
    authority::Keys,
    publish,
    shelf::{self, Cut},
    state::{Books, published_size},
};
use crate::{
    decision::{Approval, Body, Leaf, Ledger, Parts},
    entries::FeedName,
    feed::paths,
    store::{
        HighWater, Store,
        files::{self, Batch},
    },
    tlog::{self, SignerKey},
    trust::RootSignature,
};
use arc_swap::ArcSwap;
use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, mpsc},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{oneshot, watch};

/// What asks to enter the log. Its parts lie in the store already.
pub enum Entrant {
    /// A decision with its approvals.
    Decision {
        body: Box<Body>,
        approvals: Vec<Approval>,
    },
    /// A new trust document, by hash.
    Trust {
        version: u64,
        sha256: tlog::Hash,
        signatures: Vec<RootSignature>,
    },
    /// Moves the base of the zones to the present.
    Compaction,
}

/// Where an entrant came to stand. It is durable and published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Committed {
    /// Index of its leaf.
    pub leaf: u64,
    /// Size of the log at the state leaf that closed its commit.
    pub size: u64,
    /// Unix seconds of its leaf.
    pub time: u64,
}

/// Runs the refusals again before a decision enters: gives back the sentence of the first one.
pub type GuardHook = Box<dyn Fn(&Body, &Ledger, u64, &dyn Parts) -> Result<(), String> + Send>;

pub(super) enum Message {
    Enter(Entrant, oneshot::Sender<Result<Committed, Rejected>>),
    Cut(Result<Cut, Error>),
    Stop,
}

/// The thread's own things.
pub(super) struct Sequencer {
    pub(super) store: Arc<Store>,
    pub(super) config: Config,
    pub(super) books: Books,
    pub(super) mark: HighWater,
    pub(super) log_key: SignerKey,
    pub(super) feed_key: SignerKey,
    pub(super) guard: GuardHook,
    pub(super) metrics: Metrics,
    pub(super) view: Arc<ArcSwap<Current>>,
    pub(super) ledger: Arc<RwLock<Ledger>>,
    pub(super) changed: watch::Sender<u64>,
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) myself: mpsc::Sender<Message>,
    pub(super) cutting: bool,
    /// Sizes of the last checkpoints, whose partial tiles are kept.
    pub(super) sizes: VecDeque<u64>,
    /// When feed files that nothing lists any more were last looked for.
    pub(super) pruned: Option<Instant>,
}

const KEPT_SIZES: usize = 32;

/// How long a feed file stays that no manifest lists any more, for readers of an older one; and
/// how often such files are looked for.
const LINGER: Duration = Duration::from_secs(3600);

impl Sequencer {
    /// The keys as note signers under the log's name.
    pub(super) fn signers(keys: &Keys, ledger: &Ledger) -> Result<(SignerKey, SignerKey), Error> {
        let origin = ledger.origin();
        let public = |key: &ed25519_dalek::SigningKey| key.verifying_key().to_bytes();
        if !ledger.trust().log_keys().contains(&public(&keys.log)) {
            return Err(Error::Key("log"));
        }
        if !ledger.trust().feed_keys().contains(&public(&keys.feed)) {
            return Err(Error::Key("feed"));
        }
        let log = SignerKey::new(origin.as_str(), keys.log.clone())?;
        let feed = SignerKey::new(&crate::feed::Manifest::key_name(origin), keys.feed.clone())?;
        Ok((log, feed))
    }

    /// Works until it is told to stop. An error means that the disk can't be trusted any more:
    /// nothing is taken in after it.
    pub(super) fn run(&mut self) -> Result<(), Error> {
        loop {
            let mut batch = Vec::new();
            match self.inbox.recv_timeout(self.patience()) {
                Ok(first) => batch.push(first),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while batch.len() < self.config.batch {
                match self.inbox.try_recv() {
                    Ok(next) => batch.push(next),
                    Err(_) => break,
                }
            }
            let mut entrants = Vec::new();
            let mut stop = false;
            for message in batch {
                match message {
                    Message::Enter(entrant, reply) => entrants.push((entrant, reply)),
                    Message::Cut(cut) => self.listed(cut?)?,
                    Message::Stop => stop = true,
                }
            }
            self.commit(entrants)?;
            self.heartbeat()?;
            self.prune();
            self.begin_cut();
            if stop {
                return Ok(());
            }
        }
    }

    /// Publishes whatever the store holds and the folder doesn't: what a crash left undone, and
    /// after `init` everything.
    pub(super) fn recover(&mut self, out: Batch) -> Result<(), Error> {
        let published = published_size(&self.config);
        let size = self.books.tree.size();
        let mut leaves = Vec::new();
        for leaf in self.store.leaves(published.min(size), size)? {
            let (index, bytes) = leaf?;
            leaves.push(Leaf::parse(&bytes).map_err(|why| Error::Leaf { index, why })?);
        }
        let feeds: Vec<FeedName> = self.books.shelves.keys().cloned().collect();
        for feed in &feeds {
            self.books.save_shelf(&self.store, feed)?;
        }
        self.mark.write(&self.books.head())?;
        self.publish(published.min(size), &leaves, out)
    }

    /// Publishes the leaves from size `old` on. `out` holds feed files written before.
    pub(super) fn publish(
        &mut self,
        old: u64,
        leaves: &[Leaf],
        mut out: Batch,
    ) -> Result<(), Error> {
        let size = self.books.tree.size();
        publish::parts(&self.store, leaves, &mut out)?;
        if old < size {
            publish::tiles(&self.store, &self.books, old, size, &mut out)?;
        }
        // Everything that the checkpoint covers is on the disk from here on.
        out.finish()?;
        let checkpoint = publish::checkpoint(&self.books, &self.log_key);
        files::write_synced(&self.config.public(), paths::CHECKPOINT, &checkpoint)?;
        self.sign_manifests(&checkpoint)?;
        self.sizes.push_back(size);
        if self.sizes.len() > KEPT_SIZES
            && let Some(oldest) = self.sizes.pop_front()
        {
            publish::prune(&self.config.public(), oldest, self.sizes.make_contiguous());
        }
        Ok(())
    }

    /// Lets readers' ledger follow a published commit, and wakes those who wait for one.
    pub(super) fn show(&self, leaves: &[Leaf]) {
        let mut ledger = self.ledger.write().unwrap_or_else(PoisonError::into_inner);
        for leaf in leaves {
            let trust = self.books.fold.ledger.trust();
            ledger.absorb(leaf, matches!(leaf, Leaf::Trust(_)).then(|| trust.clone()));
        }
        drop(ledger);
        self.changed.send_replace(self.books.tree.size());
    }

    /// Signs and writes every feed's manifest, and shows readers the new state.
    fn sign_manifests(&mut self, checkpoint: &[u8]) -> Result<(), Error> {
        let time = now();
        let last = self.books.tree.size() - 1;
        let state = self.store.leaf(last)?.ok_or(Error::Missing(last))?;
        let manifests =
            publish::manifests(&self.books, &state, checkpoint, time, self.config.poll)?;
        let mut out = Batch::new(&self.config.public());
        let mut signed = BTreeMap::new();
        for manifest in manifests {
            let note = manifest.sign(&self.feed_key);
            out.write(&paths::manifest(&manifest.feed), &note)?;
            signed.insert(manifest.feed, (note, time));
        }
        out.finish()?;
        self.metrics.manifest_time.set(time as i64);
        self.view
            .store(Arc::new(self.books.current(checkpoint, signed)));
        Ok(())
    }

    /// Signs the manifests anew when a heartbeat has passed.
    fn heartbeat(&mut self) -> Result<(), Error> {
        let view = self.view.load_full();
        let signed = view.feeds.values().map(|f| f.signed).min().unwrap_or(0);
        if now() >= signed.saturating_add(self.config.heartbeat) {
            self.sign_manifests(&view.checkpoint)?;
        }
        Ok(())
    }

    /// Takes away feed files that no manifest has listed for an hour.
    fn prune(&mut self) {
        if self.pruned.is_some_and(|at| at.elapsed() < LINGER) {
            return;
        }
        self.pruned = Some(Instant::now());
        let public = self.config.public();
        let shelves = self.books.shelves.iter();
        let gone: u64 = shelves
            .map(|(feed, shelf)| shelf.prune(feed, &public, LINGER))
            .sum();
        if gone > 0 {
            tracing::info!(
                gone,
                "feed files that no manifest lists any more were removed"
            );
        }
    }

    /// Cuts a snapshot in the background, from a copy of the set that costs nothing.
    fn begin_cut(&mut self) {
        if self.cutting {
            return;
        }
        let Some((feed, serial, set)) = self.books.wanted_cut() else {
            return;
        };
        self.cutting = true;
        let (reply, origin) = (self.myself.clone(), self.books.fold.ledger.origin().clone());
        let public: PathBuf = self.config.public();
        std::thread::spawn(move || {
            let work = || {
                let mut out = Batch::new(&public);
                let cut = shelf::cut(&origin, &feed, serial, &set, &mut out)?;
                out.finish()?;
                Ok(cut)
            };
            // If the sequencer has stopped meanwhile, the file is litter that the next one ignores.
            drop(reply.send(Message::Cut(work())));
        });
    }

    fn listed(&mut self, cut: Cut) -> Result<(), Error> {
        self.cutting = false;
        self.books.install(&self.store, &cut)?;
        let checkpoint = self.view.load_full().checkpoint.clone();
        self.sign_manifests(&checkpoint)
    }

    /// How long to wait for work: until a heartbeat, an end or a compaction comes, at most.
    fn patience(&self) -> Duration {
        let now = now();
        let signed = self
            .view
            .load()
            .feeds
            .values()
            .map(|f| f.signed)
            .min()
            .unwrap_or(0);
        let beat = signed
            .saturating_add(self.config.heartbeat)
            .saturating_sub(now);
        let due = self
            .books
            .fold
            .ledger
            .next_due()
            .map_or(u64::MAX, |end| end.saturating_sub(now));
        let compaction = self.books.generations.due(&self.config, now);
        let compaction = compaction.map_or(u64::MAX, |at| at.saturating_sub(now));
        Duration::from_secs(beat.min(due).min(compaction)).max(Duration::from_millis(20))
    }
}

/// Unix seconds.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
