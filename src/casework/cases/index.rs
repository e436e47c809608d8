//! The lists of cases that pages show, newest first, each with how many it has; kept in the database and
//! changed in the same write as the case, so that neither a start nor a page reads all cases.
//!
//! A list is named by whose cases it has, their state and their kind, each of which may be left open.
//! A database of before is indexed once, when it is opened.

use super::{CASES, Case, CaseFilter, CaseId, CaseState, record::Record};
use crate::{
    casework::{Error, row},
    store::{Durability, Store, Write},
};
use std::collections::{BTreeMap, BTreeSet};

/// The private table of the lists: list, zero, place; the value is the case's id.
const LISTS: &str = "case-lists";

/// The private table of how many cases a list has, and other numbers.
const COUNTS: &str = "case-counts";

/// Under which the number of this form of the index is kept.
const VERSION: &str = "version";

const THIS: u64 = 1;

/// Rows of a write while all cases are indexed.
const BATCH: usize = 20_000;

/// Whose cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    #[default]
    All,
    /// Those of a unit and of units below it, and those that nobody has taken up.
    Of(String),
}

/// Cases of every unit.
const ALL: &str = "*";
/// Cases that nobody has taken up.
const NOBODY: &str = "-";

impl Whose {
    fn scopes(&self) -> Vec<&str> {
        match self {
            Self::All => vec![ALL],
            Self::Of(unit) => vec![unit, NOBODY],
        }
    }
}

/// Rows to be written with a case; no value takes one out.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<(&'static str, Vec<u8>), Option<Vec<u8>>>);

impl Rows {
    fn set(&mut self, table: &'static str, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.0.insert((table, key), value);
    }

    /// Sets a number of the index.
    pub(super) fn number(&mut self, name: &str, number: u64) {
        let value = number.to_be_bytes().to_vec();
        self.set(COUNTS, name.as_bytes().to_vec(), Some(value));
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        self.0.iter().map(|((table, key), value)| match value {
            Some(value) => Write::Put { table, key, value },
            None => Write::Delete { table, key },
        })
    }

    /// How a case goes from lists to lists. Of one case alone: counts are read from the store.
    pub(super) fn of(store: &Store, before: Option<&Case>, after: &Case) -> Result<Self, Error> {
        let mut rows = Self::default();
        let (old, new) = (before.map(lists).unwrap_or_default(), lists(after));
        let place = place(after.opened, &after.id);
        for list in old.difference(&new) {
            rows.set(LISTS, key(list, &place), None);
            rows.number(list, number(store, list)?.saturating_sub(1));
        }
        for list in new.difference(&old) {
            let id = after.id.as_str().as_bytes().to_vec();
            rows.set(LISTS, key(list, &place), Some(id));
            rows.number(list, number(store, list)? + 1);
        }
        if before.is_none() {
            let (year, highest) = after.id.numbered();
            rows.number(&highest_of(year), highest);
        }
        Ok(rows)
    }
}

/// The highest number of a case in a year.
pub(super) fn highest(store: &Store, year: u64) -> Result<u64, Error> {
    number(store, &highest_of(year))
}

/// A number of the index; 0 where it was never set.
pub(super) fn number(store: &Store, name: &str) -> Result<u64, Error> {
    let bytes = store.get(COUNTS, name.as_bytes())?;
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(bytes.map_or(0, u64::from_be_bytes))
}

/// How many cases there are in each state, of every kind.
pub(super) fn counts(store: &Store, whose: &Whose) -> Result<Vec<(CaseState, u64)>, Error> {
    let count = |state: CaseState| {
        let mut count = 0;
        for scope in whose.scopes() {
            count += number(store, &name(scope, state.as_str(), ""))?;
        }
        Ok((state, count))
    };
    CaseState::ALL.into_iter().map(count).collect()
}

/// The ids of a filter's cases, newest first, from behind the case after which the page begins.
pub(super) fn walk<'s>(store: &'s Store, filter: &CaseFilter) -> Result<Walk<'s>, Error> {
    let state = filter.state.map_or("", CaseState::as_str);
    let kind = filter.kind.map_or("", super::CaseKind::as_str);
    let after = match &filter.after {
        Some(id) => case_of(store, id)?.map(|case| place(case.opened, &case.id)),
        None => None,
    };
    let mut lists = Vec::new();
    for scope in filter.whose.scopes() {
        let list = name(scope, state, kind);
        let from = key(&list, after.as_deref().unwrap_or_default());
        let prefix = key(&list, b"").len();
        let rows = store.scan_from(LISTS, &key(&list, b""), &from)?;
        let mut rest: Places<'_> = Box::new(rows.map(move |found| {
            let (key, id) = found?;
            Ok((key.get(prefix..).unwrap_or_default().to_vec(), id))
        }));
        let next = rest.next();
        lists.push(List { next, rest });
    }
    Ok(Walk { lists, after })
}

