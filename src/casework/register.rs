//! The register of decisions and its figures, as the public reads them: an index of the log that goes
//! on with each leaf, so that neither a page nor a chart reads the log again.
//!
//! A decision is counted under its head, category, measures, month, and the authority that its legal
//! basis names. What changes one is counted where that one is.

use super::{Casework, Error};
use crate::{
    canon::DecisionId,
    decision::{Body, DecisionLeaf, Leaf, List, PartRef, Target},
    registry::Day,
};
use std::collections::{BTreeMap, HashMap};

/// The most rows of a page.
pub const MAX_REGISTER: usize = 200;

/// By what decisions are counted and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    Head,
    Category,
    /// The authority of the legal basis: an id of `lists/units.toml`.
    Unit,
    Measure,
    /// Vietnam's, of the form `2026-11`.
    Month,
    /// `list`, `amend`, `stay`, `revoke`.
    Action,
}

/// A decision in a line.
#[derive(Debug, Clone)]
pub struct RegisterRow {
    pub id: DecisionId,
    /// Index of its leaf.
    pub leaf: u64,
    /// Unix seconds of its leaf.
    pub time: u64,
    pub action: &'static str,
    /// Of what it changes, where it lists nothing itself.
    pub head: String,
    pub category: String,
    pub unit: String,
    pub measures: Vec<&'static str>,
    /// Subjects of a list; of another, those that it names one by one.
    pub subjects: u64,
    /// Subjects of a list that haven't ended.
    pub open: u64,
    /// The end in force, of a list, Unix seconds.
    pub not_after: Option<u64>,
    /// What it changes.
    pub targets: Vec<DecisionId>,
    /// Whether it was put in force with a senior officer's exceptions.
    pub overrides: usize,
}

/// Rows, newest first.
#[derive(Debug, Clone)]
pub struct RegisterPage {
    pub rows: Vec<RegisterRow>,
    /// The leaf below which the next page begins; none: this was the last.
    pub next: Option<u64>,
}

/// What is counted of decisions that have something in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Decisions that list.
    pub lists: u64,
    /// Subjects that they listed.
    pub subjects: u64,
    /// Of these, what hasn't ended (in force or stayed).
    pub open: u64,
    /// Of these, what was revoked.
    pub revoked: u64,
    /// Stays.
    pub stays: u64,
}

/// The figures at a size of the log.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    pub size: u64,
    pub all: Count,
    pub by: BTreeMap<(Axis, String), Count>,
}

/// The index.
#[derive(Default)]
pub(super) struct Register {
    rows: Vec<RegisterRow>,
    at: HashMap<DecisionId, usize>,
    /// Rows by what they have, ascending.
    with: HashMap<(Axis, String), Vec<usize>>,
    figures: Statistics,
}

impl Statistics {
    /// Codes and counts along one axis, by code.
    pub fn along(&self, axis: Axis) -> impl Iterator<Item = (&str, Count)> {
        let of_axis = self.by.iter().filter(move |((a, _), _)| *a == axis);
        of_axis.map(|((_, code), count)| (code.as_str(), *count))
    }
}

