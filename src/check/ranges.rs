//! Which network of a list overlaps a given one, in the time of a binary search.

use std::net::IpAddr;

use ipnet::IpNet;

/// Networks, sorted by their first address; they may nest.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    v4: Sorted,
    v6: Sorted,
}

#[derive(Clone, Debug, Default)]
struct Sorted {
    /// First address, last address, row.
    spans: Vec<(u128, u128, usize)>,
    /// For each position the position, up to it, of the span that reaches furthest.
    furthest: Vec<usize>,
    /// The same addresses as spans that don't touch: first, last.
    apart: Vec<(u128, u128)>,
}

impl Ranges {
    pub(super) fn new<'n>(nets: impl Iterator<Item = &'n IpNet>) -> Ranges {
        let mut ranges = Ranges::default();
        for (row, net) in nets.enumerate() {
            let (first, last) = bounds(net);
            ranges.of_mut(net).spans.push((first, last, row));
        }
        for sorted in [&mut ranges.v4, &mut ranges.v6] {
            sorted.finish();
        }
        ranges
    }

    /// The row of a network that overlaps the given one, if any does.
    pub(super) fn overlapping(&self, net: &IpNet) -> Option<usize> {
        let (first, last) = bounds(net);
        self.of(net).overlapping(first, last)
    }

    /// The share of a network's addresses that lies in them, from 0 to 1.
    pub(super) fn share(&self, net: &IpNet) -> f64 {
        let (first, last) = bounds(net);
        let size = |first: u128, last: u128| (last - first) as f64 + 1.0;
        self.of(net)
            .inside(first, last)
            .map(|(a, b)| size(a, b))
            .sum::<f64>()
            / size(first, last)
    }

    fn of(&self, net: &IpNet) -> &Sorted {
        match net {
            IpNet::V4(_) => &self.v4,
            IpNet::V6(_) => &self.v6,
        }
    }

    fn of_mut(&mut self, net: &IpNet) -> &mut Sorted {
        match net {
            IpNet::V4(_) => &mut self.v4,
            IpNet::V6(_) => &mut self.v6,
        }
    }
}

impl Sorted {
    fn finish(&mut self) {
        self.spans.sort_unstable();
        let mut best: Option<(usize, u128)> = None;
        for (at, (_, last, _)) in self.spans.iter().enumerate() {
            if best.is_none_or(|(_, reach)| *last > reach) {
                best = Some((at, *last));
            }
            self.furthest
                .push(best.map_or(at, |(position, _)| position));
        }
        for (first, last, _) in &self.spans {
            match self.apart.last_mut() {
                Some((_, end)) if *first <= end.saturating_add(1) => *end = (*end).max(*last),
                _ => self.apart.push((*first, *last)),
            }
        }
    }

    /// What lies between two addresses, cut to them.
    fn inside(&self, first: u128, last: u128) -> impl Iterator<Item = (u128, u128)> {
        let from = self.apart.partition_point(|(_, end)| *end < first);
        let spans = self.apart.iter().skip(from);
        spans
            .take_while(move |(start, _)| *start <= last)
            .map(move |(start, end)| ((*start).max(first), (*end).min(last)))
    }

    /// Of the spans that begin at or before `last`, the one that reaches furthest overlaps if any does.
    fn overlapping(&self, first: u128, last: u128) -> Option<usize> {
        let begun = self.spans.partition_point(|(start, _, _)| *start <= last);
        let furthest = *self.furthest.get(begun.checked_sub(1)?)?;
        let (_, end, row) = *self.spans.get(furthest)?;
        (end >= first).then_some(row)
    }
}

fn bounds(net: &IpNet) -> (u128, u128) {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    (number(net.network()), number(net.broadcast()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let listed = [
            net("10.0.0.0/8"),
            net("10.1.0.0/16"),
            net("192.0.2.0/24"),
            net("2001:db8::/32"),
        ];
        let ranges = Ranges::new(listed.iter());
        for (asked, row) in [
            ("10.255.0.0/16", Some(0)),
            ("0.0.0.0/0", Some(2)),
            ("192.0.2.7/32", Some(2)),
            ("192.0.0.0/16", Some(2)),
            ("192.0.3.0/24", None),
            ("11.0.0.0/8", None),
            ("2001:db8:1::/48", Some(3)),
            ("2001:db9::/32", None),
        ] {
            assert_eq!(ranges.overlapping(&net(asked)), row, "{asked}");
        }
        for (asked, share) in [
            ("10.1.2.0/24", 1.0),
            ("11.0.0.0/8", 0.0),
            ("192.0.2.0/23", 0.5),
            ("10.0.0.0/7", 0.5),
            ("2001:db8::/31", 0.5),
        ] {
            assert_eq!(ranges.share(&net(asked)), share, "{asked}");
        }
    }
}
