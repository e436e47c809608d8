//! The guard over a whole body: what the sequencer runs again at the door, against today's lists,
//! and what an approving officer runs on the own machine (design: Checks). No console and no
//! command line decides what may be listed.

use super::{Draft, Finding, Grade, Guard, age, draft, personal, together};
use crate::{
    decision::{Amend, Basis, Body, Ledger, List, PartRef, Parts},
    registry::Day,
    subject::{Kind, Line, OwnedLine, Scope, Subject},
    tlog::Hash,
};
use std::collections::BTreeSet;

/// Version of the rules, as it stands in a decision's body (`guard.version`).
pub const VERSION: u64 = 1;

/// The refusals, run over a body: the first one as a sentence.
pub fn judge(
    guard: &Guard,
    body: &Body,
    ledger: &Ledger,
    now: u64,
    parts: &dyn Parts,
) -> Result<(), String> {
    let mut findings = texts(body, parts)?;
    findings.extend(match body {
        Body::List(list) => {
            let (lines, kinds) = lines(guard, list, parts)?;
            let mut findings = whole(guard, list, now, &kinds);
            findings.extend(lines.into_iter().map(|found| found.finding));
            findings
        }
        Body::Amend(amend) => end(guard, amend, ledger, now).into_iter().collect(),
        Body::Revoke(_) | Body::Stay(_) => Vec::new(),
    });
    match findings.iter().find(|f| stops(f, body)) {
        Some(finding) => Err(finding.to_string()),
        None => Ok(()),
    }
}

/// What the guard finds in the texts of a body, which everybody will read: its legal basis, its
/// reasons and those of its overrides.
pub fn texts(body: &Body, parts: &dyn Parts) -> Result<Vec<Finding>, String> {
    let basis = body.basis();
    let mut findings: Vec<Finding> = [&basis.authority, &basis.number]
        .into_iter()
        .filter_map(|text| personal("the legal basis", text))
        .collect();
    let mut named = vec![("the reasons", *body.reasons())];
    if let Body::List(list) = body {
        let of_override = |o: &crate::decision::Override| ("an override's reason", o.reason);
        named.extend(list.guard.overrides.iter().map(of_override));
    }
    for (name, reference) in named {
        let sha256 = &reference.sha256;
        let bytes = parts.part(sha256);
        let bytes = bytes.map_err(|why| format!("{name}, {sha256}: {why}"))?;
        findings.extend(personal(name, &String::from_utf8_lossy(&bytes)));
    }
    Ok(findings)
}

/// What belongs to a person in a text of this name.
pub fn personal(name: &str, text: &str) -> Option<Finding> {
    let found = personal::find(text)?;
    let detail = format!("{name}, line {}: {}", found.line, found.what);
    Some(Finding::of("personal_text", detail))
}

/// Whether a finding stops a body: a refusal does, and what it passes by no override.
pub fn stops(finding: &Finding, body: &Body) -> bool {
    let passed = |code: &str| match body {
        Body::List(list) => list.guard.overrides.iter().any(|o| o.code == code),
        _ => false,
    };
    match finding.grade() {
        Grade::Refuse => true,
        Grade::Override => !passed(finding.code()),
        Grade::Note => false,
    }
}

/// A finding on one line of a part.
pub struct Found {
    pub text: String,
    pub finding: Finding,
}

