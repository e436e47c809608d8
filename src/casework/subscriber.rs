//! Subscribers and what they say they have applied (design: Access).

use super::{Casework, Error, lock};
use crate::{
    canon::{Base64, OfficerId, Origin},
    decision::Leaf,
    entries::FeedName,
    store::Durability,
    tlog::Hash,
};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SUBSCRIBERS: &str = "subscribers";
const RECEIPTS: &str = "receipts";

/// How far ahead of the clock here a receipt's time may lie, seconds.
const LEEWAY: u64 = 300;

/// A registered subscriber: a row of the private table `subscribers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// `[a-z0-9-]{1,40}`
    pub name: String,
    /// Raw Ed25519 public key.
    pub public: Base64,
    /// Unix seconds; set by the desk.
    #[serde(default)]
    pub registered: u64,
    /// Who registered it; none: the operator, at the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
}

/// "I have applied this serial with this digest at this time."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub origin: Origin,
    pub subscriber: String,
    pub feed: FeedName,
    pub serial: u64,
    pub digest: Hash,
    /// Unix seconds.
    pub time: u64,
    pub sig: Base64,
}

/// What a subscriber has applied last, of each feed.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    #[serde(flatten)]
    pub subscriber: Subscriber,
    pub feeds: BTreeMap<FeedName, Applied>,
}

/// The last receipt for a feed, and how far behind the present it is.
#[derive(Debug, Clone, Serialize)]
pub struct Applied {
    pub serial: u64,
    /// The subscriber's time, Unix seconds.
    pub time: u64,
    pub current: bool,
    /// Leaves between its serial and the feed's.
    pub behind: u64,
    /// 0 where it is current, else seconds since it applied what it has: at most so long behind.
    pub lag_seconds: u64,
}

/// The bytes that a subscriber signs.
pub fn receipt_message(
    origin: &Origin,
    subscriber: &str,
    feed: &FeedName,
    serial: u64,
    digest: &Hash,
    time: u64,
) -> Vec<u8> {
    format!("blockfeed/receipt/v1\n{origin}\n{subscriber}\n{feed}\n{serial}\n{digest}\n{time}\n")
        .into_bytes()
}

impl Subscriber {
    /// A subscriber with its key, checked.
    pub fn new(name: &str, public: &[u8]) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(Error::malformed(
                "the subscriber's name",
                "it is made of a-z 0-9 -, 1 to 40 of them",
            ));
        }
        verifying_key(public)?;
        Ok(Self {
            name: name.to_owned(),
            public: Base64(public.to_vec()),
            registered: 0,
            by: None,
        })
    }

    /// Writes it into the private table of a store that no authority has open: the operator's way.
    /// Replaces the key of a subscriber that is known.
    pub fn register(mut self, store: &crate::store::Store, now: u64) -> Result<(), Error> {
        self.registered = now;
        put(store, &self)
    }
}

impl Casework {
    /// Registers a subscriber. The same one again is no error; another key for a known name is.
    pub fn register(&self, subscriber: Subscriber, by: OfficerId) -> Result<Subscriber, Error> {
        let mut subscriber = Subscriber::new(&subscriber.name, &subscriber.public)?;
        let _alone = lock(&self.inner.receipts);
        if let Some(known) = self.subscriber(&subscriber.name)? {
            if known.public != subscriber.public {
                return Err(Error::SubscriberTaken(known.name));
            }
            return Ok(known);
        }
        subscriber.registered = self.inner.authority.now();
        subscriber.by = Some(by);
        self.keep(|| put(self.inner.authority.store(), &subscriber))?;
        Ok(subscriber)
    }

    /// Takes a receipt. One that is older than the last is let pass and changes nothing.
    pub fn receive(&self, receipt: &Receipt) -> Result<(), Error> {
        let outcome = self
            .check_receipt(receipt)
            .and_then(|()| self.store_receipt(receipt));
        let word = match &outcome {
            Ok(()) => "applied",
            Err(Error::Receipt(_)) => "false",
            Err(_) => "refused",
        };
        self.inner.metrics.receipts.with_label_values(&[word]).inc();
        outcome
    }

    /// All subscribers with what they have applied, by name.
    pub fn standings(&self) -> Result<Vec<Standing>, Error> {
        let current = self.inner.authority.current();
        let now = self.inner.authority.now();
        let mut standings = Vec::new();
        for row in self.inner.authority.store().scan(SUBSCRIBERS, b"")? {
            let subscriber: Subscriber = read(SUBSCRIBERS, &row?.1)?;
            let mut feeds = BTreeMap::new();
            let prefix = [subscriber.name.as_bytes(), &[0]].concat();
            for row in self.inner.authority.store().scan(RECEIPTS, &prefix)? {
                let receipt: Receipt = read(RECEIPTS, &row?.1)?;
                let serial = current
                    .feeds
                    .get(&receipt.feed)
                    .map_or(0, |f| f.state.serial);
                let is_current = receipt.serial >= serial;
                let applied = Applied {
                    serial: receipt.serial,
                    time: receipt.time,
                    current: is_current,
                    behind: serial.saturating_sub(receipt.serial),
                    lag_seconds: if is_current {
                        0
                    } else {
                        now.saturating_sub(receipt.time)
                    },
                };
                feeds.insert(receipt.feed, applied);
            }
            standings.push(Standing { subscriber, feeds });
        }
        Ok(standings)
    }

