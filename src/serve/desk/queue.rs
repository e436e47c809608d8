//! The queue: what waits for me, my papers, what ends soon, stays that run out.

use super::{gate::Staff, words};
use crate::{
    accounts::Role,
    casework::{Ending, PaperRow, Proposal, Status},
    serve::{
        pages::{parts::Tone, shell::Shell, show::show_private, texts::Lang, visitor::Visitor},
        problem::Answer,
        site::Site,
    },
};
use askama::Template;
use axum::{extract::State, http::StatusCode};
use serde_json::Value;

/// What ends within so many seconds ends soon.
const SOON: u64 = 30 * 86_400;

/// The most rows of a table.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct QueuePage {
    shell: Shell,
    waiting: Vec<Waiting>,
    papers: Vec<PaperRow>,
    endings: Vec<Ending>,
    prepares: bool,
    /// The person signs as nobody of the trust document.
    unsigned: bool,
}

/// A proposal that waits for a second officer.
pub(super) struct Waiting {
    id: String,
    action: &'static str,
    about: String,
    by: String,
    opened: u64,
    until: u64,
    /// Whether this person proposed it.
    mine: bool,
}

impl QueuePage {
    fn action(&self, action: &str) -> &'static str {
        words::action(self.shell.lang, action)
    }
}

pub(super) async fn show(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let sees = [
        Role::Officer,
        Role::Approver,
        Role::Senior,
        Role::Coordinator,
        Role::Auditor,
    ];
    let sees = sees.into_iter().any(|role| staff.has(role));
    let account = staff.account().to_owned();
    let (open, papers, endings) = site
        .ask(move |desk| {
            if !sees {
                return Ok((Vec::new(), Vec::new(), Vec::new()));
            }
            let open = desk.proposals(Some(Status::Proposed))?.proposals;
            Ok((open, desk.papers(&account)?, desk.endings(SOON)))
        })
        .await?;
    let me = staff.session.account.officer.clone();
    let waiting = open.iter().take(ROWS).map(|proposal| {
        let mine = me
            .as_ref()
            .is_some_and(|me| proposal.approvals.iter().any(|a| a.officer == *me));
        waiting(&site, visitor.lang, proposal, mine)
    });
    let mut waiting: Vec<Waiting> = waiting.collect();
    waiting.sort_by_key(|w| (w.mine, w.until));
    let page = QueuePage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.queue.title")),
        waiting,
        papers,
        endings: endings.into_iter().take(ROWS).collect(),
        prepares: staff.has(Role::Officer),
        unsigned: sees && staff.officer(&site).is_none() && !staff.has(Role::Auditor),
    };
    show_private(StatusCode::OK, &page)
}

fn waiting(site: &Site, lang: Lang, proposal: &Proposal, mine: bool) -> Waiting {
    let field = |name: &str| {
        proposal
            .body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let count = |parts: &Value| {
        let parts = parts.as_array().into_iter().flatten();
        parts
            .filter_map(|part| part.get("count").and_then(Value::as_u64))
            .sum::<u64>()
    };
    let about = match proposal.body.get("parts") {
        Some(parts) => {
            let category = words::category(site, lang, field("category"));
            lang.fill(
                "desk.queue.about",
                [("n", count(parts).to_string()), ("what", category)],
            )
        }
        None => {
            let targets = proposal.body.get("targets").and_then(Value::as_array);
            let ids = targets
                .into_iter()
                .flatten()
                .filter_map(|t| t.get("decision"));
            let ids: Vec<&str> = ids
                .filter_map(Value::as_str)
                .chain(Some(field("target")))
                .collect();
            ids.join(" ")
        }
    };
    let by: Vec<&str> = proposal
        .approvals
        .iter()
        .map(|a| a.officer.as_str())
        .collect();
    Waiting {
        id: proposal.id.to_string(),
        action: words::action(lang, field("action")),
        about,
        by: by.join(", "),
        opened: proposal.opened,
        until: proposal
            .body
            .get("submit_by")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        mine,
    }
}