/// What the guard finds in the parts of a list, and which kinds of subject are there.
pub fn lines(
    guard: &Guard,
    list: &List,
    parts: &dyn Parts,
) -> Result<(Vec<Found>, BTreeSet<Kind>), String> {
    let mut found = Vec::new();
    let (mut kinds, mut opened) = (BTreeSet::new(), BTreeSet::new());
    let mut networks = Vec::new();
    for part in &list.parts {
        let text = text(part, parts)?;
        // Networks stand in parts of their own or at the end of one: most parts have none.
        if text.contains("\nnet:") || text.starts_with("net:") {
            networks.extend(together::networks(
                text.lines().filter_map(|line| Line::parse(line).ok()),
            ));
        }
        kinds.extend(text.lines().filter_map(|l| Some(Line::parse(l).ok()?.kind)));
        found.extend(committed(guard, list, &text, parts, &mut opened)?);
        for judged in guard.part(&text, &list.category) {
            let of_line = |finding| Found {
                text: judged.text.clone(),
                finding,
            };
            found.extend(judged.findings.into_iter().map(of_line));
        }
    }
    let made = together::findings(&networks, &guard.lists().caps);
    found.extend(made.into_iter().map(|(whole, finding)| Found {
        text: format!("net:{whole}"),
        finding,
    }));
    Ok((found, kinds))
}

/// What the guard finds in what the commitments of a part stand for. `opened` has the subjects so
/// far: two commitments may hide the same one.
fn committed(
    guard: &Guard,
    list: &List,
    text: &str,
    parts: &dyn Parts,
    opened: &mut BTreeSet<Subject>,
) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    // Most lists have none: their lines are passed over by their bytes.
    let sealed = text.lines().filter(|line| line.contains("/#"));
    for line in sealed.filter_map(|l| Line::parse(l).ok()) {
        let Some(hex) = line.name.split_once("/#").map(|(_, hex)| hex) else {
            continue;
        };
        let mut say = |finding| {
            found.push(Found {
                text: line.to_string(),
                finding,
            })
        };
        let Ok(commitment) = Hash::from_hex(hex) else {
            continue;
        };
        let opening = parts
            .opening(&list.id, &commitment)
            .map_err(|why| format!("the opening of {line}: {why}"))?;
        let Some(opening) = opening else {
            say(Finding::of("not_opened", line.to_string()));
            continue;
        };
        if opening.line().is_ok_and(|own| own.line() != line) || opening.origin != list.origin {
            say(Finding::of("not_opened", line.to_string()));
        }
        let clear = OwnedLine::new(opening.subject.clone(), Scope::Exact);
        guard
            .subject(&clear.line(), &list.category)
            .into_iter()
            .for_each(&mut say);
        if !opened.insert(opening.subject) {
            say(Finding::of("listed_twice", line.to_string()));
        }
    }
    Ok(found)
}

/// What the guard finds in a list as a whole.
pub fn whole(guard: &Guard, list: &List, now: u64, kinds: &BTreeSet<Kind>) -> Vec<Finding> {
    let Basis {
        authority,
        number,
        date,
    } = &list.basis;
    let judged = Draft {
        category: &list.category,
        head: &list.head,
        goods: &list.goods,
        method: &list.method,
        measures: list.measures.iter().map(|m| m.as_str()).collect(),
        basis: draft::Basis {
            authority,
            number,
            date,
        },
        not_after: i64::try_from(list.not_after).ok(),
        now: i64::try_from(now).unwrap_or(i64::MAX),
        kinds: kinds.iter().copied().collect(),
    };
    let mut findings = draft(guard.lists(), &judged);
    findings.extend(age::old(guard.lists(), Day::in_vietnam(judged.now)));
    findings
}

/// What the guard finds in a moved end.
pub fn end(guard: &Guard, amend: &Amend, ledger: &Ledger, now: u64) -> Option<Finding> {
    // A target that isn't there is the fold's to refuse.
    let category = &ledger.lists().get(&amend.target)?.body.category;
    let not_after = i64::try_from(amend.not_after).ok();
    draft::end(
        guard.lists(),
        category,
        not_after,
        i64::try_from(now).unwrap_or(i64::MAX),
    )
}

fn text(part: &PartRef, parts: &dyn Parts) -> Result<String, String> {
    let sha256 = &part.sha256;
    let bytes = parts
        .part(sha256)
        .map_err(|why| format!("the part {sha256}: {why}"))?;
    String::from_utf8(bytes).map_err(|_| format!("the part {sha256} isn't UTF-8"))
}
