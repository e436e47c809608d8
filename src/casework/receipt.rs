//! Receipts: what subscribers say they have applied, signed (design: Access).

use super::{Casework, Error, lock, row, subscriber::verifying_key};
use crate::{
    canon::{Base64, Origin},
    decision::Leaf,
    entries::FeedName,
    store::Durability,
    tlog::Hash,
};
use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The private table of receipts, by subscriber and feed.
const RECEIPTS: &str = "receipts";

/// How far ahead of the clock here what a subscriber says may be dated, seconds.
pub(super) const LEEWAY: u64 = 300;

/// "I have applied this serial with this digest at this time."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

impl Casework {
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

    /// The last receipt for each feed.
    pub(super) fn receipts_of(&self, subscriber: &str) -> Result<Vec<Receipt>, Error> {
        let store = self.inner.authority.store();
        let rows = store.scan(RECEIPTS, &row::prefix(&[subscriber]))?;
        rows.map(|found| row::read(RECEIPTS, &found?.1)).collect()
    }

    /// Signature first; then what it says is held against the log.
    fn check_receipt(&self, receipt: &Receipt) -> Result<(), Error> {
        let unknown = || Error::UnknownSubscriber(receipt.subscriber.chars().take(40).collect());
        let subscriber = self.subscriber(&receipt.subscriber);
        let subscriber = subscriber.map_err(|_| unknown())?;
        let public = subscriber.public.ok_or_else(unknown)?;
        let message = receipt_message(
            &receipt.origin,
            &receipt.subscriber,
            &receipt.feed,
            receipt.serial,
            &receipt.digest,
            receipt.time,
        );
        let key = verifying_key(&public)?;
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
        let key = row::key(&[&receipt.subscriber, receipt.feed.as_str()]);
        let last: Option<Receipt> = store
            .get(RECEIPTS, &key)?
            .map(|bytes| row::read(RECEIPTS, &bytes))
            .transpose()?;
        if last.is_some_and(|last| last.time >= receipt.time) {
            return Ok(());
        }
        let value = row::write(RECEIPTS, receipt)?;
        // A crash may lose the last receipts; the subscriber's next one tells the same.
        self.keep(|| store.put(RECEIPTS, &key, &value, Durability::Buffered))?;
        self.show(receipt);
        Ok(())
    }

    /// Shows in the metrics what was received before a restart.
    pub(super) fn recall(&self) -> Result<(), Error> {
        for found in self.inner.authority.store().scan(RECEIPTS, b"")? {
            self.show(&row::read(RECEIPTS, &found?.1)?);
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
