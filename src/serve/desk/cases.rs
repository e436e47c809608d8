//! The desk's cases: what came in, each with its clocks; one case with its timeline; what came by
//! telephone or letter; the next step of an appeal; erasure; the journal's state.

use super::gate::{Posted, Staff};
use crate::{
    accounts::Role,
    canon::DecisionId,
    casework::{
        Case, CaseFilter, CaseId, CaseKind, CasePage, CaseState, CaseView, Channel, Clock, Hand,
        Informant, JournalState, NewCase,
    },
    serve::{
        pages::{
            cases::{kind, state_key, state_tone, step},
            form::Form,
            parts::{Choice, Paging, Tone},
            shell::Shell,
            show::{see_other, show_private},
            texts::Lang,
            visitor::Visitor,
        },
        problem::{Answer, Problem},
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
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
    journal: Option<JournalState>,
}

#[derive(Template)]
#[template(path = "desk/case.html")]
struct CasePageOf {
    shell: Shell,
    view: CaseView,
    form: Form,
    next: Vec<Choice>,
    now: u64,
    works: bool,
    /// Whether this person may see who brought it, and erase it.
    entitled: bool,
    informant: Option<Informant>,
}

#[derive(Template)]
#[template(path = "desk/case_new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    opened: Option<crate::casework::CaseOpened>,
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
        about_officers: sees_all(&staff),
        after: CaseId::parse(form.value("after")).ok(),
    };
    let audits = staff.has(Role::Auditor);
    let asked = site.ask(move |desk| {
        let journal = audits.then(|| desk.check_cases()).transpose()?;
        Ok((desk.cases(&filter, SIZE), desk.authority().now(), journal))
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
        kinds: form.or_nothing(
            CaseKind::ALL
                .map(|k| Choice::new(k.as_str(), kind(lang, k)))
                .into(),
        ),
        states: form.or_nothing(states.into()),
        form,
        page,
        paging,
        now,
        journal,
    };
    show_private(StatusCode::OK, &page)
}

