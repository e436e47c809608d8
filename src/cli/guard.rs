//! The guard as the other rooms ask for it: built from the lists, handed to the sequencer and the
//! desk as one function. What it judges is `check`'s to say.

use super::Error;
use crate::{
    check::{
        Draft, Finding, Grade, Guard,
        draft::{self, draft},
    },
    config::Config,
    decision::{Amend, Basis, Body, Ledger, List, PartRef, Parts},
    registry::Lists,
    subject::{Kind, Line},
};
use std::{collections::BTreeSet, sync::Arc};

/// `guard.version` of a decision: of the rules that `check` holds.
pub const VERSION: u64 = 1;

/// Builds the guard from the lists that the settings name.
pub fn load(config: &Config) -> Result<Arc<Guard>, Error> {
    let lists = match &config.lists.directory {
        Some(directory) => Lists::load(directory)?,
        None => Lists::embedded()?,
    };
    Ok(Arc::new(Guard::new(Arc::new(lists))))
}

/// The refusals, run over a body: the first one as a sentence.
pub fn judge(
    guard: &Guard,
    body: &Body,
    ledger: &Ledger,
    now: u64,
    parts: &dyn Parts,
) -> Result<(), String> {
    let findings = match body {
        Body::List(list) => {
            let (lines, kinds) = lines(guard, list, parts)?;
            let mut findings = whole(guard, list, now, &kinds);
            findings.extend(lines.into_iter().map(|found| found.finding));
            findings
        }
        Body::Amend(amend) => end(guard, amend, ledger, now).into_iter().collect(),
        Body::Revoke(_) | Body::Stay(_) => Vec::new(),
    };
    match findings.iter().find(|f| stops(f, body)) {
        Some(finding) => Err(finding.to_string()),
        None => Ok(()),
    }
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
    let mut kinds = BTreeSet::new();
    for part in &list.parts {
        let text = text(part, parts)?;
        kinds.extend(text.lines().filter_map(|l| Some(Line::parse(l).ok()?.kind)));
        for judged in guard.part(&text, &list.category) {
            let of_line = |finding| Found {
                text: judged.text.clone(),
                finding,
            };
            found.extend(judged.findings.into_iter().map(of_line));
        }
    }
    Ok((found, kinds))
}

/// What the guard finds in a list as a whole.
pub fn whole(guard: &Guard, list: &List, now: u64, kinds: &BTreeSet<Kind>) -> Vec<Finding> {
    let measures = list
        .measures
        .iter()
        .filter_map(|m| serde_json::to_value(m).ok());
    let measures: Vec<String> = measures
        .filter_map(|v| Some(v.as_str()?.to_owned()))
        .collect();
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
        measures: measures.iter().map(String::as_str).collect(),
        basis: draft::Basis {
            authority,
            number,
            date,
        },
        not_after: i64::try_from(list.not_after).ok(),
        now: i64::try_from(now).unwrap_or(i64::MAX),
        kinds: kinds.iter().copied().collect(),
    };
    draft(guard.lists(), &judged)
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
