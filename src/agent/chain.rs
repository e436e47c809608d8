//! The agent's copy of the log: every leaf, the tree over them, and what the leaves say.
//!
//! Rules, in the order of design: The agent: bytes are bounded by the reads; the checkpoint's
//! signature and quorum; size never falls, same size same root; the tree over the held leaves
//! and the new ones must have the signed root, which is the consistency proof of one who holds
//! everything; then each leaf is judged.

use super::{Disk, Error, Fault, Head, Limits, TrustConfig, pull::Pull};
use crate::{
    canon::Origin,
    decision::{Genesis, Leaf, Ledger},
    tlog::{
        self, Checkpoint, Hash, MAX_CHECKPOINT, Note, TILE_WIDTH, Tree, VerifierKey, leaf_hash,
        open_checkpoint,
    },
    trust::Document,
};
use std::collections::BTreeSet;

/// The log as far as it was verified.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) tree: Tree,
    pub(super) ledger: Ledger,
    /// The signed note of the head.
    pub(super) note: Vec<u8>,
    /// Trust documents that leaves name.
    pub(super) documents: BTreeSet<Hash>,
}

/// What a round adds to the log.
pub(super) struct Growth {
    pub(super) chain: Chain,
    pub(super) from: u64,
    pub(super) leaves: Vec<Vec<u8>>,
}

/// What the log is held against where none is held yet.
pub(super) struct Pins<'a> {
    pub(super) trust: &'a TrustConfig,
    /// The session and head that an agent remembers whose copy of the log was damaged.
    pub(super) remembered: Option<(&'a str, Head)>,
}

impl Chain {
    /// Rebuilds the copy from disk and checks it against the head that was stored.
    pub(super) fn load(disk: &mut Disk, head: &Head, note: Vec<u8>) -> Result<Self, Error> {
        let leaves = disk.load_leaves(head.size)?;
        let tree: Tree = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        if tree.root() != head.root {
            return Err(Error::Damaged {
                path: disk.dir().join("leaves"),
                why: "its leaves don't give the stored head's root".into(),
            });
        }
        let (ledger, documents) = refold(disk, &leaves)?;
        Ok(Self {
            tree,
            ledger,
            note,
            documents,
        })
    }

    /// What the leaves say up to a size.
    pub(super) fn ledger_at(&self, disk: &Disk, size: u64) -> Result<Ledger, Error> {
        if size == self.ledger.size() {
            return Ok(self.ledger.clone());
        }
        let leaves = disk.leaves(0, size.min(self.tree.size()))?;
        Ok(refold(disk, &leaves)?.0)
    }

    /// Size and root.
    pub(super) fn head(&self) -> Head {
        Head {
            size: self.tree.size(),
            root: self.tree.root(),
        }
    }

    /// Verifies a checkpoint of a size that is held: signature, quorum, root. Gives the time
    /// that the quorum vouches for, where there is a quorum.
    pub(super) fn vouched(&self, note: &[u8]) -> Result<Option<u64>, Fault> {
        let (checkpoint, time) = open(note, self.ledger.origin(), self.ledger.trust())?;
        same_root(&self.tree, &checkpoint)?;
        Ok(time)
    }
}

/// What stored leaves say, with the trust documents that they name.
fn refold(disk: &Disk, leaves: &[Vec<u8>]) -> Result<(Ledger, BTreeSet<Hash>), Error> {
    let damaged = |why: String| Error::Damaged {
        path: disk.dir().join("leaves"),
        why,
    };
    let mut documents = BTreeSet::new();
    let mut ledger: Option<Ledger> = None;
    for (index, bytes) in leaves.iter().enumerate() {
        let refused = |why| damaged(format!("leaf {index}: {why}"));
        let leaf = Leaf::parse(bytes).map_err(refused)?;
        let document = match document_of(&leaf) {
            Some(hash) => {
                documents.insert(hash);
                let kept = disk.part(&hash);
                Some(kept.ok_or_else(|| damaged(format!("trust document {hash} is missing")))?)
            }
            None => None,
        };
        take(&mut ledger, &leaf, bytes, document.as_deref()).map_err(refused)?;
    }
    let ledger = ledger.ok_or_else(|| damaged("it is empty".into()))?;
    Ok((ledger, documents))
}

/// The size that a note states, before anything about it is verified.
pub(super) fn stated(note: &[u8]) -> Result<Checkpoint, Fault> {
    let note = Note::parse(note, MAX_CHECKPOINT).map_err(Fault::Checkpoint)?;
    Checkpoint::parse(&note.text).map_err(Fault::Checkpoint)
}

