//! The officers' desk: signing in, preparing, proposing, approving, ending, in a browser.
//!
//! Owns the staff's routes with who may use which ([`access`]), the gate that every request of theirs
//! passes, and their pages. Knows no rule: what may be decided is asked of `casework`, who may sign
//! in of `accounts`. A session reads and prepares; what enters the log is signed by the officer's own
//! passkey or at the command line, and the log looks at nothing else.
//! Follows OWASP ASVS 5.0 level 2, WebAuthn level 3 (assertions), design: The log ("Approvals").

pub mod access;
mod accounts;
mod act;
mod acted;
mod case;
mod cases;
mod decision;
mod enrol;
mod finding;
mod frame;
mod gate;
mod grounds;
mod oidc;
mod own;
mod paper;
mod proposal;
mod queue;
mod search;
mod sheet;
mod sign;
mod sign_in;
mod verdict;
mod words;

// For routes of the staff that stand elsewhere.
#[allow(unused_imports, reason = "the casework pages come beside")]
pub(super) use gate::{Posted, Staff};

use super::{pages::visitor, site::Site};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};

/// The staff's routes, behind the gate.
pub(super) fn routes(site: &Site) -> Router<Site> {
    let routes = Router::new()
        .route("/desk", get(queue::show))
        .route("/desk/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/desk/sign-out", post(sign_in::sign_out))
        .route("/desk/sign-out-everywhere", post(sign_in::everywhere))
        .route(
            "/desk/confirm",
            get(sign_in::ask_again).post(sign_in::confirm),
        )
        .route("/desk/enrol/{token}", get(enrol::show).post(enrol::enrol))
        .route("/desk/oidc/start", get(oidc::start))
        .route("/desk/oidc/back", get(oidc::back))
        .route("/desk/account", get(own::show))
        .route("/desk/passkey", post(own::passkey))
        .route("/desk/accounts", get(accounts::list))
        .route("/desk/accounts/{name}/lock", post(accounts::lock))
        .route("/desk/accounts/{name}/unlock", post(accounts::unlock))
        .route("/desk/journal", get(accounts::journal))
        .route("/desk/papers/new", get(paper::blank).post(paper::make))
        .route("/desk/papers/{id}", get(verdict::show))
        .route(
            "/desk/papers/{id}/edit",
            get(paper::edit).post(paper::change),
        )
        .route("/desk/papers/{id}/drop", post(paper::discard))
        .route("/desk/papers/{id}/result/{format}", get(verdict::file))
        .route("/desk/papers/{id}/sign", post(sign::paper))
        .route("/desk/act/{what}", get(act::blank).post(act::make))
        .route("/desk/proposals/{id}", get(proposal::show))
        .route("/desk/proposals/{id}/list", get(proposal::list))
        .route("/desk/proposals/{id}/approve", post(sign::approve))
        .route("/desk/proposals/{id}/reject", post(proposal::reject))
        .route("/desk/cases", get(cases::list))
        .route("/desk/cases/new", get(cases::blank).post(cases::enter))
        .route("/desk/cases/{id}", get(case::one))
        .route("/desk/cases/{id}/note", post(case::note))
        .route("/desk/cases/{id}/link", post(case::link))
        .route("/desk/cases/{id}/state", post(case::advance))
        .route("/desk/cases/{id}/unit", post(case::hand_over))
        .route("/desk/cases/{id}/informant", post(case::informant))
        .route("/desk/cases/{id}/erase", post(case::erase))
        .route("/desk/subscribers", get(acted::list))
        .route("/desk/subscribers/{name}/letter", get(acted::letter))
        .route("/desk/search", get(search::show))
        .route("/desk/decisions/{id}", get(decision::show));
    guarded(routes, site)
}

/// Puts the gate before routes of the staff; each must stand in [`access::ROUTES`].
pub(super) fn guarded(routes: Router<Site>, site: &Site) -> Router<Site> {
    routes
        .route_layer(middleware::from_fn_with_state(site.clone(), gate::gate))
        // The gate reads bodies within its own limits.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(visitor::language))
}
