//! What else a submission would touch, before anybody approves it: names that are registered, popular, or a shop's that a
//! register knows, and names at the addresses that would be blocked.
//!
//! Counted from facts of lines that would be listed; names that two lines touch count once. What no data set knows isn't
//! counted, so a figure is "at least".

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::known::{CROWD, POPULAR};
use crate::registry::facts::{Facts, Sourced};
use crate::subject::{Kind, Line, Scope, cover};

/// So many examples are shown of each.
const EXAMPLES: usize = 5;

/// What one line touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Registered names that it takes whole.
    registered: Option<String>,
    popular: Vec<String>,
    shops: Vec<String>,
    /// Names at its addresses: how many, and some of them.
    at_addresses: u64,
    sample: Vec<String>,
}

/// What a submission touches.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Collateral {
    /// Registered names that it takes whole.
    pub registered: Tally,
    /// Names of a rank up to 100,000.
    pub popular: Tally,
    /// Names that a register of lawful e-commerce sites has.
    pub shops: Tally,
    /// Names that were seen at the addresses that it blocks.
    pub at_addresses: Tally,
    /// Networks with ten or more names.
    pub crowded: Tally,
}

/// How many, and some of them.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Tally {
    pub count: u64,
    /// At most five.
    pub examples: Vec<String>,
    #[serde(skip)]
    seen: HashSet<String>,
}

impl Touched {
    /// What a line touches by the facts on it.
    pub fn of(line: &Line<'_>, facts: &Facts) -> Touched {
        match line.kind {
            Kind::Domain => Touched::domain(line, facts),
            Kind::Net => {
                let seen = facts.neighbours.known();
                Touched {
                    at_addresses: seen.map_or(0, |seen| seen.names),
                    sample: seen.map(|seen| seen.sample.clone()).unwrap_or_default(),
                    ..Touched::default()
                }
            }
            Kind::Seller | Kind::Account => Touched::default(),
        }
    }

    fn domain(line: &Line<'_>, facts: &Facts) -> Touched {
        let bare = line.name.strip_prefix("www.").unwrap_or(line.name);
        let takes = |name: &str| match line.scope {
            Scope::Subtree => cover::is_within(line.name, name) || name == bare,
            Scope::Exact => name == bare || name == line.name,
        };
        let registration = facts.registration.known();
        let registered = registration.filter(|r| r.registered && takes(&r.name));
        let popularity = facts.popularity.known();
        let popular = popularity.filter(|p| p.rank <= POPULAR && takes(&p.name));
        let licences = facts.licences.iter().filter_map(|fact| fact.known());
        let shops = licences.flatten().filter(|licence| takes(&licence.name));
        let mut touched = Touched {
            registered: registered.map(|r| r.name.clone()),
            popular: popular.map(|p| p.name.clone()).into_iter().collect(),
            shops: shops.map(|licence| licence.name.clone()).collect(),
            ..Touched::default()
        };
        if line.scope == Scope::Subtree {
            touched.add_below(facts);
        }
        touched
    }

    /// Adds what a line takes below its name.
    fn add_below(&mut self, facts: &Facts) {
        let ranks = facts.popularity_below.iter().filter_map(Sourced::known);
        let popular = ranks
            .flat_map(|below| &below.rows)
            .filter(|p| p.rank <= POPULAR);
        self.popular.extend(popular.map(|p| p.name.clone()));
        let licences = facts.licences_below.iter().filter_map(Sourced::known);
        let shops = licences.flat_map(|below| &below.rows);
        self.shops.extend(shops.map(|licence| licence.name.clone()));
    }

    /// The names of the sample at its addresses, for whoever asks for facts on them.
    pub fn sample(&self) -> &[String] {
        &self.sample
    }

    /// Adds what is known of a name at its addresses.
    pub fn add_neighbour(&mut self, name: &str, facts: &Facts) {
        if facts.popularity.known().is_some_and(|p| p.rank <= POPULAR) {
            self.popular.push(name.to_owned());
        }
        let mut licences = facts.licences.iter().filter_map(|fact| fact.known());
        if licences.any(|rows| !rows.is_empty()) {
            self.shops.push(name.to_owned());
        }
    }

    pub fn is_nothing(&self) -> bool {
        *self == Touched::default()
    }
}

