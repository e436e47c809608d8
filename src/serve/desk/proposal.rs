//! A proposal as its second officer sees it: what it says, every line, what has changed since, and
//! the signature; or the refusal with its reason.

use super::{
    finding::{Said, said},
    gate::{Posted, Staff, no_officer},
    sign::{Signing, for_signing, second_role},
    words,
};
use crate::{
    accounts::Role as Desk,
    casework::{Hold, Proposal, Since, Status},
    check::body,
    decision::Body,
    serve::{
        pages::{
            clock,
            form::Form,
            lookup::resting,
            parts::Facts,
            shell::Shell,
            show::{see_other, show_private},
            texts::Lang,
            visitor::Visitor,
            why::{Why, why_ever},
        },
        problem::{Answer, Problem},
        public::decision_id,
        site::Site,
    },
    trust::Alg,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::IntoResponse,
};

/// Lines that a page shows; the file has all.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "desk/proposal.html")]
struct ProposalPage {
    shell: Shell,
    form: Form,
    id: String,
    status: Status,
    facts: Facts,
    reasons: String,
    /// Rules that it passes, each with its reason.
    overrides: Vec<(String, String)>,
    lines: Vec<String>,
    count: u64,
    /// What has changed; of an open one alone.
    since: Option<Changed>,
    hash: String,
    signing: Option<Signing>,
    mine: bool,
    senior: bool,
    /// One approval must come from the command line, and the first one doesn't.
    by_command: bool,
    command: String,
    may_sign: bool,
    may_reject: bool,
    rejected: Option<(String, String, u64)>,
}

