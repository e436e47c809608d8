//! `/decisions`: the register of decisions, page by page, and each with its life and its proof.

use super::{
    clock,
    form::Form,
    lookup::{joined, resting},
    names::{self, Names},
    parts::{Choice, Facts, Paging, Tone},
    shell::Shell,
    show::show,
    texts::Lang,
    visitor::Visitor,
};
use crate::{
    canon::DecisionId,
    casework::{Axis, Dossier, RegisterRow, Statistics, SubjectRow},
    decision::Body,
    serve::{
        problem::{Answer, Problem},
        public::decision_id,
        site::Site,
    },
};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use url::form_urlencoded::Serializer;

/// Decisions on a page.
const SIZE: usize = 50;

/// Subjects that a decision's page shows; the rest is in its parts.
const SUBJECTS: usize = 100;

/// Fields of the filter, with what they filter by.
pub(super) const FILTERS: [(&str, Axis); 6] = [
    ("head", Axis::Head),
    ("category", Axis::Category),
    ("unit", Axis::Unit),
    ("measure", Axis::Measure),
    ("month", Axis::Month),
    ("action", Axis::Action),
];

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage {
    shell: Shell,
    form: Form,
    heads: Vec<Choice>,
    categories: Vec<Choice>,
    units: Vec<Choice>,
    measures: Vec<Choice>,
    months: Vec<Choice>,
    actions: Vec<Choice>,
    rows: Vec<Row>,
    paging: Paging,
}

struct Row {
    id: String,
    time: u64,
    action: &'static str,
    what: String,
    unit: String,
    subjects: u64,
    state: Standing,
}

/// How a decision stands now, with its colour and word.
#[derive(Clone, Copy)]
struct Standing(Tone, &'static str);

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    shell: Shell,
    id: String,
    action: &'static str,
    state: Standing,
    facts: Facts,
    time: u64,
    not_after: Option<u64>,
    /// Of each text: what it is, and its words unless they were erased.
    texts: Vec<(String, Option<String>)>,
    targets: Vec<String>,
    listings: Vec<(String, SubjectRow)>,
    total: u64,
    parts: Vec<(String, u64)>,
    events: Vec<Event>,
    leaf: u64,
    body_sha256: String,
    checkpoint: String,
    can_appeal: bool,
}

struct Event {
    time: u64,
    what: &'static str,
    id: Option<String>,
    leaf: u64,
}

/// `GET /decisions`
pub(in crate::serve) async fn decisions(
    State(site): State<Site>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Answer {
    let lang = visitor.lang;
    let form = Form::decode(lang, query.unwrap_or_default().as_bytes());
    let filter: Vec<(Axis, String)> = FILTERS
        .iter()
        .map(|(name, axis)| (*axis, form.value(name).to_owned()))
        .filter(|(_, code)| !code.is_empty())
        .collect();
    let below = form.value("before").parse().ok();
    let asked = site.ask(move |desk| {
        let page = desk.decisions(&filter, below, SIZE)?;
        Ok((page, desk.statistics()?, desk.authority().now()))
    });
    let (page, figures, now) = asked.await?;
    let names = Names::new(&site, lang);
    let first = link(&form, None);
    let paging = Paging::new(lang, "").to(
        below.is_some().then(|| first.clone()),
        None,
        page.next.map(|leaf| link(&form, Some(leaf))),
    );
    show(&DecisionsPage {
        shell: Shell::public(&visitor, lang.t("decisions.title")),
        heads: choices(&form, &figures, Axis::Head, |c| names.head(c, now)),
        categories: choices(&form, &figures, Axis::Category, |c| names.category(c, now)),
        units: choices(&form, &figures, Axis::Unit, |c| names.unit(c, now)),
        measures: choices(&form, &figures, Axis::Measure, |c| names.measure(c, now)),
        months: months(&form, &figures, lang),
        actions: form.or_all(
            ["list", "amend", "stay", "revoke"]
                .map(|a| Choice::new(a, action(lang, a)))
                .into(),
        ),
        rows: page
            .rows
            .iter()
            .map(|row| self::row(&names, lang, row))
            .collect(),
        paging,
        form,
    })
}

fn choices(
    form: &Form,
    figures: &Statistics,
    axis: Axis,
    name: impl Fn(&str) -> String,
) -> Vec<Choice> {
    let codes = figures.along(axis).filter(|(code, _)| !code.is_empty());
    form.or_all(
        codes
            .map(|(code, _)| Choice::new(code, name(code)))
            .collect(),
    )
}

fn months(form: &Form, figures: &Statistics, lang: Lang) -> Vec<Choice> {
    let mut months = choices(form, figures, Axis::Month, |code| clock::month(lang, code));
    // Newest first, below what chooses none.
    if let Some((_, rest)) = months.split_first_mut() {
        rest.reverse();
    }
    months
}

/// The same filter, from a leaf on.
fn link(form: &Form, before: Option<u64>) -> String {
    let mut query = Serializer::new(String::new());
    for (name, _) in FILTERS {
        if !form.value(name).is_empty() {
            query.append_pair(name, form.value(name));
        }
    }
    if let Some(leaf) = before {
        query.append_pair("before", &leaf.to_string());
    }
    match query.finish() {
        query if query.is_empty() => "/decisions".into(),
        query => format!("/decisions?{query}"),
    }
}

fn row(names: &Names, lang: Lang, row: &RegisterRow) -> Row {
    Row {
        id: row.id.to_string(),
        time: row.time,
        action: action(lang, row.action),
        what: names.category(&row.category, row.time),
        unit: names.unit(&row.unit, row.time),
        subjects: row.subjects,
        state: state(row),
    }
}

fn state(row: &RegisterRow) -> Standing {
    match (row.action, row.open, row.subjects) {
        ("list", 0, _) => Standing(Tone::Plain, "decisions.ended"),
        ("list", open, all) if open < all => Standing(Tone::Warn, "decisions.partly"),
        ("list", ..) => Standing(Tone::Bad, "decisions.in_force"),
        ("revoke", ..) => Standing(Tone::Good, "decisions.revoked"),
        ("stay", ..) => Standing(Tone::Note, "decisions.stay"),
        _ => Standing(Tone::Note, "decisions.amended"),
    }
}

pub(super) fn action(lang: Lang, action: &str) -> &'static str {
    match action {
        "list" => lang.t("action.list"),
        "amend" => lang.t("action.amend"),
        "stay" => lang.t("action.stay"),
        "revoke" => lang.t("action.revoke"),
        "expire" => lang.t("action.expire"),
        _ => lang.t("action.other"),
    }
}

