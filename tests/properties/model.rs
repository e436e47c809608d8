//! What the design says of decisions, as plainly as it can be written: every line of every
//! decision remembered, every stay remembered, everything reckoned anew when it is asked for.
//! Nothing is shared with the program but names.

use blockfeed::{decision::MeasureName, subject::Line};
use std::collections::{BTreeMap, BTreeSet};

/// The state of a log.
#[derive(Clone, Default)]
pub struct Model {
    pub lists: Vec<Listed>,
    pub stays: Vec<Stayed>,
}

#[derive(Clone)]
pub struct Listed {
    pub id: String,
    pub measures: Vec<MeasureName>,
    /// Each line, and whether it has ended for ever.
    pub lines: BTreeMap<String, bool>,
    pub not_after: u64,
}

#[derive(Clone)]
pub struct Stayed {
    pub id: String,
    /// Number of the list, line.
    pub lines: BTreeSet<(usize, String)>,
    pub until: u64,
    pub open: bool,
}

/// A list by its number, whole or some lines.
pub type Aim = (usize, Option<Vec<String>>);

impl Listed {
    pub fn is_open(&self) -> bool {
        self.lines.values().any(|ended| !ended)
    }
}

impl Model {
    /// Whether these may be revoked or stayed: open, none twice, each named line not ended.
    pub fn may_aim(&self, aims: &[Aim]) -> bool {
        let distinct: BTreeSet<usize> = aims.iter().map(|(n, _)| *n).collect();
        distinct.len() == aims.len()
            && aims.iter().all(|(n, named)| {
                let list = &self.lists[*n];
                let holds = |line: &String| list.lines.get(line) == Some(&false);
                list.is_open() && named.iter().flatten().all(holds)
            })
    }

    pub fn revoke(&mut self, aims: &[Aim]) {
        for (n, named) in aims {
            for (line, ended) in &mut self.lists[*n].lines {
                *ended |= named.as_ref().is_none_or(|named| named.contains(line));
            }
        }
    }

    pub fn stay(&mut self, id: &str, aims: &[Aim], until: u64) {
        let mut lines = BTreeSet::new();
        for (n, named) in aims {
            let of_list = self.lists[*n].lines.keys();
            let held =
                of_list.filter(|line| named.as_ref().is_none_or(|named| named.contains(line)));
            lines.extend(held.map(|line| (*n, line.clone())));
        }
        let id = id.to_owned();
        self.stays.push(Stayed {
            id,
            lines,
            until,
            open: true,
        });
    }

    /// Ends what is due; says whether anything was.
    pub fn expire(&mut self, time: u64) -> bool {
        let mut any = false;
        for list in self
            .lists
            .iter_mut()
            .filter(|l| l.is_open() && l.not_after <= time)
        {
            list.lines.values_mut().for_each(|ended| *ended = true);
            any = true;
        }
        for stay in self.stays.iter_mut().filter(|s| s.open && s.until <= time) {
            stay.open = false;
            any = true;
        }
        any
    }

    /// Every feed's lines, unsorted, without those of empty feeds.
    pub fn feeds(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut feeds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (n, list) in self.lists.iter().enumerate() {
            for (line, _) in list.lines.iter().filter(|(_, ended)| !**ended) {
                let key = (n, line.clone());
                if self.stays.iter().any(|s| s.open && s.lines.contains(&key)) {
                    continue;
                }
                let Some((feed, measure, entry)) = place(line) else {
                    panic!("{line}");
                };
                if list.measures.contains(&measure.0) {
                    let lines = feeds.entry(feed).or_default();
                    lines.insert(format!("E {entry} {}", list.id));
                    lines.insert(format!("D {} {} {}", list.id, measure.1, list.not_after));
                }
            }
        }
        feeds
    }
}

/// The feed of a line, the measure that carries it there, and its fields there.
fn place(line: &str) -> Option<(String, (MeasureName, &'static str), String)> {
    let (kind, rest) = line.split_once(':')?;
    let platform = rest.split('/').next()?;
    Some(match kind {
        "domain" => (
            "domains".into(),
            (MeasureName::BlockDomain, "block_domain"),
            rest.into(),
        ),
        "net" => (
            "networks".into(),
            (MeasureName::BlockIp, "block_ip"),
            format!("{rest} ="),
        ),
        "seller" => (
            format!("sellers/{platform}"),
            (MeasureName::DelistSeller, "delist_seller"),
            format!("{rest} ="),
        ),
        _ => (
            format!("accounts/{platform}"),
            (MeasureName::RemoveAccount, "remove_account"),
            format!("{rest} ="),
        ),
    })
}

/// The small pool of lines that histories are made of, sorted: names that cover each other, both
/// scopes of one name, networks inside networks, two marketplaces and a platform.
pub fn pool() -> Vec<String> {
    let mut lines: Vec<String> = [
        "domain:a.example +",
        "domain:a.example =",
        "domain:shop.a.example +",
        "domain:shop.a.example =",
        "domain:x.shop.a.example +",
        "domain:b.example +",
        "domain:a-b.example =",
        "net:203.0.113.0/24",
        "net:203.0.113.128/25",
        "net:2001:db8::/32",
    ]
    .map(String::from)
    .to_vec();
    for (subject, digit) in [
        ("seller:shopee.vn", '1'),
        ("seller:shopee.vn", '2'),
        ("seller:tiki.vn", '1'),
        ("account:facebook", '1'),
    ] {
        let commitment: String = std::iter::repeat_n(digit, 64).collect();
        lines.push(format!("{subject}/#{commitment}"));
    }
    lines.sort();
    assert!(lines.iter().all(|line| Line::parse(line).is_ok()));
    lines
}

/// The lines of the pool whose bit is set.
pub fn chosen(mask: u16) -> Vec<String> {
    let pool = pool().into_iter().enumerate();
    pool.filter(|(n, _)| mask >> n & 1 == 1)
        .map(|(_, line)| line)
        .collect()
}
