//! The subscribers' book: who is registered, with which feeds and tokens.
//!
//! It lies in the private tables `subscribers` and `tokens` and is read whole when it is opened:
//! there are some dozens of subscribers, and every request asks it. The operator may open it at
//! the machine while no authority has the store open.

use super::{
    Casework, Error, Issued, Reader, Subscriber, Token, TokenOrder, row,
    subscriber::{SUBSCRIBERS, SubscriberChange},
    token::TOKENS,
};
use crate::{
    canon::OfficerId,
    entries::FeedName,
    store::{Durability, Store},
    tlog::Hash,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
};

/// The book, in memory; every change is durable before it is seen.
pub struct Book {
    store: Arc<Store>,
    pub(super) subscribers: BTreeMap<String, Subscriber>,
    /// By the SHA-256 of the token.
    pub(super) tokens: HashMap<Hash, Arc<Token>>,
}

impl Book {
    /// Reads it from a store.
    pub fn open(store: Arc<Store>) -> Result<Self, Error> {
        let mut book = Self {
            subscribers: BTreeMap::new(),
            tokens: HashMap::new(),
            store: store.clone(),
        };
        for found in store.scan(SUBSCRIBERS, b"")? {
            let subscriber: Subscriber = row::read(SUBSCRIBERS, &found?.1)?;
            book.subscribers.insert(subscriber.name.clone(), subscriber);
        }
        for found in store.scan(TOKENS, b"")? {
            let (key, value) = found?;
            let hash = std::str::from_utf8(&key).ok();
            let hash = hash.and_then(|text| Hash::from_hex(text).ok());
            let hash = hash.ok_or_else(|| Error::Record {
                table: TOKENS,
                why: "its key is no hash".into(),
            })?;
            let token = Arc::new(row::read(TOKENS, &value)?);
            book.tokens.insert(hash, token);
        }
        Ok(book)
    }

    /// All subscribers, by name.
    pub fn subscribers(&self) -> impl Iterator<Item = &Subscriber> {
        self.subscribers.values()
    }

    pub(super) fn put<T: Serialize>(
        &self,
        table: &'static str,
        key: &[u8],
        value: &T,
    ) -> Result<(), Error> {
        let bytes = row::write(table, value)?;
        Ok(self.store.put(table, key, &bytes, Durability::Synced)?)
    }

    pub(super) fn delete(&self, table: &'static str, key: &[u8]) -> Result<(), Error> {
        Ok(self.store.delete(table, key, Durability::Synced)?)
    }
}

impl Casework {
    /// Registers a subscriber. The same one again is no error; another under a known name is.
    pub fn register(&self, subscriber: Subscriber, by: OfficerId) -> Result<Subscriber, Error> {
        self.check_platforms(&subscriber.feeds)?;
        let now = self.inner.authority.now();
        self.write_book(|book| book.register(subscriber, Some(by), now))
    }

    /// Changes a subscriber's feeds, or gives it the key that it had none of.
    pub fn change_subscriber(
        &self,
        name: &str,
        change: SubscriberChange,
    ) -> Result<Subscriber, Error> {
        self.check_platforms(change.feeds.iter().flatten())?;
        self.write_book(|book| book.change(name, change))
    }

    /// A registered subscriber.
    pub fn subscriber(&self, name: &str) -> Result<Subscriber, Error> {
        self.read_book(|book| super::subscriber::known(&book.subscribers, name).cloned())
    }

    /// All subscribers, by name.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        self.read_book(|book| book.subscribers().cloned().collect())
    }

    /// Makes a token; the answer holds it in clear, this once.
    pub fn issue_token(
        &self,
        name: &str,
        order: TokenOrder,
        by: OfficerId,
    ) -> Result<Issued, Error> {
        let now = self.inner.authority.now();
        self.write_book(|book| book.issue(name, order, Some(by), now))
    }

    /// Ends a token at once.
    pub fn revoke_token(&self, name: &str, id: &str) -> Result<Token, Error> {
        let now = self.inner.authority.now();
        self.write_book(|book| book.revoke(name, id, now))
    }

    /// A subscriber's tokens, oldest first.
    pub fn tokens(&self, name: &str) -> Result<Vec<Token>, Error> {
        self.read_book(|book| {
            super::subscriber::known(&book.subscribers, name)?;
            Ok(book.tokens_of(name))
        })
    }

    /// Who shows this token. Touches memory alone.
    pub fn reader(&self, secret: &str) -> Result<Reader, Error> {
        let now = self.inner.authority.now();
        self.read_book(|book| book.reader(secret, now))
    }

    /// A platform that the lists don't know never gets an entry: its name was mistyped.
    fn check_platforms<'f>(
        &self,
        feeds: impl IntoIterator<Item = &'f FeedName>,
    ) -> Result<(), Error> {
        let platforms = &self.inner.rules.platforms;
        let unknown = |feed: &&FeedName| {
            feed.platform()
                .is_some_and(|platform| platforms.named(feed.kind(), platform).is_none())
        };
        match feeds.into_iter().find(unknown) {
            Some(feed) => Err(Error::Invalid {
                what: "the subscriber's feeds",
                why: format!("no platform of the lists has the feed {feed}"),
            }),
            None => Ok(()),
        }
    }

    fn read_book<T>(&self, read: impl FnOnce(&Book) -> T) -> T {
        let book = self.inner.book.read();
        read(&book.unwrap_or_else(PoisonError::into_inner))
    }

    /// After a failed write nobody knows what the disk holds: the log stops.
    fn write_book<T>(
        &self,
        change: impl FnOnce(&mut Book) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let book = self.inner.book.write();
        let done = change(&mut book.unwrap_or_else(PoisonError::into_inner));
        match done {
            Err(Error::Store(error)) => self.keep(|| Err::<(), _>(error)).and(Err(Error::Stopping)),
            other => other,
        }
    }
}
