//! One case: what it says, its timeline, its clocks; the next step, which for an appeal leads on to the
//! stay or the revocation; who brought it; erasure.

use super::{
    act::path_of,
    cases::{channel, decisions, hand, sees_all, whose},
    frame::settle,
    gate::{Posted, Staff},
    words,
};
use crate::{
    accounts::Role,
    casework::{
        Case, CaseId, CaseKind, CaseState, CaseView, Casework, Clock, Error, Hand, Informant, Whose,
    },
    serve::{
        pages::{
            case_words::{kind, state_key, state_tone, step},
            form::Form,
            names,
            parts::{Choice, Tone},
            shell::Shell,
            show::show_private,
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
    /// Whose it is; empty: nobody's yet.
    unit: String,
    /// To whom it can be given; empty: this person can't.
    units: Vec<Choice>,
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
    let hands = [Role::Officer, Role::Senior, Role::Coordinator];
    let units = match hands.into_iter().any(|role| staff.has(role)) {
        true => form.or_nothing(words::choices(site, lang).units),
        false => Vec::new(),
    };
    let unit = words::unit(site, lang, &view.case.unit);
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
        unit,
        units,
        entitled: entitled(staff),
        informant,
    };
    show_private(status, &page)
}

/// What every handler of a case has at hand.
#[derive(axum::extract::FromRequestParts)]
#[from_request(state(Site))]
pub(super) struct At {
    #[from_request(via(State))]
    site: Site,
    visitor: Visitor,
    staff: Staff,
    #[from_request(via(Path))]
    id: String,
}

impl At {
    /// Writes in a case and leads back to its page, or on to `next`; a form that is wrong is shown again.
    async fn write(
        &self,
        case: &Case,
        form: Form,
        next: Option<String>,
        work: impl FnOnce(&Casework, &CaseId, &Hand) -> Result<(), Error> + Send + 'static,
    ) -> Answer {
        let again = async |form| self.shown(form, None).await;
        let (id, by) = (case.id.clone(), hand(&self.staff));
        let done = async {
            let written = self.site.ask(move |desk| work(desk, &id, &by));
            written.await?;
            Ok(next.unwrap_or_else(|| format!("/desk/cases/{}", case.id)))
        };
        settle(form, again, done).await
    }

    async fn shown(&self, form: Form, informant: Option<Informant>) -> Answer {
        shown(
            &self.site,
            &self.visitor,
            &self.staff,
            &self.id,
            form,
            informant,
        )
        .await
    }

    async fn seen(&self) -> Answer<Case> {
        seen(&self.site, &self.staff, &self.id).await
    }
}

/// `POST /desk/cases/{id}/note`
pub(super) async fn note(at: At, posted: Posted) -> Answer {
    let mut form = posted.form;
    let case = at.seen().await?;
    let text = form.required("text", "desk_case.note_text", 8_000);
    let work = move |desk: &Casework, id: &CaseId, by: &Hand| desk.add_note(id, &text, by);
    at.write(&case, form, None, work).await
}

/// `POST /desk/cases/{id}/link`
pub(super) async fn link(at: At, posted: Posted) -> Answer {
    let mut form = posted.form;
    let case = at.seen().await?;
    let subjects = form.optional("links", 8_000);
    let subjects: Vec<String> = subjects.split_whitespace().map(str::to_owned).collect();
    let decisions = decisions(&mut form, at.visitor.lang);
    let work = move |desk: &Casework, id: &CaseId, by: &Hand| {
        desk.link_case(id, &subjects, &decisions, by)
    };
    at.write(&case, form, None, work).await
}

/// `POST /desk/cases/{id}/state`. An appeal that is to be stayed or granted leads on to the stay or
/// the revocation, which the officer signs: the case follows when the log has it.
pub(super) async fn advance(at: At, posted: Posted) -> Answer {
    let mut form = posted.form;
    let case = at.seen().await?;
    let why = form.required("why", "desk_case.why", 8_000);
    let Some(to) = CaseState::parse(form.value("to")) else {
        form.lacking("to", "desk_case.to");
        return at.shown(form, None).await;
    };
    case.may_become(to)?;
    let next = match to {
        CaseState::Stayed | CaseState::Confirmed => Some(act_path("stay", &case)),
        CaseState::Revoked => Some(act_path("revoke", &case)),
        _ => None,
    };
    let work = move |desk: &Casework, id: &CaseId, by: &Hand| match to.is_of_log() {
        true => desk.add_note(id, &why, by),
        false => desk.move_case(id, to, &why, by),
    };
    at.write(&case, form, next, work).await
}

/// `POST /desk/cases/{id}/unit`
pub(super) async fn hand_over(at: At, posted: Posted) -> Answer {
    let mut form = posted.form;
    let case = at.seen().await?;
    let unit = form.required("unit", "desk_case.unit", 200);
    let because = form.required("because", "desk_case.why", 8_000);
    let known = words::choices(&at.site, at.visitor.lang).units;
    if !known.iter().any(|choice| choice.value == unit) {
        form.lacking("unit", "desk_case.unit");
    }
    let work =
        move |desk: &Casework, id: &CaseId, by: &Hand| desk.hand_over(id, &unit, &because, by);
    // It may be somebody else's to see from now on.
    let next = Some("/desk/cases".to_owned());
    at.write(&case, form, next, work).await
}

/// `POST /desk/cases/{id}/informant`
pub(super) async fn informant(at: At, _: Posted) -> Answer {
    may_handle(&at.staff)?;
    let case = at.seen().await?;
    let by = hand(&at.staff);
    let found = at.site.ask(move |desk| desk.informant(&case.id, &by));
    let found = found.await?.unwrap_or_default();
    at.shown(Form::blank(at.visitor.lang), Some(found)).await
}

/// `POST /desk/cases/{id}/erase`
pub(super) async fn erase(at: At, posted: Posted) -> Answer {
    may_handle(&at.staff)?;
    let case = at.seen().await?;
    let mut form = posted.form;
    if !form.is_ticked("sure") {
        form.wrong("sure", at.visitor.lang.t("desk_case.sure_first"));
    }
    let work = |desk: &Casework, id: &CaseId, by: &Hand| desk.erase_case(id, by);
    at.write(&case, form, None, work).await
}

/// The case, if this person may see it.
async fn seen(site: &Site, staff: &Staff, id: &str) -> Answer<Case> {
    let id = CaseId::parse(id)?;
    let view = site.ask(move |desk| desk.case(&id)).await?;
    may_see(staff, &view.case)?;
    Ok(view.case)
}

/// One against an officer passes the unit by, and one of another unit is that unit's: both are told
/// as missing to whoever may not see them.
fn may_see(staff: &Staff, case: &Case) -> Answer<()> {
    let theirs = match whose(staff) {
        Whose::All => true,
        Whose::Of(unit) => case.is_of(&unit),
    };
    if !theirs || case.about_officer && !sees_all(staff) {
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
    path_of(act, &case.subjects, &case.decisions, case.id.as_str())
}

impl CasePageOf {
    fn tone(&self) -> Tone {
        state_tone(self.view.case.state)
    }

    fn word(&self) -> &'static str {
        state_key(self.view.case.state)
    }

    fn subject(&self, subject: &str) -> String {
        names::subject(self.shell.lang, subject)
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
            "handed" => lang.t("desk_case.handed"),
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
