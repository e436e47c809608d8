//! The desk's cases: what came in, each with its clocks, and whether the journal is whole; what comes
//! by telephone or letter.

use super::gate::{Posted, Staff};
use crate::{
    accounts::Role,
    canon::DecisionId,
    casework::{
        Case, CaseFilter, CaseId, CaseKind, CaseOpened, CasePage, CaseState, Channel, Clock, Hand,
        Informant, Looked, NewCase, Whose,
    },
    serve::{
        pages::{
            case_words::{kind, state_key, state_tone, step},
            form::Form,
            names,
            parts::{Choice, Paging, Tone},
            shell::Shell,
            show::show_private,
            texts::Lang,
            visitor::Visitor,
        },
        problem::Answer,
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
};

/// Cases on a page.
const SIZE: usize = 50;

/// The unit that cases against officers go to.
const STANDING_OFFICE: &str = "office-389";

#[derive(Template)]
#[template(path = "desk/cases.html")]
struct CasesPage {
    shell: Shell,
    form: Form,
    kinds: Vec<Choice>,
    states: Vec<Choice>,
    page: CasePage,
    paging: Paging,
    now: u64,
    audits: bool,
    journal: Option<Looked>,
}

#[derive(Template)]
#[template(path = "desk/case_new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    opened: Option<CaseOpened>,
}

/// `GET /desk/cases`
pub(super) async fn list(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    RawQuery(query): RawQuery,
) -> Answer {
    let lang = visitor.lang;
    let form = Form::decode(lang, query.unwrap_or_default().as_bytes());
    let filter = CaseFilter {
        state: CaseState::parse(form.value("state")),
        kind: CaseKind::parse(form.value("kind")),
        whose: whose(&staff),
        about_officers: sees_all(&staff),
        after: CaseId::parse(form.value("after")).ok(),
    };
    let audits = staff.has(Role::Auditor);
    let asked = site.ask(move |desk| {
        let journal = audits.then(|| desk.looked_at_cases()).flatten();
        Ok((desk.cases(&filter, SIZE)?, desk.authority().now(), journal))
    });
    let (page, now, journal) = asked.await?;
    let link = |after: Option<&CaseId>| {
        let mut to = format!(
            "/desk/cases?state={}&kind={}",
            form.value("state"),
            form.value("kind")
        );
        if let Some(after) = after {
            to.push_str(&format!("&after={after}"));
        }
        to
    };
    let first = (!form.value("after").is_empty()).then(|| link(None));
    let paging = Paging::new(lang, "").to(first, None, page.next.as_ref().map(|id| link(Some(id))));
    let counted = |state: CaseState| {
        let count = page
            .counts
            .iter()
            .find(|(s, _)| *s == state)
            .map_or(0, |(_, n)| *n);
        format!("{} ({count})", lang.t(state_key(state)))
    };
    let states = CaseState::ALL.map(|s| Choice::new(s.as_str(), counted(s)));
    let page = CasesPage {
        shell: staff.shell(&site, &visitor, lang.t("desk_case.title")),
        kinds: form.or_all(
            CaseKind::ALL
                .map(|k| Choice::new(k.as_str(), kind(lang, k)))
                .into(),
        ),
        states: form.or_all(states.into()),
        form,
        page,
        paging,
        now,
        audits,
        journal,
    };
    show_private(StatusCode::OK, &page)
}

/// `GET /desk/cases/new`
pub(super) async fn blank(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let form = new_form(visitor.lang);
    show_private(
        StatusCode::OK,
        &new_page(&site, &visitor, &staff, form, None),
    )
}

/// Most that comes to the desk itself are calls with a tip.
fn new_form(lang: Lang) -> Form {
    Form::blank(lang)
        .with("kind", CaseKind::Tip.as_str())
        .with("channel", Channel::Telephone.as_str())
}