/// `GET /decisions/{id}`
pub(in crate::serve) async fn decision(
    State(site): State<Site>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answer {
    let id = decision_id(id)?;
    let lang = visitor.lang;
    let asked = site.ask(move |desk| {
        let dossier = desk.dossier(&id)?;
        Ok((
            dossier,
            desk.register_row(&id)?,
            desk.listings(&id, SUBJECTS)?,
        ))
    });
    let (dossier, row, listings) = asked.await?;
    let row = row.ok_or_else(|| Problem::missing("the register has no such decision"))?;
    let body = Body::decode(dossier.body.clone()).map_err(|e| Problem::internal(&e))?;
    let names = Names::new(&site, lang);
    let title = lang.fill("decision.title", [("id", &dossier.id)]);
    show(&DecisionPage {
        shell: Shell::public(&visitor, title),
        id: dossier.id.to_string(),
        action: action(lang, row.action),
        state: state(&row),
        facts: facts(&names, lang, &dossier, &row, &body),
        time: dossier.time,
        not_after: dossier.not_after,
        texts: texts(&dossier, lang),
        targets: row.targets.iter().map(DecisionId::to_string).collect(),
        total: row.subjects,
        listings: listings
            .into_iter()
            .map(|l| (names::subject(lang, &l.subject), l))
            .collect(),
        parts: body
            .parts()
            .iter()
            .map(|p| (p.sha256.to_string(), p.count))
            .collect(),
        events: dossier.history.iter().map(|e| event(lang, e)).collect(),
        leaf: dossier.leaf,
        body_sha256: dossier.body_sha256.to_string(),
        checkpoint: dossier.checkpoint.clone(),
        can_appeal: row.open > 0,
    })
}

fn facts(names: &Names, lang: Lang, dossier: &Dossier, row: &RegisterRow, body: &Body) -> Facts {
    let at = dossier.time;
    let basis = body.basis();
    let authority = names.unit(&basis.authority, at);
    let mut facts = Facts::default();
    if !row.category.is_empty() {
        facts = facts
            .row(lang.t("lookup.head"), names.head(&row.head, at))
            .row(lang.t("lookup.category"), names.category(&row.category, at));
    }
    if let Body::List(list) = body {
        let measures = row.measures.iter().map(|m| names.measure(m, at)).collect();
        facts = facts
            .row(lang.t("lookup.goods"), names.goods(&list.goods, at))
            .row(lang.t("decision.method"), names.method(&list.method, at))
            .row(lang.t("lookup.measure"), joined(measures))
            .row(
                lang.t("decision.subjects"),
                clock::number(lang, row.subjects),
            )
            .row(lang.t("decision.open"), clock::number(lang, row.open));
    }
    let units = dossier
        .approvals
        .iter()
        .map(|a| names.unit(&a.unit, at))
        .collect();
    facts
        .row(lang.t("lookup.basis"), resting(lang, basis, &authority))
        .row(lang.t("lookup.units"), joined(units))
        .row(
            lang.t("decision.signatures"),
            clock::number(lang, dossier.approvals.len() as u64),
        )
}

/// The texts of a decision under their names; none: erased.
pub(in crate::serve) fn texts(dossier: &Dossier, lang: Lang) -> Vec<(String, Option<String>)> {
    let name = |of: &str| match (of, crate::check::explain(of)) {
        ("reasons", _) => lang.t("lookup.reasons").to_owned(),
        (of, rule) => {
            let rule = rule.map_or(of, |rule| lang.pick(rule.vi, rule.en));
            format!("{}: {rule}", lang.t("decision.override"))
        }
    };
    let texts = dossier.texts.iter();
    texts.map(|t| (name(&t.of), t.text.clone())).collect()
}

fn event(lang: Lang, event: &crate::casework::Event) -> Event {
    Event {
        time: event.time,
        what: action(lang, event.what),
        id: event.id.as_ref().map(DecisionId::to_string),
        leaf: event.leaf,
    }
}
