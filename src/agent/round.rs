//! One look at one source: what it offers, verified, and nothing changed yet.

use super::{
    Agent, Fault,
    chain::{self, Chain, Growth, Pins},
    follow::{Judge, Progress},
    pull::Pull,
};
use crate::{
    entries::FeedName,
    feed::{Manifest, manifest::MAX_MANIFEST, paths},
    fetch::Source,
    tlog::Hash,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::task::JoinSet;

/// What a source offers, verified.
pub(super) struct Look {
    pub(super) growth: Option<Growth>,
    /// Trust documents to keep.
    pub(super) documents: Vec<(Hash, Vec<u8>)>,
    pub(super) feeds: BTreeMap<FeedName, Result<Progress, Refused>>,
}

/// A fault, with the checkpoint that it was met at.
pub(super) struct Refused {
    pub(super) fault: Fault,
    pub(super) note: Option<Vec<u8>>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { fault, note: None }
    }
}

type Manifests = BTreeMap<FeedName, Result<Vec<u8>, Fault>>;

impl Agent {
    /// Looks at a source, again at once where it was met in the middle of a publication.
    pub(super) async fn look(
        &self,
        source: &Source,
        wanted: &BTreeSet<FeedName>,
    ) -> Result<Look, Refused> {
        let seconds = self.config.limits.round_seconds.max(1);
        let looks = async {
            let mut left = PAUSES.iter();
            loop {
                let look = self.look_once(source, wanted).await;
                match left.next() {
                    Some(pause) if in_between(&look) => {
                        tokio::time::sleep(Duration::from_millis(*pause)).await;
                    }
                    _ => return look,
                }
            }
        };
        match tokio::time::timeout(Duration::from_secs(seconds), looks).await {
            Ok(look) => look,
            Err(_) => Err(Fault::Deadline(seconds).into()),
        }
    }

    async fn look_once(
        &self,
        source: &Source,
        wanted: &BTreeSet<FeedName>,
    ) -> Result<Look, Refused> {
        let mut pull = Pull::new(source, &self.config.limits, &self.disk);
        let mut manifests = manifests(source, wanted).await;
        if manifests.values().all(Result::is_err)
            && let Some((_, Err(fault))) = manifests.pop_first()
        {
            // Nobody is there, or nothing that is looked for: no use in asking for the log.
            return Err(fault.into());
        }
        let note = match self.newest_checkpoint(&manifests) {
            Some(note) => note,
            // Nothing is held, or the feed's key is one that a newer trust leaf names.
            None => pull.checkpoint().await?,
        };
        let pins = Pins {
            trust: &self.config.trust,
            remembered: self.remembered(),
        };
        let held = self.chain.as_ref();
        let growth = chain::grow(held, &pins, &note, &self.config.limits, &mut pull)
            .await
            .map_err(|fault| Refused {
                fault,
                note: Some(note),
            })?;
        let Some(chain) = growth.as_ref().map(|g| &g.chain).or(held) else {
            return Err(Fault::NoFeed.into());
        };
        let documents = pull.take(&chain.documents);
        let mut feeds = BTreeMap::new();
        for (feed, bytes) in manifests {
            let judge = Judge {
                feed: &feed,
                chain,
                growth: growth.as_ref(),
                disk: &self.disk,
                verify: self.config.verify,
                brake: &self.config.brake,
                salvaged: self.salvaged.get(&feed),
            };
            let judged = self.judge_feed(&judge, bytes, &mut pull).await;
            feeds.insert(feed, judged);
        }
        Ok(Look {
            growth,
            documents,
            feeds,
        })
    }

    async fn judge_feed(
        &self,
        judge: &Judge<'_>,
        bytes: Result<Vec<u8>, Fault>,
        pull: &mut Pull<'_>,
    ) -> Result<Progress, Refused> {
        let manifest = open(&bytes?, judge.chain)?;
        let held = self.feeds.get(judge.feed);
        judge
            .judge(held, &manifest, pull)
            .await
            .map_err(|fault| Refused {
                fault,
                note: Some(manifest.checkpoint),
            })
    }

    /// The newest checkpoint of the manifests that open under the trust document that is held.
    fn newest_checkpoint(&self, manifests: &Manifests) -> Option<Vec<u8>> {
        let chain = self.chain.as_ref()?;
        manifests
            .values()
            .filter_map(|bytes| open(bytes.as_ref().ok()?, chain).ok())
            .filter_map(|manifest| {
                let size = chain::stated(&manifest.checkpoint).ok()?.size;
                Some((size, manifest.checkpoint))
            })
            .max_by_key(|(size, _)| *size)
            .map(|(_, note)| note)
    }
}

/// Reads the manifests side by side.
async fn manifests(source: &Source, wanted: &BTreeSet<FeedName>) -> Manifests {
    let mut reads = JoinSet::new();
    for feed in wanted {
        let (source, feed) = (source.clone(), feed.clone());
        reads.spawn(async move {
            let read = source
                .read(&paths::manifest(&feed), MAX_MANIFEST as u64)
                .await;
            (feed, read.map(Vec::from).map_err(Fault::Fetch))
        });
    }
    let mut manifests = Manifests::new();
    while let Some(read) = reads.join_next().await {
        if let Ok((feed, bytes)) = read {
            manifests.insert(feed, bytes);
        }
    }
    manifests
}

fn open(bytes: &[u8], chain: &Chain) -> Result<Manifest, Fault> {
    let keys = chain.ledger.trust().feed_keys();
    Manifest::open(bytes, chain.ledger.origin(), &keys).map_err(Fault::Manifest)
}

/// Whether this is what a publication looks like while it is on its way to a source.
fn in_between(look: &Result<Look, Refused>) -> bool {
    let passing = |fault: &Fault| matches!(fault, Fault::Newer(_) | Fault::Mixed { .. });
    match look {
        Err(refused) => passing(&refused.fault),
        Ok(look) => look
            .feeds
            .values()
            .any(|feed| matches!(feed, Err(refused) if passing(&refused.fault))),
    }
}

/// Milliseconds before each further look.
const PAUSES: [u64; 2] = [20, 150];