struct Changed {
    lists: bool,
    trust: bool,
    /// Why it would be refused now, and the error's own words.
    refused: Option<(Why, String)>,
    found: Vec<(String, Said)>,
    listed: Vec<(String, Hold)>,
    looked_up: (usize, usize),
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer {
    let form = Form::blank(visitor.lang);
    page(&site, &visitor, &headers, &staff, &id, form).await
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    headers: &HeaderMap,
    staff: &Staff,
    id: &str,
    form: Form,
) -> Answer {
    let id = decision_id(id.to_owned())?;
    let of = id.clone();
    let (proposal, texts, lines, count, since) = site
        .ask(move |desk| {
            let proposal = desk.proposal(&of)?;
            let texts = desk.proposal_texts(&of)?;
            let (lines, count) = desk.proposal_lines(&of, SHOWN)?;
            let open = proposal.status == Status::Proposed;
            let since = open.then(|| desk.since(&of)).transpose()?;
            Ok((proposal, texts, lines, count, since))
        })
        .await?;
    let body = Body::decode(proposal.body.clone()).map_err(|e| Problem::internal(&e))?;
    let mut texts = texts.into_iter();
    let reasons = texts.next().map(|(_, text)| text).unwrap_or_default();
    let me = staff.session.account.officer.as_ref();
    let mine = proposal.approvals.iter().any(|a| Some(&a.officer) == me);
    let role = second_role(&body);
    let senior = role == crate::trust::Role::Senior;
    let by_command = senior && proposal.approvals.iter().all(|a| a.alg != Alg::Ed25519);
    let open = proposal.status == Status::Proposed;
    let refused = since.as_ref().is_some_and(|since| since.refused.is_some());
    let to = format!("/desk/proposals/{id}/approve");
    let second = staff.has(Desk::Approver) || staff.has(Desk::Senior);
    let may_sign = open && !mine && second && !refused;
    let signing = match may_sign && !by_command {
        true => for_signing(
            site,
            visitor.lang,
            staff,
            &body,
            proposal.body_sha256,
            role,
            to,
        ),
        false => None,
    };
    let lang = visitor.lang;
    let by = proposal.approvals.iter().map(|a| a.officer.as_str());
    let by: Vec<&str> = by.collect();
    let withdrawn = proposal.withdrawn.as_ref();
    let page = ProposalPage {
        shell: staff.shell(
            site,
            visitor,
            lang.fill("desk.proposal.title", [("id", &id)]),
        ),
        id: id.to_string(),
        status: proposal.status,
        facts: facts(site, lang, Some(("desk.fact.signed", by.join(", "))), &body),
        reasons,
        overrides: texts.collect(),
        lines,
        count,
        since: since.map(|since| changed(lang, since, &body)),
        hash: proposal.body_sha256.to_string(),
        signing,
        mine,
        senior,
        by_command,
        command: command(headers, staff, &proposal),
        may_sign,
        may_reject: open && (second || mine),
        rejected: withdrawn.map(|w| {
            (
                w.by.to_string(),
                w.reason.clone().unwrap_or_default(),
                w.time,
            )
        }),
        form,
    };
    let status = page.form.status();
    show_private(status, &page)
}

/// How the same is done at the command line, where what is signed is recomputed.
fn command(headers: &HeaderMap, staff: &Staff, proposal: &Proposal) -> String {
    let host = headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .unwrap_or("…");
    let local = host.starts_with("localhost") || host.starts_with("127.0.0.1");
    let scheme = if local { "http" } else { "https" };
    let officer = staff.session.account.officer.as_ref();
    let officer = officer.map_or("o-…", |id| id.as_str());
    format!(
        "blockfeed approve {} --expect {} --server {scheme}://{host} --officer {officer} --key-file {officer}.pem",
        proposal.id, proposal.body_sha256
    )
}

/// What a body says, in rows; `also` is one more, where there is something to tell that no body says.
pub(super) fn facts(
    site: &Site,
    lang: Lang,
    also: Option<(&'static str, String)>,
    body: &Body,
) -> Facts {
    let basis = body.basis();
    let date = |unix: u64| clock::last_day(lang, unix);
    let mut facts = Facts::default().row(
        lang.t("desk.fact.action"),
        words::action(lang, action(body)),
    );
    if let Some((key, value)) = also {
        facts = facts.row(lang.t(key), value);
    }
    let authority = words::unit(site, lang, &basis.authority);
    facts = facts.row(lang.t("desk.fact.basis"), resting(lang, basis, &authority));
    match body {
        Body::List(list) => {
            let measures: Vec<String> = list
                .measures
                .iter()
                .map(|m| words::measure(site, lang, m.as_str()))
                .collect();
            facts = facts
                .row(
                    lang.t("desk.fact.category"),
                    words::category(site, lang, &list.category),
                )
                .row(
                    lang.t("desk.fact.head"),
                    words::head(site, lang, &list.head),
                )
                .row(lang.t("desk.fact.measures"), measures.join("; "))
                .row(lang.t("desk.fact.end"), date(list.not_after));
            if list.bulk {
                facts = facts.row(lang.t("desk.fact.bulk"), lang.t("desk.fact.bulk_yes"));
            }
        }
        Body::Amend(amend) => {
            facts = facts
                .row(lang.t("desk.fact.target"), amend.target.to_string())
                .row(lang.t("desk.fact.end"), date(amend.not_after));
        }
        Body::Revoke(_) | Body::Stay(_) => {
            for target in body.targets() {
                facts = facts.row(lang.t("desk.fact.target"), target.decision.to_string());
            }
        }
    }
    if let Body::Stay(stay) = body {
        facts = facts.row(lang.t("desk.fact.end"), clock::moment(lang, stay.until));
    }
    facts.row(lang.t("desk.fact.submit_by"), date(body.submit_by()))
}

fn action(body: &Body) -> &'static str {
    match body {
        Body::List(_) => "list",
        Body::Amend(_) => "amend",
        Body::Revoke(_) => "revoke",
        Body::Stay(_) => "stay",
    }
}

fn changed(lang: Lang, since: Since, body: &Body) -> Changed {
    let found = since.findings.iter().take(SHOWN);
    let found = found.map(|(text, f)| (text.clone(), said(lang, f, body::stops(f, body))));
    Changed {
        lists: since.lists,
        trust: since.trust,
        refused: since
            .refused
            .map(|detail| (why_ever(lang, "guard", &detail), detail)),
        found: found.collect(),
        listed: since.listed.into_iter().take(SHOWN).collect(),
        looked_up: since.looked_up,
    }
}

impl ProposalPage {
    fn standing(&self) -> crate::serve::pages::parts::Badge {
        use crate::serve::pages::parts::Tone;
        match self.status {
            Status::Proposed => self.shell.badge(Tone::Note, "desk.status.proposed"),
            Status::Committed => self.shell.badge(Tone::Good, "desk.status.committed"),
            Status::Withdrawn => self.shell.badge(Tone::Bad, "desk.status.withdrawn"),
            Status::Expired => self.shell.badge(Tone::Plain, "desk.status.expired"),
        }
    }

    fn is_open(&self) -> bool {
        self.status == Status::Proposed
    }

    fn is_committed(&self) -> bool {
        self.status == Status::Committed
    }
}

/// Every line in clear, as a file.
pub(super) async fn list(State(site): State<Site>, Path(id): Path<String>) -> Answer {
    let id = decision_id(id)?;
    let of = id.clone();
    let found = site.ask(move |desk| desk.proposal_lines(&of, usize::MAX));
    let (lines, _) = found.await?;
    let mut text = lines.join("\n");
    text.push('\n');
    let headers = [
        ("content-type", "text/plain; charset=utf-8".to_owned()),
        (
            "content-disposition",
            format!("attachment; filename=\"{id}.txt\""),
        ),
        ("cache-control", "no-store".to_owned()),
    ];
    Ok((headers, text).into_response())
}

/// Turned down, with a reason. It can be proposed again, under another id.
pub(super) async fn reject(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let reason = form.required("reason", "desk.reject.reason", 2_000);
    if form.is_wrong() {
        return page(&site, &visitor, &headers, &staff, &id, form).await;
    }
    let id = decision_id(id)?;
    let (by, _) = staff.officer(&site).ok_or_else(no_officer)?;
    let second = staff.has(Desk::Approver) || staff.has(Desk::Senior);
    let of = id.clone();
    site.ask(move |desk| desk.reject(&of, &by, second, &reason))
        .await?;
    see_other(&format!("/desk/proposals/{id}"))
}
