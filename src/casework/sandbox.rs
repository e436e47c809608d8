//! What a sandbox token sees: made data, the same for everybody, in which nobody is real.
//!
//! Each feed has had two serials: at 1 it held ten entries, at 2 one of these is gone and ten
//! others have come, so that a program meets the whole, a change, an addition and a removal.

use super::{Casework, Item, item::Terms};
use crate::{
    canon::{DecisionId, Origin},
    decision::{FeedState, Opening},
    entries::{Change, ChangeBuilder, FeedName, Index, Measure, Set},
    subject::{Kind, OwnedLine, Scope, Subject, feed_of},
    tlog::Hash,
};
use std::collections::HashMap;

/// The serials of every made feed.
pub(super) const FIRST: u64 = 1;
pub(super) const LAST: u64 = 2;

/// The decisions, by serial.
const DECISIONS: [&str; 2] = ["SANDBOX-1", "SANDBOX-2"];

/// 1 January 2100.
const NOT_AFTER: u64 = 4_102_444_800;

const EACH: usize = 10;

/// A made feed.
pub(super) struct Made {
    pub(super) state: FeedState,
    pub(super) set: Set,
    pub(super) index: Index,
    /// The step from the first serial to the last.
    pub(super) change: Change,
    openings: HashMap<Hash, Opening>,
    /// Midnight before now, Unix seconds: since then everything is in force.
    since: u64,
}

impl Made {
    /// The made feed of a name.
    pub(super) fn of(desk: &Casework, feed: &FeedName) -> Self {
        let origin = desk.authority().ledger().origin().clone();
        let now = desk.authority().now();
        let mut openings = HashMap::new();
        let mut lines = |decision: &'static str, names: Vec<OwnedLine>| -> Vec<String> {
            let seal = |line: OwnedLine| sealed(&origin, decision, line, &mut openings);
            names.into_iter().filter_map(seal).collect()
        };
        let mut early = subjects(feed, 1..=EACH);
        early.extend(set_aside(desk, feed));
        let early = lines(DECISIONS[0], early);
        let late = lines(DECISIONS[1], subjects(feed, EACH + 1..=2 * EACH));
        let row = |decision: &str| {
            let measure = Measure::of(feed.kind()).as_str();
            format!("D {decision} {measure} {NOT_AFTER}")
        };
        let mut first = ChangeBuilder::default();
        first.add(&row(DECISIONS[0]));
        early.iter().for_each(|line| first.add(line));
        let mut second = ChangeBuilder::default();
        early.iter().take(1).for_each(|line| second.remove(line));
        second.add(&row(DECISIONS[1]));
        late.iter().for_each(|line| second.add(line));
        let change = second.finish(feed.kind());
        let mut set = Set::new(feed.kind());
        for step in [&first.finish(feed.kind()), &change] {
            // Lines that are made distinct can't clash.
            let applied = set.apply(step);
            debug_assert!(applied.is_ok());
        }
        let state = FeedState {
            serial: LAST,
            digest: set.digest(&origin, feed),
            entries: set.entries(),
        };
        Self {
            state,
            index: Index::new(&set),
            set,
            change,
            openings,
            since: now - now % 86_400,
        }
    }

    /// Adds to items what is said of them.
    pub(super) fn complete(&self, hours: Option<u64>, items: &mut [Item]) {
        let terms = Terms {
            not_after: NOT_AFTER,
            category: "test".into(),
            since: self.since,
            leaf: 0,
        };
        for item in items {
            if let Some(opening) = item.commitment.and_then(|c| self.openings.get(&c)) {
                item.open(opening);
            }
            item.tell(&terms, hours);
        }
    }

    /// The names under which a clear subject stands.
    pub(super) fn names_of(&self, subject: &Subject) -> Vec<String> {
        let platform = subject.name().split('/').next().unwrap_or_default();
        let mine = self.openings.iter().filter(|(_, o)| o.subject == *subject);
        mine.map(|(commitment, _)| format!("{platform}/#{commitment}"))
            .collect()
    }
}

/// Names that nobody can have: RFC 2606, 5737, and ids that begin with a word of ours.
fn subjects(feed: &FeedName, numbers: std::ops::RangeInclusive<usize>) -> Vec<OwnedLine> {
    let platform = feed.platform().unwrap_or_default();
    let text = |n: usize| match feed.kind() {
        Kind::Domain => format!("domain:sandbox-{n:02}.blockfeed.example"),
        Kind::Net => format!("net:198.51.100.{n}/32"),
        Kind::Seller => format!("seller:{platform}/sandbox-{n:02}"),
        Kind::Account => format!("account:{platform}/sandbox-{n:02}"),
    };
    let scope = match feed.kind() {
        Kind::Domain => Scope::Subtree,
        _ => Scope::Exact,
    };
    numbers
        .filter_map(|n| Subject::parse(&text(n)).ok())
        .map(|subject| OwnedLine::new(subject, scope))
        .collect()
}

/// The subjects that the lists set aside for tests.
fn set_aside(desk: &Casework, feed: &FeedName) -> Vec<OwnedLine> {
    let lines = desk.rules().test_subjects.iter();
    let mine = lines.filter(|line| feed_of(&line.line()) == feed.as_str());
    mine.cloned().collect()
}

/// The line of a feed for a subject: in clear, or as a commitment with its opening kept.
fn sealed(
    origin: &Origin,
    decision: &str,
    line: OwnedLine,
    openings: &mut HashMap<Hash, Opening>,
) -> Option<String> {
    let subject = line.subject();
    if !super::item::is_private(subject.kind()) {
        let scope = line.line().scope.as_char();
        return Some(format!("E {} {scope} {decision}", subject.name()));
    }
    let opening = Opening {
        salt: Hash::of(format!("blockfeed/sandbox {subject}")).0,
        origin: origin.clone(),
        id: DecisionId::new(decision).ok()?,
        subject: subject.clone(),
        aliases: Vec::new(),
    };
    let commitment = opening.commitment().ok()?;
    let platform = subject.name().split('/').next()?;
    openings.insert(commitment, opening);
    Some(format!("E {platform}/#{commitment} = {decision}"))
}