impl Collateral {
    /// Adds what a line touches.
    pub fn add(&mut self, line: &Line<'_>, touched: &Touched) {
        touched
            .registered
            .iter()
            .for_each(|name| self.registered.add(name));
        touched
            .popular
            .iter()
            .for_each(|name| self.popular.add(name));
        touched.shops.iter().for_each(|name| self.shops.add(name));
        touched
            .sample
            .iter()
            .for_each(|name| self.at_addresses.add(name));
        // Beyond the sample names are known by their number alone, and two networks may share one.
        let unseen = touched
            .at_addresses
            .saturating_sub(touched.sample.len() as u64);
        self.at_addresses.count = self.at_addresses.count.saturating_add(unseen);
        if touched.at_addresses >= CROWD {
            self.crowded.add(line.name);
        }
    }

    /// The tallies with what they are called, for people.
    pub fn tallies(&self) -> [(&'static str, &'static str, &Tally); 5] {
        [
            ("registered names", "tên miền đã đăng ký", &self.registered),
            (
                "popular names",
                "tên miền nhiều người truy cập",
                &self.popular,
            ),
            ("known shops", "cửa hàng đã đăng ký, thông báo", &self.shops),
            (
                "names at its addresses",
                "tên miền ở các địa chỉ",
                &self.at_addresses,
            ),
            ("crowded networks", "địa chỉ dùng chung", &self.crowded),
        ]
    }
}

impl Tally {
    fn add(&mut self, name: &str) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        self.count = self.count.saturating_add(1);
        if self.examples.len() < EXAMPLES {
            self.examples.push(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::facts::{
        Below, Licence, Neighbours, Outcome, Popularity, Registration, Source, Unasked,
    };

    fn from<T>(fact: T) -> Sourced<T> {
        Sourced {
            source: Source::Nobody,
            at: 0,
            fresh_until: None,
            outcome: Outcome::Known(fact),
        }
    }

    fn shop(name: &str) -> Facts {
        let mut facts = Facts::unasked(name, Unasked::NotApplicable, 0);
        facts.registration = from(Registration {
            name: "shop.vn".to_owned(),
            registered: true,
            ..Registration::default()
        });
        facts.popularity = from(Popularity {
            name: "shop.vn".to_owned(),
            rank: 3,
        });
        facts.licences = vec![from(vec![Licence {
            name: "shop.vn".to_owned(),
            register: "notified".to_owned(),
            number: "1".to_owned(),
            holder_kind: None,
            status: "valid".to_owned(),
            valid_to: None,
        }])];
        facts
    }

    fn counted(lines: &[(&str, Facts)]) -> [u64; 5] {
        let mut collateral = Collateral::default();
        for (text, facts) in lines {
            let line = Line::parse(text).unwrap();
            let mut touched = Touched::of(&line, facts);
            for name in touched.sample().to_vec() {
                touched.add_neighbour(&name, &shop(&name));
            }
            collateral.add(&line, &touched);
        }
        collateral.tallies().map(|(.., tally)| tally.count)
    }

    #[test]
    fn names_count_where_a_line_takes_them() {
        let of = |line: &str| counted(&[(line, shop("x"))]);
        assert_eq!(of("domain:shop.vn +"), [1, 1, 1, 0, 0]);
        assert_eq!(of("domain:www.shop.vn ="), [1, 1, 1, 0, 0]);
        assert_eq!(of("domain:a.shop.vn +"), [0, 0, 0, 0, 0]);
        assert_eq!(of("domain:myshop.vn +"), [0, 0, 0, 0, 0]);
        assert_eq!(of("seller:shopee.vn/1"), [0, 0, 0, 0, 0]);
        let twice = [
            ("domain:shop.vn +", shop("x")),
            ("domain:shop.vn =", shop("x")),
        ];
        assert_eq!(counted(&twice), [1, 1, 1, 0, 0]);
    }

    #[test]
    fn names_below_count_where_a_line_takes_them() {
        let mut facts = Facts::unasked("x", Unasked::NotApplicable, 0);
        let below = shop("x");
        facts.licences_below = vec![from(Below {
            rows: below.licences[0].known().unwrap().clone(),
            at_least: false,
        })];
        facts.popularity_below = vec![from(Below {
            rows: vec![below.popularity.known().unwrap().clone()],
            at_least: false,
        })];
        let of = |line: &str| counted(&[(line, facts.clone())]);
        assert_eq!(of("domain:parent.vn +"), [0, 1, 1, 0, 0]);
        assert_eq!(of("domain:parent.vn ="), [0; 5]);
    }

    #[test]
    fn names_at_addresses_count() {
        let mut facts = Facts::unasked("net:203.0.113.7/32", Unasked::NotApplicable, 0);
        facts.neighbours = from(Neighbours {
            names: 12,
            at_least: false,
            sample: vec!["a.vn".to_owned(), "b.vn".to_owned()],
        });
        assert_eq!(counted(&[("net:203.0.113.7/32", facts)]), [0, 2, 2, 12, 1]);
    }
}
