//! The handle to the log: opened once, shared by all who submit and read.

use super::{
    Committed, Config, Current, Error, Metrics, Rejected,
    fault::Fault,
    openings, room,
    sequencer::{Entrant, GuardHook, Message, Sequencer, now},
    state::{Books, StoreParts, check_marks},
};
use crate::{
    canon::DecisionId,
    decision::{Body, Fold, Interest, Leaf, Ledger, Opening, Refusal},
    feed::paths,
    store::{
        Head, HighWater, Store,
        files::{self, Batch},
    },
    tlog::{Hash, Tree, leaf_hash},
};
use arc_swap::ArcSwap;
use ed25519_dalek::SigningKey;
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, mpsc},
    thread::JoinHandle,
};
use tokio::sync::{oneshot, watch};

/// The log's online keys.
pub struct Keys {
    pub log: SigningKey,
    pub feed: SigningKey,
}

/// The log. Clones share it.
#[derive(Clone)]
pub struct Authority {
    config: Config,
    public: PathBuf,
    view: Arc<ArcSwap<Current>>,
    ledger: Arc<RwLock<Ledger>>,
    changed: watch::Receiver<u64>,
    running: Arc<Running>,
    store: Arc<Store>,
    fault: Fault,
}

/// The sequencer's thread. It has ended, and has let go of the store, when `stop` returns and
/// when the last handle is dropped: a process must not exit while the database is at work.
struct Running {
    inbox: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Begins a log in an empty data directory: the genesis leaf, its trust document, the first
/// state leaf. Publishes nothing; `Authority::open` does.
pub fn init(config: &Config, genesis: &Leaf, document: &[u8]) -> Result<(), Error> {
    let store = Store::open(&config.db())?;
    if store.head()?.is_some() {
        return Err(Error::Exists(config.data.display().to_string()));
    }
    store.put_part(&Hash::of(document).0, document)?;
    let bytes = genesis.to_bytes().map_err(Error::Genesis)?;
    let mut fold =
        Fold::begin(&bytes, Interest::All, &StoreParts(&store)).map_err(Error::Genesis)?;
    let state = Leaf::State(fold.closing(genesis.time(), true));
    fold.apply_leaf(&state, &StoreParts(&store))
        .map_err(Error::Genesis)?;
    let leaves = vec![bytes, state.to_bytes().map_err(Error::Genesis)?];
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
    store.append(
        None,
        &leaves,
        &Head {
            size: tree.size(),
            root: tree.root().0,
        },
    )?;
    Ok(())
}

impl Authority {
    /// Opens the log, finishes what a crash left undone, and starts the sequencer. `fatal` is
    /// called once if a write has failed: nothing is taken in from then on, what was published is
    /// served, and the process should start anew when there is room.
    pub fn open(
        config: Config,
        keys: &Keys,
        guard: GuardHook,
        metrics: Metrics,
        fatal: impl FnOnce(Error) + Send + 'static,
    ) -> Result<Self, Error> {
        let store = Arc::new(Store::open(&config.db())?);
        let public = config.public();
        files::sweep(&public)?;
        let mut out = Batch::new(&public);
        let books = Books::open(&store, &config, &mut out)?;
        let mark = HighWater::open(&config.high_water())?;
        check_marks(&books, &mark, &config)?;
        let (log_key, feed_key) = Sequencer::signers(keys, &books.fold.ledger)?;
        let view = Arc::new(ArcSwap::from_pointee(
            books.current(&[], Default::default()),
        ));
        let ledger = Arc::new(RwLock::new(books.fold.ledger.clone()));
        let (changed_tx, changed) = watch::channel(books.tree.size());
        let (inbox, receiver) = mpsc::channel();
        let fault = Fault::new(metrics.read_only.clone(), fatal);
        let mut sequencer = Sequencer {
            store: store.clone(),
            config: config.clone(),
            books,
            mark,
            log_key,
            feed_key,
            guard,
            metrics,
            view: view.clone(),
            ledger: ledger.clone(),
            changed: changed_tx,
            inbox: receiver,
            myself: inbox.clone(),
            cutting: false,
            sizes: VecDeque::new(),
            pruned: None,
        };
        sequencer.recover(out)?;
        let failed = fault.clone();
        let thread = std::thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || {
                if let Err(error) = sequencer.run() {
                    // Those who wait for an answer find the reason when the inbox goes.
                    failed.set(&error);
                    drop(sequencer);
                    failed.tell(error);
                }
            })
            .map_err(|source| Error::Io {
                path: "the sequencer's thread".into(),
                source,
            })?;
        let thread = Mutex::new(Some(thread));
        Ok(Self {
            config,
            public,
            view,
            ledger,
            changed,
            running: Arc::new(Running { inbox, thread }),
            store,
            fault,
        })
    }

