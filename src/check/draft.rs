//! The rules on a decision as a whole, before it is signed and again when the sequencer takes it: the plan's categories, the
//! measures and what they apply to, the legal basis, the end date, the authority's competence (design: Checks; The log,
//! *Approvals*; `plan399.md`). All are dated: the lists are read as of `now`.

use super::Finding;
use crate::registry::Day;
use crate::registry::lists::Lists;
use crate::registry::plan::{Dated, Plan, Term};
use crate::subject::Kind;

/// A decision that lists, as far as these rules look at it.
#[derive(Clone, Debug, Default)]
pub struct Draft<'a> {
    pub category: &'a str,
    pub head: &'a str,
    pub goods: &'a str,
    pub method: &'a str,
    pub measures: Vec<&'a str>,
    pub basis: Basis<'a>,
    /// Unix seconds; none where the officer gave none.
    pub not_after: Option<i64>,
    /// Unix seconds: when the decision is judged.
    pub now: i64,
    /// The kinds that occur among its subjects.
    pub kinds: Vec<Kind>,
}

/// The legal basis, as it stands in the body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Basis<'a> {
    /// A unit of `lists/units.toml`, by id or name.
    pub authority: &'a str,
    pub number: &'a str,
    /// `2026-09-01`
    pub date: &'a str,
}

/// Judges a decision that lists.
pub fn draft(lists: &Lists, draft: &Draft<'_>) -> Vec<Finding> {
    let plan = &lists.plan;
    let today = Day::in_vietnam(draft.now);
    let mut findings = Vec::new();
    let terms = [
        ("category_unknown", &plan.categories, draft.category),
        ("head_unknown", &plan.heads, draft.head),
        ("goods_unknown", &plan.goods, draft.goods),
        ("method_unknown", &plan.methods, draft.method),
    ];
    for (code, table, named) in terms {
        findings.extend(term(code, table, named, today));
    }
    measures(plan, draft, today, &mut findings);
    basis(&draft.basis, today, &mut findings);
    findings.extend(end(lists, draft.category, draft.not_after, draft.now));
    competence(plan, draft, today, &mut findings);
    findings
}

/// Whether a category is none of the plan's on a day.
pub fn category(lists: &Lists, named: &str, today: Day) -> Option<Finding> {
    term("category_unknown", &lists.plan.categories, named, today)
}

/// Whether a term is none of its table's on a day.
fn term(code: &'static str, table: &[Term], named: &str, today: Day) -> Option<Finding> {
    if Plan::term(table, named, today).is_some() {
        return None;
    }
    let known = table.iter().filter(|term| term.span().holds(today));
    let known: Vec<&str> = known.map(|term| term.code.as_str()).collect();
    let detail = format!("`{named}`; known are {}", known.join(", "));
    Some(Finding::of(code, detail))
}

/// The rules on an end date alone, for a decision that lists and for one that amends: present, to come, within the bound of
/// its category. Times are Unix seconds.
pub fn end(lists: &Lists, category: &str, not_after: Option<i64>, now: i64) -> Option<Finding> {
    let Some(not_after) = not_after else {
        return Some(Finding::of("end_missing", ""));
    };
    if not_after <= now {
        return Some(Finding::of(
            "end_passed",
            format!("{}", Day::in_vietnam(not_after)),
        ));
    }
    // A category without a bound is unknown, which has a finding of its own.
    let bound = lists.plan.bound(category, Day::in_vietnam(now))?;
    let latest = now.saturating_add(i64::from(bound.days).saturating_mul(86_400));
    (not_after > latest).then(|| {
        let detail = format!(
            "`{category}` lasts at most {} days, here until {}",
            bound.days,
            Day::in_vietnam(latest)
        );
        Finding::of("end_too_far", detail)
    })
}

/// Each measure known and of use, each kind of subject met by one.
fn measures(plan: &Plan, draft: &Draft<'_>, today: Day, findings: &mut Vec<Finding>) {
    if draft.measures.is_empty() {
        findings.push(Finding::of("measure_missing", ""));
    }
    let mut met: Vec<Kind> = Vec::new();
    for code in &draft.measures {
        let Some(measure) = plan.measure(code, today) else {
            findings.push(Finding::of("measure_unknown", format!("`{code}`")));
            continue;
        };
        if !draft.kinds.iter().any(|kind| measure.kinds.contains(kind)) {
            findings.push(Finding::of(
                "measure_not_for_kind",
                format!("`{code}` is for {}", names(&measure.kinds)),
            ));
        }
        met.extend(&measure.kinds);
    }
    for kind in draft.kinds.iter().filter(|kind| !met.contains(kind)) {
        let fitting: Vec<&str> = plan
            .measures
            .iter()
            .filter(|m| m.kinds.contains(kind))
            .map(|m| m.code.as_str())
            .collect();
        findings.push(Finding::of(
            "subject_without_measure",
            format!("for `{kind}` there is {}", fitting.join(", ")),
        ));
    }
}

