//! What was made of a paper: the verdict on every line, what would be touched, the signature; the result as a file.

use super::{
    finding::{Row, Said, of_line, said},
    gate::Staff,
    proposal::facts,
    sign::{Signing, for_signing},
    words,
};
use crate::{
    casework::{Act, Hold, Paper, Prepared, Stage},
    check::{
        Finding,
        batch::{Counts, Outcome},
        body,
        collateral::Tally,
        report::Checked,
        sheet,
    },
    serve::{
        pages::{
            parts::Facts,
            shell::Shell,
            show::{see_other, show_private},
            texts::Lang,
            visitor::Visitor,
            why::{Why, why_ever},
        },
        problem::{Answer, Problem},
        site::Site,
    },
    trust::Role,
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;

/// Lines of a page.
const LINES: usize = 100;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    page: usize,
    /// `refused`, `merged`, `noted`; else all.
    #[serde(default)]
    only: String,
}

#[derive(Template)]
#[template(path = "desk/checking.html")]
struct CheckingPage {
    shell: Shell,
    id: String,
    done: usize,
    total: usize,
}

/// The piece that htmx asks for while a list is checked.
#[derive(Template)]
#[template(path = "desk/progress.html")]
struct ProgressPiece {
    shell: Shell,
    id: String,
    done: usize,
    total: usize,
}

#[derive(Template)]
#[template(path = "desk/broken.html")]
struct BrokenPage {
    shell: Shell,
    id: String,
    why: Why,
    /// The error's own words, in English, for whoever is asked for help.
    detail: String,
    /// Where it is changed.
    again: String,
}

#[derive(Template)]
#[template(path = "desk/verdict.html")]
struct VerdictPage {
    shell: Shell,
    id: String,
    action: &'static str,
    is_list: bool,
    /// Where it is changed.
    again: String,
    /// What would be signed, with its reasons.
    says: Option<(Facts, String)>,
    counts: Option<Counts>,
    rows: Vec<Row>,
    only: String,
    page: usize,
    pages: usize,
    /// What holds of the decision as a whole.
    whole: Vec<Said>,
    touched: Vec<Touch>,
    covered: Vec<(String, Hold)>,
    stopped: bool,
    grows: bool,
    signing: Option<Signing>,
    command: bool,
}

/// What a submission touches besides.
struct Touch {
    what: &'static str,
    count: u64,
    examples: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (account, of) = (staff.account().to_owned(), id.clone());
    let paper = site.ask(move |desk| desk.paper(&account, &of)).await?;
    let lang = visitor.lang;
    match &paper.stage {
        Stage::Checking(progress) => {
            let shell = staff.shell(&site, &visitor, lang.t("desk.checking.title"));
            let (done, total) = (progress.done(), progress.total);
            if visitor.piece {
                return show_private(
                    StatusCode::OK,
                    &ProgressPiece {
                        shell,
                        id,
                        done,
                        total,
                    },
                );
            }
            show_private(
                StatusCode::OK,
                &CheckingPage {
                    shell,
                    id,
                    done,
                    total,
                },
            )
        }
        _ if visitor.piece => {
            // htmx loads the whole page in the place of the progress.
            let mut answer = see_other("")?;
            *answer.status_mut() = StatusCode::OK;
            let to = format!("/desk/papers/{id}")
                .parse()
                .map_err(|e| Problem::internal(&e))?;
            answer.headers_mut().remove("location");
            answer.headers_mut().insert("hx-redirect", to);
            Ok(answer)
        }
        Stage::Broken { code, why } => {
            let page = BrokenPage {
                shell: staff.shell(&site, &visitor, lang.t("desk.broken.title")),
                why: why_ever(lang, code, why),
                detail: format!("{code}: {why}"),
                again: again(&id, &paper.order.act),
                id,
            };
            show_private(StatusCode::OK, &page)
        }
        Stage::Ready(prepared) => {
            let page = page(&site, &visitor, &staff, &paper, prepared, &asked);
            show_private(StatusCode::OK, &page)
        }
    }
}

/// Where a paper is changed: a list in its form, any other in a new one that names the same.
fn again(id: &str, act: &Act) -> String {
    match super::act::path(act) {
        Some(path) => path,
        None => format!("/desk/papers/{id}/edit"),
    }
}

fn page(
    site: &Site,
    visitor: &Visitor,
    staff: &Staff,
    paper: &Paper,
    prepared: &Prepared,
    asked: &Asked,
) -> VerdictPage {
    let lang = visitor.lang;
    let (rows, pages, at) = rows(lang, prepared, asked);
    let ready = prepared.made.as_ref().filter(|_| !prepared.stopped);
    let signing = ready.and_then(|made| {
        let to = format!("/desk/papers/{}/sign", paper.id);
        for_signing(site, lang, staff, &made.body, made.hash, Role::Propose, to)
    });
    VerdictPage {
        shell: staff.shell(site, visitor, lang.t("desk.verdict.title")),
        id: paper.id.clone(),
        action: words::action(lang, paper.order.act.action()),
        is_list: prepared.batch.is_some(),
        says: prepared.made.as_ref().map(|made| {
            let facts = facts(site, lang, named(&paper.order.act), &made.body);
            (facts, paper.order.reasons.clone())
        }),
        again: again(&paper.id, &paper.order.act),
        counts: prepared.batch.as_ref().map(|batch| batch.counts),
        rows,
        only: asked.only.clone(),
        page: at,
        pages,
        whole: whole(lang, prepared),
        touched: touched(lang, prepared),
        covered: prepared.covered.clone(),
        stopped: prepared.stopped,
        grows: prepared.grows,
        command: ready.is_some() && signing.is_none(),
        signing,
    }
}

