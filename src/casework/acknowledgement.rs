//! Acknowledgements: what a subscriber did about each entry of a feed (design: Who holds what,
//! "acknowledgement per entry with an outcome").
//!
//! Each is judged by itself. The last one for an entry is kept, in the private table
//! `acknowledgements`, by subscriber, feed and the entry's key.

use super::{Casework, Error, Reader, receipt::LEEWAY, row, sandbox::Made};
use crate::{
    canon::{DecisionId, is_plain},
    entries::{FeedLine, FeedName, Set},
    store::{Durability, Write},
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// The private table of acknowledgements.
const TABLE: &str = "acknowledgements";

/// The most that one call brings.
pub const MAX_ACKNOWLEDGEMENTS: usize = 10_000;

/// The longest reason, characters.
const MAX_REASON: usize = 500;

/// What a subscriber did about an entry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was removed, or is blocked.
    Applied,
    /// It had gone before.
    AlreadyGone,
    /// There is no such seller or account.
    NotFound,
    /// It wasn't acted upon, for the reason given.
    Disputed,
}

/// What a subscriber says of one entry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// The entry's `key`.
    pub key: String,
    pub outcome: Outcome,
    /// Up to 500 characters on one line; needed where it is disputed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was done, Unix seconds.
    pub time: u64,
}

/// What came of a call.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Acknowledged {
    pub accepted: usize,
    pub refused: Vec<NotTaken>,
}

/// An acknowledgement that wasn't taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotTaken {
    /// Its place in the call, from 0.
    pub index: usize,
    /// `malformed`, `key`, `time`, `reason`, `ended` (nothing is to be done any more) or `unknown`.
    #[schema(value_type = String)]
    pub code: &'static str,
    pub detail: String,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The subscriber's time, Unix seconds.
    time: u64,
    /// Unix seconds.
    received: u64,
}

impl Outcome {
    pub const ALL: [Self; 4] = [
        Self::Applied,
        Self::AlreadyGone,
        Self::NotFound,
        Self::Disputed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::AlreadyGone => "already_gone",
            Self::NotFound => "not_found",
            Self::Disputed => "disputed",
        }
    }
}

impl Casework {
    /// Takes what a subscriber did about entries of a feed in its scope; each is judged by itself.
    pub fn acknowledge(
        &self,
        reader: &Reader,
        feed: &FeedName,
        said: Vec<Value>,
    ) -> Result<Acknowledged, Error> {
        reader.may_read(feed)?;
        if said.len() > MAX_ACKNOWLEDGEMENTS {
            return Err(Error::TooMany(MAX_ACKNOWLEDGEMENTS));
        }
        let set = match reader.sandbox {
            true => Made::of(self, feed).set,
            false => self.feed(feed)?.set,
        };
        let mut answer = Acknowledged::default();
        let mut taken = Vec::new();
        for (index, one) in said.into_iter().enumerate() {
            match self.judge_one(feed, &set, one) {
                Ok(one) => taken.push(one),
                Err((code, detail)) => answer.refused.push(NotTaken {
                    index,
                    code,
                    detail,
                }),
            }
        }
        answer.accepted = taken.len();
        if !reader.sandbox {
            self.keep_acknowledgements(&reader.subscriber, feed, &taken)?;
        }
        Ok(answer)
    }

    /// What a subscriber said of a feed's entries, by key.
    pub(super) fn acknowledgements_of(
        &self,
        subscriber: &str,
        feed: &FeedName,
    ) -> Result<BTreeMap<String, Kept>, Error> {
        let prefix = row::prefix(&[subscriber, feed.as_str()]);
        let mut all = BTreeMap::new();
        for found in self.inner.authority.store().scan(TABLE, &prefix)? {
            let (key, value) = found?;
            let key = key.get(prefix.len()..).unwrap_or_default();
            let key = String::from_utf8_lossy(key).into_owned();
            all.insert(key, row::read(TABLE, &value)?);
        }
        Ok(all)
    }