fn basis(basis: &Basis<'_>, today: Day, findings: &mut Vec<Finding>) {
    let fields = [
        ("authority", basis.authority),
        ("number", basis.number),
        ("date", basis.date),
    ];
    let missing: Vec<&str> = fields
        .iter()
        .filter(|(_, text)| text.trim().is_empty())
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        findings.push(Finding::of("basis_missing", missing.join(", ")));
    }
    if basis.date.trim().is_empty() {
        return;
    }
    match Day::parse(basis.date) {
        Err(bad) => findings.push(Finding::of("basis_date", bad.to_string())),
        Ok(date) if date > today => findings.push(Finding::of(
            "basis_date",
            format!("{date} is after {today}"),
        )),
        Ok(_) => {}
    }
}

/// The authority exists today and may take each measure for the category.
fn competence(plan: &Plan, draft: &Draft<'_>, today: Day, findings: &mut Vec<Finding>) {
    let named = draft.basis.authority.trim();
    if named.is_empty() {
        return;
    }
    let Some(unit) = plan.unit(named, today) else {
        findings.push(match plan.unit_ever(named) {
            None => Finding::of("authority_unknown", format!("`{named}`")),
            Some(unit) => {
                let heir = unit
                    .succeeded_by
                    .as_ref()
                    .and_then(|id| plan.unit(id, today));
                let heir =
                    heir.map(|unit| format!("; its duties went to `{}`, {}", unit.id, unit.vi));
                Finding::of(
                    "authority_ended",
                    format!("`{}` on {today}{}", unit.id, heir.unwrap_or_default()),
                )
            }
        });
        return;
    };
    // Of an unknown category nobody is competent; that it is unknown has been said.
    if Plan::term(&plan.categories, draft.category, today).is_none() {
        return;
    }
    for code in draft
        .measures
        .iter()
        .filter(|code| plan.measure(code, today).is_some())
    {
        if plan
            .competence(&unit.id, code, draft.category, today)
            .is_none()
        {
            let detail = format!(
                "`{}` has no `{code}` for `{}` on {today}",
                unit.id, draft.category
            );
            findings.push(Finding::of("not_competent", detail));
        }
    }
}

fn names(kinds: &[Kind]) -> String {
    kinds
        .iter()
        .map(|kind| kind.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn good() -> Draft<'static> {
        Draft {
            category: "counterfeit",
            head: "counterfeit",
            goods: "cosmetics",
            method: "fake_brand_site",
            measures: vec!["block_domain"],
            basis: Basis {
                authority: "moit.e-commerce",
                number: "12/QĐ-TMĐT",
                date: "2026-09-01",
            },
            not_after: Some(NOW + 300 * 86_400),
            now: NOW,
            kinds: vec![Kind::Domain],
        }
    }

    fn codes(change: impl Fn(&mut Draft<'static>)) -> String {
        let lists = Lists::embedded().unwrap();
        let mut changed = good();
        change(&mut changed);
        draft(&lists, &changed)
            .iter()
            .map(Finding::code)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn rules_on_the_whole() {
        assert_eq!(codes(|_| ()), "");
        assert_eq!(codes(|d| d.category = "politics"), "category_unknown");
        assert_eq!(codes(|d| d.head = "x"), "head_unknown");
        assert_eq!(
            codes(|d| d.measures = vec![]),
            "measure_missing subject_without_measure"
        );
        assert_eq!(
            codes(|d| d.measures.push("block_ip")),
            "measure_not_for_kind"
        );
        assert_eq!(
            codes(|d| d.kinds.push(Kind::Net)),
            "subject_without_measure"
        );
        assert_eq!(codes(|d| d.basis.number = " "), "basis_missing");
        assert_eq!(codes(|d| d.basis.date = "1/9/2026"), "basis_date");
        assert_eq!(codes(|d| d.basis.date = "2027-01-01"), "basis_date");
        assert_eq!(codes(|d| d.not_after = None), "end_missing");
        assert_eq!(codes(|d| d.not_after = Some(NOW)), "end_passed");
        assert_eq!(codes(|d| d.not_after = Some(NOW + 1096 * 86_400)), "");
        assert_eq!(
            codes(|d| d.not_after = Some(NOW + 1096 * 86_400 + 1)),
            "end_too_far"
        );
        assert_eq!(codes(|d| d.basis.authority = "nobody"), "authority_unknown");
        assert_eq!(codes(|d| d.basis.authority = "Bộ Công Thương"), "");
        assert_eq!(codes(|d| d.basis.authority = "sbv"), "not_competent");
    }

    #[test]
    fn names_and_competences_are_those_of_the_day() {
        assert_eq!(
            codes(|d| d.basis.authority = "mic.e-information"),
            "authority_ended"
        );
        // 1 September 2024: the Ministry of Information and Communications still was.
        let then = 1_725_148_800;
        let in_2024 = |authority| {
            codes(move |d| {
                *d = Draft {
                    now: then,
                    not_after: Some(then + 86_400),
                    ..good()
                };
                d.basis = Basis {
                    authority,
                    number: "1",
                    date: "2024-08-01",
                };
            })
        };
        assert_eq!(in_2024("mic.e-information"), "");
        assert_eq!(in_2024("moit.domestic-market"), "authority_ended");
    }
}
