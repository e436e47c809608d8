//! `/`: the first page.

use super::{shell::Shell, show::show, visitor::Visitor};
use crate::serve::problem::Answer;
use askama::Template;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    shell: Shell,
}

pub(in crate::serve) async fn home(visitor: Visitor) -> Answer {
    show(&Home {
        shell: Shell::public(&visitor, visitor.lang.t("home.title")),
    })
}