/// A place and an id.
type Found = Result<(Vec<u8>, Vec<u8>), Error>;

type Places<'s> = Box<dyn Iterator<Item = Found> + 's>;

struct List<'s> {
    next: Option<Found>,
    rest: Places<'s>,
}

/// Several lists as one, by place.
pub(super) struct Walk<'s> {
    lists: Vec<List<'s>>,
    after: Option<Vec<u8>>,
}

impl List<'_> {
    /// An error sorts first, so that it is met at once.
    fn rank(&self) -> (u8, Vec<u8>) {
        match &self.next {
            Some(Ok((place, _))) => (1, place.clone()),
            Some(Err(_)) => (0, Vec::new()),
            None => (2, Vec::new()),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<CaseId, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let list = self.lists.iter_mut().min_by_key(|list| list.rank())?;
            let found = std::mem::replace(&mut list.next, list.rest.next());
            match found? {
                Ok((place, _)) if self.after.as_ref() == Some(&place) => {}
                Ok((_, id)) => return Some(CaseId::parse(&String::from_utf8_lossy(&id))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Makes the index of a database that has none yet.
pub(super) fn open(store: &Store) -> Result<(), Error> {
    if number(store, VERSION)? == THIS {
        return Ok(());
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut rows = Rows::default();
    for found in store.scan(CASES, b"")? {
        let record: Record = row::read(CASES, &found?.1)?;
        let case = record.case;
        let place = place(case.opened, &case.id);
        for list in lists(&case) {
            let id = case.id.as_str().as_bytes().to_vec();
            rows.set(LISTS, key(&list, &place), Some(id));
            *counts.entry(list).or_default() += 1;
        }
        let (year, highest) = case.id.numbered();
        let known = counts.entry(highest_of(year)).or_default();
        *known = highest.max(*known);
        if rows.0.len() >= BATCH {
            let done = std::mem::take(&mut rows);
            store.write(&done.writes().collect::<Vec<_>>(), Durability::Buffered)?;
        }
    }
    for (name, count) in &counts {
        rows.number(name, *count);
    }
    rows.number(VERSION, THIS);
    let last: Vec<Write<'_>> = rows.writes().collect();
    Ok(store.write(&last, Durability::Synced)?)
}

/// The lists that a case stands in.
fn lists(case: &Case) -> BTreeSet<String> {
    let mut scopes = vec![ALL];
    if case.unit.is_empty() {
        scopes.push(NOBODY);
    } else {
        scopes.extend(units_over(&case.unit));
    }
    let mut lists = BTreeSet::new();
    for scope in scopes {
        for state in ["", case.state.as_str()] {
            for kind in ["", case.kind.as_str()] {
                lists.insert(name(scope, state, kind));
            }
        }
    }
    lists
}

/// A unit and those that it is part of: `moit.e-commerce`, `moit`.
fn units_over(unit: &str) -> impl Iterator<Item = &str> {
    let dots = unit.match_indices('.').map(|(at, _)| at);
    let ends = std::iter::once(unit.len()).chain(dots);
    ends.filter_map(|end| unit.get(..end))
}

fn name(scope: &str, state: &str, kind: &str) -> String {
    format!("{scope}/{state}/{kind}")
}

fn highest_of(year: u64) -> String {
    format!("highest {year}")
}

fn key(list: &str, place: &[u8]) -> Vec<u8> {
    [list.as_bytes(), &[0], place].concat()
}

/// Sorts the newest first, and of one second the highest number.
fn place(opened: u64, id: &CaseId) -> Vec<u8> {
    let (_, number) = id.numbered();
    [!opened, !number].map(u64::to_be_bytes).concat()
}

fn case_of(store: &Store, id: &CaseId) -> Result<Option<Case>, Error> {
    let bytes = store.get(CASES, id.as_str().as_bytes())?;
    let record: Option<Record> = bytes.map(|bytes| row::read(CASES, &bytes)).transpose()?;
    Ok(record.map(|record| record.case))
}