/// Grows the log to a checkpoint. `None`: it is the one that is held.
pub(super) async fn grow(
    held: Option<&Chain>,
    pins: &Pins<'_>,
    note: &[u8],
    limits: &Limits,
    pull: &mut Pull<'_>,
) -> Result<Option<Growth>, Fault> {
    let checkpoint = stated(note)?;
    if let Some(chain) = held {
        early(note, chain)?;
        let size = chain.tree.size();
        if checkpoint.size <= size {
            // An older head that the log did sign is a lag or a rollback; another root is a fork.
            let verified = open(note, chain.ledger.origin(), chain.ledger.trust());
            if verified.is_ok() {
                same_root(&chain.tree, &checkpoint)?;
            }
            if checkpoint.size < size {
                return Err(Fault::Shrunk {
                    held: size,
                    offered: checkpoint.size,
                });
            }
            return verified.map(|_| None);
        }
    }
    if let Some((_, head)) = pins.remembered.filter(|(_, h)| checkpoint.size < h.size) {
        return Err(Fault::Shrunk {
            held: head.size,
            offered: checkpoint.size,
        });
    }
    if checkpoint.size > limits.max_leaves {
        return Err(Fault::Limit {
            what: "the leaves of the log",
            found: checkpoint.size,
            limit: limits.max_leaves,
            key: "max_leaves",
        });
    }
    let (tree, leaves, from) = new_leaves(held, pins, &checkpoint, pull).await?;
    let (ledger, documents) = judge(held, pins, from, &leaves, pull).await?;
    let (_, _) = open(note, ledger.origin(), ledger.trust())?;
    if held.is_none() {
        pin_log_key(pins.trust, note)?;
    }
    let chain = Chain {
        tree,
        ledger,
        note: note.to_vec(),
        documents,
    };
    Ok(Some(Growth {
        chain,
        from,
        leaves,
    }))
}

/// Refuses at once what carries a false signature or another log's name. A signature by a key
/// that isn't known yet may be by one that a trust leaf further on names: that is judged when
/// the leaves were.
fn early(note: &[u8], chain: &Chain) -> Result<(), Fault> {
    match open(note, chain.ledger.origin(), chain.ledger.trust()) {
        Err(Fault::Checkpoint(tlog::Error::NoLogSignature { .. } | tlog::Error::Quorum { .. })) => {
            Ok(())
        }
        other => other.map(drop),
    }
}

/// Fetches the leaves that are missing and requires that the tree over all has the signed root.
async fn new_leaves(
    held: Option<&Chain>,
    pins: &Pins<'_>,
    checkpoint: &Checkpoint,
    pull: &Pull<'_>,
) -> Result<(Tree, Vec<Vec<u8>>, u64), Fault> {
    let refuse = |why| Fault::Root {
        size: checkpoint.size,
        root: checkpoint.root,
        why,
    };
    let mut tree = held.map_or_else(Tree::new, |chain| chain.tree.clone());
    let from = tree.size();
    let mut leaves = pull.leaves(from, checkpoint.size).await?;
    let overlap = from % u64::from(TILE_WIDTH);
    let repeated = leaves.drain(..usize::try_from(overlap).unwrap_or(0).min(leaves.len()));
    for (index, leaf) in (from - overlap..).zip(repeated) {
        if tree.leaf(index) != Some(leaf_hash(&leaf)) {
            return Err(refuse(
                "a leaf that is held already stands there in another form",
            ));
        }
    }
    leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
    if tree.root() != checkpoint.root {
        return Err(refuse(
            "a file was altered on the way, or the log shows two histories",
        ));
    }
    if let Some((_, head)) = pins.remembered
        && tree.root_at(head.size) != Some(head.root)
    {
        return Err(Fault::Fork {
            size: head.size,
            held: head.root,
            offered: tree.root_at(head.size).unwrap_or(checkpoint.root),
        });
    }
    Ok((tree, leaves, from))
}

/// Judges the new leaves, one after the other.
async fn judge(
    held: Option<&Chain>,
    pins: &Pins<'_>,
    from: u64,
    leaves: &[Vec<u8>],
    pull: &mut Pull<'_>,
) -> Result<(Ledger, BTreeSet<Hash>), Fault> {
    let mut ledger = held.map(|chain| chain.ledger.clone());
    let mut documents = held.map_or_else(BTreeSet::new, |chain| chain.documents.clone());
    for (index, bytes) in (from..).zip(leaves) {
        let refused = |why| Fault::Leaf { index, why };
        let leaf = Leaf::parse(bytes).map_err(refused)?;
        let document = match document_of(&leaf) {
            Some(hash) => {
                documents.insert(hash);
                Some(pull.document(&hash).await?)
            }
            None => None,
        };
        take(&mut ledger, &leaf, bytes, document.as_deref()).map_err(refused)?;
        if let (Leaf::Genesis(genesis), Some(ledger)) = (&leaf, &ledger) {
            pin(pins, genesis, bytes, ledger)?;
        }
    }
    let ledger = ledger.filter(Ledger::is_closed).ok_or(Fault::Leaf {
        index: from,
        why: crate::decision::Refusal::EmptyState,
    })?;
    Ok((ledger, documents))
}

