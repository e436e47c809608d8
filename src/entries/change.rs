//! The change between two sets: the lines to take away and the lines to add.

use super::FeedLine;
use crate::subject::Kind;
use std::cmp::Ordering;

/// A change of one feed, both halves in feed order. Nothing stands in both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    removed: Vec<Box<str>>,
    added: Vec<Box<str>>,
}

/// Gathers moves of lines; what is added and taken away again cancels out in the end.
#[derive(Debug, Clone, Default)]
pub struct ChangeBuilder {
    removed: Vec<Box<str>>,
    added: Vec<Box<str>>,
}

impl Change {
    /// Takes two halves that stand in feed order.
    pub fn of_sorted(removed: Vec<Box<str>>, added: Vec<Box<str>>) -> Self {
        Self { removed, added }
    }

    /// Lines to take away, in feed order.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(|l| &**l)
    }

    /// Lines to add, in feed order.
    pub fn added(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(|l| &**l)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// How many `E` lines it (adds, takes away).
    pub fn counts(&self) -> (u64, u64) {
        let count = |lines: &[Box<str>]| lines.iter().filter(|l| l.starts_with('E')).count() as u64;
        (count(&self.added), count(&self.removed))
    }

    /// This change and then the next one, as one.
    pub fn then(&self, kind: Kind, next: &Change) -> Change {
        let mut both = ChangeBuilder::default();
        for change in [self, next] {
            change.removed().for_each(|l| both.remove(l));
            change.added().for_each(|l| both.add(l));
        }
        both.finish(kind)
    }
}

impl ChangeBuilder {
    /// Adds a line.
    pub fn add(&mut self, line: &str) {
        self.added.push(line.into());
    }

    /// Takes a line away.
    pub fn remove(&mut self, line: &str) {
        self.removed.push(line.into());
    }

    /// Whether nothing was moved at all; moves that cancel out still count.
    pub fn is_untouched(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// The change in feed order. A line's moves alternate, so that it is left with one at most.
    pub fn finish(self, kind: Kind) -> Change {
        let (removed, added) = (sorted(kind, &self.removed), sorted(kind, &self.added));
        let (removed, added) = cancel(kind, &removed, &added);
        let owned = |half: Vec<&str>| half.into_iter().map(Into::into).collect();
        Change {
            removed: owned(removed),
            added: owned(added),
        }
    }
}

/// Takes pairs of the same line out of two sorted halves.
fn cancel<'a>(kind: Kind, removed: &[&'a str], added: &[&'a str]) -> (Vec<&'a str>, Vec<&'a str>) {
    if removed.is_empty() || added.is_empty() {
        return (removed.to_vec(), added.to_vec());
    }
    let (mut kept_removed, mut kept_added) = (Vec::new(), Vec::new());
    let (mut r, mut a) = (removed.iter().peekable(), added.iter().peekable());
    loop {
        match (r.peek(), a.peek()) {
            (Some(left), Some(right)) => match compare(kind, left, right) {
                Ordering::Less => kept_removed.extend(r.next().copied()),
                Ordering::Greater => kept_added.extend(a.next().copied()),
                Ordering::Equal => drop((r.next(), a.next())),
            },
            (Some(_), None) => kept_removed.extend(r.next().copied()),
            (None, Some(_)) => kept_added.extend(a.next().copied()),
            (None, None) => return (kept_removed, kept_added),
        }
    }
}

fn compare(kind: Kind, a: &str, b: &str) -> Ordering {
    match (FeedLine::of_checked(kind, a), FeedLine::of_checked(kind, b)) {
        (Some(a), Some(b)) => a.compare(&b, kind),
        _ => a.cmp(b),
    }
}

/// Lines of a feed in feed order.
pub(super) fn sorted<'a, L: AsRef<str> + 'a>(
    kind: Kind,
    lines: impl IntoIterator<Item = &'a L>,
) -> Vec<&'a str> {
    sorted_lines(kind, lines.into_iter().map(AsRef::as_ref))
}

/// The same for an iterator of texts. A 16-byte prefix of what is compared first settles most
/// comparisons without another look at the lines.
pub(super) fn sorted_lines<'a>(kind: Kind, lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut keyed: Vec<(bool, u128, &'a str)> = lines
        .map(|line| (line.starts_with('E'), prefix(kind, line), line))
        .collect();
    keyed.sort_unstable_by(|a, b| {
        (a.0, a.1)
            .cmp(&(b.0, b.1))
            .then_with(|| compare(kind, a.2, b.2))
    });
    keyed.into_iter().map(|(_, _, line)| line).collect()
}

/// For an `E` line of a domain, the first bytes of its labels from the right, divided by zeros;
/// otherwise nothing.
fn prefix(kind: Kind, line: &str) -> u128 {
    let mut key = [0; 16];
    if kind == Kind::Domain && line.starts_with('E') {
        let name = line.split(' ').nth(1).unwrap_or_default();
        let bytes = name.rsplit('.').flat_map(|label| label.bytes().chain([0]));
        key.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
    u128::from_be_bytes(key)
}
