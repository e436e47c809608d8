//! Names of units, categories and measures in the reader's language, as `lists/` has them today.

use crate::{
    check::Guard,
    registry::{
        Day,
        plan::{Dated, Term},
    },
    serve::{
        pages::{parts::Choice, texts::Lang},
        site::Site,
    },
};
use std::sync::Arc;

fn guard(site: &Site) -> Option<Arc<Guard>> {
    site.casework.rules().guard.clone()
}

pub(super) fn today(site: &Site) -> Day {
    let now = site.casework.authority().now();
    Day::in_vietnam(i64::try_from(now).unwrap_or(i64::MAX))
}

/// A unit's name; its id where the lists don't know it.
pub(in crate::serve) fn unit(site: &Site, lang: Lang, id: &str) -> String {
    let guard = guard(site);
    let found = guard.as_ref().and_then(|g| g.lists().plan.unit_ever(id));
    found.map_or_else(
        || id.to_owned(),
        |unit| lang.pick(&unit.vi, &unit.en).clone(),
    )
}

/// The choices of a form.
pub(super) struct Choices {
    pub(super) categories: Vec<Choice>,
    pub(super) heads: Vec<Choice>,
    pub(super) goods: Vec<Choice>,
    pub(super) methods: Vec<Choice>,
    pub(super) units: Vec<Choice>,
    pub(super) measures: Vec<Choice>,
}

pub(super) fn choices(site: &Site, lang: Lang) -> Choices {
    let (guard, today) = (guard(site), today(site));
    let plan = guard.as_ref().map(|g| &g.lists().plan);
    let of = |table: Option<&Vec<Term>>| -> Vec<Choice> {
        let terms = table
            .into_iter()
            .flatten()
            .filter(|t| t.span().holds(today));
        terms
            .map(|t| Choice::new(t.code.as_str(), lang.pick(&t.vi, &t.en).as_str()))
            .collect()
    };
    let units = plan
        .into_iter()
        .flat_map(|plan| &plan.units)
        .filter(|u| u.span().holds(today));
    let measures = plan
        .into_iter()
        .flat_map(|plan| &plan.measures)
        .filter(|measure| measure.span().holds(today));
    Choices {
        categories: of(plan.map(|p| &p.categories)),
        heads: of(plan.map(|p| &p.heads)),
        goods: of(plan.map(|p| &p.goods)),
        methods: of(plan.map(|p| &p.methods)),
        measures: measures
            .map(|m| Choice::new(m.code.as_str(), lang.pick(&m.vi, &m.en).as_str()))
            .collect(),
        units: units
            .map(|u| Choice::new(u.id.as_str(), lang.pick(&u.vi, &u.en).as_str()))
            .collect(),
    }
}

/// A category by its code.
pub(super) fn category(site: &Site, lang: Lang, code: &str) -> String {
    let guard = guard(site);
    let terms = guard.as_ref().map(|g| &g.lists().plan.categories);
    let found = terms.into_iter().flatten().find(|term| term.code == code);
    found.map_or_else(
        || code.to_owned(),
        |term| lang.pick(&term.vi, &term.en).clone(),
    )
}

/// A head of the plan by its code.
pub(super) fn head(site: &Site, lang: Lang, code: &str) -> String {
    let guard = guard(site);
    let terms = guard.as_ref().map(|g| &g.lists().plan.heads);
    let found = terms.into_iter().flatten().find(|term| term.code == code);
    found.map_or_else(
        || code.to_owned(),
        |term| lang.pick(&term.vi, &term.en).clone(),
    )
}

/// A measure by its code.
pub(super) fn measure(site: &Site, lang: Lang, code: &str) -> String {
    let guard = guard(site);
    let found = guard
        .as_ref()
        .and_then(|g| g.lists().plan.measure(code, today(site)));
    found.map_or_else(|| code.to_owned(), |m| lang.pick(&m.vi, &m.en).clone())
}

/// In which role somebody signs.
pub(super) fn signs_as(lang: Lang, role: crate::trust::Role) -> &'static str {
    use crate::trust::Role;
    match role {
        Role::Propose => lang.t("desk.sign.proposes"),
        Role::Approve => lang.t("desk.sign.approves"),
        Role::Senior => lang.t("desk.sign.senior"),
    }
}

/// What a body wants to do.
pub(super) fn action(lang: Lang, action: &str) -> &'static str {
    match action {
        "list" => lang.t("desk.action.list"),
        "amend" => lang.t("desk.action.amend"),
        "stay" => lang.t("desk.action.stay"),
        "revoke" => lang.t("desk.action.revoke"),
        "trust" => lang.t("desk.action.trust"),
        _ => lang.t("desk.action.expire"),
    }
}