fn take(
    ledger: &mut Option<Ledger>,
    leaf: &Leaf,
    bytes: &[u8],
    document: Option<&[u8]>,
) -> Result<(), crate::decision::Refusal> {
    match ledger {
        None => *ledger = Some(Ledger::begin(bytes, document.unwrap_or_default())?),
        Some(ledger) => {
            let trust = ledger.judge(leaf, document)?;
            ledger.absorb(leaf, trust);
        }
    }
    Ok(())
}

fn document_of(leaf: &Leaf) -> Option<Hash> {
    match leaf {
        Leaf::Genesis(leaf) => Some(leaf.trust),
        Leaf::Trust(leaf) => Some(leaf.sha256),
        _ => None,
    }
}

/// Opens a checkpoint under a trust document: the log's signature and the quorum. The time is
/// the latest one that a whole quorum has vouched for.
fn open(
    note: &[u8],
    origin: &Origin,
    trust: &Document,
) -> Result<(Checkpoint, Option<u64>), Fault> {
    let witnesses = trust
        .witnesses
        .keys
        .iter()
        .map(|key| key.parse::<VerifierKey>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(Fault::Witness)?;
    let quorum = trust.witnesses.quorum;
    let opened = open_checkpoint(note, origin.as_str(), &trust.log_keys(), &witnesses, quorum)
        .map_err(Fault::Checkpoint)?;
    let mut times: Vec<u64> = opened.cosignatures.iter().map(|(_, time)| *time).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    let time = quorum.checked_sub(1).and_then(|i| times.get(i)).copied();
    Ok((opened.checkpoint, time))
}

fn same_root(tree: &Tree, checkpoint: &Checkpoint) -> Result<(), Fault> {
    match tree.root_at(checkpoint.size) {
        Some(root) if root != checkpoint.root => Err(Fault::Fork {
            size: checkpoint.size,
            held: root,
            offered: checkpoint.root,
        }),
        _ => Ok(()),
    }
}

/// Holds the first leaf against what the operator, or the agent's own memory, says.
fn pin(pins: &Pins<'_>, genesis: &Genesis, bytes: &[u8], ledger: &Ledger) -> Result<(), Fault> {
    let refuse = |why: String| Err(Fault::Pin(why));
    let trust = pins.trust;
    let session = ledger.session();
    if let Some((remembered, _)) = pins.remembered
        && remembered != session
    {
        return refuse(format!(
            "its session is {session}, {remembered} was held before"
        ));
    }
    if let Some(origin) = trust.origin.as_ref().filter(|o| **o != genesis.origin) {
        return refuse(format!("it is {}, not {origin}", genesis.origin));
    }
    if let Some(pinned) = &trust.genesis {
        let found = leaf_hash(bytes).to_string();
        if !matches!(pinned.len(), 16 | 64) || !found.starts_with(pinned.as_str()) {
            return refuse(format!(
                "its first leaf has hash {found}, the pin is {pinned}"
            ));
        }
    }
    if let Some(root) = &trust.root {
        let document = &ledger.trust().root;
        let keys: BTreeSet<String> = document
            .keys
            .values()
            .map(|k| k.public.clone().into())
            .collect();
        if keys != root.keys || document.threshold < root.threshold {
            return refuse("its first trust document has other root keys than the pin".into());
        }
    }
    let pinned = trust.genesis.is_some() || trust.root.is_some() || trust.log_key.is_some();
    if !pinned && pins.remembered.is_none() {
        if !trust.trust_on_first_use {
            return Err(Fault::NoPin);
        }
        tracing::warn!(
            origin = %genesis.origin, session, genesis = %leaf_hash(bytes),
            "TRUST ON FIRST USE: this history is taken because it was met first. Compare the \
             genesis hash with the publisher's, by telephone or on paper, and set [trust] genesis"
        );
    }
    Ok(())
}

/// Requires that the pinned key has signed the first checkpoint.
fn pin_log_key(trust: &TrustConfig, note: &[u8]) -> Result<(), Fault> {
    let Some(text) = &trust.log_key else {
        return Ok(());
    };
    let key: VerifierKey = text
        .parse()
        .map_err(|e| Fault::Pin(format!("log_key in [trust] can't be read: {e}")))?;
    let note = Note::parse(note, MAX_CHECKPOINT).map_err(Fault::Checkpoint)?;
    let verified = note
        .verified_by(std::slice::from_ref(&key))
        .map_err(Fault::Checkpoint)?;
    if verified.is_empty() {
        return Err(Fault::Pin(format!("its checkpoint isn't signed by {key}")));
    }
    Ok(())
}
