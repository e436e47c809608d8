//! Entries as names with marks: which fit into a zone, and what moved between two sets.

use super::{
    name::{MAX_WIRE, key_of, put_key},
    names::{Mark, Move, Names},
    wire::Form,
};
use crate::{
    entries::{FeedLine, Set},
    feed::formats::trigger,
    subject::{Kind, Scope, net},
};
use ipnet::IpNet;
use std::{collections::BTreeSet, sync::Arc};

/// Reads sets for zones of certain names.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Octets of the longest name of a zone.
    apex: usize,
    left_out: BTreeSet<Box<str>>,
}

impl Reading {
    pub(super) fn new(forms: &[Arc<Form>]) -> Self {
        let lengths = forms.iter().map(|form| form.apex.wire().len());
        Self {
            apex: lengths.max().unwrap_or_default(),
            left_out: BTreeSet::new(),
        }
    }

    /// How many names don't fit, and stand in no zone.
    pub(super) fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// All names of a set, with their scopes.
    pub(super) fn whole(&mut self, set: &Set) -> Names {
        // One text for all keys: a million small ones would leave memory in pieces.
        let mut text: Vec<u8> = Vec::new();
        let mut names: Vec<(usize, u8, Mark)> = Vec::new();
        for (name, mark) in set.lines().filter_map(entry) {
            if self.fits(name) {
                let begin = text.len();
                put_key(&mut text, name);
                // A name that fits has at most 253 characters.
                let length = u8::try_from(text.len() - begin).unwrap_or(u8::MAX);
                names.push((begin, length, mark));
            } else {
                self.left_out.insert(name.into());
            }
        }
        let key = |&(begin, length, _): &(usize, u8, Mark)| {
            let end = begin + usize::from(length);
            text.get(begin..end).unwrap_or_default()
        };
        names.sort_unstable_by(|a, b| key(a).cmp(key(b)));
        // Several decisions may hold a name, with the same scope or another.
        let mut marks = names.chunk_by(|a, b| key(a) == key(b)).filter_map(|same| {
            let mark = same.iter().fold(Mark::NONE, |mark, (.., m)| mark.and(*m));
            same.first().map(|first| (key(first), mark))
        });
        Names::of_sorted(&mut marks)
    }

    /// The moves from one set to another; `all` holds the names of the first.
    pub(super) fn moved(&mut self, old: &Set, new: &Set, all: &Names) -> Vec<Move> {
        let (came, went) = new.moved_since(old);
        let names: BTreeSet<&str> = came
            .iter()
            .chain(&went)
            .filter_map(|line| entry(line))
            .map(|(name, _)| name)
            .collect();
        let mut moves = Vec::new();
        for name in names {
            let entries = new.entries_of(name);
            let mark = entries
                .iter()
                .fold(Mark::NONE, |mark, e| mark.and(mark_of(e.scope)));
            if !self.fits(name) {
                match mark.is_none() {
                    true => self.left_out.remove(name),
                    false => self.left_out.insert(name.into()),
                };
                continue;
            }
            let key = key_of(name);
            let old = all.get(&key);
            if old != mark {
                let new = mark;
                moves.push(Move { key, old, new });
            }
        }
        moves.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        moves
    }

    /// Whether the name has room under the longest zone's, with its wildcard, and isn't one that a
    /// resolver reads as another trigger.
    fn fits(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or_default();
        2 + name.len() + 1 + self.apex <= MAX_WIRE && !last.starts_with("rpz-")
    }
}

/// The triggers of a set of networks; what is merged where it touches.
pub(super) fn triggers(set: &Set) -> Names {
    let networks: Vec<IpNet> = set
        .lines()
        .filter_map(|line| FeedLine::of_checked(Kind::Net, line))
        .filter_map(|line| match line {
            FeedLine::Entry(entry) => net::parse(entry.name).ok(),
            FeedLine::Row(_) => None,
        })
        .collect();
    let keys: BTreeSet<Box<[u8]>> = IpNet::aggregate(&networks)
        .into_iter()
        .filter_map(trigger)
        .map(|labels| key_of(&format!("{labels}.rpz-ip")))
        .collect();
    Names::of_sorted(keys.iter().map(|key| (&**key, Mark::ALONE)))
}

fn entry(line: &str) -> Option<(&str, Mark)> {
    match FeedLine::of_checked(Kind::Domain, line)? {
        FeedLine::Entry(entry) => Some((entry.name, mark_of(entry.scope))),
        FeedLine::Row(_) => None,
    }
}

fn mark_of(scope: Scope) -> Mark {
    match scope {
        Scope::Subtree => Mark::SUBTREE,
        Scope::Exact => Mark::ALONE,
    }
}
