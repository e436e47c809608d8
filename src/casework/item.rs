//! An entry as a program reads it: who is listed, by what, until when, and by when to act
//! (design: Who holds what, "platform engineer").

use super::{Casework, Error, Page};
use crate::{
    canon::{Base64, DecisionId},
    decision::{Ledger, ListRecord, Opening},
    entries::{FeedLine, FeedName, Measure},
    subject::Kind,
    tlog::Hash,
};
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// It is in force from now on.
    Add,
    /// It is in force no more.
    Remove,
    /// All entries of the decision have another end: `not_after`.
    Change,
}

/// An entry of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Item {
    pub op: Op,
    /// The stable name of the entry: the text of its line. A `change` has none, since it is about
    /// all entries of its decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// With its kind, in clear. Of a seller or account it is absent where the record was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Of a domain: `+` the name and all below it, `=` the name alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub scope: Option<char>,
    /// What the log holds of a seller or account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Hash>,
    /// What the commitment is reckoned with, together with origin, decision and subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<Base64>,
    pub decision: String,
    #[schema(value_type = String)]
    pub measure: &'static str,
    /// Unix seconds; the end as it stands at the page's serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Unix seconds; by then say what was done. Of what was added alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub respond_by: Option<u64>,
    /// Other names that the same seller or account goes by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// What an item says of its decision.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) not_after: u64,
    pub(super) category: String,
    /// The leaf that put its lines in force last.
    pub(super) leaf: u64,
    /// Unix seconds of that leaf.
    pub(super) since: u64,
}

impl Item {
    /// What can be read from an `E` line alone.
    pub(super) fn of_line(op: Op, kind: Kind, line: &str) -> Option<Self> {
        let FeedLine::Entry(entry) = FeedLine::of_checked(kind, line)? else {
            return None;
        };
        let (_, id) = entry.name.split_once('/').unwrap_or_default();
        let commitment = id.strip_prefix('#').filter(|_| is_private(kind));
        Some(Self {
            op,
            key: Some(line.strip_prefix("E ")?.to_owned()),
            subject: (commitment.is_none()).then(|| format!("{kind}:{}", entry.name)),
            scope: (kind == Kind::Domain).then(|| entry.scope.as_char()),
            commitment: commitment.and_then(|hex| Hash::from_hex(hex).ok()),
            salt: None,
            decision: entry.decision.to_owned(),
            measure: Measure::of(kind).as_str(),
            not_after: None,
            category: None,
            respond_by: None,
            aliases: Vec::new(),
        })
    }

    /// Says in clear what its commitment stands for.
    pub(super) fn open(&mut self, opening: &Opening) {
        self.subject = Some(opening.subject.to_string());
        self.salt = Some(Base64(opening.salt.to_vec()));
        self.aliases = opening.aliases.iter().map(ToString::to_string).collect();
    }

    /// Says what its decision says; not of a decision's new end, which says it itself.
    pub(super) fn tell(&mut self, terms: &Terms, hours: Option<u64>) {
        if self.op == Op::Change {
            return;
        }
        // What the page's own serial says of the end comes first.
        self.not_after.get_or_insert(terms.not_after);
        self.category = Some(terms.category.clone());
        if self.op == Op::Add {
            self.respond_by = terms.respond_by(hours);
        }
    }

    /// A decision's new end.
    pub(super) fn of_end(kind: Kind, decision: &str, not_after: u64) -> Self {
        Self {
            op: Op::Change,
            key: None,
            subject: None,
            scope: None,
            commitment: None,
            salt: None,
            decision: decision.to_owned(),
            measure: Measure::of(kind).as_str(),
            not_after: Some(not_after),
            category: None,
            respond_by: None,
            aliases: Vec::new(),
        }
    }
}

