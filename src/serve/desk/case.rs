//! One case: what it says, its timeline, its clocks; the next step, which for an appeal leads on to the
//! stay or the revocation; who brought it; erasure.

use super::{
    cases::{channel, decisions, hand, sees_all},
    gate::{Posted, Staff},
};
use crate::{
    accounts::Role,
    canon::DecisionId,
    casework::{Case, CaseId, CaseKind, CaseState, CaseView, Clock, Informant},
    serve::{
        pages::{
            case_words::{kind, state_key, state_tone, step},
            form::Form,
            parts::{Choice, Tone},
            shell::Shell,
            show::{see_other, show_private},
            visitor::Visitor,
        },
        problem::{Answer, Problem},
        site::Site,
    },
};
use askama::Template;
use axum::extract::{Path, State};

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
/// the officer signs. What takes two signatures is written down once both are there, so that nobody
/// reads of a revocation that was only proposed: the case says what was done, the log what holds.
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
    match to {
        CaseState::Stayed => see_other(&act_path("stay", &case)),
        _ => see_other(&format!("/desk/cases/{id}")),
    }
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

/// The form of a stay or a revocation, filled in from the case.
fn act_path(act: &str, case: &Case) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("of", &case.subjects.join("\n"));
    let decisions: Vec<&str> = case.decisions.iter().map(DecisionId::as_str).collect();
    query.append_pair("decision", &decisions.join(" "));
    query.append_pair("appeal", case.id.as_str());
    format!("/desk/act/{act}?{}", query.finish())
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
