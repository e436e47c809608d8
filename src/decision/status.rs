//! What a leaf does to single lines, seen before anything is changed.

use super::{Lines, Refusal};
use crate::entries::FeedName;
use std::collections::BTreeMap;

/// Where the entry of a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// In its feed, or in force under work orders alone.
    InForce,
    /// Out of force under so many stays.
    Stayed(u32),
    /// Ended for ever, or never there.
    Gone,
}

/// The home of a line: a feed, or none where no feed measure names its kind.
pub(super) type Home = Option<FeedName>;

/// Lines whose status a leaf changes, over the lines as they stand.
pub(super) struct Overlay<'a> {
    lines: &'a Lines,
    changed: BTreeMap<(Home, String), Status>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(lines: &'a Lines) -> Self {
        Self {
            lines,
            changed: BTreeMap::new(),
        }
    }

    /// Ends a line. `named`: by itself, so that it has to be there.
    pub(super) fn end(&mut self, home: Home, line: String, named: bool) -> Result<(), Refusal> {
        self.change(home, line, named, |_| Status::Gone)
    }

    /// Begins a stay of a line.
    pub(super) fn begin_stay(
        &mut self,
        home: Home,
        line: String,
        named: bool,
    ) -> Result<(), Refusal> {
        self.change(home, line, named, |status| match status {
            Status::Stayed(n) => Status::Stayed(n.saturating_add(1)),
            _ => Status::Stayed(1),
        })
    }

    /// Ends a stay of a line; with the last stay it is in force again.
    pub(super) fn end_stay(&mut self, home: Home, line: String) -> Result<(), Refusal> {
        self.change(home, line, false, |status| match status {
            Status::Stayed(1) => Status::InForce,
            Status::Stayed(n) => Status::Stayed(n - 1),
            other => other,
        })
    }

    /// The lines that changed, with what they were and what they become.
    pub(super) fn finish(self) -> impl Iterator<Item = (Home, String, Status, Status)> {
        let lines = self.lines;
        self.changed
            .into_iter()
            .filter_map(move |((home, line), now)| {
                let before = lines.status(&home, &line);
                (before != now).then_some((home, line, before, now))
            })
    }

    fn change(
        &mut self,
        home: Home,
        line: String,
        named: bool,
        to: impl Fn(Status) -> Status,
    ) -> Result<(), Refusal> {
        if !self.lines.follows(&home) {
            return Ok(());
        }
        let key = (home, line);
        let status = match self.changed.get(&key) {
            Some(status) => *status,
            None => self.lines.status(&key.0, &key.1),
        };
        if status == Status::Gone {
            if named {
                let decision = key.1.rsplit(' ').next().unwrap_or_default().to_owned();
                return Err(Refusal::LineNotHeld {
                    decision,
                    line: key.1,
                });
            }
            return Ok(());
        }
        self.changed.insert(key, to(status));
        Ok(())
    }
}
