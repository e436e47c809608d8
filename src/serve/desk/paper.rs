//! A new proposal: a list pasted or dropped, and what the decision says.

use super::{
    frame::settle,
    gate::{Posted, Staff},
    grounds, sheet,
    words::{self, Choices},
};
use crate::{
    casework::{Act, Order},
    serve::{
        pages::{
            form::Form,
            shell::Shell,
            show::{see_other, show_private},
            visitor::Visitor,
        },
        problem::{Answer, Problem},
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};

/// The most bytes of a list.
const LIST: usize = 30 << 20;

/// How many rules a form passes at once.
const OVERRIDES: [(&str, &str); 3] = [
    ("override_1", "because_1"),
    ("override_2", "because_2"),
    ("override_3", "because_3"),
];

#[derive(Template)]
#[template(path = "desk/paper.html")]
struct PaperPage {
    shell: Shell,
    form: Form,
    choices: Choices,
    /// Where it is sent.
    to: String,
}

impl PaperPage {
    fn has_measure(&self, code: &str) -> bool {
        self.form.values("measure").any(|measure| measure == code)
    }
}

pub(super) async fn blank(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let now = site.casework.authority().now();
    let form = Form::blank(visitor.lang)
        .with("authority", staff.session.account.unit.clone())
        .with("date", grounds::day_of(now))
        .with("not_after", grounds::day_of(now + 180 * 86_400))
        .with("goods", "other")
        .with("method", "other")
        .with("days", "7");
    let page = page(&site, &visitor, &staff, form, "/desk/papers/new".into());
    show_private(StatusCode::OK, &page)
}

fn page(site: &Site, visitor: &Visitor, staff: &Staff, form: Form, to: String) -> PaperPage {
    PaperPage {
        shell: staff.shell(site, visitor, visitor.lang.t("desk.paper.title")),
        choices: words::choices(site, visitor.lang),
        form,
        to,
    }
}

pub(super) async fn make(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    posted: Posted,
) -> Answer {
    keep(&site, &visitor, &staff, posted, None).await
}

pub(super) async fn change(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    keep(&site, &visitor, &staff, posted, Some(id)).await
}

async fn keep(
    site: &Site,
    visitor: &Visitor,
    staff: &Staff,
    posted: Posted,
    id: Option<String>,
) -> Answer {
    let (mut form, file) = (posted.form, posted.file);
    if let Some(file) = file {
        match sheet::lines(&file.name, &file.bytes) {
            Ok(lines) => form = form.with("list", lines),
            Err(why) => {
                tracing::info!(%why, "a file of the desk can't be read");
                form.wrong("file", visitor.lang.t("why.file"));
            }
        }
    }
    let order = order(&mut form, visitor);
    let of = id.clone();
    let again = async |form: Form| {
        let to = match of {
            Some(id) => format!("/desk/papers/{id}/edit"),
            None => "/desk/papers/new".to_owned(),
        };
        show_private(form.status(), &page(site, visitor, staff, form, to))
    };
    let account = staff.account().to_owned();
    let done = async {
        let saved = site.ask(move |desk| {
            if let Some(id) = &id {
                desk.paper(&account, id)?;
            }
            desk.save_paper(&account, id, order)
        });
        Ok(format!("/desk/papers/{}", saved.await?))
    };
    settle(form, again, done).await
}

/// What the form wants; what is wrong is noted in it.
fn order(form: &mut Form, visitor: &Visitor) -> Order {
    let lang = visitor.lang;
    let list = form.value("list").to_owned();
    if list.is_empty() && !form.is_wrong() {
        form.wrong("list", lang.t("desk.paper.no_list"));
    } else if list.len() > LIST {
        form.wrong("list", lang.t("desk.paper.long_list"));
    }
    let category = form.required("category", "desk.fact.category", 40);
    let head = form.required("head", "desk.fact.head", 40);
    let goods = form.required("goods", "desk.paper.goods", 40);
    let method = form.required("method", "desk.paper.method", 40);
    let not_after = grounds::end_of_day(form, "not_after", "desk.paper.not_after", lang);
    let grounds = grounds::read(form, lang);
    let act = Act::List {
        list,
        category,
        head,
        goods,
        method,
        measures: form.values("measure").map(str::to_owned).collect(),
        not_after,
        bulk: form.is_ticked("bulk"),
        overrides: overrides(form),
    };
    Order {
        act,
        basis: grounds.basis,
        reasons: grounds.reasons,
        days: grounds.days,
    }
}

/// Rules to be passed, each with its reason.
fn overrides(form: &mut Form) -> Vec<(String, String)> {
    let mut overrides = Vec::new();
    for (code, because) in OVERRIDES {
        let (code_typed, reason) = (form.optional(code, 40), form.optional(because, 5_000));
        match (code_typed.is_empty(), reason.is_empty()) {
            (true, true) => {}
            (false, false) => overrides.push((code_typed, reason)),
            (true, false) => form.lacking(code, "desk.paper.code"),
            (false, true) => form.lacking(because, "desk.paper.because"),
        }
    }
    overrides
}

pub(super) async fn edit(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer {
    let (account, of) = (staff.account().to_owned(), id.clone());
    let paper = site.ask(move |desk| desk.paper(&account, &of)).await?;
    let Some(form) = filled(&visitor, &paper.order) else {
        return Err(Problem::missing("this paper is no list; make another"));
    };
    let page = page(
        &site,
        &visitor,
        &staff,
        form,
        format!("/desk/papers/{id}/edit"),
    );
    show_private(StatusCode::OK, &page)
}

/// The form as it was filled in.
fn filled(visitor: &Visitor, order: &Order) -> Option<Form> {
    let Act::List {
        list,
        category,
        head,
        goods,
        method,
        measures,
        not_after,
        bulk,
        overrides,
    } = &order.act
    else {
        return None;
    };
    let mut form = Form::blank(visitor.lang)
        .with("list", list)
        .with("category", category)
        .with("head", head)
        .with("goods", goods)
        .with("method", method)
        .with("not_after", grounds::day_of(not_after.saturating_sub(1)))
        .with("bulk", if *bulk { "yes" } else { "" })
        .with("authority", &order.basis.authority)
        .with("number", &order.basis.number)
        .with("date", &order.basis.date)
        .with("reasons", &order.reasons)
        .with("days", order.days.to_string());
    for measure in measures {
        form.add("measure", measure);
    }
    for ((code, because), (named, reason)) in OVERRIDES.iter().zip(overrides) {
        form = form.with(code, named).with(because, reason);
    }
    Some(form)
}

pub(super) async fn discard(
    State(site): State<Site>,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer {
    let account = staff.account().to_owned();
    site.ask(move |desk| desk.drop_paper(&account, &id)).await?;
    see_other("/desk")
}
