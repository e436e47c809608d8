//! `/`: the look-up box, what there is in short, and where to go.

use super::{decisions::action, names::Names, shell::Shell, show::show, visitor::Visitor};
use crate::{
    casework::Count,
    serve::{problem::Answer, site::Site},
};
use askama::Template;
use axum::extract::State;

/// Decisions that the page names.
const LATEST: usize = 5;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
    /// For the look-up box.
    query: String,
    all: Count,
    latest: Vec<Latest>,
}

struct Latest {
    id: String,
    time: u64,
    action: &'static str,
    what: String,
    subjects: u64,
}

pub(in crate::serve) async fn home(State(site): State<Site>, visitor: Visitor) -> Answer {
    let asked = site.ask(|desk| Ok((desk.decisions(&[], None, LATEST)?, desk.statistics()?)));
    let (page, figures) = asked.await?;
    let lang = visitor.lang;
    let names = Names::new(&site, lang);
    let latest = page.rows.iter().map(|row| Latest {
        id: row.id.to_string(),
        time: row.time,
        action: action(lang, row.action),
        what: names.category(&row.category, row.time),
        subjects: row.subjects,
    });
    show(&Home {
        shell: Shell::public(&visitor, lang.t("home.title")),
        query: String::new(),
        all: figures.all,
        latest: latest.collect(),
    })
}
