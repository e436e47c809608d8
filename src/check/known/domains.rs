//! Facts on names: registration, registers of lawful shops, popularity, what the DNS says.

use std::collections::BTreeSet;

use super::{DAY, Judge, POPULAR, day, is_absent, of};
use crate::registry::facts::{Below, Delegation, Dnssec, Facts, Licence, Registration, Sourced};
use crate::subject::{Line, Scope, cover};

/// A registration younger than this, days, is a young one: most fraud is done under such names.
const YOUNG: u64 = 90;
/// One older than this, days, is rarely made for fraud: the site may have been broken into.
const SETTLED: u64 = 5 * 365;

/// So many names below are shown.
const SHOWN: usize = 5;

/// What registers write of a licence that is none any more.
const ENDED: [&str; 12] = [
    "revoked",
    "expired",
    "withdrawn",
    "suspended",
    "ended",
    "cancelled",
    "terminated",
    "rejected",
    "thu hồi",
    "hết hạn",
    "chấm dứt",
    "từ chối",
];

pub(super) fn judge(judge: &mut Judge, line: &Line<'_>, facts: &Facts) {
    for licences in &facts.licences {
        self::licences(judge, licences);
    }
    popularity(judge, line, facts);
    if line.scope == Scope::Subtree {
        below(judge, facts);
    }
    registration(judge, &facts.registration);
    delegation(judge, &facts.delegation);
}

/// A shop that a register knows is one to be talked to before it is blocked.
fn licences(judge: &mut Judge, fact: &Sourced<Vec<Licence>>) {
    let now = judge.now;
    let rows = judge.known("registers of e-commerce sites", fact);
    for licence in rows.into_iter().flatten() {
        let code = match is_ended(licence, now) {
            true => "licence_ended",
            false => "known_shop",
        };
        let holder = licence.holder_kind.as_deref().unwrap_or("holder unknown");
        judge.say(
            code,
            format!(
                "{}, {} {}, {holder}, {}; {}",
                licence.name,
                licence.register,
                licence.number,
                licence.status,
                of(fact)
            ),
        );
    }
}

fn is_ended(licence: &Licence, now: u64) -> bool {
    let lapsed = licence.valid_to.is_some_and(|to| to <= now);
    lapsed || ENDED.iter().any(|word| licence.status.contains(word))
}

/// A line that takes all below a name takes the shops and the much visited names there.
fn below(judge: &mut Judge, facts: &Facts) {
    let now = judge.now;
    for fact in &facts.licences_below {
        // That the set failed or is old was said of the name itself.
        let Some(known) = fact.known() else { continue };
        let live = known.rows.iter().filter(|row| !is_ended(row, now));
        let names: BTreeSet<_> = live.map(|row| row.name.as_str()).collect();
        say_below(judge, "known_shop", names, fact);
    }
    for fact in &facts.popularity_below {
        let Some(known) = fact.known() else { continue };
        let popular = known.rows.iter().filter(|row| row.rank <= POPULAR);
        let names: BTreeSet<_> = popular.map(|row| row.name.as_str()).collect();
        say_below(judge, "popular_name", names, fact);
    }
}

/// One finding for all such names below. Where not all could be looked at, there may be one among the others.
fn say_below<T>(
    judge: &mut Judge,
    code: &'static str,
    names: BTreeSet<&str>,
    fact: &Sourced<Below<T>>,
) {
    let at_least = fact.known().is_some_and(|known| known.at_least);
    if names.is_empty() && !at_least {
        return;
    }
    let few: Vec<&str> = names.iter().copied().take(SHOWN).collect();
    let least = if at_least { "at least " } else { "" };
    judge.say(
        code,
        format!(
            "{least}{} below it: {}; {}",
            names.len(),
            few.join(", "),
            of(fact)
        ),
    );
}

fn popularity(judge: &mut Judge, line: &Line<'_>, facts: &Facts) {
    let fact = &facts.popularity;
    let Some(popularity) = judge.known("popularity", fact) else {
        return;
    };
    let detail = format!(
        "{} has rank {}; {}",
        popularity.name,
        popularity.rank,
        of(fact)
    );
    let bare = line.name.strip_prefix("www.").unwrap_or(line.name);
    let itself = popularity.name == bare || popularity.name == line.name;
    // A list with names of hosts may know one below what is to be listed.
    let holds = line.scope == Scope::Subtree
        && cover::ancestors(&popularity.name).any(|above| above == line.name);
    let code = match (itself || holds, popularity.rank <= POPULAR) {
        (true, true) => "popular_name",
        (true, false) => "ranked_name",
        (false, _) => "below_popular",
    };
    judge.say(code, detail);
}

fn registration(judge: &mut Judge, fact: &Sourced<Registration>) {
    let now = judge.now;
    let Some(registration) = judge.known("registration", fact) else {
        if is_absent(fact) {
            judge.say("unregistered", of(fact));
        }
        return;
    };
    if !registration.registered {
        judge.say(
            "unregistered",
            format!("{}; {}", registration.name, of(fact)),
        );
        return;
    }
    if let Some(created) = registration.created {
        let days = now.saturating_sub(created) / DAY;
        let by = registration.registrar.as_deref();
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let detail = format!(
            "{} on {}, {days} days ago{by}; {}",
            registration.name,
            day(created),
            of(fact)
        );
        match days {
            young if young < YOUNG => judge.say("registered_lately", detail),
            settled if settled > SETTLED => judge.say("registered_long_ago", detail),
            _ => {}
        }
    }
    if let Some(expires) = registration.expires.filter(|expires| *expires <= now) {
        judge.say(
            "registration_expired",
            format!("on {}; {}", day(expires), of(fact)),
        );
    }
    let held = registration.statuses.iter().find(|s| s.contains("hold"));
    if let Some(status) = held {
        judge.say("registration_held", format!("{status}; {}", of(fact)));
    }
}

fn delegation(judge: &mut Judge, fact: &Sourced<Delegation>) {
    let Some(delegation) = judge.known("DNS", fact) else {
        if is_absent(fact) {
            judge.say("not_in_dns", of(fact));
        }
        return;
    };
    if !delegation.delegated {
        judge.say("not_in_dns", of(fact));
    }
    if let Some(parked) = &delegation.parked {
        judge.say("parked", format!("{parked}; {}", of(fact)));
    }
    if delegation.wildcard {
        judge.say("wildcard_dns", of(fact));
    }
    if delegation.dnssec == Dnssec::Bogus {
        judge.say("dnssec_bogus", of(fact));
    }
}
