use super::*;
use crate::registry::facts::{
    Allocation, Below, Delegation, Dnssec, Fault, FaultKind, Licence, Neighbours, Network,
    Popularity, Registration,
};

const NOW: u64 = 1_790_000_000;

fn from<T>(outcome: Outcome<T>) -> Sourced<T> {
    Sourced {
        source: Source::Set {
            name: "made".to_owned(),
        },
        at: NOW - DAY,
        fresh_until: Some(NOW + DAY),
        outcome,
    }
}

/// Facts of which nothing is known and nothing is to be said.
fn nothing() -> Facts {
    Facts::unasked("made", Unasked::NotApplicable, NOW)
}

fn codes(line: &str, facts: &Facts) -> String {
    let findings = findings(&Line::parse(line).unwrap(), facts, NOW);
    let codes: Vec<_> = findings.iter().map(Finding::code).collect();
    codes.join(" ")
}

fn of_shop(change: impl FnOnce(&mut Facts)) -> String {
    let mut facts = nothing();
    change(&mut facts);
    codes("domain:shop.vn +", &facts)
}

fn registered(change: impl FnOnce(&mut Registration)) -> String {
    let mut registration = Registration {
        name: "shop.vn".to_owned(),
        registered: true,
        created: Some(NOW - 400 * DAY),
        expires: Some(NOW + 400 * DAY),
        ..Registration::default()
    };
    change(&mut registration);
    of_shop(|f| f.registration = from(Outcome::Known(registration)))
}

#[test]
fn of_registrations() {
    assert_eq!(registered(|_| ()), "");
    assert_eq!(
        registered(|r| r.created = Some(NOW - 9 * DAY)),
        "registered_lately"
    );
    assert_eq!(
        registered(|r| r.created = Some(NOW - 3_000 * DAY)),
        "registered_long_ago"
    );
    assert_eq!(
        registered(|r| r.expires = Some(NOW)),
        "registration_expired"
    );
    assert_eq!(
        registered(|r| r.statuses = vec!["client hold".into()]),
        "registration_held"
    );
    assert_eq!(registered(|r| r.registered = false), "unregistered");
    assert_eq!(
        of_shop(|f| f.registration = from(Outcome::Absent)),
        "unregistered"
    );
}

#[test]
fn of_shops_and_ranks() {
    let licence = |status: &str, valid_to| Licence {
        name: "shop.vn".to_owned(),
        register: "notified".to_owned(),
        number: "1".to_owned(),
        holder_kind: None,
        status: status.to_owned(),
        valid_to,
    };
    let known = |licence| of_shop(|f| f.licences = vec![from(Outcome::Known(vec![licence]))]);
    assert_eq!(known(licence("valid", None)), "known_shop");
    assert_eq!(known(licence("đã xác nhận", Some(NOW + 1))), "known_shop");
    assert_eq!(known(licence("valid", Some(NOW))), "licence_ended");
    assert_eq!(known(licence("revoked", None)), "licence_ended");
    let ranked = |name: &str, rank| {
        let name = name.to_owned();
        of_shop(|f| f.popularity = from(Outcome::Known(Popularity { name, rank })))
    };
    assert_eq!(ranked("shop.vn", 70_000), "popular_name");
    assert_eq!(ranked("m.shop.vn", 70_000), "popular_name");
    assert_eq!(ranked("shop.vn", 170_000), "ranked_name");
    let facts = Facts {
        popularity: from(Outcome::Known(Popularity {
            name: "shop.vn".to_owned(),
            rank: 9,
        })),
        ..nothing()
    };
    assert_eq!(codes("domain:a.shop.vn +", &facts), "below_popular");
    assert_eq!(codes("domain:www.shop.vn =", &facts), "popular_name");
}

#[test]
fn of_names_below() {
    let rank = |rank| Popularity {
        name: "api.shop.vn".to_owned(),
        rank,
    };
    let ranks = |rows, at_least| {
        let mut facts = nothing();
        facts.popularity_below = vec![from(Outcome::Known(Below { rows, at_least }))];
        facts
    };
    let popular = ranks(vec![rank(70_000)], false);
    assert_eq!(codes("domain:shop.vn +", &popular), "popular_name");
    assert_eq!(codes("domain:shop.vn =", &popular), "");
    let behind = |at_least| codes("domain:shop.vn +", &ranks(vec![rank(170_000)], at_least));
    assert_eq!(behind(false), "");
    assert_eq!(behind(true), "popular_name", "who knows what follows");
    let licence = |status: &str| Licence {
        name: "sub.shop.vn".to_owned(),
        register: "notified".to_owned(),
        number: "1".to_owned(),
        holder_kind: None,
        status: status.to_owned(),
        valid_to: None,
    };
    let licensed = |status: &str| {
        of_shop(|f| {
            f.licences_below = vec![from(Outcome::Known(Below {
                rows: vec![licence(status)],
                at_least: false,
            }))]
        })
    };
    assert_eq!(licensed("valid"), "known_shop");
    assert_eq!(licensed("revoked"), "");
}

