//! One commit, from judged decisions to acknowledgements (design: The log, "Commit").

use super::{
    Committed, Entrant, Error, Rejected,
    openings::Evidence,
    sequencer::{Sequencer, now},
    state::StoreParts,
};
use crate::{
    decision::{Body, DecisionLeaf, Expire, Leaf, Refusal, TrustLeaf, read_text},
    entries::{Change, FeedName},
    store::files::Batch,
    tlog,
};
use std::{collections::BTreeMap, time::Instant};
use tokio::sync::oneshot;

type Reply = oneshot::Sender<Result<Committed, Rejected>>;
type Waiting = (Leaf, u64, Reply);

impl Sequencer {
    /// One commit: whatever is due, then the entrants, closed by a state leaf.
    pub(super) fn commit(&mut self, entrants: Vec<(Entrant, Reply)>) -> Result<(), Error> {
        let began = Instant::now();
        let time = now().max(self.books.fold.ledger.time());
        let store = self.store.clone();
        let parts = StoreParts(&store);
        let mut leaves: Vec<Leaf> = Vec::new();
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut compactions = Vec::new();
        let (lists, stays) = self.books.fold.ledger.due(time);
        if !lists.is_empty() || !stays.is_empty() {
            let leaf = Leaf::Expire(Expire::new(time, lists, stays));
            self.books
                .fold
                .apply_leaf(&leaf, &parts)
                .map_err(|why| self.own_fault(why))?;
            leaves.push(leaf);
        }
        for (entrant, reply) in entrants {
            if let Entrant::Compaction = entrant {
                compactions.push(reply);
                continue;
            }
            match self.enter(entrant, time, &parts) {
                Ok(Entered::Already(committed)) => drop(reply.send(Ok(committed))),
                Ok(Entered::New(leaf)) => {
                    let index = self.books.tree.size() + leaves.len() as u64;
                    leaves.push((*leaf).clone());
                    waiting.push((*leaf, index, reply));
                }
                Err(rejected) => {
                    let rule = if let Rejected::Refused(r) = &rejected {
                        r.code()
                    } else {
                        "guard"
                    };
                    self.metrics.refused.with_label_values(&[rule]).inc();
                    drop(reply.send(Err(rejected)));
                }
            }
        }
        if !leaves.is_empty() {
            self.close(leaves, false, time, began)?;
        }
        let size = self.books.tree.size();
        for (leaf, index, reply) in waiting {
            drop(reply.send(Ok(Committed {
                leaf: index,
                size,
                time: leaf.time(),
            })));
        }
        self.compact(compactions, time)
    }

    /// Moves the base of the zones, where that is due or somebody asks, in a commit of that leaf
    /// alone. Nothing is due to end at `time`.
    fn compact(&mut self, askers: Vec<Reply>, time: u64) -> Result<(), Error> {
        let generations = &self.books.generations;
        let wait = generations.wait(&self.config, time);
        let due = generations.due(&self.config, time);
        if wait == 0 && (!askers.is_empty() || due.is_some_and(|at| at <= time)) {
            self.close(Vec::new(), true, time, Instant::now())?;
        }
        let size = self.books.tree.size();
        for reply in askers {
            drop(reply.send(match wait {
                0 => Ok(Committed {
                    leaf: size - 1,
                    size,
                    time,
                }),
                wait => Err(Rejected::TooSoon(wait)),
            }));
        }
        Ok(())
    }