impl Register {
    /// Goes on with a leaf.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf) {
        match leaf {
            Leaf::Decision(decision) => self.decision(index, decision),
            Leaf::Expire(expire) => {
                for id in &expire.decisions {
                    let open = self.row(id).map_or(0, |row| row.open);
                    self.end(id, open, false);
                }
            }
            _ => {}
        }
        self.figures.size = index + 1;
    }

    fn row(&self, id: &DecisionId) -> Option<&RegisterRow> {
        self.rows.get(*self.at.get(id)?)
    }

    fn decision(&mut self, leaf: u64, decision: &DecisionLeaf) {
        let (action, targets) = match &decision.body {
            Body::List(_) => ("list", Vec::new()),
            Body::Amend(amend) => ("amend", vec![amend.target.clone()]),
            Body::Revoke(revoke) => ("revoke", named(&revoke.targets)),
            Body::Stay(stay) => ("stay", named(&stay.targets)),
        };
        let mut row = RegisterRow {
            id: decision.body.id().clone(),
            leaf,
            time: decision.time,
            action,
            head: String::new(),
            category: String::new(),
            unit: decision.body.basis().authority.clone(),
            measures: Vec::new(),
            subjects: count(&decision.body.parts()),
            open: 0,
            not_after: None,
            targets,
            overrides: 0,
        };
        if let Body::List(list) = &decision.body {
            of_list(&mut row, list);
        } else if let Some(first) = row.targets.iter().find_map(|id| self.row(id)) {
            row.head.clone_from(&first.head);
            row.category.clone_from(&first.category);
            row.measures.clone_from(&first.measures);
        }
        self.change(&decision.body);
        self.add(row);
    }

    /// What a decision does to those that it names.
    fn change(&mut self, body: &Body) {
        match body {
            Body::List(_) => {}
            Body::Amend(amend) => {
                let row = self.at.get(&amend.target).copied();
                if let Some(row) = row.and_then(|at| self.rows.get_mut(at)) {
                    row.not_after = Some(amend.not_after);
                }
            }
            Body::Revoke(revoke) => {
                for target in &revoke.targets {
                    let lines = target.parts.as_deref().map_or(u64::MAX, count);
                    self.end(&target.decision, lines, true);
                }
            }
            Body::Stay(stay) => {
                for target in &stay.targets {
                    self.count(&target.decision, |count| count.stays += 1);
                }
            }
        }
    }

    /// Ends lines of a list.
    fn end(&mut self, id: &DecisionId, lines: u64, revoked: bool) {
        let Some(row) = self.at.get(id).and_then(|at| self.rows.get_mut(*at)) else {
            return;
        };
        let ended = lines.min(row.open);
        row.open -= ended;
        self.count(id, |count| {
            count.open = count.open.saturating_sub(ended);
            count.revoked += if revoked { ended } else { 0 };
        });
    }

    fn add(&mut self, row: RegisterRow) {
        let at = self.rows.len();
        for key in keys(&row) {
            self.with.entry(key).or_default().push(at);
        }
        self.at.insert(row.id.clone(), at);
        let (is_list, subjects) = (row.action == "list", row.subjects);
        let id = row.id.clone();
        self.rows.push(row);
        if is_list {
            self.count(&id, |count| {
                count.lists += 1;
                count.subjects += subjects;
                count.open += subjects;
            });
        }
    }

    /// Changes every count that a list belongs to.
    fn count(&mut self, id: &DecisionId, change: impl Fn(&mut Count)) {
        let Some(row) = self.at.get(id).and_then(|at| self.rows.get(*at)) else {
            return;
        };
        if row.action != "list" {
            return;
        }
        for key in keys(row) {
            change(self.figures.by.entry(key).or_default());
        }
        change(&mut self.figures.all);
    }

    /// Newest first, below a leaf. Walks along the rarest of what is asked for.
    fn page(&self, filter: &[(Axis, String)], below: Option<u64>, limit: usize) -> RegisterPage {
        let all: Vec<Option<&Vec<usize>>> = filter.iter().map(|key| self.with.get(key)).collect();
        let below = below.unwrap_or(u64::MAX);
        let mut page = RegisterPage {
            rows: Vec::new(),
            next: None,
        };
        if all.iter().any(Option::is_none) {
            return page;
        }
        let rarest = all.into_iter().flatten().min_by_key(|rows| rows.len());
        let bound = self.rows.partition_point(|row| row.leaf < below);
        let mut walk: Box<dyn Iterator<Item = usize>> = match rarest {
            Some(rows) => {
                let bound = rows.partition_point(|at| *at < bound);
                Box::new(rows.iter().take(bound).rev().copied())
            }
            None => Box::new((0..bound).rev()),
        };
        let has = |row: &RegisterRow| {
            let has = keys(row);
            filter.iter().all(|key| has.contains(key))
        };
        for row in walk.by_ref().filter_map(|at| self.rows.get(at)) {
            if !has(row) {
                continue;
            }
            if page.rows.len() == limit {
                page.next = page.rows.last().map(|last| last.leaf);
                break;
            }
            page.rows.push(row.clone());
        }
        page
    }
}

impl Casework {
    /// A page of the register: decisions that have all of what is asked for, newest first, below a
    /// leaf.
    pub fn decisions(
        &self,
        filter: &[(Axis, String)],
        below: Option<u64>,
        limit: usize,
    ) -> Result<RegisterPage, Error> {
        let limit = limit.clamp(1, MAX_REGISTER);
        Ok(self.history()?.register.page(filter, below, limit))
    }

    /// One row of the register.
    pub fn register_row(&self, id: &DecisionId) -> Result<Option<RegisterRow>, Error> {
        Ok(self.history()?.register.row(id).cloned())
    }

    /// The figures as of what is published.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        Ok(self.history()?.register.figures.clone())
    }
}

/// All that a row can be found and counted by.
fn keys(row: &RegisterRow) -> Vec<(Axis, String)> {
    let month = Day::in_vietnam(i64::try_from(row.time).unwrap_or(i64::MAX)).to_string();
    let month = month.get(..7).unwrap_or_default().to_owned();
    let mut keys = vec![
        (Axis::Head, row.head.clone()),
        (Axis::Category, row.category.clone()),
        (Axis::Unit, row.unit.clone()),
        (Axis::Month, month),
        (Axis::Action, row.action.to_owned()),
    ];
    let measures = row.measures.iter();
    keys.extend(measures.map(|measure| (Axis::Measure, (*measure).to_owned())));
    keys
}

fn of_list(row: &mut RegisterRow, list: &List) {
    row.head.clone_from(&list.head);
    row.category.clone_from(&list.category);
    row.measures = list.measures.iter().map(|m| m.as_str()).collect();
    row.open = row.subjects;
    row.not_after = Some(list.not_after);
    row.overrides = list.guard.overrides.len();
}

fn named(targets: &[Target]) -> Vec<DecisionId> {
    targets.iter().map(|t| t.decision.clone()).collect()
}

fn count(parts: &[PartRef]) -> u64 {
    let lines = parts.iter().map(|part| part.count);
    lines.fold(0, u64::saturating_add)
}
