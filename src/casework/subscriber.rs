//! Subscribers: who reads, which feeds are theirs, and the key by which they sign receipts
//! (design: Access).

use super::{Book, Error};
use crate::{
    canon::{Base64, OfficerId},
    entries::FeedName,
};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The private table of subscribers, by name.
pub(super) const SUBSCRIBERS: &str = "subscribers";

/// The most feeds of a subscriber: it bounds the labels of the metrics.
const MAX_FEEDS: usize = 64;

/// A registered subscriber: a row of the private table `subscribers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// `[a-z0-9-]{1,40}`
    pub name: String,
    /// Raw Ed25519 public key; none: it sends no receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<Base64>,
    /// What its tokens may be made for.
    #[serde(default)]
    pub feeds: BTreeSet<FeedName>,
    /// Unix seconds; set by the desk.
    #[serde(default)]
    pub registered: u64,
    /// Who registered it; none: the operator, at the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
}

/// What is to be another of a subscriber.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriberChange {
    /// All its feeds from now on. Tokens for others open nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feeds: Option<BTreeSet<FeedName>>,
    /// Its key, where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<Base64>,
}

impl Subscriber {
    /// A subscriber, checked.
    pub fn new(
        name: &str,
        public: Option<&[u8]>,
        feeds: BTreeSet<FeedName>,
    ) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(Error::malformed(
                "the subscriber's name",
                "it is made of a-z 0-9 -, 1 to 40 of them",
            ));
        }
        public.map(verifying_key).transpose()?;
        bounded(&feeds)?;
        Ok(Self {
            name: name.to_owned(),
            public: public.map(|key| Base64(key.to_vec())),
            feeds,
            registered: 0,
            by: None,
        })
    }
}

impl Book {
    /// Registers a subscriber. The same one again is no error; another under a known name is.
    pub fn register(
        &mut self,
        subscriber: Subscriber,
        by: Option<OfficerId>,
        now: u64,
    ) -> Result<Subscriber, Error> {
        let public = subscriber.public.as_ref().map(|key| &key[..]);
        let mut subscriber = Subscriber::new(&subscriber.name, public, subscriber.feeds)?;
        if let Some(known) = self.subscribers.get(&subscriber.name) {
            if known.public != subscriber.public || known.feeds != subscriber.feeds {
                return Err(Error::SubscriberTaken(known.name.clone()));
            }
            return Ok(known.clone());
        }
        subscriber.registered = now;
        subscriber.by = by;
        self.keep(subscriber)
    }

    /// Changes a subscriber's feeds, or gives it the key that it had none of.
    pub fn change(&mut self, name: &str, change: SubscriberChange) -> Result<Subscriber, Error> {
        let mut subscriber = known(&self.subscribers, name)?.clone();
        if let Some(feeds) = change.feeds {
            bounded(&feeds)?;
            subscriber.feeds = feeds;
        }
        if let Some(public) = change.public {
            verifying_key(&public)?;
            // A key that could be exchanged by one officer could forge another's receipts.
            if subscriber.public.as_ref().is_some_and(|own| *own != public) {
                return Err(Error::SubscriberTaken(subscriber.name));
            }
            subscriber.public = Some(public);
        }
        self.keep(subscriber)
    }

    fn keep(&mut self, subscriber: Subscriber) -> Result<Subscriber, Error> {
        self.put(SUBSCRIBERS, subscriber.name.as_bytes(), &subscriber)?;
        self.subscribers
            .insert(subscriber.name.clone(), subscriber.clone());
        Ok(subscriber)
    }
}

/// A registered subscriber.
pub(super) fn known<'b>(
    subscribers: &'b BTreeMap<String, Subscriber>,
    name: &str,
) -> Result<&'b Subscriber, Error> {
    let unknown = || Error::NoSubscriber(name.chars().take(40).collect());
    subscribers.get(name).ok_or_else(unknown)
}

/// The key by which receipts are verified.
pub(super) fn verifying_key(public: &[u8]) -> Result<VerifyingKey, Error> {
    let wrong = "it is 32 bytes of an Ed25519 public key, in base64";
    let raw: [u8; 32] = public
        .try_into()
        .map_err(|_| Error::malformed("the subscriber's key", wrong))?;
    match VerifyingKey::from_bytes(&raw) {
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(Error::malformed("the subscriber's key", wrong)),
    }
}

fn bounded(feeds: &BTreeSet<FeedName>) -> Result<(), Error> {
    if feeds.len() > MAX_FEEDS {
        return Err(Error::Invalid {
            what: "the subscriber's feeds",
            why: format!("there are {MAX_FEEDS} at most"),
        });
    }
    Ok(())
}