    /// Judges one entrant and takes it into the fold.
    fn enter(
        &mut self,
        entrant: Entrant,
        time: u64,
        parts: &StoreParts<'_>,
    ) -> Result<Entered, Rejected> {
        let leaf = match entrant {
            Entrant::Decision { body, approvals } => {
                if let Some(committed) = self.already(&body) {
                    return Ok(Entered::Already(committed));
                }
                let ledger = &self.books.fold.ledger;
                let evidence = Evidence {
                    store: parts.0,
                    origin: ledger.origin(),
                };
                (self.guard)(&body, ledger, time, &evidence).map_err(Rejected::Guard)?;
                for text in body.texts() {
                    read_text(parts, &text).map_err(|why| Refusal::Part {
                        sha256: text.sha256.to_string(),
                        why,
                    })?;
                }
                Leaf::Decision(Box::new(DecisionLeaf::new(time, *body, approvals)?))
            }
            Entrant::Trust {
                version,
                sha256,
                signatures,
            } => Leaf::Trust(TrustLeaf::new(time, version, sha256, signatures)),
            Entrant::Compaction => return Err(Rejected::Stopping),
        };
        leaf.to_bytes()?;
        self.books.fold.apply_leaf(&leaf, parts)?;
        Ok(Entered::New(Box::new(leaf)))
    }

    /// A decision that entered before, word for word, is acknowledged again: its sender may not
    /// have heard the first time.
    fn already(&self, body: &Body) -> Option<Committed> {
        let index = self.books.fold.ledger.leaf_of(body.id())?;
        let bytes = self.store.leaf(index).ok()??;
        match Leaf::parse(&bytes).ok()? {
            Leaf::Decision(leaf) if leaf.body == *body => Some(Committed {
                leaf: index,
                size: self.books.tree.size(),
                time: leaf.time,
            }),
            _ => None,
        }
    }

    /// Closes the commit: state leaf, one synced write, high-water mark, publication.
    fn close(
        &mut self,
        mut leaves: Vec<Leaf>,
        compacts: bool,
        time: u64,
        began: Instant,
    ) -> Result<(), Error> {
        let before = self.books.head();
        let store = self.store.clone();
        let state = self.books.fold.closing(time, compacts);
        let own = self.books.fold.ledger.size() + 1;
        let closing = Leaf::State(state.clone());
        let changes = self
            .books
            .fold
            .apply_leaf(&closing, &StoreParts(&store))
            .map_err(|why| self.own_fault(why))?;
        self.books.generations.absorb(&state, own, &changes);
        leaves.push(closing);
        let mut bytes = Vec::with_capacity(leaves.len());
        for leaf in &leaves {
            let leaf = leaf.to_bytes().map_err(|why| self.own_fault(why))?;
            self.books.tree.push(tlog::leaf_hash(&leaf));
            bytes.push(leaf);
        }
        let head = self.books.head();
        // A crash before this write leaves nothing of the commit; after it, the restart publishes it.
        self.store.append(Some(&before), &bytes, &head)?;
        // A crash before this write leaves a mark that lies behind, which is no harm.
        self.mark.write(&head)?;
        let mut out = Batch::new(&self.config.public());
        self.books
            .publish_changes(&store, &self.config.public(), &changes, &mut out)?;
        self.publish(before.size, &leaves, out)?;
        self.show(&leaves);
        self.count(&leaves, &changes, began);
        Ok(())
    }

    fn count(&self, leaves: &[Leaf], changes: &BTreeMap<FeedName, Change>, began: Instant) {
        self.metrics.commits.inc();
        self.metrics
            .commit_seconds
            .observe(began.elapsed().as_secs_f64());
        self.metrics.size.set(self.books.tree.size() as i64);
        for leaf in leaves {
            self.metrics.leaves.with_label_values(&[leaf.kind()]).inc();
        }
        for feed in changes.keys() {
            if let Some(state) = self.books.fold.ledger.feeds().get(feed) {
                self.metrics
                    .entries
                    .with_label_values(&[feed.as_str()])
                    .set(state.entries as i64);
                self.metrics
                    .serial
                    .with_label_values(&[feed.as_str()])
                    .set(state.serial as i64);
            }
        }
    }

    /// A leaf of the sequencer's own making was refused: a bug, not a bad input. Nothing was
    /// written; the process ends rather than go on with books that don't balance.
    fn own_fault(&self, why: Refusal) -> Error {
        Error::Leaf {
            index: self.books.tree.size(),
            why,
        }
    }
}

enum Entered {
    New(Box<Leaf>),
    Already(Committed),
}
