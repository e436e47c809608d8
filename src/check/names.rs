//! What the lists of names say of a domain and of what is above it, in one look-up a label.

use std::collections::HashMap;

use crate::registry::Lists;
use crate::registry::lists::{NameRow, Names};
use crate::subject::{Kind, Line, Scope, cover};

/// The lists of names, and all names above theirs, in one map.
#[derive(Debug)]
pub(super) struct NameIndex(HashMap<Box<str>, Facts>);

/// What holds for one name. Numbers are rows of the list that the field is named after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Facts {
    /// Protected, and whether what is below it is so too.
    protected: Option<(u32, Scope)>,
    above_protected: Option<u32>,
    popular: Option<u32>,
    above_popular: Option<u32>,
    platform: Option<u32>,
    above_platform: Option<u32>,
    reserved: Option<u32>,
    test: bool,
}

/// What holds for a line: rows of the lists that the fields are named after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gathered {
    pub(super) protected: Option<u32>,
    /// A protected name that it lies below, of those that are protected alone, and that name's
    /// length.
    pub(super) below: Option<(u32, usize)>,
    pub(super) popular: Option<u32>,
    pub(super) platform: Option<u32>,
    pub(super) reserved: Option<u32>,
    /// Set aside for tests.
    pub(super) test: bool,
}

impl NameIndex {
    pub(super) fn new(lists: &Lists) -> NameIndex {
        let mut index = NameIndex(HashMap::new());
        index.fill(&lists.protected_names, |facts, row, number| {
            facts.protected = Some((number, row.scope));
        });
        index.fill_above(&lists.protected_names, |facts| &mut facts.above_protected);
        index.fill(&lists.popular_names, |facts, _, n| facts.popular = Some(n));
        index.fill_above(&lists.popular_names, |facts| &mut facts.above_popular);
        index.fill(&lists.platform_hosts, |facts, _, n| {
            facts.platform = Some(n)
        });
        index.fill_above(&lists.platform_hosts, |facts| &mut facts.above_platform);
        index.fill(&lists.reserved_suffixes, |facts, _, n| {
            facts.reserved = Some(n)
        });
        let aside = lists.test_subjects.iter().map(|owned| owned.line());
        for subject in aside.filter(|subject| subject.kind == Kind::Domain) {
            index.0.entry(subject.name.into()).or_default().test = true;
        }
        index
    }

    /// What holds of the name itself, of its bare form without `www.`, and of what is above it.
    pub(super) fn gather(&self, line: &Line<'_>) -> Gathered {
        let mut gathered = Gathered::default();
        let bare = line.name.strip_prefix("www.").unwrap_or(line.name);
        // What a line with all below it takes there.
        let mut below = Facts::default();
        for ancestor in cover::ancestors(line.name) {
            let Some(facts) = self.0.get(ancestor) else {
                continue;
            };
            let itself = ancestor.len() >= bare.len();
            let shielding = facts
                .protected
                .filter(|(_, scope)| itself || *scope == Scope::Subtree);
            gathered.protected = gathered.protected.or(shielding.map(|(row, _)| row));
            if let Some((row, _)) = facts.protected.filter(|_| shielding.is_none()) {
                gathered.below.get_or_insert((row, ancestor.len()));
            }
            gathered.test |= facts.test;
            if itself {
                gathered.popular = gathered.popular.or(facts.popular);
                gathered.platform = gathered.platform.or(facts.platform);
            } else {
                gathered.reserved = gathered.reserved.or(facts.reserved);
            }
            if ancestor.len() == line.name.len() && line.scope == Scope::Subtree {
                below = *facts;
            }
        }
        gathered.protected = gathered.protected.or(below.above_protected);
        gathered.popular = gathered.popular.or(below.above_popular);
        // What is protected is refused; a platform below it adds nothing.
        if gathered.protected.is_none() {
            gathered.platform = gathered.platform.or(below.above_platform);
        }
        gathered
    }

    fn fill(&mut self, list: &Names, set: impl Fn(&mut Facts, &NameRow, u32)) {
        for (number, row) in (0u32..).zip(&list.rows) {
            set(self.0.entry(row.name.clone()).or_default(), row, number);
        }
    }

    /// Notes, at each name above a row's, the first such row.
    fn fill_above(&mut self, list: &Names, field: impl Fn(&mut Facts) -> &mut Option<u32>) {
        for (number, row) in (0u32..).zip(&list.rows) {
            for above in cover::ancestors(&row.name).skip(1) {
                field(self.0.entry(above.into()).or_default()).get_or_insert(number);
            }
        }
    }
}
