//! Who has acted: each subscriber, what it holds and has applied, how far behind in words and as a
//! chart, what is overdue; and a reminder to print.

use super::{gate::Staff, words};
use crate::{
    casework::{FeedStanding, Standing},
    entries::FeedName,
    serve::{
        pages::{
            clock,
            parts::{Bar, Bars, Tone},
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
    extract::{Path, State},
    http::StatusCode,
};

/// From so many seconds on a subscriber that lags is late: the agent's own alarms (design: The agent).
const LATE: u64 = 3600;

#[derive(Template)]
#[template(path = "desk/acted.html")]
struct ActedPage {
    shell: Shell,
    rows: Vec<Row>,
    lags: Bars,
    overdue: u64,
}

/// A subscriber and one of its feeds.
struct Row {
    name: String,
    feed: String,
    held: Option<u64>,
    applied: Option<(u64, u64)>,
    lag: String,
    tone: Tone,
    word: &'static str,
    waiting: u64,
    overdue: u64,
    next_due: Option<u64>,
}

#[derive(Template)]
#[template(path = "desk/letter.html")]
struct LetterPage {
    shell: Shell,
    name: String,
    unit: String,
    today: String,
    rows: Vec<Row>,
    overdue: u64,
}

/// `GET /desk/subscribers`
pub(super) async fn list(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let lang = visitor.lang;
    let standings = site.ask(|desk| desk.standings()).await?;
    let rows: Vec<Row> = standings.iter().flat_map(|s| rows(lang, s)).collect();
    let bars = standings
        .iter()
        .flat_map(|s| s.feeds.iter().map(move |f| (s, f)));
    let bars = bars.map(|(s, (feed, standing))| Bar {
        label: format!("{} · {}", s.name, feed_name(lang, feed)),
        value: lag(standing),
        said: Some(lag_said(lang, standing)),
        href: Some(format!("/desk/subscribers/{}/letter", s.name)),
    });
    let mut bars: Vec<Bar> = bars.collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.value));
    let page = ActedPage {
        shell: staff.shell(&site, &visitor, lang.t("acted.title")),
        overdue: rows.iter().map(|row| row.overdue).sum(),
        rows,
        lags: Bars::new(lang, lang.t("acted.lags"), lang.t("acted.lag"), bars),
    };
    show_private(StatusCode::OK, &page)
}

/// `GET /desk/subscribers/{name}/letter`
pub(super) async fn letter(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Path(name): Path<String>,
) -> Answer {
    let lang = visitor.lang;
    let asked = site.ask(move |desk| Ok((desk.standing_of(&name)?, desk.authority().now())));
    let (standing, now) = asked.await?;
    let rows: Vec<Row> = rows(lang, &standing).collect();
    let page = LetterPage {
        shell: staff.shell(&site, &visitor, lang.t("acted.letter")),
        unit: words::unit(&site, lang, &staff.session.account.unit),
        today: clock::date(lang, now),
        overdue: rows.iter().map(|row| row.overdue).sum(),
        rows,
        name: standing.name,
    };
    show_private(StatusCode::OK, &page)
}

fn rows(lang: Lang, standing: &Standing) -> impl Iterator<Item = Row> {
    let rows = standing.feeds.iter();
    rows.map(move |(feed, of)| row(lang, &standing.name, feed, of))
}

fn row(lang: Lang, name: &str, feed: &FeedName, of: &FeedStanding) -> Row {
    let (tone, word) = match (&of.applied, &of.held) {
        _ if of.overdue > 0 => (Tone::Bad, "acted.overdue"),
        (Some(applied), _) if applied.current => (Tone::Good, "acted.current"),
        (Some(applied), _) if applied.lag_seconds < LATE => (Tone::Note, "acted.behind"),
        (Some(_), _) => (Tone::Warn, "acted.late"),
        (None, Some(held)) if held.current => (Tone::Note, "acted.holds"),
        (None, Some(_)) => (Tone::Warn, "acted.holds_old"),
        (None, None) => (Tone::Plain, "acted.silent"),
    };
    Row {
        name: name.to_owned(),
        feed: feed_name(lang, feed),
        held: of.held.as_ref().map(|h| h.serial),
        applied: of.applied.as_ref().map(|a| (a.serial, a.time)),
        lag: lag_said(lang, of),
        tone,
        word,
        waiting: of.waiting,
        overdue: of.overdue,
        next_due: of.next_due,
    }
}

fn lag_said(lang: Lang, standing: &FeedStanding) -> String {
    match &standing.applied {
        Some(applied) if applied.current => lang.t("acted.none").to_owned(),
        Some(applied) => clock::span(lang, applied.lag_seconds),
        None => lang.t("acted.unknown").to_owned(),
    }
}

/// A feed in words: `Tên miền`, `Gian hàng shopee.vn`.
fn feed_name(lang: Lang, feed: &FeedName) -> String {
    let name = feed.to_string();
    let (kind, of) = name.split_once('/').unwrap_or((&name, ""));
    let word = match kind {
        "domains" => lang.t("kind.domain"),
        "networks" => lang.t("kind.net"),
        "accounts" => lang.t("kind.account"),
        _ => lang.t("kind.seller"),
    };
    format!("{word} {of}").trim_end().to_owned()
}

/// How far behind, where it is behind at all.
fn lag(standing: &FeedStanding) -> u64 {
    let applied = standing.applied.as_ref().filter(|a| !a.current);
    applied.map_or(0, |applied| applied.lag_seconds)
}