/// `GET /desk/cases/{id}`
pub(super) async fn one(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer {
    let form = Form::blank(visitor.lang);
    shown(&site, &visitor, &staff, &id, form, None).await
}

async fn shown(
    site: &Site,
    visitor: &Visitor,
    staff: &Staff,
    id: &str,
    form: Form,
    informant: Option<Informant>,
) -> Answer {
    let id = CaseId::parse(id)?;
    let asked = id.clone();
    let asked = site.ask(move |desk| Ok((desk.case(&asked)?, desk.authority().now())));
    let (view, now) = asked.await?;
    may_see(staff, &view.case)?;
    let lang = visitor.lang;
    let next = view.case.state.next(view.case.kind).iter();
    let status = form.status();
    let page = CasePageOf {
        shell: staff.shell(
            site,
            visitor,
            format!("{} · {}", id, kind(lang, view.case.kind)),
        ),
        next: next
            .map(|s| Choice::new(s.as_str(), lang.t(state_key(*s))))
            .collect(),
        view,
        form,
        now,
        works: staff.has(Role::Officer) || staff.has(Role::Senior),
        entitled: entitled(staff),
        informant,
    };
    show_private(status, &page)
}

/// `GET /desk/cases/new`
pub(super) async fn blank(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let form = Form::blank(visitor.lang)
        .with("kind", CaseKind::Tip.as_str())
        .with("channel", Channel::Telephone.as_str());
    show_private(
        StatusCode::OK,
        &new_page(&site, &visitor, &staff, form, None),
    )
}

fn new_page(
    site: &Site,
    visitor: &Visitor,
    staff: &Staff,
    form: Form,
    opened: Option<crate::casework::CaseOpened>,
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
    let text = form.required("text", 8_000);
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
    let form = Form::blank(visitor.lang);
    show_private(
        StatusCode::CREATED,
        &new_page(&site, &visitor, &staff, form, Some(opened)),
    )
}

/// `POST /desk/cases/{id}/note`
pub(super) async fn note(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    seen(&site, &staff, &id).await?;
    let text = form.required("text", 8_000);
    if form.is_wrong() {
        return shown(&site, &visitor, &staff, &id, form, None).await;
    }
    let (case, by) = (CaseId::parse(&id)?, hand(&staff));
    site.ask(move |desk| desk.add_note(&case, &text, &by))
        .await?;
    see_other(&format!("/desk/cases/{id}"))
}

/// `POST /desk/cases/{id}/link`
pub(super) async fn link(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    seen(&site, &staff, &id).await?;
    let subjects = form.optional("links", 8_000);
    let decisions = decisions(&mut form, visitor.lang);
    if form.is_wrong() {
        return shown(&site, &visitor, &staff, &id, form, None).await;
    }
    let subjects: Vec<String> = subjects.split_whitespace().map(str::to_owned).collect();
    let (case, by) = (CaseId::parse(&id)?, hand(&staff));
    site.ask(move |desk| desk.link_case(&case, &subjects, &decisions, &by))
        .await?;
    see_other(&format!("/desk/cases/{id}"))
}

/// `POST /desk/cases/{id}/state`. An appeal that is to be stayed leads on to the stay itself, which
/// the officer signs: the case says what was done, the log what holds.
pub(super) async fn advance(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let case = seen(&site, &staff, &id).await?;
    let why = form.required("why", 8_000);
    let to = CaseState::parse(form.value("to"));
    let (Some(to), false) = (to, form.is_wrong()) else {
        form.wrong("to", visitor.lang.t("form.empty"));
        return shown(&site, &visitor, &staff, &id, form, None).await;
    };
    let (of, by) = (case.id.clone(), hand(&staff));
    site.ask(move |desk| desk.move_case(&of, to, &why, &by))
        .await?;
    let act = match to {
        CaseState::Stayed | CaseState::Confirmed => "stay",
        CaseState::Revoked => "revoke",
        _ => return see_other(&format!("/desk/cases/{id}")),
    };
    see_other(&act_path(act, &case))
}

/// `POST /desk/cases/{id}/informant`
pub(super) async fn informant(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    _: Posted,
) -> Answer {
    may_handle(&staff)?;
    let case = seen(&site, &staff, &id).await?;
    let by = hand(&staff);
    let found = site.ask(move |desk| desk.informant(&case.id, &by)).await?;
    let form = Form::blank(visitor.lang);
    shown(
        &site,
        &visitor,
        &staff,
        &id,
        form,
        Some(found.unwrap_or_default()),
    )
    .await
}

/// `POST /desk/cases/{id}/erase`
pub(super) async fn erase(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    may_handle(&staff)?;
    let case = seen(&site, &staff, &id).await?;
    let mut form = posted.form;
    if !form.is_ticked("sure") {
        form.wrong("sure", visitor.lang.t("desk_case.sure_first"));
        return shown(&site, &visitor, &staff, &id, form, None).await;
    }
    let by = hand(&staff);
    site.ask(move |desk| desk.erase_case(&case.id, &by)).await?;
    see_other(&format!("/desk/cases/{id}"))
}

/// The case, if this person may see it.
async fn seen(site: &Site, staff: &Staff, id: &str) -> Answer<Case> {
    let id = CaseId::parse(id)?;
    let view = site.ask(move |desk| desk.case(&id)).await?;
    may_see(staff, &view.case)?;
    Ok(view.case)
}

/// One against an officer passes the unit by, and is told as missing to whoever may not see it.
fn may_see(staff: &Staff, case: &Case) -> Answer<()> {
    if case.about_officer && !sees_all(staff) {
        return Err(Problem::missing("there is no such case"));
    }
    Ok(())
}

fn may_handle(staff: &Staff) -> Answer<()> {
    if entitled(staff) {
        Ok(())
    } else {
        Err(super::gate::forbidden(
            "who brought a case is shown to senior officers and the coordinator",
        ))
    }
}

fn entitled(staff: &Staff) -> bool {
    staff.has(Role::Senior) || staff.has(Role::Coordinator)
}

fn sees_all(staff: &Staff) -> bool {
    staff.session.account.unit == STANDING_OFFICE || staff.has(Role::Coordinator)
}

fn hand(staff: &Staff) -> Hand {
    Hand::new(staff.account(), staff.session.account.unit.clone())
}

fn decisions(form: &mut Form, lang: Lang) -> Vec<DecisionId> {
    let typed = form.optional("decisions", 400);
    let read: Result<Vec<DecisionId>, _> = typed.split_whitespace().map(DecisionId::new).collect();
    read.unwrap_or_else(|_| {
        form.wrong("decisions", lang.t("desk.act.bad_id"));
        Vec::new()
    })
}

/// The form of a stay or a revocation, filled in from the case.
fn act_path(act: &str, case: &Case) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("of", &case.subjects.join("\n"));
    let decisions: Vec<&str> = case.decisions.iter().map(DecisionId::as_str).collect();
    query.append_pair("decision", &decisions.join(" "));
    query.append_pair("appeal", case.id.as_str());
    format!("/desk/act/{act}?{}", query.finish())
}

fn channel(lang: Lang, channel: Channel) -> &'static str {
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

impl CasePageOf {
    fn tone(&self) -> Tone {
        state_tone(self.view.case.state)
    }

    fn word(&self) -> &'static str {
        state_key(self.view.case.state)
    }

    fn channel(&self) -> &'static str {
        channel(self.shell.lang, self.view.case.channel)
    }

    fn step(&self, clock: &Clock) -> &'static str {
        step(self.shell.lang, clock.step)
    }

    fn late(&self, clock: &Clock) -> bool {
        clock.is_overdue(self.now)
    }

    fn event(&self, what: &str, detail: &str) -> String {
        let lang = self.shell.lang;
        let word = match what {
            "opened" => lang.t("desk_case.opened"),
            "note" => lang.t("desk_case.note"),
            "linked" => lang.t("desk_case.linked"),
            "informant_shown" => lang.t("desk_case.informant_shown"),
            "erased" => lang.t("desk_case.erased"),
            _ => lang.t("desk_case.moved"),
        };
        match CaseState::parse(detail) {
            Some(state) => format!("{word}: {}", lang.t(state_key(state))),
            None => word.to_owned(),
        }
    }

    fn by(&self, by: &str) -> String {
        match by {
            "public" => self.shell.t("desk_case.sender").to_owned(),
            by => by.to_owned(),
        }
    }

    fn act(&self, what: &str) -> String {
        act_path(what, &self.view.case)
    }

    fn is_appeal(&self) -> bool {
        self.view.case.kind == CaseKind::Appeal && !self.view.case.state.is_end()
    }
}
