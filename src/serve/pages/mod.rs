//! Pages: what people see in a browser, rendered here, in Vietnamese first and in English.
//!
//! Owns the frame of all pages ([`shell`]), the catalogue of texts ([`texts`]), the pieces that pages
//! are put together from ([`parts`]), forms ([`form`]), stylesheet and scripts ([`assets`]), errors as
//! pages ([`problems`]), and the public pages. The officers' pages stand beside them and use the
//! same kit. Everything works without a script, but for what a passkey signs.
//! Follows WCAG 2.2 level AA, CSP level 3 (no script or style within a page), design: Who holds what.
//!
//! A page is a template that extends `base.html`, a struct with a [`Shell`], and a handler:
//!
//! ```text
//! // templates/desk/note.html
//! {% extends "base.html" %}
//! {% block content %}
//! <h1>{{ shell.title }}</h1>
//! {% include "parts/summary.html" %}          (needs a field `form`: what is wrong, above it)
//! <form method="post"><input type="hidden" name="csrf" value="{{ shell.csrf }}">
//! {{ form.field("text", "note.text").hint("note.text_hint").required().area(6).max(2000) }}
//! <button>{{ shell.t("form.send") }}</button></form>
//! <p>{{ shell.badge(Tone::Good, "note.kept") }} {{ shell.time(at) }}</p>
//! {% endblock %}
//!
//! // note.rs
//! #[derive(Template)]
//! #[template(path = "desk/note.html")]
//! struct NotePage { shell: Shell, form: Form, at: u64 }
//!
//! async fn keep(State(site): State<Site>, visitor: Visitor, mut form: Form) -> Answer {
//!     let text = form.required("text", "note.text", 2000);  // notes the error, says it in the language
//!     if form.is_wrong() {
//!         let shell = Shell::framed(&visitor, visitor.lang.t("note.title"), nav).signed_in(person, csrf);
//!         return show_private(form.status(), &NotePage { shell, form, at: 0 });
//!     }
//!     site.ask(move |desk| desk.add_note(&text)).await?;
//!     see_other("/desk/notes")
//! }
//!
//! // texts/desk.toml (named in `texts::FILES`; a test finds keys without use and uses without key)
//! [note]
//! title = { vi = "Ghi chú", en = "Note" }
//! ```
//!
//! Keys are always written out: a key put together from pieces isn't found by the test. Where a key
//! depends on a value, `match` gives the whole key. Errors of `casework` become pages by
//! themselves (`?` on [`Problem`](super::problem::Problem)). A router of pages is wrapped in
//! [`visitor::language`], as [`routes`] does. Pieces for htmx are templates without `extends`, shown
//! where [`Visitor::piece`](visitor::Visitor) is true.

pub(super) mod assets;
pub(super) mod case_words;
mod cases;
pub(super) mod clock;
pub(super) mod decisions;
pub(super) mod form;
mod home;
pub(super) mod lookup;
pub(super) mod names;
mod notice;
pub(super) mod parts;
pub(super) mod problems;
mod robots;
pub(super) mod shell;
pub(super) mod show;
mod statistics;
pub(super) mod texts;
mod verify;
pub(super) mod visitor;
pub(super) mod why;

pub(super) use notice::redirected;

use super::site::Site;
use axum::{Router, middleware, routing::get};

/// The public pages.
pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/", get(home::home))
        .route("/lookup", get(lookup::lookup))
        .route("/decisions", get(decisions::decisions))
        .route("/decisions/{id}", get(decisions::decision))
        .route("/statistics", get(statistics::statistics))
        .route("/notice", get(notice::notice))
        .route("/verify", get(verify::verify))
        .route("/tips/new", get(cases::blank_tip).post(cases::send_tip))
        .route(
            "/appeals/new",
            get(cases::blank_appeal).post(cases::send_appeal),
        )
        .route("/appeals", get(cases::ask).post(cases::follow))
        .route("/appeals/{receipt}", get(cases::ask_of))
        .layer(middleware::from_fn(visitor::language))
        .route("/assets/{name}", get(assets::asset))
}
