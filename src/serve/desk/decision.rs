//! A decision of the log with its timeline, and what can be done about it.

use super::{gate::Staff, words};
use crate::{
    casework::{Dossier, Signer},
    serve::{
        pages::{
            decisions::texts, shell::Shell, show::show_private, texts::Lang, visitor::Visitor,
        },
        problem::Answer,
        public::decision_id,
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
};

#[derive(Template)]
#[template(path = "desk/decision.html")]
struct DecisionPage {
    shell: Shell,
    dossier: Dossier,
    action: &'static str,
    /// Who signed, in words.
    signers: Vec<String>,
    /// Its reasons and those of its overrides, under their names; none: erased.
    texts: Vec<(String, Option<String>)>,
    /// Whether something of it is open, so that it can be ended, stayed or prolonged.
    open: bool,
    prepares: bool,
    /// Whether it is a proposal of the desk, with all its lines.
    proposed: bool,
}

impl DecisionPage {
    fn what(&self, what: &str) -> &'static str {
        words::action(self.shell.lang, what)
    }
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
) -> Answer {
    let id = decision_id(id)?;
    let of = id.clone();
    let found = site.ask(move |desk| Ok((desk.dossier(&of)?, desk.proposal(&of).is_ok())));
    let (dossier, proposed) = found.await?;
    let lang = visitor.lang;
    let action = dossier
        .body
        .get("action")
        .and_then(serde_json::Value::as_str);
    let page = DecisionPage {
        shell: staff.shell(
            &site,
            &visitor,
            lang.fill("desk.decision.title", [("id", &id)]),
        ),
        action: words::action(lang, action.unwrap_or_default()),
        signers: dossier
            .approvals
            .iter()
            .map(|one| signer(&site, lang, one))
            .collect(),
        texts: texts(&dossier, lang),
        open: dossier.open.is_some_and(|open| open > 0),
        prepares: staff.has(crate::accounts::Role::Officer),
        proposed,
        dossier,
    };
    show_private(StatusCode::OK, &page)
}

/// `o-0017, Cục …: người đề xuất, khóa k1`
fn signer(site: &Site, lang: Lang, signer: &Signer) -> String {
    let words = [
        ("officer", signer.officer.to_string()),
        ("unit", words::unit(site, lang, &signer.unit)),
        ("role", words::signs_as(lang, signer.role).to_owned()),
        ("key", signer.key.to_string()),
    ];
    lang.fill("desk.decision.signer", words)
}
