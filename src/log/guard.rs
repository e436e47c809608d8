//! The guard at the door: the sequencer runs the refusals again, against today's lists
//! (design: Checks), so that no console and no command line decides what may be listed.

use super::sequencer::GuardHook;
use crate::{
    check::{Draft, Finding, Grade, Guard, draft},
    decision::{Amend, Body, Ledger, List, Parts},
    subject::{Kind, Line},
};
use std::{collections::BTreeSet, sync::Arc};

/// Refuses a decision that lists or prolongs against a rule of the guard, or against an override
/// rule without the override that names it.
pub fn at_the_door(guard: Arc<Guard>) -> GuardHook {
    Box::new(move |body, ledger, time, parts| match body {
        Body::List(list) => judge_list(&guard, list, time, parts),
        Body::Amend(amend) => judge_amend(&guard, amend, ledger, time),
        Body::Revoke(_) | Body::Stay(_) => Ok(()),
    })
}

fn judge_list(guard: &Guard, list: &List, time: u64, parts: &dyn Parts) -> Result<(), String> {
    let mut kinds: BTreeSet<Kind> = BTreeSet::new();
    for part in &list.parts {
        let bytes = parts.part(&part.sha256).map_err(|e| e.to_string())?;
        let text = String::from_utf8(bytes)
            .map_err(|_| format!("the part {} isn't UTF-8", part.sha256))?;
        kinds.extend(
            text.lines()
                .filter_map(|l| Line::parse(l).ok())
                .map(|l| l.kind),
        );
        for judged in guard.part(&text, &list.category) {
            let stops = judged.findings.iter().find(|f| stops(f, list));
            if let Some(finding) = stops {
                return Err(format!("{}: {finding}", judged.text));
            }
        }
    }
    let codes: Vec<String> = list
        .measures
        .iter()
        .map(|m| m.as_str().to_owned())
        .collect();
    let whole = Draft {
        category: &list.category,
        head: &list.head,
        goods: &list.goods,
        method: &list.method,
        measures: codes.iter().map(String::as_str).collect(),
        basis: draft::Basis {
            authority: &list.basis.authority,
            number: &list.basis.number,
            date: &list.basis.date,
        },
        not_after: i64::try_from(list.not_after).ok(),
        now: i64::try_from(time).unwrap_or(i64::MAX),
        kinds: kinds.into_iter().collect(),
    };
    match draft(guard.lists(), &whole).iter().find(|f| stops(f, list)) {
        Some(finding) => Err(finding.to_string()),
        None => Ok(()),
    }
}

fn judge_amend(guard: &Guard, amend: &Amend, ledger: &Ledger, time: u64) -> Result<(), String> {
    let Some(record) = ledger.lists().get(&amend.target) else {
        return Ok(());
    };
    let not_after = i64::try_from(amend.not_after).ok();
    let now = i64::try_from(time).unwrap_or(i64::MAX);
    match draft::end(guard.lists(), &record.body.category, not_after, now) {
        Some(finding) => Err(finding.to_string()),
        None => Ok(()),
    }
}

/// A refusal always stops; a rule that can be overridden, unless the body overrides it.
fn stops(finding: &Finding, list: &List) -> bool {
    match finding.grade() {
        Grade::Refuse => true,
        Grade::Override => !list
            .guard
            .overrides
            .iter()
            .any(|o| o.code == finding.code()),
        Grade::Note => false,
    }
}
