//! Facts on networks: whose they are, where, and who else is there.

use super::{CROWD, Judge, is_absent, of};
use crate::registry::facts::{Facts, Neighbours, Sourced};

/// Vietnam, as in ISO 3166.
const VIETNAM: &str = "VN";

pub(super) fn judge(judge: &mut Judge, facts: &Facts) {
    neighbours(judge, &facts.neighbours);
    place(judge, facts);
}

fn neighbours(judge: &mut Judge, fact: &Sourced<Neighbours>) {
    let Some(neighbours) = judge.known("names at the address", fact) else {
        return;
    };
    if neighbours.names == 0 {
        return;
    }
    let more = if neighbours.at_least { "at least " } else { "" };
    let some: Vec<&str> = neighbours
        .sample
        .iter()
        .map(String::as_str)
        .take(5)
        .collect();
    let detail = format!(
        "{more}{} names, such as {}; {}",
        neighbours.names,
        some.join(", "),
        of(fact)
    );
    match neighbours.names < CROWD {
        true => judge.say("other_names", detail),
        false => judge.say("crowded_address", detail),
    }
}

/// Vietnamese or foreign, and whose.
fn place(judge: &mut Judge, facts: &Facts) {
    let network = judge.known("operator of the network", &facts.network);
    let allocation = judge.known("allocation of the network", &facts.allocation);
    let unused = allocation.filter(|a| ["available", "reserved"].contains(&a.status.as_str()));
    if unused.is_some() || (is_absent(&facts.allocation) && network.is_none()) {
        judge.say("unallocated_network", of(&facts.allocation));
        return;
    }
    // What a registry gave is firmer than where an operator says that it is.
    let country = allocation
        .and_then(|a| a.country.as_deref())
        .or_else(|| network.and_then(|n| n.country.as_deref()));
    let operator = network.map(|network| {
        let asn = network.asn.map(|asn| format!(", AS{asn}"));
        format!(
            "{}{}, {}",
            network.operator,
            asn.unwrap_or_default(),
            network.prefix
        )
    });
    let Some(country) = country else {
        return;
    };
    let source = match allocation {
        Some(_) => of(&facts.allocation),
        None => of(&facts.network),
    };
    let operator = operator.map(|operator| format!("{operator}; "));
    let detail = format!("{country}; {}{source}", operator.unwrap_or_default());
    let code = match country {
        VIETNAM => "vietnamese_network",
        _ => "foreign_network",
    };
    judge.say(code, detail);
}