/// What an order names to be ended or stayed, as it was typed.
fn named(act: &Act) -> Option<(&'static str, String)> {
    match act {
        Act::Revoke { named, .. } | Act::Stay { named, .. } => {
            Some(("desk.act.named", named.join(", ")))
        }
        Act::List { .. } | Act::Amend { .. } => None,
    }
}

fn rows(lang: Lang, prepared: &Prepared, asked: &Asked) -> (Vec<Row>, usize, usize) {
    let Some(batch) = &prepared.batch else {
        return (Vec::new(), 1, 0);
    };
    let wanted = |row: &&crate::check::batch::Row| match (asked.only.as_str(), &row.outcome) {
        ("refused", outcome) => matches!(outcome, Outcome::Refused(_)),
        ("merged", outcome) => matches!(outcome, Outcome::Merged { .. }),
        ("noted", Outcome::Accepted { findings, .. }) => !findings.is_empty(),
        ("noted", _) => false,
        _ => true,
    };
    // What needs an eye comes first: refusals, where no choice was made.
    let mut chosen: Vec<_> = batch.rows.iter().filter(wanted).collect();
    if asked.only.is_empty() {
        chosen.sort_by_key(|row| match &row.outcome {
            Outcome::Refused(_) => 0,
            Outcome::Accepted { findings, .. } if !findings.is_empty() => 1,
            _ => 2,
        });
    }
    let pages = chosen.len().div_ceil(LINES).max(1);
    let at = asked.page.min(pages - 1);
    let shown = chosen.into_iter().skip(at * LINES).take(LINES);
    let rows = shown.map(|row| of_line(lang, Checked::of(row), &row.outcome));
    (rows.collect(), pages, at)
}

fn whole(lang: Lang, prepared: &Prepared) -> Vec<Said> {
    let stops = |finding: &Finding| match &prepared.made {
        Some(made) => body::stops(finding, &made.body),
        None => false,
    };
    prepared
        .findings
        .iter()
        .map(|f| said(lang, f, stops(f)))
        .collect()
}

fn touched(lang: Lang, prepared: &Prepared) -> Vec<Touch> {
    let all = &prepared.collateral;
    let of = |what: &'static str, tally: &Tally| {
        (tally.count > 0).then(|| Touch {
            what,
            count: tally.count,
            examples: tally.examples.join(", "),
        })
    };
    [
        of(lang.t("desk.touched.registered"), &all.registered),
        of(lang.t("desk.touched.popular"), &all.popular),
        of(lang.t("desk.touched.shops"), &all.shops),
        of(lang.t("desk.touched.addresses"), &all.at_addresses),
        of(lang.t("desk.touched.crowded"), &all.crowded),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl VerdictPage {
    fn outcome(&self, outcome: &str) -> crate::serve::pages::parts::Badge {
        use crate::serve::pages::parts::Tone;
        match outcome {
            "accepted" => self.shell.badge(Tone::Good, "desk.outcome.accepted"),
            "merged" => self.shell.badge(Tone::Plain, "desk.outcome.merged"),
            "refused" => self.shell.badge(Tone::Bad, "desk.outcome.refused"),
            _ => self.shell.badge(Tone::Plain, "desk.outcome.skipped"),
        }
    }

    fn with_page(&self, page: impl std::borrow::Borrow<usize>) -> String {
        let page = page.borrow();
        format!("/desk/papers/{}?only={}&page={page}", self.id, self.only)
    }
}

/// The result as `csv` or `xlsx`.
pub(super) async fn file(
    State(site): State<Site>,
    staff: Staff,
    Path((id, format)): Path<(String, String)>,
) -> Answer {
    let (account, of) = (staff.account().to_owned(), id.clone());
    let paper = site.ask(move |desk| desk.paper(&account, &of)).await?;
    let Stage::Ready(prepared) = paper.stage else {
        return Err(Problem::unavailable("the list is still being checked"));
    };
    let made = tokio::task::spawn_blocking(move || written(&prepared, &format));
    let (media, name, bytes) = made.await.map_err(|e| Problem::internal(&e))??;
    let headers = [
        ("content-type", media.to_owned()),
        (
            "content-disposition",
            format!("attachment; filename=\"{name}\""),
        ),
        ("cache-control", "no-store".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

fn written(prepared: &Prepared, format: &str) -> Answer<(&'static str, &'static str, Vec<u8>)> {
    let missing = || Problem::missing("the result is there as csv and as xlsx, of a list");
    let batch = prepared.batch.as_ref().ok_or_else(missing)?;
    match format {
        "csv" => {
            // Excel takes a file without this mark for another encoding.
            let mut bytes = b"\xef\xbb\xbf".to_vec();
            batch
                .write_csv(&mut bytes)
                .map_err(|e| Problem::internal(&e))?;
            Ok(("text/csv; charset=utf-8", "ket-qua.csv", bytes))
        }
        "xlsx" => {
            let lines: Vec<Checked> = batch.rows.iter().map(Checked::of).collect();
            let bytes = sheet(&lines).map_err(|e| Problem::internal(&e))?;
            let media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            Ok((media, "ket-qua.xlsx", bytes))
        }
        _ => Err(missing()),
    }
}
