//! The two lines of a feed, `D` and `E`, as text and as data (design: Feeds).
//!
//! ```text
//! D 2026-000123 block_domain 1821744000
//! E shop.example.vn + 2026-000123
//! ```

use crate::{
    canon::DecisionId,
    subject::{Kind, Scope, check_name, order},
};
use std::{cmp::Ordering, fmt};

/// The four measures that a feed carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    BlockDomain,
    BlockIp,
    DelistSeller,
    RemoveAccount,
}

/// `D`: a decision that holds entries of the feed, its measure and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    pub decision: &'a str,
    pub measure: Measure,
    /// Unix seconds.
    pub not_after: u64,
}

/// `E`: a subject (its text without the kind), its scope and the decision that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub scope: Scope,
    pub decision: &'a str,
}

/// One line of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedLine<'a> {
    Row(Row<'a>),
    Entry(Entry<'a>),
}

/// A text that is no line of the feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line:?} is no line of a {kind} feed: {why}")]
pub struct LineError {
    line: String,
    kind: &'static str,
    why: &'static str,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::BlockDomain,
        Self::BlockIp,
        Self::DelistSeller,
        Self::RemoveAccount,
    ];

    /// The measure that carries subjects of a kind into their feed.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Domain => Self::BlockDomain,
            Kind::Net => Self::BlockIp,
            Kind::Seller => Self::DelistSeller,
            Kind::Account => Self::RemoveAccount,
        }
    }

    /// The code, as it stands in decisions and feeds.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockDomain => "block_domain",
            Self::BlockIp => "block_ip",
            Self::DelistSeller => "delist_seller",
            Self::RemoveAccount => "remove_account",
        }
    }
}

impl<'a> FeedLine<'a> {
    /// Takes one line, without its LF, of a feed of this kind; only canonical text passes.
    pub fn parse(kind: Kind, line: &'a str) -> Result<Self, LineError> {
        let refuse = |why| LineError {
            line: line.chars().take(120).collect(),
            kind: kind.as_str(),
            why,
        };
        let mut fields = line.split(' ');
        let (Some(tag), Some(a), Some(b), Some(c), None) = (
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
        ) else {
            return Err(refuse("it has four fields divided by one space"));
        };
        match tag {
            "D" => {
                if DecisionId::new(a).is_err() {
                    return Err(refuse("its second field is a decision's id"));
                }
                if b != Measure::of(kind).as_str() {
                    return Err(refuse("its measure is the one of the feed's kind"));
                }
                let not_after = decimal(c).ok_or_else(|| refuse("its end is a decimal number"))?;
                Ok(Self::Row(Row {
                    decision: a,
                    measure: Measure::of(kind),
                    not_after,
                }))
            }
            "E" => {
                let scope = match b {
                    "+" if kind == Kind::Domain => Scope::Subtree,
                    "=" => Scope::Exact,
                    _ => return Err(refuse("its scope is + (domains only) or =")),
                };
                if check_name(kind, a).is_err() {
                    return Err(refuse("its subject isn't in canonical form"));
                }
                if DecisionId::new(c).is_err() {
                    return Err(refuse("its last field is a decision's id"));
                }
                Ok(Self::Entry(Entry {
                    name: a,
                    scope,
                    decision: c,
                }))
            }
            _ => Err(refuse("it begins with D or E")),
        }
    }

    /// Reads the fields of a line that has passed `parse` before.
    pub fn of_checked(kind: Kind, line: &'a str) -> Option<Self> {
        let (tag, rest) = line.split_at_checked(2)?;
        let (a, rest) = rest.split_at_checked(memchr::memchr(b' ', rest.as_bytes())?)?;
        let rest = rest.get(1..)?;
        let (b, c) = rest.split_at_checked(memchr::memchr(b' ', rest.as_bytes())?)?;
        let c = c.get(1..)?;
        Some(match tag {
            "D " => Self::Row(Row {
                decision: a,
                measure: Measure::of(kind),
                not_after: decimal(c)?,
            }),
            _ => {
                let scope = if b == "+" {
                    Scope::Subtree
                } else {
                    Scope::Exact
                };
                Self::Entry(Entry {
                    name: a,
                    scope,
                    decision: c,
                })
            }
        })
    }

    /// The order of lines in a snapshot, and within each half of a delta: `D` by id, then `E` by
    /// the kind's feed order, scope and id.
    pub fn compare(&self, other: &FeedLine<'_>, kind: Kind) -> Ordering {
        match (self, other) {
            (Self::Row(a), FeedLine::Row(b)) => {
                (a.decision, a.not_after).cmp(&(b.decision, b.not_after))
            }
            (Self::Row(_), FeedLine::Entry(_)) => Ordering::Less,
            (Self::Entry(_), FeedLine::Row(_)) => Ordering::Greater,
            (Self::Entry(a), FeedLine::Entry(b)) => {
                order::compare(kind, a.name, b.name).then_with(|| {
                    (a.scope.as_char(), a.decision).cmp(&(b.scope.as_char(), b.decision))
                })
            }
        }
    }
}

impl fmt::Display for FeedLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(r) => write!(f, "D {} {} {}", r.decision, r.measure.as_str(), r.not_after),
            Self::Entry(e) => write!(f, "E {} {} {}", e.name, e.scope.as_char(), e.decision),
        }
    }
}

/// A decimal number without leading zeros, at most 2⁵³−1.
fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty()
        && text.len() <= 16
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    plain
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n| *n <= crate::canon::MAX_INTEGER)
}