    fn subscriber(&self, name: &str) -> Result<Option<Subscriber>, Error> {
        let bytes = self
            .inner
            .authority
            .store()
            .get(SUBSCRIBERS, name.as_bytes())?;
        bytes.map(|bytes| read(SUBSCRIBERS, &bytes)).transpose()
    }

    /// Signature first; then what it says is held against the log.
    fn check_receipt(&self, receipt: &Receipt) -> Result<(), Error> {
        let unknown = || Error::UnknownSubscriber(receipt.subscriber.chars().take(40).collect());
        let subscriber = self.subscriber(&receipt.subscriber)?.ok_or_else(unknown)?;
        let message = receipt_message(
            &receipt.origin,
            &receipt.subscriber,
            &receipt.feed,
            receipt.serial,
            &receipt.digest,
            receipt.time,
        );
        let key = verifying_key(&subscriber.public)?;
        let holds = Signature::from_slice(&receipt.sig)
            .is_ok_and(|sig| key.verify_strict(&message, &sig).is_ok());
        if !holds {
            return Err(Error::ReceiptSignature(subscriber.name));
        }
        if receipt.origin != *self.inner.authority.ledger().origin() {
            return Err(Error::Receipt("is for another log"));
        }
        if receipt.time > self.inner.authority.now().saturating_add(LEEWAY) {
            return Err(Error::Receipt(
                "is dated more than 300 seconds ahead of the clock here",
            ));
        }
        if receipt.serial == 0 || receipt.serial > self.inner.authority.current().size {
            return Err(Error::Receipt(
                "names a serial that this log hasn't reached",
            ));
        }
        let Leaf::State(state) = self.leaf(receipt.serial - 1)? else {
            return Err(Error::Receipt("names a serial that no feed has had"));
        };
        match state.feeds.get(&receipt.feed) {
            Some(feed) if feed.serial != receipt.serial => {
                Err(Error::Receipt("names a serial that this feed hasn't had"))
            }
            Some(feed) if feed.digest != receipt.digest => Err(Error::Receipt(
                "names another digest than the log has for this serial: what was applied isn't what was published",
            )),
            Some(_) => Ok(()),
            None => Err(Error::Receipt(
                "is for a feed that there wasn't at this serial",
            )),
        }
    }

    fn store_receipt(&self, receipt: &Receipt) -> Result<(), Error> {
        let _alone = lock(&self.inner.receipts);
        let store = self.inner.authority.store();
        let key = [
            receipt.subscriber.as_bytes(),
            &[0],
            receipt.feed.as_str().as_bytes(),
        ]
        .concat();
        let last: Option<Receipt> = store
            .get(RECEIPTS, &key)?
            .map(|bytes| read(RECEIPTS, &bytes))
            .transpose()?;
        if last.is_some_and(|last| last.time >= receipt.time) {
            return Ok(());
        }
        let value = write(RECEIPTS, receipt)?;
        // A crash may lose the last receipts; the subscriber's next one tells the same.
        self.keep(|| store.put(RECEIPTS, &key, &value, Durability::Buffered))?;
        self.show(receipt);
        Ok(())
    }

    /// Shows in the metrics what was received before a restart.
    pub(super) fn recall(&self) -> Result<(), Error> {
        for row in self.inner.authority.store().scan(RECEIPTS, b"")? {
            self.show(&read(RECEIPTS, &row?.1)?);
        }
        Ok(())
    }

    fn show(&self, receipt: &Receipt) {
        let labels = [receipt.subscriber.as_str(), receipt.feed.as_str()];
        let metrics = &self.inner.metrics;
        let serial = metrics.applied_serial.with_label_values(&labels);
        serial.set(receipt.serial as i64);
        let time = metrics.applied_time.with_label_values(&labels);
        time.set(receipt.time as i64);
    }
}

fn verifying_key(public: &[u8]) -> Result<VerifyingKey, Error> {
    let wrong = "it is 32 bytes of an Ed25519 public key, in base64";
    let raw: [u8; 32] = public
        .try_into()
        .map_err(|_| Error::malformed("the subscriber's key", wrong))?;
    match VerifyingKey::from_bytes(&raw) {
        Ok(key) if !key.is_weak() => Ok(key),
        _ => Err(Error::malformed("the subscriber's key", wrong)),
    }
}

fn put(store: &crate::store::Store, subscriber: &Subscriber) -> Result<(), Error> {
    let value = write(SUBSCRIBERS, subscriber)?;
    let key = subscriber.name.as_bytes();
    Ok(store.put(SUBSCRIBERS, key, &value, Durability::Synced)?)
}

fn write<T: Serialize>(table: &'static str, row: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(row).map_err(|e| Error::Record {
        table,
        why: e.to_string(),
    })
}

fn read<T: for<'a> Deserialize<'a>>(table: &'static str, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| Error::Record {
        table,
        why: e.to_string(),
    })
}
