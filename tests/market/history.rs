//! A history of made sellers at three marketplaces, by a seed, and what each marketplace's file has
//! to hold at each serial.

use super::{PLATFORMS, Random, Rows, digest, serial};
use crate::house::{self, House, ListOptions, now};
use blockfeed::{canon::DecisionId, decision::Opening, tlog::Hash};
use std::collections::{BTreeMap, BTreeSet};

pub const SELLERS: usize = 10_000;

/// Sellers that a decision lists for the first time, at least: 200 such would be enough.
const FEWEST: usize = 50;

/// What was listed and let go, by a seed.
pub struct History {
    /// What each platform's file holds now.
    pub now: BTreeMap<&'static str, Rows>,
    /// How many of the sellers were ever listed.
    pub fresh: usize,
    random: Random,
    decisions: Vec<Listed>,
    /// By platform and serial, what its file held then.
    pub states: BTreeMap<(&'static str, u64), Hash>,
}

struct Listed {
    id: DecisionId,
    not_after: u64,
    openings: Vec<Opening>,
}

impl History {
    pub fn new() -> Self {
        let now: BTreeMap<&'static str, Rows> = PLATFORMS.map(|p| (p, Rows::new())).into();
        Self {
            now,
            fresh: 0,
            random: Random(42),
            decisions: Vec::new(),
            states: BTreeMap::new(),
        }
    }

    /// One decision: sellers are listed, or let go, or have another end.
    pub fn step(&mut self, house: &House, left: usize) {
        let known = self.decisions.len();
        match self.random.below(20) {
            _ if known < 5 || SELLERS - self.fresh > (left - 1) * FEWEST => {
                self.list(house);
            }
            0..=11 if self.fresh < SELLERS => self.list(house),
            12 => self.amend(house),
            13 => self.stay(house),
            14..=15 => self.revoke_whole(house),
            _ => self.revoke(house),
        }
        for platform in PLATFORMS {
            let serial = serial(house, platform);
            let rows = &self.now[platform];
            let state = self.states.entry((platform, serial));
            state.or_insert_with(|| digest(rows));
        }
    }

    fn list(&mut self, house: &House) {
        let fresh = (self.random.below(100) + FEWEST).min(SELLERS - self.fresh);
        let again = self.random.below(10);
        let mut numbers: BTreeSet<usize> = (self.fresh..self.fresh + fresh).collect();
        numbers.extend((0..again).map(|_| self.random.below(self.fresh + fresh)));
        self.fresh += fresh;
        let subjects: Vec<String> = numbers.into_iter().map(seller).collect();
        let lines: Vec<&str> = subjects.iter().map(String::as_str).collect();
        let not_after = now() + 86_400 * (100 + self.random.below(100) as u64);
        let options = ListOptions {
            not_after,
            ..ListOptions::default()
        };
        let id = house.list(&lines, options);
        let opening = |line: &&str| house::bodies::opening(&id, line, &[]);
        let openings: Vec<Opening> = lines.iter().map(opening).collect();
        for opening in &openings {
            let row = (opening.subject.to_string(), id.to_string(), not_after);
            self.rows(opening).insert(key(opening), row);
        }
        self.decisions.push(Listed {
            id,
            not_after,
            openings,
        });
    }

    /// Some lines of a decision.
    fn revoke(&mut self, house: &House) {
        let at = self.random.below(self.decisions.len());
        let mut listed = self.decisions.swap_remove(at);
        let gone = (self.random.below(listed.openings.len()) + 1).min(60);
        let gone = listed.openings.split_off(listed.openings.len() - gone);
        let lines: Vec<String> = gone.iter().map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        house.revoke(&listed.id, Some(&lines));
        self.let_go(&gone);
        if !listed.openings.is_empty() {
            self.decisions.push(listed);
        }
    }

    fn revoke_whole(&mut self, house: &House) {
        let at = self.random.below(self.decisions.len());
        let listed = self.decisions.swap_remove(at);
        house.revoke(&listed.id, None);
        self.let_go(&listed.openings);
    }

    /// It outlasts the test.
    fn stay(&mut self, house: &House) {
        let at = self.random.below(self.decisions.len());
        let listed = self.decisions.swap_remove(at);
        house.stay(&listed.id, None, 3 * 3600);
        self.let_go(&listed.openings);
    }

    fn amend(&mut self, house: &House) {
        let at = self.random.below(self.decisions.len());
        let mut listed = self.decisions.swap_remove(at);
        listed.not_after += 86_400;
        house.amend(&listed.id, listed.not_after);
        for opening in &listed.openings {
            if let Some(row) = self.rows(opening).get_mut(&key(opening)) {
                row.2 = listed.not_after;
            }
        }
        self.decisions.push(listed);
    }

    fn let_go(&mut self, openings: &[Opening]) {
        for opening in openings {
            self.rows(opening).remove(&key(opening));
        }
    }

    fn rows(&mut self, opening: &Opening) -> &mut Rows {
        let (platform, _) = opening.subject.name().split_once('/').unwrap();
        self.now.get_mut(platform).unwrap()
    }
}

/// A made seller: nobody has such a name, and no shop such a number.
fn seller(number: usize) -> String {
    match number % 3 {
        0 => format!("seller:shopee.vn/{}", 99_000_000_000_000 + number),
        1 => format!("seller:lazada.vn/blockfeed-made-{number}"),
        _ => format!("seller:tiki.vn/blockfeed-made-{number}"),
    }
}

fn line(opening: &Opening) -> String {
    opening.line().unwrap().line().to_string()
}

fn key(opening: &Opening) -> String {
    let line = line(opening);
    let (_, name) = line.split_once(':').unwrap();
    format!("{name} = {}", opening.id)
}
