//! The enforced set: the verified one, less what has expired by trusted time, less what is
//! spared here, less what the brake holds back.

use super::{follow::Followed, never::NeverBlock, report::Withheld};
use crate::{
    canon::DecisionId,
    entries::{Clash, Entry, FeedLine, FeedName, Row, Set},
    feed::formats::{self, Format, Listing, Meta},
    tlog::Hash,
};
use std::{collections::HashSet, io::Write};

/// What is enforced of a feed at a moment.
pub(super) struct Enforced {
    set: Set,
    /// Lines of the set that aren't enforced.
    without: HashSet<String>,
    /// Decisions whose end has come by trusted time.
    ended: HashSet<String>,
    pub(super) entries: u64,
    pub(super) withheld: Withheld,
    /// Tells one enforced set from another at the same serial.
    pub(super) fingerprint: Hash,
}

impl Enforced {
    /// Works out what is enforced. Looks at every line only where a list or an end asks for it.
    pub(super) fn new(
        feed: &FeedName,
        followed: &Followed,
        never: &NeverBlock,
        trusted_time: u64,
    ) -> Self {
        let set = followed.set(feed);
        let (ended, _) = followed.fold.ledger.due(trusted_time);
        let ended: HashSet<String> = ended.iter().map(DecisionId::to_string).collect();
        let mut without: HashSet<String> = followed.held_back.lines().map(Into::into).collect();
        let mut withheld = Withheld {
            brake: without.len() as u64,
            ..Withheld::default()
        };
        if !ended.is_empty() || !never.is_empty() {
            for line in set.lines() {
                let Some(FeedLine::Entry(entry)) = FeedLine::of_checked(set.kind(), line) else {
                    continue;
                };
                if ended.contains(entry.decision) {
                    withheld.expired += u64::from(!without.contains(line));
                } else if never.spares(set.kind(), &entry) {
                    withheld.never_block += u64::from(without.insert(line.into()));
                }
            }
        }
        let left_out = withheld.brake + withheld.expired + withheld.never_block;
        let entries = set.entries().saturating_sub(left_out);
        let fingerprint = fingerprint(&without, &ended);
        Self {
            set,
            without,
            ended,
            entries,
            withheld,
            fingerprint,
        }
    }

    /// Whether nothing is left of a set that isn't empty.
    pub(super) fn would_be_empty(&self) -> bool {
        self.entries == 0 && self.set.entries() > 0
    }

    /// Renders it in a format.
    pub(super) fn render(
        &self,
        format: Format,
        meta: &Meta,
        out: &mut dyn Write,
    ) -> Result<(), formats::Error> {
        let keep = |entry: &Entry<'_>, _: Option<&Row<'_>>| self.keeps(entry);
        let counts = Listing::new(&self.set, &keep).render(format, meta, out)?;
        if counts.left_out > 0 {
            tracing::warn!(feed = %meta.feed, %format, left_out = counts.left_out,
                "subjects that this format can't say aren't enforced by this file");
        }
        Ok(())
    }

    /// The set that is enforced; it shares what it has in common with the verified one.
    ///
    /// # Errors
    /// None that can be: what is left out are lines of the verified set.
    pub(super) fn narrowed(&self) -> Result<Set, Clash> {
        let mut set = self.set.clone();
        if self.without.is_empty() && self.ended.is_empty() {
            return Ok(set);
        }
        let is_left_out = |line: &&str| match FeedLine::of_checked(self.set.kind(), line) {
            Some(FeedLine::Entry(entry)) => !self.keeps(&entry),
            _ => false,
        };
        let left_out = self.set.lines().filter(is_left_out);
        set.apply_lines(left_out, std::iter::empty())?;
        Ok(set)
    }

    /// The addresses that are enforced, as ranges that touch nowhere.
    pub(super) fn addresses(&self) -> Vec<(std::net::IpAddr, std::net::IpAddr)> {
        let keep = |entry: &Entry<'_>, _: Option<&Row<'_>>| self.keeps(entry);
        Listing::new(&self.set, &keep).addresses()
    }

    /// The lines that are enforced, in feed order.
    pub(super) fn sorted(&self) -> Vec<String> {
        let keep = |entry: &Entry<'_>, _: Option<&Row<'_>>| self.keeps(entry);
        let listing = Listing::new(&self.set, &keep);
        let line = |entry: &Entry<'_>| FeedLine::Entry(*entry).to_string();
        listing.entries().iter().map(line).collect()
    }

    fn keeps(&self, entry: &Entry<'_>) -> bool {
        if self.ended.contains(entry.decision) {
            return false;
        }
        self.without.is_empty() || !self.without.contains(&FeedLine::Entry(*entry).to_string())
    }
}

fn fingerprint(without: &HashSet<String>, ended: &HashSet<String>) -> Hash {
    let sorted = |set: &HashSet<String>| {
        let mut lines: Vec<&str> = set.iter().map(String::as_str).collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    Hash::of(format!("{}\0{}", sorted(without), sorted(ended)))
}
