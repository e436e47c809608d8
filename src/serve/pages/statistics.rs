//! `/statistics`: what was decided, by head, category, authority, measure and month.

use super::{
    clock,
    names::Names,
    parts::{Bar, Bars, Columns},
    shell::Shell,
    show::show,
    visitor::Visitor,
};
use crate::{
    casework::{Axis, Count, Statistics},
    serve::{problem::Answer, site::Site},
};
use askama::Template;
use axum::extract::State;

/// Months that the chart shows.
const MONTHS: usize = 24;

#[derive(Template)]
#[template(path = "statistics.html")]
struct StatisticsPage {
    shell: Shell,
    size: u64,
    /// When the log's last leaf was made.
    time: u64,
    all: Count,
    months: Columns,
    charts: Vec<Bars>,
    /// How often each authority's listings were stayed or revoked.
    overturned: Vec<(String, Count)>,
}

pub(in crate::serve) async fn statistics(State(site): State<Site>, visitor: Visitor) -> Answer {
    let lang = visitor.lang;
    let asked = site.ask(|desk| Ok((desk.statistics()?, desk.authority().current().time)));
    let (figures, time) = asked.await?;
    let names = Names::new(&site, lang);
    let chart =
        |title: &'static str, axis: Axis, field: &'static str, name: &dyn Fn(&str) -> String| {
            let mut bars: Vec<Bar> = figures
                .along(axis)
                .map(|(code, count)| Bar {
                    label: name(code),
                    value: count.open,
                    said: None,
                    href: Some(link(field, code)),
                })
                .collect();
            bars.sort_by_key(|bar| std::cmp::Reverse(bar.value));
            Bars::new(lang, title, lang.t("statistics.in_force"), bars)
        };
    let charts = vec![
        chart(lang.t("statistics.by_head"), Axis::Head, "head", &|c| {
            names.head(c, time)
        }),
        chart(
            lang.t("statistics.by_category"),
            Axis::Category,
            "category",
            &|c| names.category(c, time),
        ),
        chart(
            lang.t("statistics.by_measure"),
            Axis::Measure,
            "measure",
            &|c| names.measure(c, time),
        ),
        chart(lang.t("statistics.by_unit"), Axis::Unit, "unit", &|c| {
            names.unit(c, time)
        }),
    ];
    show(&StatisticsPage {
        shell: Shell::public(&visitor, lang.t("statistics.title")),
        size: figures.size,
        time,
        all: figures.all,
        months: months(&visitor, &figures),
        charts,
        overturned: figures
            .along(Axis::Unit)
            .map(|(code, count)| (names.unit(code, time), count))
            .collect(),
    })
}

fn months(visitor: &Visitor, figures: &Statistics) -> Columns {
    let lang = visitor.lang;
    let mut bars: Vec<Bar> = figures
        .along(Axis::Month)
        .map(|(code, count)| Bar {
            label: clock::month(lang, code),
            value: count.subjects,
            said: None,
            href: None,
        })
        .collect();
    let skipped = bars.len().saturating_sub(MONTHS);
    bars.drain(..skipped);
    Columns::new(
        lang,
        lang.t("statistics.by_month"),
        lang.t("statistics.listed"),
        bars,
    )
}

fn link(field: &str, code: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(field, code);
    format!("/decisions?{}", query.finish())
}