fn new_page(
    site: &Site,
    visitor: &Visitor,
    staff: &Staff,
    form: Form,
    opened: Option<CaseOpened>,
) -> NewPage {
    let lang = visitor.lang;
    NewPage {
        shell: staff.shell(site, visitor, lang.t("desk_case.new")),
        form,
        kinds: CaseKind::ALL
            .map(|k| Choice::new(k.as_str(), kind(lang, k)))
            .into(),
        channels: Channel::ALL
            .map(|c| Choice::new(c.as_str(), channel(lang, c)))
            .into(),
        opened,
    }
}

/// `POST /desk/cases/new`: a call, a letter, somebody at the door.
pub(super) async fn enter(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let text = form.required("text", "desk_case.text", 8_000);
    let name = form.optional("name", 200);
    let contact = form.optional("contact", 500);
    let subjects = form.optional("links", 8_000);
    let decisions = decisions(&mut form, visitor.lang);
    if form.is_wrong() {
        let status = form.status();
        return show_private(status, &new_page(&site, &visitor, &staff, form, None));
    }
    let about_officer = form.is_ticked("about_officer");
    let new = NewCase {
        kind: CaseKind::parse(form.value("kind")).unwrap_or(CaseKind::Tip),
        channel: Channel::parse(form.value("channel")).unwrap_or(Channel::Telephone),
        unit: if about_officer {
            STANDING_OFFICE.into()
        } else {
            staff.session.account.unit.clone()
        },
        about_officer,
        subjects: subjects.split_whitespace().map(str::to_owned).collect(),
        decisions,
        text,
        informant: Informant { name, contact },
    };
    let by = hand(&staff);
    let opened = site.ask(move |desk| desk.open_case(new, &by)).await?;
    let form = new_form(visitor.lang);
    show_private(
        StatusCode::CREATED,
        &new_page(&site, &visitor, &staff, form, Some(opened)),
    )
}

pub(super) fn sees_all(staff: &Staff) -> bool {
    staff.session.account.unit == STANDING_OFFICE || staff.has(Role::Coordinator)
}

/// Cases that somebody sees: their own unit's, or every unit's where they sum up or look over it.
pub(super) fn whose(staff: &Staff) -> Whose {
    if sees_all(staff) || staff.has(Role::Auditor) {
        return Whose::All;
    }
    Whose::Of(staff.session.account.unit.clone())
}

pub(super) fn hand(staff: &Staff) -> Hand {
    Hand::new(staff.account(), staff.session.account.unit.clone())
}

pub(super) fn decisions(form: &mut Form, lang: Lang) -> Vec<DecisionId> {
    let typed = form.optional("decisions", 400);
    let read: Result<Vec<DecisionId>, _> = typed.split_whitespace().map(DecisionId::new).collect();
    read.unwrap_or_else(|_| {
        form.wrong("decisions", lang.t("desk.act.bad_id"));
        Vec::new()
    })
}

pub(super) fn channel(lang: Lang, channel: Channel) -> &'static str {
    lang.t(match channel {
        Channel::Form => "desk_case.form",
        Channel::Telephone => "desk_case.telephone",
        Channel::Letter => "desk_case.letter",
        Channel::Mail => "desk_case.mail",
        Channel::InPerson => "desk_case.in_person",
    })
}

impl CasesPage {
    fn kind(&self, case: &Case) -> &'static str {
        kind(self.shell.lang, case.kind)
    }

    fn subject(&self, subject: &str) -> String {
        names::subject(self.shell.lang, subject)
    }

    fn tone(&self, case: &Case) -> Tone {
        state_tone(case.state)
    }

    fn word(&self, case: &Case) -> &'static str {
        state_key(case.state)
    }

    /// The clock that runs out first.
    fn first<'c>(&self, clocks: &'c [Clock]) -> Option<&'c Clock> {
        clocks
            .iter()
            .filter(|c| c.done.is_none())
            .min_by_key(|c| c.due)
    }

    fn step(&self, clock: &Clock) -> &'static str {
        step(self.shell.lang, clock.step)
    }

    fn left(&self, clock: &Clock) -> String {
        self.shell.span(&clock.due.abs_diff(self.now))
    }

    fn late(&self, clock: &Clock) -> bool {
        clock.is_overdue(self.now)
    }
}
