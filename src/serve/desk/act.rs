//! Ending, staying and prolonging: `/desk/act/revoke`, `/desk/act/stay`, `/desk/act/amend`.

use super::{
    frame::settle,
    gate::{Posted, Staff},
    grounds,
    words::{self, Choices},
};
use crate::{
    canon::DecisionId,
    casework::{Act, Order},
    serve::{
        pages::{form::Form, shell::Shell, show::show_private, visitor::Visitor},
        problem::{Answer, Problem},
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// The longest stay by one officer, with an hour to sign it in.
const ALONE: u64 = 71 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Revoke,
    Stay,
    Amend,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// What it is about, from a link.
    #[serde(default)]
    of: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    appeal: String,
}

#[derive(Template)]
#[template(path = "desk/act.html")]
struct ActPage {
    shell: Shell,
    form: Form,
    choices: Choices,
    what: What,
}

impl ActPage {
    fn lead(&self) -> &'static str {
        match self.what {
            What::Revoke => self.shell.t("desk.act.revoke_lead"),
            What::Stay => self.shell.t("desk.act.stay_lead"),
            What::Amend => self.shell.t("desk.act.amend_lead"),
        }
    }
}

pub(super) async fn blank(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(what): Path<What>,
    Query(asked): Query<Asked>,
) -> Answer {
    let now = site.casework.authority().now();
    let form = Form::blank(visitor.lang)
        .with("authority", staff.session.account.unit.clone())
        .with("date", grounds::day_of(now))
        .with("named", asked.of)
        .with("only", asked.decision.clone())
        .with("target", asked.decision)
        .with("appeal", asked.appeal)
        .with("length", "alone")
        .with("until", grounds::day_of(now + 14 * 86_400))
        .with("not_after", grounds::day_of(now + 180 * 86_400))
        .with("days", "7");
    show_private(StatusCode::OK, &page(&site, &visitor, &staff, form, what))
}

/// The form of a stay or a revocation with what it is about.
pub(super) fn path_of(what: &str, named: &[String], only: &[DecisionId], appeal: &str) -> String {
    let only: Vec<&str> = only.iter().map(DecisionId::as_str).collect();
    let mut query = Serializer::new(String::new());
    query.append_pair("of", &named.join("\n"));
    query.append_pair("decision", &only.join(" "));
    query.append_pair("appeal", appeal);
    format!("/desk/act/{what}?{}", query.finish())
}

/// The form of an act with what it names; a list has one of its own.
pub(super) fn path(act: &Act) -> Option<String> {
    match act {
        Act::List { .. } => None,
        Act::Amend { target, .. } => Some(format!("/desk/act/amend?decision={target}")),
        Act::Revoke {
            named,
            only,
            appeal,
        }
        | Act::Stay {
            named,
            only,
            appeal,
            ..
        } => {
            let appeal = appeal.as_deref().unwrap_or_default();
            Some(path_of(act.action(), named, only, appeal))
        }
    }
}

fn page(site: &Site, visitor: &Visitor, staff: &Staff, form: Form, what: What) -> ActPage {
    let title = match what {
        What::Revoke => visitor.lang.t("desk.act.revoke"),
        What::Stay => visitor.lang.t("desk.act.stay"),
        What::Amend => visitor.lang.t("desk.act.amend"),
    };
    ActPage {
        shell: staff.shell(site, visitor, title),
        form,
        choices: words::choices(site, visitor.lang),
        what,
    }
}

pub(super) async fn make(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(what): Path<What>,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let now = site.casework.authority().now();
    let act = act(&mut form, &visitor, what, now);
    let grounds = grounds::read(&mut form, visitor.lang);
    let again =
        async |form: Form| show_private(form.status(), &page(&site, &visitor, &staff, form, what));
    let account = staff.account().to_owned();
    let done = async {
        let order = Order {
            act: act.ok_or_else(|| Problem::missing("nothing can be made of this form"))?,
            basis: grounds.basis,
            reasons: grounds.reasons,
            days: grounds.days,
        };
        let saved = site.ask(move |desk| desk.save_paper(&account, None, order));
        Ok(format!("/desk/papers/{}", saved.await?))
    };
    settle(form, again, done).await
}

fn act(form: &mut Form, visitor: &Visitor, what: What, now: u64) -> Option<Act> {
    let lang = visitor.lang;
    if what == What::Amend {
        let target = form.required("target", "desk.act.target", 32);
        let not_after = grounds::end_of_day(form, "not_after", "desk.paper.not_after", lang);
        let Ok(target) = DecisionId::new(target) else {
            form.wrong("target", lang.t("desk.act.bad_id"));
            return None;
        };
        return Some(Act::Amend { target, not_after });
    }
    let named = form.required("named", "desk.act.named", 200_000);
    let named: Vec<String> = named
        .lines()
        .map(|l| l.trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect();
    let only: Result<Vec<DecisionId>, _> = form
        .value("only")
        .split_whitespace()
        .map(DecisionId::new)
        .collect();
    let Ok(only) = only else {
        form.wrong("only", lang.t("desk.act.bad_id"));
        return None;
    };
    let appeal = Some(form.optional("appeal", 32)).filter(|appeal| !appeal.is_empty());
    if appeal
        .as_ref()
        .is_some_and(|appeal| DecisionId::new(appeal.as_str()).is_err())
    {
        form.wrong("appeal", lang.t("desk.act.bad_id"));
    }
    if what == What::Revoke {
        return Some(Act::Revoke {
            named,
            only,
            appeal,
        });
    }
    let alone = form.value("length") != "longer";
    let until = match alone {
        true => now + ALONE,
        false => grounds::end_of_day(form, "until", "desk.act.until", lang),
    };
    Some(Act::Stay {
        named,
        only,
        until,
        appeal,
        alone,
    })
}