impl Page {
    /// Its entries, with what can be read from their lines.
    pub(super) fn items(&self) -> Vec<Item> {
        let read = |line: &String| {
            let mut item = Item::of_line(Op::Add, self.feed.kind(), line)?;
            item.not_after = self.ends.get(&item.decision).copied();
            Some(item)
        };
        self.lines.iter().filter_map(read).collect()
    }
}

impl Terms {
    /// By when to say what was done, Unix seconds.
    pub(super) fn respond_by(&self, hours: Option<u64>) -> Option<u64> {
        hours.map(|hours| self.since.saturating_add(hours.saturating_mul(3600)))
    }
}

impl Casework {
    /// The entries among a page's lines, as programs read them.
    pub fn items(&self, page: &Page) -> Result<Vec<Item>, Error> {
        let mut items = page.items();
        self.complete(&page.feed, &mut items)?;
        Ok(items)
    }

    /// Adds to items what the log and the private table say of them.
    pub(super) fn complete(&self, feed: &FeedName, items: &mut [Item]) -> Result<(), Error> {
        let hours = self.hours(feed);
        let mut known: HashMap<String, Option<Terms>> = HashMap::new();
        for item in items.iter_mut().filter(|item| item.op != Op::Change) {
            let terms = match known.get(&item.decision) {
                Some(terms) => terms.clone(),
                None => {
                    let terms = self.terms(&item.decision)?;
                    known.insert(item.decision.clone(), terms.clone());
                    terms
                }
            };
            self.open_item(item)?;
            if let Some(terms) = terms {
                item.tell(&terms, hours);
            }
        }
        Ok(())
    }

    /// Puts what a commitment stands for beside it, unless it was erased.
    fn open_item(&self, item: &mut Item) -> Result<(), Error> {
        let Some(commitment) = &item.commitment else {
            return Ok(());
        };
        let decision = DecisionId::new(&item.decision);
        let decision = decision.map_err(|e| Error::malformed("a decision's id", e))?;
        if let Some(opening) = self.opening(&decision, commitment)? {
            item.open(&opening);
        }
        Ok(())
    }

    /// Hours to respond to a feed's entries, if that is set.
    pub(super) fn hours(&self, feed: &FeedName) -> Option<u64> {
        let measure = Measure::of(feed.kind()).as_str();
        self.inner.rules.respond_hours.get(measure).copied()
    }

    /// What is to be said of a `list` decision.
    pub(super) fn terms(&self, decision: &str) -> Result<Option<Terms>, Error> {
        let Ok(id) = DecisionId::new(decision) else {
            return Ok(None);
        };
        let (terms, stays) = {
            let ledger = self.inner.authority.ledger();
            let Some(record) = ledger.lists().get(&id) else {
                return Ok(None);
            };
            (terms(record), ended_stays(&ledger, &id, record))
        };
        let mut terms = terms;
        for stay in stays {
            // What a stay held back is in force from its end on: that leaf's time counts.
            let leaves = self.history()?.touches(&stay).to_vec();
            for leaf in leaves {
                terms.since = terms.since.max(self.leaf(leaf)?.time());
                terms.leaf = terms.leaf.max(leaf);
            }
        }
        Ok(Some(terms))
    }
}

/// Whether subjects of this kind stand in the log as commitments.
pub(super) fn is_private(kind: Kind) -> bool {
    matches!(kind, Kind::Seller | Kind::Account)
}

fn terms(record: &ListRecord) -> Terms {
    Terms {
        not_after: record.not_after,
        category: record.body.category.clone(),
        leaf: record.leaf,
        since: record.time,
    }
}

fn ended_stays(ledger: &Ledger, id: &DecisionId, record: &ListRecord) -> Vec<DecisionId> {
    if record.touched_by.is_empty() {
        return Vec::new();
    }
    let held_back = ledger
        .stays()
        .iter()
        .filter(|(_, stay)| !stay.open && stay.targets.iter().any(|t| t.decision == *id));
    held_back.map(|(stay, _)| stay.clone()).collect()
}
