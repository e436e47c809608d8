//! Tokens: what a subscriber shows to read the feeds in its scope (design: Access; Keys, "TSIG and
//! tokens: per subscriber, two live at once, rotated without an outage").
//!
//! A token is `bf_` and 43 characters of base64url: 32 random bytes. Only its SHA-256 is kept, so
//! that neither the database nor a backup gives anybody access.

use super::{Book, Error, subscriber::known};
use crate::{canon::OfficerId, entries::FeedName, tlog::Hash};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};
use utoipa::ToSchema;

/// The private table of tokens, by the hex of their SHA-256.
pub(super) const TOKENS: &str = "tokens";

const MARK: &str = "bf_";

/// How long a token lasts where nothing is said, and at most, seconds.
const YEAR: u64 = 365 * 86_400;
const LONGEST: u64 = 2 * YEAR;

/// The most live tokens of a subscriber; sandbox ones are counted apart.
const LIVE: usize = 2;

/// How long an ended token is still shown, seconds.
const SHOWN: u64 = 30 * 86_400;

/// A token as it is kept: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The first 12 hex digits of its SHA-256.
    pub id: String,
    pub subscriber: String,
    /// Its scope.
    pub feeds: BTreeSet<FeedName>,
    /// Sees made data; what is written with it is checked and answered, and not kept.
    pub sandbox: bool,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; from then on it opens nothing.
    pub expires: u64,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<u64>,
    /// Who made it; none: the operator, at the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenOrder {
    /// Part of the subscriber's feeds; none: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feeds: Option<BTreeSet<FeedName>>,
    /// Unix seconds, at most two years ahead; none: in a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    #[serde(default)]
    pub sandbox: bool,
}

/// A new token, in clear this once. It has no `Debug`, so that no line of a log shows it.
pub struct Issued {
    pub secret: String,
    pub token: Token,
}

/// Who a request comes from, by the token that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    pub subscriber: String,
    /// The token's id.
    pub token: String,
    /// What it may read: the token's scope, as far as it is still the subscriber's.
    pub feeds: BTreeSet<FeedName>,
    pub sandbox: bool,
}

impl Reader {
    /// Whether the feed is in its scope.
    pub fn may_read(&self, feed: &FeedName) -> Result<(), Error> {
        if self.feeds.contains(feed) {
            return Ok(());
        }
        let mine: Vec<&str> = self.feeds.iter().map(FeedName::as_str).collect();
        Err(Error::Scope {
            feed: feed.to_string(),
            scope: if mine.is_empty() {
                "nothing".into()
            } else {
                mine.join(", ")
            },
        })
    }
}

impl Token {
    /// Whether it opens anything at a time.
    pub fn is_live(&self, now: u64) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    fn ended(&self, now: u64) -> Option<u64> {
        let expired = (self.expires <= now).then_some(self.expires);
        self.revoked.or(expired)
    }
}

impl Book {
    /// Makes a token for a subscriber.
    pub fn issue(
        &mut self,
        name: &str,
        order: TokenOrder,
        by: Option<OfficerId>,
        now: u64,
    ) -> Result<Issued, Error> {
        let subscriber = known(&self.subscribers, name)?;
        let feeds = order.feeds.unwrap_or_else(|| subscriber.feeds.clone());
        if let Some(other) = feeds.difference(&subscriber.feeds).next() {
            return Err(Error::NotItsFeed(name.to_owned(), other.to_string()));
        }
        let expires = order.expires.unwrap_or(now.saturating_add(YEAR));
        if expires <= now || expires > now.saturating_add(LONGEST) {
            return Err(Error::Invalid {
                what: "the token's expires",
                why: "it lies ahead of now, by two years at most".into(),
            });
        }
        let mine = |t: &&Token| t.subscriber == name && t.sandbox == order.sandbox;
        let live = self.tokens.values().map(|t| &**t).filter(mine);
        if live.filter(|t| t.is_live(now)).count() >= LIVE {
            return Err(Error::TooManyTokens(name.to_owned()));
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|e| Error::Random(e.to_string()))?;
        let secret = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(random));
        let hash = Hash::of(&secret);
        let token = Token {
            id: id_of(&hash),
            subscriber: name.to_owned(),
            feeds,
            sandbox: order.sandbox,
            created: now,
            expires,
            revoked: None,
            by,
        };
        self.forget_ended(now)?;
        self.put_token(hash, &token)?;
        Ok(Issued { secret, token })
    }

    /// Ends a token of a subscriber. Ending one that has ended changes nothing.
    pub fn revoke(&mut self, name: &str, id: &str, now: u64) -> Result<Token, Error> {
        known(&self.subscribers, name)?;
        let found = self
            .tokens
            .iter()
            .find(|(_, t)| t.subscriber == name && t.id == id);
        let (hash, token) = found.ok_or_else(|| Error::NoToken(name.into(), shortened(id)))?;
        let (hash, mut token) = (*hash, Token::clone(token));
        if token.revoked.is_none() {
            token.revoked = Some(now);
            self.put_token(hash, &token)?;
        }
        Ok(token)
    }

    /// The tokens of a subscriber, oldest first.
    pub fn tokens_of(&self, name: &str) -> Vec<Token> {
        let mine = self.tokens.values().filter(|t| t.subscriber == name);
        let mut tokens: Vec<Token> = mine.map(|t| Token::clone(t)).collect();
        tokens.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        tokens
    }

    /// Who shows this token.
    pub(super) fn reader(&self, secret: &str, now: u64) -> Result<Reader, Error> {
        let form = secret.strip_prefix(MARK);
        let form = form.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        if form.is_none_or(|bytes| bytes.len() != 32) {
            return Err(Error::Token("what is shown has another form"));
        }
        let token = self.tokens.get(&Hash::of(secret));
        let token = token.ok_or(Error::Token("it isn't known here"))?;
        if token.revoked.is_some() {
            return Err(Error::Token("it was revoked; ask for another"));
        }
        if token.expires <= now {
            return Err(Error::Token("it has expired; ask for another"));
        }
        let subscriber = known(&self.subscribers, &token.subscriber)?;
        let feeds = token.feeds.intersection(&subscriber.feeds).cloned();
        Ok(Reader {
            subscriber: token.subscriber.clone(),
            token: token.id.clone(),
            feeds: feeds.collect(),
            sandbox: token.sandbox,
        })
    }

    fn put_token(&mut self, hash: Hash, token: &Token) -> Result<(), Error> {
        self.put(TOKENS, hash.to_string().as_bytes(), token)?;
        self.tokens.insert(hash, Arc::new(token.clone()));
        Ok(())
    }

    /// Drops what ended long ago, so that the table stays as long as the subscribers are many.
    fn forget_ended(&mut self, now: u64) -> Result<(), Error> {
        let old = |t: &Token| t.ended(now).is_some_and(|at| at + SHOWN <= now);
        let ended: Vec<Hash> = self
            .tokens
            .iter()
            .filter(|(_, token)| old(token))
            .map(|(hash, _)| *hash)
            .collect();
        for hash in ended {
            self.delete(TOKENS, hash.to_string().as_bytes())?;
            self.tokens.remove(&hash);
        }
        Ok(())
    }
}

fn id_of(hash: &Hash) -> String {
    hash.to_string().chars().take(12).collect()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