    /// Destroys what was said in words of entries whose records are erased: a reason may name who
    /// was listed. That it was acknowledged, and how, stays.
    pub(super) fn erase_reasons(
        &self,
        decision: &DecisionId,
        commitments: &[Hash],
    ) -> Result<(), Error> {
        let _alone = super::lock(&self.inner.receipts);
        let store = self.inner.authority.store();
        let ends: BTreeSet<String> = commitments
            .iter()
            .map(|commitment| format!("/#{commitment} = {decision}"))
            .collect();
        let mut silenced = Vec::new();
        for found in store.scan(TABLE, b"")? {
            let (key, value) = found?;
            let text = String::from_utf8_lossy(&key);
            let named = text.rfind("/#").and_then(|at| text.get(at..));
            let mut row: Kept = row::read(TABLE, &value)?;
            if named.is_some_and(|end| ends.contains(end)) && row.reason.take().is_some() {
                silenced.push((key, row::write(TABLE, &row)?));
            }
        }
        self.keep(|| store.overwrite(TABLE, &silenced))
    }

    fn judge_one(
        &self,
        feed: &FeedName,
        set: &Set,
        one: Value,
    ) -> Result<Acknowledgement, (&'static str, String)> {
        let one: Acknowledgement =
            serde_json::from_value(one).map_err(|e| ("malformed", e.to_string()))?;
        let line = format!("E {}", one.key);
        let entry = match FeedLine::parse(feed.kind(), &line) {
            Ok(FeedLine::Entry(entry)) => entry,
            _ => {
                let why = "it is no key of this feed: take the `key` of an entry as it stands";
                return Err(("key", why.into()));
            }
        };
        if one.time > self.inner.authority.now().saturating_add(LEEWAY) {
            let why = "it is dated more than 300 seconds ahead of the clock here";
            return Err(("time", why.into()));
        }
        check_reason(&one)?;
        if set.contains(&line) {
            return Ok(one);
        }
        let known = DecisionId::new(entry.decision)
            .is_ok_and(|id| self.inner.authority.ledger().lists().contains_key(&id));
        Err(match known {
            true => (
                "ended",
                "it is in force no more, and nothing is to be done about it".into(),
            ),
            false => ("unknown", "there is no such entry in this feed".into()),
        })
    }

    fn keep_acknowledgements(
        &self,
        subscriber: &str,
        feed: &FeedName,
        taken: &[Acknowledgement],
    ) -> Result<(), Error> {
        let _alone = super::lock(&self.inner.receipts);
        let store = self.inner.authority.store();
        let received = self.inner.authority.now();
        let mut rows: BTreeMap<Vec<u8>, Kept> = BTreeMap::new();
        for one in taken {
            let key = row::key(&[subscriber, feed.as_str(), &one.key]);
            let known = match rows.get(&key) {
                Some(row) => Some(row.time),
                None => {
                    let bytes = store.get(TABLE, &key)?;
                    let last = bytes.map(|bytes| row::read::<Kept>(TABLE, &bytes));
                    last.transpose()?.map(|row| row.time)
                }
            };
            // One that is older than the last is let pass and changes nothing.
            if known.is_none_or(|time| time <= one.time) {
                let row = Kept {
                    outcome: one.outcome,
                    reason: one.reason.clone(),
                    time: one.time,
                    received,
                };
                rows.insert(key, row);
            }
            let labels = [subscriber, feed.as_str(), one.outcome.as_str()];
            let metrics = &self.inner.metrics;
            metrics.acknowledgements.with_label_values(&labels).inc();
        }
        let rows = rows
            .into_iter()
            .map(|(key, row)| Ok((key, row::write(TABLE, &row)?)));
        let rows = rows.collect::<Result<Vec<_>, Error>>()?;
        let puts: Vec<Write<'_>> = rows
            .iter()
            .map(|(key, value)| Write::Put {
                table: TABLE,
                key,
                value,
            })
            .collect();
        self.keep(|| store.write(&puts, Durability::Synced))
    }
}

fn check_reason(one: &Acknowledgement) -> Result<(), (&'static str, String)> {
    let reason = one.reason.as_deref().unwrap_or_default();
    if one.outcome == Outcome::Disputed && reason.trim().is_empty() {
        return Err(("reason", "what is disputed needs a reason".into()));
    }
    if reason.chars().count() > MAX_REASON || !reason.chars().all(is_plain) {
        let why = format!(
            "a reason has {MAX_REASON} characters at most, none of them a control or bidirectional one"
        );
        return Err(("reason", why));
    }
    Ok(())
}
