//! Names of codes: categories, heads, measures, units as `lists/` had them on a day, in the reader's
//! language. A code that no list knows on that day is shown as it is.

use super::{clock, texts::Lang};
use crate::{
    registry::{
        Lists,
        plan::{Plan, Term},
    },
    serve::site::Site,
};
use std::sync::Arc;

/// The lists in force, for one page.
#[derive(Clone)]
pub(in crate::serve) struct Names {
    lists: Option<Arc<Lists>>,
    lang: Lang,
}

impl Names {
    pub(in crate::serve) fn new(site: &Site, lang: Lang) -> Self {
        let guard = site.casework.rules().guard.as_ref();
        let lists = guard.map(|guard| guard.lists().clone());
        Self { lists, lang }
    }

    /// The plan's tables, for forms that offer a choice.
    pub(in crate::serve) fn plan(&self) -> Option<&Plan> {
        self.lists.as_ref().map(|lists| &lists.plan)
    }

    pub(in crate::serve) fn head(&self, code: &str, at: u64) -> String {
        self.term(code, at, |plan| &plan.heads)
    }

    pub(in crate::serve) fn category(&self, code: &str, at: u64) -> String {
        self.term(code, at, |plan| &plan.categories)
    }

    pub(in crate::serve) fn goods(&self, code: &str, at: u64) -> String {
        self.term(code, at, |plan| &plan.goods)
    }

    pub(in crate::serve) fn method(&self, code: &str, at: u64) -> String {
        self.term(code, at, |plan| &plan.methods)
    }

    pub(in crate::serve) fn measure(&self, code: &str, at: u64) -> String {
        let found = self.plan().and_then(|p| p.measure(code, clock::day(at)));
        found
            .map_or(code, |m| self.lang.pick(&m.vi, &m.en))
            .to_owned()
    }

    /// A unit of that day, by its id or by its name in either language.
    pub(in crate::serve) fn unit(&self, text: &str, at: u64) -> String {
        let plan = self.plan();
        let found = plan.and_then(|p| p.unit(text, clock::day(at)).or_else(|| p.unit_ever(text)));
        found
            .map_or(text, |u| self.lang.pick(&u.vi, &u.en))
            .to_owned()
    }

    fn term(&self, code: &str, at: u64, table: impl Fn(&Plan) -> &Vec<Term>) -> String {
        let found = self
            .plan()
            .and_then(|plan| Plan::term(table(plan), code, clock::day(at)));
        found
            .map_or(code, |term| self.lang.pick(&term.vi, &term.en))
            .to_owned()
    }
}

/// A subject in words: `tên miền shop.example`, `gian hàng trên shopee.vn`.
pub(in crate::serve) fn subject(lang: Lang, text: &str) -> String {
    let (kind, name) = text.split_once(':').unwrap_or(("", text));
    let word = match kind {
        "domain" => lang.t("kind.domain"),
        "net" => lang.t("kind.net"),
        "account" => lang.t("kind.account"),
        "seller" => lang.t("kind.seller"),
        _ => return text.to_owned(),
    };
    format!("{word} {name}")
}
