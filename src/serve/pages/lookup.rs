//! `/lookup`: am I listed, by whom, why, until when, how do I appeal; and the proof.

use super::{
    clock,
    form::Form,
    names::{self, Names},
    parts::{Facts, Tone},
    shell::Shell,
    show::{show, show_as},
    texts::Lang,
    visitor::Visitor,
    why::why,
};
use crate::{
    canon::DecisionId,
    casework::{Casework, Dossier, Error, HeldBack, Hold, Lookup},
    decision::Basis,
    serve::{problem::Answer, site::Site},
};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
};

/// The most decisions that a page tells of in full.
const MOST: usize = 8;

#[derive(Template)]
#[template(path = "lookup.html")]
struct LookupPage {
    shell: Shell,
    query: String,
    found: Option<Found>,
    unclear: Option<Unclear>,
}

/// The answer.
struct Found {
    subject: String,
    listed: bool,
    held: Vec<HeldBack>,
    holds: Vec<Statement>,
    more: usize,
    /// Where the proof is, for what stands in an open feed.
    proof: Option<String>,
    serial: u64,
}

/// What was typed is no subject: why, what to do, what is offered.
pub(in crate::serve) struct Unclear {
    pub(in crate::serve) why: &'static str,
    pub(in crate::serve) instead: &'static str,
    pub(in crate::serve) offer: Option<String>,
}

impl Unclear {
    pub(in crate::serve) fn of(lang: Lang, code: &str, offer: Option<String>) -> Self {
        let why = why(lang, code, "");
        Self {
            why: why.map_or(lang.t("lookup.unclear"), |why| why.what),
            instead: why.map_or("", |why| why.then),
            offer: offer.map(|offer| plain(&offer)),
        }
    }
}

/// The statement of reasons of one decision.
pub(super) struct Statement {
    pub(super) decision: String,
    pub(super) since: u64,
    pub(super) not_after: u64,
    pub(super) measure: String,
    /// The subject above that covers this one.
    pub(super) covered_by: Option<String>,
    pub(super) facts: Facts,
    /// None: erased.
    pub(super) reasons: Option<String>,
}

impl LookupPage {
    fn subject(&self, subject: &str) -> String {
        names::subject(self.shell.lang, subject)
    }
}

/// `GET /lookup?q=`
pub(in crate::serve) async fn lookup(
    State(site): State<Site>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Answer {
    let form = Form::decode(visitor.lang, query.unwrap_or_default().as_bytes());
    let query = form.value("q").to_owned();
    let lang = visitor.lang;
    let mut page = LookupPage {
        shell: Shell::public(&visitor, lang.t("lookup.title")),
        query: query.clone(),
        found: None,
        unclear: None,
    };
    if query.is_empty() {
        return show(&page);
    }
    let names = Names::new(&site, lang);
    let asked = query.clone();
    let asked = site.ask(move |desk| match find(desk, &asked) {
        Ok(found) => Ok(Ok(found)),
        Err(Error::Query { code, offer, .. }) => Ok(Err((code, offer))),
        Err(error) => Err(error),
    });
    match asked.await? {
        Ok((found, held, told)) => {
            page.shell.title = lang.fill("lookup.title_of", [("q", &found.canonical)]);
            page.found = Some(tell(&site, &names, lang, found, held, told));
            show(&page)
        }
        Err((code, offer)) => {
            page.unclear = Some(Unclear::of(lang, code, offer));
            show_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

type Told = Vec<(Hold, Dossier)>;

/// What is in force, what is held back by stays, and the decisions in full.
pub(super) fn find(desk: &Casework, query: &str) -> Result<(Lookup, Vec<HeldBack>, Told), Error> {
    let found = desk.lookup(query)?;
    let held = desk.held_back(query)?;
    let mut told: Told = Vec::new();
    for hold in &found.holds {
        if told.len() == MOST {
            break;
        }
        // A subject can stand under one decision twice: by itself and by what covers it.
        if told.iter().any(|(t, _)| t.decision == hold.decision) {
            continue;
        }
        let id = DecisionId::new(&hold.decision).map_err(|e| Error::Malformed {
            what: "a decision's id",
            why: e.to_string(),
        })?;
        told.push((hold.clone(), desk.dossier(&id)?));
    }
    Ok((found, held, told))
}

fn tell(
    site: &Site,
    names: &Names,
    lang: Lang,
    found: Lookup,
    held: Vec<HeldBack>,
    told: Told,
) -> Found {
    let name = found.canonical.split_once(':').map_or("", |(_, name)| name);
    let open = found.serials.keys().next();
    let proof = open.filter(|feed| site.config.is_open(feed)).map(|feed| {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("/feeds/{feed}/proof?name={name}")
    });
    Found {
        subject: names::subject(lang, &found.canonical),
        listed: found.listed,
        held,
        more: found.holds.len().saturating_sub(told.len()),
        holds: told
            .into_iter()
            .map(|(hold, dossier)| statement(names, lang, &hold, dossier))
            .collect(),
        proof,
        serial: found.serials.values().next().copied().unwrap_or(0),
    }
}

/// The statement of reasons, in the names of the day of the decision.
pub(super) fn statement(names: &Names, lang: Lang, hold: &Hold, dossier: Dossier) -> Statement {
    let at = dossier.time;
    let word = |field: &str| {
        dossier
            .body
            .get(field)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
    };
    let units: Vec<String> = dossier
        .approvals
        .iter()
        .map(|a| names.unit(&a.unit, at))
        .collect();
    let mut facts = Facts::default()
        .row(lang.t("lookup.head"), names.head(word("head"), at))
        .row(
            lang.t("lookup.category"),
            names.category(word("category"), at),
        )
        .row(lang.t("lookup.goods"), names.goods(word("goods"), at));
    if let Some(basis) = &hold.basis {
        let authority = names.unit(&basis.authority, at);
        facts = facts.row(lang.t("lookup.basis"), resting(lang, basis, &authority));
    }
    facts = facts.row(lang.t("lookup.units"), joined(units));
    let reasons = dossier.texts.iter().find(|t| t.of == "reasons");
    Statement {
        decision: hold.decision.clone(),
        since: at,
        not_after: hold.not_after,
        measure: names.measure(hold.measure, at),
        covered_by: (!hold.own).then(|| names::subject(lang, &hold.subject)),
        facts,
        reasons: reasons.and_then(|t| t.text.clone()),
    }
}

/// A legal basis in words: `12/QĐ-TMĐT, ngày 28/11/2026, Cục …`.
pub(in crate::serve) fn resting(lang: Lang, basis: &Basis, authority: &str) -> String {
    let words = [
        ("number", basis.number.as_str()),
        ("date", &clock::date_of(lang, &basis.date)),
        ("authority", authority),
    ];
    lang.fill("lookup.basis_of", words)
}

/// Each once, in order.
pub(super) fn joined(mut names: Vec<String>) -> String {
    names.dedup();
    names.join("; ")
}

/// An offer without its sign of scope.
fn plain(offer: &str) -> String {
    offer.trim_end_matches([' ', '+', '=']).to_owned()
}