    /// Submits an entrant and waits until it is durable and published. Its parts must have been
    /// given to `keep_part` before.
    pub async fn submit(&self, entrant: Entrant) -> Result<Committed, Rejected> {
        if let Some(why) = self.closed() {
            return Err(why);
        }
        let body = match &entrant {
            Entrant::Decision { body, .. } => Some(&**body),
            _ => None,
        };
        room::check(&self.config, body)?;
        let (reply, answer) = oneshot::channel();
        self.running
            .inbox
            .send(Message::Enter(entrant, reply))
            .map_err(|_| self.fault.refusal())?;
        match answer.await {
            Ok(answer) => answer,
            Err(_) => {
                // The sequencer is ending; it lets go of this channel when it has said why.
                let mut changed = self.changed.clone();
                while changed.changed().await.is_ok() {}
                Err(self.fault.unsettled())
            }
        }
    }

    /// Refuses where the log takes nothing in, or the disk has no room: for whoever is about to
    /// write much before it submits.
    pub fn check_room(&self, body: &Body) -> Result<(), Rejected> {
        match self.closed() {
            Some(why) => Err(why),
            None => room::check(&self.config, Some(body)),
        }
    }

    /// Why nothing is written any more; none while all is well.
    pub fn closed(&self) -> Option<Rejected> {
        self.fault.reason().map(|_| self.fault.refusal())
    }

    /// Why nothing is taken in since a write failed; none while all is well.
    pub fn fault(&self) -> Option<&str> {
        self.fault.reason()
    }

    /// A write of a room above has failed: nobody knows what the disk holds, and the log takes
    /// nothing in any more.
    pub fn fail(&self, error: Error) {
        self.fault.set(&error);
        self.running.stop();
        self.fault.tell(error);
    }

    /// Keeps a part for a decision to come. It is durable with the commit that names it.
    pub fn keep_part(&self, bytes: &[u8]) -> Result<Hash, Error> {
        let sha256 = Hash::of(bytes);
        self.store.put_part(&sha256.0, bytes)?;
        Ok(sha256)
    }

    /// A part, whether published yet or not.
    pub fn part(&self, sha256: &Hash) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.part(&sha256.0)?)
    }

    /// Keeps openings for a decision to come; durable when it returns.
    pub fn keep_openings(&self, openings: &[Opening]) -> Result<(), Error> {
        openings::keep(&self.store, openings)
    }

    /// What a commitment of a decision stands for; none where it was erased.
    pub fn opening(&self, id: &DecisionId, commitment: &Hash) -> Result<Option<Opening>, Error> {
        let origin = self.ledger().origin().clone();
        openings::read(&self.store, &origin, id, commitment)
    }

    /// What the commitments of a decision stand for, as far as it wasn't erased.
    pub fn openings_of(&self, id: &DecisionId) -> Result<Vec<(Hash, Opening)>, Error> {
        let origin = self.ledger().origin().clone();
        openings::of(&self.store, &origin, id)
    }

    /// Hands every opening with its commitment to `each`, by decision. Reads them all.
    pub fn each_opening(&self, each: impl FnMut(Hash, Opening)) -> Result<(), Error> {
        let origin = self.ledger().origin().clone();
        openings::each(&self.store, &origin, each)
    }

    /// Destroys openings: afterwards their bytes are in no file here. The commitments and all
    /// proofs over them live on. Slow.
    pub fn erase_openings(&self, id: &DecisionId, commitments: &[Hash]) -> Result<(), Error> {
        openings::erase(&self.store, id, commitments)
    }

    /// Destroys a text, here and where it was published; its hash stays in the log. Slow. A crash
    /// between the two leaves the published file: calling again finishes it.
    pub fn erase_text(&self, sha256: &Hash) -> Result<(), Error> {
        self.store.erase_part(&sha256.0)?;
        let path = self.public.join(paths::part(sha256));
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::Io {
                path: path.display().to_string(),
                source,
            }),
            _ => Ok(()),
        }
    }

    /// The bytes of a leaf.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.store.leaf(index)?)
    }

    /// The state as last published.
    pub fn current(&self) -> Arc<Current> {
        self.view.load_full()
    }

    /// The ledger as last published, while the guard is held. Hold it briefly: a commit waits.
    pub fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every published commit by the log's size.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// The folder of published files.
    pub fn public(&self) -> &std::path::Path {
        &self.public
    }

    /// The folder of keys.
    pub fn keys(&self) -> PathBuf {
        self.config.keys()
    }

    /// The store, for the private tables of the rooms above.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Unix seconds by this machine's clock.
    pub fn now(&self) -> u64 {
        now()
    }

    /// Ends the sequencer after the commit at hand, and waits for it. What is submitted
    /// afterwards is rejected.
    pub fn stop(&self) {
        self.running.stop();
    }
}

impl Running {
    fn stop(&self) {
        // If it has ended already there is nothing to stop.
        drop(self.inbox.send(Message::Stop));
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic there was told by the thread itself.
            drop(thread.join());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl From<Refusal> for Error {
    fn from(why: Refusal) -> Self {
        Self::Genesis(why)
    }
}
