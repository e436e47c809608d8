//! Search by any spelling: a name, an address, a URL, an id.

use super::gate::Staff;
use crate::{
    canon::DecisionId,
    casework::{Error, Lookup},
    serve::{
        pages::{
            lookup::Unclear,
            names,
            shell::Shell,
            show::{see_other, show_private},
            visitor::Visitor,
        },
        problem::Answer,
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "desk/search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    found: Option<Lookup>,
    /// Why it is nothing that can be listed.
    unclear: Option<Unclear>,
    prepares: bool,
}

impl SearchPage {
    fn subject(&self, subject: &str) -> String {
        names::subject(self.shell.lang, subject)
    }
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Query(asked): Query<Asked>,
) -> Answer {
    let q = asked.q.trim().to_owned();
    // An id has no dot and begins with its year; a domain always has one.
    if let Ok(id) = DecisionId::new(q.as_str()) {
        let known = id.clone();
        let proposed = site
            .ask(move |desk| Ok(desk.proposal(&known).is_ok()))
            .await?;
        let place = if proposed { "proposals" } else { "decisions" };
        return see_other(&format!("/desk/{place}/{id}"));
    }
    let typed = q.clone();
    let found = match q.is_empty() {
        true => None,
        false => Some(site.ask(move |desk| Ok(desk.lookup(&typed))).await?),
    };
    let (found, unclear) = match found {
        Some(Ok(found)) => (Some(found), None),
        Some(Err(Error::Query { code, offer, .. })) => {
            (None, Some(Unclear::of(visitor.lang, code, offer)))
        }
        Some(Err(error)) => return Err(error.into()),
        None => (None, None),
    };
    let page = SearchPage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.search.title")),
        q,
        found,
        unclear,
        prepares: staff.has(crate::accounts::Role::Officer),
    };
    show_private(StatusCode::OK, &page)
}
