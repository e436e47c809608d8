//! `/tips/new`, `/appeals/new` and `/appeals`: what the public brings, and where it stands.
//!
//! No third party, no account: a rate for each address ([`Limits`](super::super::limits::Limits)), and
//! [`robots`]. Whoever sends gets a number and a secret, once.

use super::{
    case_words::{kind, state_key, state_tone, step},
    form::Form,
    parts::{Choice, Tone},
    robots,
    shell::Shell,
    show::{show, show_private},
    texts::Lang,
    visitor::Visitor,
};
use crate::{
    canon::DecisionId,
    casework::{
        CaseId, CaseKind, CaseOpened, CaseState, CaseStatus, Channel, Error, Hand, Informant,
        NewCase,
    },
    serve::{limits::Peer, problem::Answer, site::Site},
};
use askama::Template;
use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};

/// The most characters of what is told.
const TEXT: usize = 8_000;

/// The most links of one form.
const LINKS: usize = 50;

#[derive(Template)]
#[template(path = "cases/tip.html")]
struct TipPage {
    shell: Shell,
    form: Form,
    kinds: Vec<Choice>,
    shown: String,
}

#[derive(Template)]
#[template(path = "cases/appeal.html")]
struct AppealPage {
    shell: Shell,
    form: Form,
    shown: String,
}

#[derive(Template)]
#[template(path = "cases/taken.html")]
struct TakenPage {
    shell: Shell,
    opened: CaseOpened,
    is_appeal: bool,
}

#[derive(Template)]
#[template(path = "cases/follow.html")]
struct FollowPage {
    shell: Shell,
    form: Form,
    status: Option<Status>,
}

