//! What of a set lies below subjects that are asked about: names under a name, networks inside a network.

use super::{Entry, FeedLine, Set};
use crate::subject::{Kind, Line, Scope, cover, net};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Entries below one of the subjects.
#[derive(Debug, Clone, Default)]
pub struct Below<'a> {
    pub entries: u64,
    /// Some of them.
    pub some: Vec<Entry<'a>>,
}

/// So many entries are kept of each.
const SOME: usize = 5;

/// What lies below each of the lines, by the line's place among them; a line without anything below it isn't there. The set
/// is read once, however many lines there are: some 0.2 s for a million entries.
pub fn below<'a>(set: &'a Set, lines: &[Line<'_>]) -> BTreeMap<usize, Below<'a>> {
    let mut names: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut nets: HashMap<IpNet, Vec<usize>> = HashMap::new();
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, l)| l.kind == set.kind())
    {
        match line.kind {
            Kind::Domain if line.scope == Scope::Subtree => {
                names.entry(line.name).or_default().push(at);
            }
            Kind::Net => {
                let wide = net::parse(line.name).ok();
                wide.into_iter()
                    .for_each(|wide| nets.entry(wide).or_default().push(at));
            }
            _ => {}
        }
    }
    let lengths: BTreeSet<u8> = nets.keys().map(IpNet::prefix_len).collect();
    let mut found: BTreeMap<usize, Below<'a>> = BTreeMap::new();
    if names.is_empty() && nets.is_empty() {
        return found;
    }
    let mut note = |over: &Vec<usize>, entry: Entry<'a>| {
        for at in over {
            let below = found.entry(*at).or_default();
            below.entries += 1;
            if below.some.len() < SOME {
                below.some.push(entry);
            }
        }
    };
    let entries = set.lines().filter_map(|line| match line.starts_with('E') {
        true => FeedLine::of_checked(set.kind(), line),
        false => None,
    });
    for line in entries {
        let FeedLine::Entry(entry) = line else {
            continue;
        };
        if let (Kind::Net, Ok(inner)) = (set.kind(), net::parse(entry.name)) {
            for length in lengths.range(..inner.prefix_len()) {
                let wide = IpNet::new(inner.addr(), *length).map(|wide| wide.trunc());
                let over = wide.ok().and_then(|wide| nets.get(&wide));
                over.into_iter().for_each(|over| note(over, entry));
            }
            continue;
        }
        for above in cover::ancestors(entry.name).skip(1) {
            let over = names.get(above);
            over.into_iter().for_each(|over| note(over, entry));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::ChangeBuilder;

    fn set(kind: Kind, lines: &[&str]) -> Set {
        let mut change = ChangeBuilder::default();
        lines.iter().for_each(|line| change.add(line));
        let mut set = Set::new(kind);
        set.apply(&change.finish(kind)).unwrap();
        set
    }

    fn counts(set: &Set, lines: &[&str]) -> Vec<(usize, u64)> {
        let lines: Vec<Line<'_>> = lines.iter().map(|l| Line::parse(l).unwrap()).collect();
        let found = below(set, &lines);
        found.iter().map(|(at, b)| (*at, b.entries)).collect()
    }

    #[test]
    fn names_and_networks() {
        let names = [
            "E a.shop.vn + 2026-000001",
            "E b.a.shop.vn = 2026-000001",
            "E shop.vn + 2026-000001",
            "E xshop.vn + 2026-000001",
        ];
        let asked = [
            "domain:shop.vn +",
            "domain:shop.vn =",
            "domain:b.a.shop.vn +",
            "domain:a.shop.vn +",
            "net:10.0.0.0/8",
        ];
        assert_eq!(counts(&set(Kind::Domain, &names), &asked), [(0, 2), (3, 1)]);
        let nets = [
            "E 10.1.0.0/16 = 2026-000001",
            "E 10.1.2.0/24 = 2026-000001",
            "E 2001:db8::/48 = 2026-000001",
        ];
        let asked = [
            "net:10.1.0.0/16",
            "net:10.0.0.0/8",
            "net:11.0.0.0/8",
            "net:2001:db8::/32",
        ];
        assert_eq!(
            counts(&set(Kind::Net, &nets), &asked),
            [(0, 1), (1, 2), (3, 1)]
        );
    }
}
