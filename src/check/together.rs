//! What the networks of a decision make together: adjacent ones are one wider network, and many narrow ones must not take
//! what the prefix cap keeps one from taking.

use ipnet::IpNet;

use super::Finding;
use crate::registry::lists::PrefixCaps;
use crate::subject::{Kind, Line, net};

/// The networks among lines.
pub fn networks<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<IpNet> {
    lines
        .filter(|line| line.kind == Kind::Net)
        .filter_map(|line| net::parse(line.name).ok())
        .collect()
}

/// Says which networks make up wider ones: a note, and past the cap a matter for a senior officer. The note counts; each
/// that is too wide is named.
pub fn findings(nets: &[IpNet], caps: &PrefixCaps) -> Vec<(IpNet, Finding)> {
    let mut nets = nets.to_vec();
    nets.sort_unstable();
    nets.dedup();
    let mut made = Vec::new();
    for whole in IpNet::aggregate(&nets) {
        if nets.binary_search(&whole).is_ok() {
            continue;
        }
        // Sorted by address, so that what is inside stands together.
        let first = nets.partition_point(|net| net.network() < whole.network());
        let after = nets.partition_point(|net| net.network() <= whole.broadcast());
        let inside = after.saturating_sub(first);
        let detail = format!("{inside} networks are one: {whole}");
        let code = match whole.prefix_len() < caps.of(&whole) {
            true => "aggregate_too_wide",
            false => "aggregation",
        };
        made.push((whole, Finding::of(code, detail)));
    }
    made.sort_by_key(|(_, finding)| finding.grade());
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_are_one() {
        let caps = PrefixCaps { v4: 22, v6: 48 };
        let found = |nets: &[&str]| {
            let nets: Vec<IpNet> = nets.iter().map(|net| net.parse().unwrap()).collect();
            let found = findings(&nets, &caps);
            let shown = |(net, finding): &(IpNet, Finding)| format!("{} {net}", finding.code());
            found.iter().map(shown).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(found(&["203.0.113.0/24", "198.51.100.0/24"]), "");
        assert_eq!(
            found(&["203.0.113.0/25", "203.0.113.128/25"]),
            "aggregation 203.0.113.0/24"
        );
        assert_eq!(found(&["203.0.113.0/24", "203.0.113.7/32"]), "");
        assert_eq!(
            found(&[
                "203.0.112.0/22",
                "203.0.116.0/22",
                "192.0.2.0/32",
                "192.0.2.1/32"
            ]),
            "aggregate_too_wide 203.0.112.0/21, aggregation 192.0.2.0/31"
        );
        assert_eq!(
            found(&["2001:db8::/48", "2001:db8:1::/48"]),
            "aggregate_too_wide 2001:db8::/47"
        );
    }
}