#[test]
fn of_the_dns() {
    let answered = |delegation| of_shop(|f| f.delegation = from(Outcome::Known(delegation)));
    let good = Delegation {
        delegated: true,
        ..Delegation::default()
    };
    assert_eq!(answered(good.clone()), "");
    assert_eq!(answered(Delegation::default()), "not_in_dns");
    assert_eq!(
        of_shop(|f| f.delegation = from(Outcome::Absent)),
        "not_in_dns"
    );
    assert_eq!(
        answered(Delegation {
            wildcard: true,
            parked: Some("bodis.com".to_owned()),
            dnssec: Dnssec::Bogus,
            ..good
        }),
        "parked wildcard_dns dnssec_bogus"
    );
}

#[test]
fn of_networks() {
    let net = |change: &dyn Fn(&mut Facts)| {
        let mut facts = nothing();
        change(&mut facts);
        codes("net:203.0.113.7/32", &facts)
    };
    let seen = |names| {
        let neighbours = Neighbours {
            names,
            at_least: names > 50,
            sample: vec!["a.example".to_owned()],
        };
        net(&|f| f.neighbours = from(Outcome::Known(neighbours.clone())))
    };
    assert_eq!(
        (seen(0), seen(1)),
        (String::new(), "other_names".to_owned())
    );
    assert_eq!(
        (seen(10), seen(99)),
        ("crowded_address".to_owned(), "crowded_address".to_owned())
    );
    let given = |country: &str, status: &str| {
        let allocation = Allocation {
            prefix: "203.0.113.0/24".parse().unwrap(),
            registry: "apnic".to_owned(),
            country: (!country.is_empty()).then(|| country.to_owned()),
            status: status.to_owned(),
        };
        net(&|f| f.allocation = from(Outcome::Known(allocation.clone())))
    };
    assert_eq!(given("VN", "allocated"), "vietnamese_network");
    assert_eq!(given("SG", "assigned"), "foreign_network");
    assert_eq!(given("", "reserved"), "unallocated_network");
    let network = Network {
        prefix: "203.0.113.0/24".parse().unwrap(),
        operator: "Example".to_owned(),
        asn: Some(64_500),
        country: Some("VN".to_owned()),
    };
    let operated = |f: &mut Facts| f.network = from(Outcome::Known(network.clone()));
    assert_eq!(net(&operated), "vietnamese_network");
}

#[test]
fn of_sources_that_fail_are_old_or_werent_there() {
    let fault = Fault {
        kind: FaultKind::Timeout,
        detail: "it said nothing for 3 s".to_owned(),
    };
    assert_eq!(
        of_shop(|f| f.registration = from(Outcome::Failed(fault.clone()))),
        "source_failed"
    );
    assert_eq!(
        of_shop(|f| f.registration = from(Outcome::NotAsked(Unasked::NoSource))),
        "no_source"
    );
    assert_eq!(
        of_shop(|f| f.delegation = from(Outcome::NotAsked(Unasked::Offline))),
        "not_asked"
    );
    let old = Sourced {
        fresh_until: Some(NOW),
        ..from(Outcome::Absent)
    };
    assert_eq!(of_shop(|f| f.registration = old), "source_old unregistered");
    let facts = Facts::unasked("domain:shop.vn", Unasked::Offline, NOW);
    let found = findings(&Line::parse("domain:shop.vn +").unwrap(), &facts, NOW);
    assert_eq!(
        found.len(),
        1,
        "one note for all that wasn't asked: {found:?}"
    );
    assert!(found[0].detail.contains("registration") && found[0].detail.contains("DNS"));
}

#[test]
fn of_a_list() {
    use super::super::Guard;
    use super::super::batch::Options;
    use crate::registry::Lists;
    use std::sync::Arc;

    let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
    let facts = |subject: &crate::subject::Subject| {
        let mut facts = nothing();
        facts.registration = from(Outcome::NotAsked(Unasked::NoSource));
        let ranked = ["domain:known.example", "domain:seen.example"];
        if ranked.contains(&subject.to_string().as_str()) {
            facts.popularity = from(Outcome::Known(Popularity {
                name: subject.name().to_owned(),
                rank: 5,
            }));
        }
        if subject.name() == "203.0.113.7/32" {
            facts.neighbours = from(Outcome::Known(Neighbours {
                names: 2,
                at_least: false,
                sample: vec!["seen.example".to_owned()],
            }));
        }
        facts
    };
    let list = b"known.example\na.known.example\nother.example\n203.0.113.7\n";
    let mut asked = 0;
    let tell = |_| asked += 1;
    let options = Options::default();
    let (batch, of_list) = read(list, &guard, &options, facts, tell, NOW);
    assert_eq!(asked, 4);
    let outcomes: Vec<_> = batch.views().map(|row| (row.outcome, row.code)).collect();
    // The name that would have covered the second is stopped, so that the second stands for itself.
    let expected = [
        ("refused", "popular_name"),
        ("accepted", ""),
        ("accepted", ""),
        ("accepted", ""),
    ];
    assert_eq!(outcomes, expected);
    let whole = of_list.whole();
    assert_eq!(whole.len(), 1, "{whole:?}");
    assert_eq!(whole[0].detail, "registration: 3 lines");
    let collateral = of_list.collateral(&batch);
    assert_eq!(collateral.popular.examples, ["seen.example"]);
    assert_eq!(collateral.at_addresses.count, 2);
}