struct Status {
    id: String,
    kind: &'static str,
    state: CaseState,
    states: Vec<(u64, &'static str)>,
    clocks: Vec<(&'static str, u64, Option<u64>, bool)>,
    decisions: Vec<DecisionId>,
}

/// `GET /tips/new`
pub(in crate::serve) async fn blank_tip(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    let form = Form::decode(visitor.lang, query.unwrap_or_default().as_bytes());
    tip_page(&visitor, form)
}

fn tip_page(visitor: &Visitor, form: Form) -> Answer {
    let lang = visitor.lang;
    let kinds = [
        CaseKind::Tip,
        CaseKind::Petition,
        CaseKind::Complaint,
        CaseKind::Denunciation,
    ];
    let form = if form.value("kind").is_empty() {
        form.with("kind", CaseKind::Tip.as_str())
    } else {
        form
    };
    let status = form.status();
    let page = TipPage {
        shell: Shell::public(visitor, lang.t("tip.title")),
        kinds: kinds.map(|k| Choice::new(k.as_str(), kind(lang, k))).into(),
        form,
        shown: robots::shown(),
    };
    show_private(status, &page)
}

/// `POST /tips/new`
pub(in crate::serve) async fn send_tip(
    State(site): State<Site>,
    visitor: Visitor,
    peer: Option<Extension<Peer>>,
    mut form: Form,
) -> Answer {
    let lang = visitor.lang;
    let kind = CaseKind::parse(form.value("kind")).filter(|k| *k != CaseKind::Appeal);
    let kind = kind.unwrap_or(CaseKind::Tip);
    let text = form.required("text", "tip.text", TEXT);
    let links = links(&mut form, lang);
    let informant = informant(&mut form);
    let about_officer = form.is_ticked("about_officer");
    robots::check(&mut form, lang, site.config.form_seconds);
    if form.is_wrong() {
        return tip_page(&visitor, form);
    }
    allowed(&site, peer)?;
    let (subjects, rest) = understood(&site, links);
    let new = NewCase {
        kind: if about_officer {
            CaseKind::Denunciation
        } else {
            kind
        },
        channel: Channel::Form,
        unit: String::new(),
        about_officer,
        subjects,
        decisions: Vec::new(),
        text: joined(text, &rest),
        informant,
    };
    taken(&site, &visitor, new).await
}

/// `GET /appeals/new?decision=&subject=`
pub(in crate::serve) async fn blank_appeal(visitor: Visitor, RawQuery(query): RawQuery) -> Answer {
    let form = Form::decode(visitor.lang, query.unwrap_or_default().as_bytes());
    appeal_page(&visitor, form)
}

fn appeal_page(visitor: &Visitor, form: Form) -> Answer {
    let status = form.status();
    let page = AppealPage {
        shell: Shell::public(visitor, visitor.lang.t("appeal.title")),
        form,
        shown: robots::shown(),
    };
    show_private(status, &page)
}

/// `POST /appeals/new`
pub(in crate::serve) async fn send_appeal(
    State(site): State<Site>,
    visitor: Visitor,
    peer: Option<Extension<Peer>>,
    mut form: Form,
) -> Answer {
    let lang = visitor.lang;
    form.required("subject", "appeal.subject", 2_000);
    let text = form.required("text", "appeal.text", TEXT);
    form.required("name", "appeal.name", 200);
    let informant = informant(&mut form);
    let subject = form.value("subject").to_owned();
    let decisions = decisions(&site, &mut form, lang, &subject).await?;
    robots::check(&mut form, lang, site.config.form_seconds);
    if form.is_wrong() {
        return appeal_page(&visitor, form);
    }
    allowed(&site, peer)?;
    let (subjects, rest) = understood(&site, vec![subject]);
    let new = NewCase {
        kind: CaseKind::Appeal,
        channel: Channel::Form,
        unit: String::new(),
        about_officer: false,
        subjects,
        decisions,
        text: joined(text, &rest),
        informant,
    };
    taken(&site, &visitor, new).await
}

/// The decision that is named, or else those that hold the subject now.
async fn decisions(
    site: &Site,
    form: &mut Form,
    lang: Lang,
    subject: &str,
) -> Answer<Vec<DecisionId>> {
    let named = form.value("decision").to_owned();
    if named.is_empty() {
        let subject = subject.to_owned();
        let found = site.ask(move |desk| match desk.lookup(&subject) {
            Ok(found) => Ok(found.holds),
            Err(Error::Query { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        });
        let mut ids: Vec<DecisionId> = Vec::new();
        for hold in found.await? {
            if let Ok(id) = DecisionId::new(hold.decision)
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        return Ok(ids);
    }
    let known = match DecisionId::new(named) {
        Ok(id) => {
            let asked = id.clone();
            let row = site.ask(move |desk| desk.register_row(&asked)).await?;
            row.map(|_| id)
        }
        Err(_) => None,
    };
    if known.is_none() {
        form.wrong("decision", lang.t("appeal.no_decision"));
    }
    Ok(known.into_iter().collect())
}

fn informant(form: &mut Form) -> Informant {
    Informant {
        name: form.optional("name", 200),
        contact: form.optional("contact", 500),
    }
}

fn links(form: &mut Form, lang: Lang) -> Vec<String> {
    let text = form.optional("links", TEXT);
    let links: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if links.len() > LINKS {
        form.wrong("links", lang.fill("tip.many", [("n", LINKS)]));
    }
    links
}

/// What is a subject, in canonical form, and what isn't and stays part of the text.
fn understood(site: &Site, links: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut subjects, mut rest) = (Vec::new(), Vec::new());
    for link in links {
        match site.casework.lookup(&link) {
            Ok(found) => subjects.push(found.canonical),
            Err(_) => rest.push(link),
        }
    }
    (subjects, rest)
}

fn joined(text: String, rest: &[String]) -> String {
    if rest.is_empty() {
        text
    } else {
        format!("{text}\n\n{}", rest.join("\n"))
    }
}

fn allowed(site: &Site, peer: Option<Extension<Peer>>) -> Answer<()> {
    match peer {
        Some(Extension(Peer(address))) => site.limits.form(address),
        None => Ok(()),
    }
}

async fn taken(site: &Site, visitor: &Visitor, new: NewCase) -> Answer {
    let is_appeal = new.kind == CaseKind::Appeal;
    let opened = site
        .ask(move |desk| desk.open_case(new, &Hand::public()))
        .await?;
    let page = TakenPage {
        shell: Shell::public(visitor, visitor.lang.t("taken.title")),
        opened,
        is_appeal,
    };
    show_private(StatusCode::CREATED, &page)
}

/// `GET /appeals`
pub(in crate::serve) async fn ask(visitor: Visitor) -> Answer {
    let form = Form::blank(visitor.lang);
    show(&follow_page(&visitor, form, None))
}

/// `GET /appeals/{receipt}`
pub(in crate::serve) async fn ask_of(visitor: Visitor, Path(receipt): Path<String>) -> Answer {
    let receipt: String = receipt.chars().take(40).collect();
    let form = Form::blank(visitor.lang).with("receipt", receipt);
    show(&follow_page(&visitor, form, None))
}

/// `POST /appeals`: the secret isn't in any address, so that no log keeps it.
pub(in crate::serve) async fn follow(
    State(site): State<Site>,
    visitor: Visitor,
    mut form: Form,
) -> Answer {
    let lang = visitor.lang;
    let (receipt, secret) = (
        form.required("receipt", "taken.number", 40),
        form.required("secret", "taken.secret", 40),
    );
    if form.is_wrong() {
        return show_private(form.status(), &follow_page(&visitor, form, None));
    }
    let asked = site.ask(move |desk| match CaseId::parse(&receipt) {
        Ok(id) => match desk.case_status(&id, &secret) {
            Err(Error::NoCase(_)) => Ok(None),
            found => found.map(|status| Some((status, desk.authority().now()))),
        },
        Err(_) => Ok(None),
    });
    let Some((status, now)) = asked.await? else {
        form.wrong("secret", lang.t("follow.unknown"));
        return show_private(form.status(), &follow_page(&visitor, form, None));
    };
    let status = told(lang, status, now);
    show_private(StatusCode::OK, &follow_page(&visitor, form, Some(status)))
}

fn follow_page(visitor: &Visitor, form: Form, status: Option<Status>) -> FollowPage {
    FollowPage {
        shell: Shell::public(visitor, visitor.lang.t("follow.title")),
        form,
        status,
    }
}

fn told(lang: Lang, status: CaseStatus, now: u64) -> Status {
    let case = status.case;
    Status {
        id: case.id.to_string(),
        kind: kind(lang, case.kind),
        state: case.state,
        states: status
            .states
            .iter()
            .map(|(time, s)| (*time, lang.t(state_key(*s))))
            .collect(),
        clocks: status
            .clocks
            .iter()
            .map(|c| (step(lang, c.step), c.due, c.done, c.is_overdue(now)))
            .collect(),
        decisions: case.decisions,
    }
}

impl Status {
    fn tone(&self) -> Tone {
        state_tone(self.state)
    }

    fn word(&self) -> &'static str {
        state_key(self.state)
    }
}
