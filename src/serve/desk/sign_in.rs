//! Signing in and out, and showing password and code again before a sensitive step.

use super::gate::{Address, Posted, Staff, session_cookie};
use crate::{
    accounts::{Credentials, Error, Opened},
    serve::{
        pages::{
            form::Form,
            shell::Shell,
            show::{see_other, show_private},
            visitor::Visitor,
        },
        problem::{Answer, Problem},
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignInPage {
    shell: Shell,
    form: Form,
    next: String,
    elsewhere: bool,
}

#[derive(Template)]
#[template(path = "desk/confirm.html")]
struct ConfirmPage {
    shell: Shell,
    form: Form,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Answer {
    let page = page(&site, &visitor, Form::blank(visitor.lang), &asked.next);
    show_private(StatusCode::OK, &page)
}

fn page(site: &Site, visitor: &Visitor, form: Form, next: &str) -> SignInPage {
    SignInPage {
        shell: Shell::public(visitor, visitor.lang.t("desk.sign_in.title")),
        form,
        next: within(next).to_owned(),
        elsewhere: site.config.accounts.oidc.issuer.is_some(),
    }
}

pub(super) async fn sign_in(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    Address(address): Address,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let shown = Credentials {
        name: form
            .required("name", "desk.sign_in.name", 64)
            .to_lowercase(),
        password: form.value("password").to_owned(),
        code: form.required("code", "desk.sign_in.code", 12),
    };
    let next = within(form.value("next")).to_owned();
    let before = super::gate::shown_session(&headers);
    let opened = site
        .accounts_or(move |accounts, now| accounts.sign_in(&shown, before.as_ref(), &address, now));
    match opened.await? {
        Ok(opened) => with_session(&headers, &opened, &next),
        Err(error) => {
            let (status, why) = said(&visitor, &error)?;
            form.wrong("name", why);
            let form = without_secrets(form);
            show_private(status, &page(&site, &visitor, form, &next))
        }
    }
}

pub(super) async fn ask_again(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let shell = staff.shell(&site, &visitor, visitor.lang.t("desk.confirm.title"));
    let form = Form::blank(visitor.lang);
    show_private(StatusCode::OK, &ConfirmPage { shell, form })
}

pub(super) async fn confirm(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let (password, code) = (
        form.value("password").to_owned(),
        form.value("code").to_owned(),
    );
    let (id, address) = (staff.id.clone(), staff.address.clone());
    let opened = site
        .accounts_or(move |accounts, now| accounts.confirm(&id, &password, &code, &address, now));
    match opened.await? {
        Ok(opened) => with_session(&headers, &opened, "/desk/account"),
        Err(error) => {
            let (status, why) = said(&visitor, &error)?;
            form.wrong("password", why);
            let shell = staff.shell(&site, &visitor, visitor.lang.t("desk.confirm.title"));
            let form = without_secrets(form);
            show_private(status, &ConfirmPage { shell, form })
        }
    }
}

pub(super) async fn sign_out(State(site): State<Site>, headers: HeaderMap, staff: Staff) -> Answer {
    let (id, address) = (staff.id, staff.address);
    site.accounts(move |accounts, now| accounts.sign_out(&id, &address, now))
        .await?;
    set_cookie(see_other("/desk/sign-in")?, &session_cookie(&headers, None))
}

pub(super) async fn everywhere(
    State(site): State<Site>,
    headers: HeaderMap,
    staff: Staff,
) -> Answer {
    let (id, address) = (staff.id, staff.address);
    site.accounts(move |accounts, now| accounts.sign_out_everywhere(&id, &address, now))
        .await?;
    set_cookie(see_other("/desk/sign-in")?, &session_cookie(&headers, None))
}

/// On to a page with the cookie of a session that was just opened.
pub(super) fn with_session(headers: &HeaderMap, opened: &Opened, next: &str) -> Answer {
    set_cookie(see_other(next)?, &session_cookie(headers, Some(&opened.id)))
}

fn set_cookie(mut answer: axum::response::Response, cookie: &str) -> Answer {
    let value = HeaderValue::from_str(cookie).map_err(|e| Problem::internal(&e))?;
    answer.headers_mut().append(header::SET_COOKIE, value);
    Ok(answer)
}

/// Passwords and codes never go back into a page.
fn without_secrets(form: Form) -> Form {
    form.with("password", "").with("again", "").with("code", "")
}

/// What is said of a failure, in the reader's language; a fault of ours goes on as it is.
pub(super) fn said(visitor: &Visitor, error: &Error) -> Answer<(StatusCode, String)> {
    let lang = visitor.lang;
    Ok(match error {
        Error::Wrong => (
            StatusCode::UNAUTHORIZED,
            lang.t("desk.sign_in.wrong").into(),
        ),
        Error::Wait(seconds) => {
            let why = lang.fill("desk.sign_in.wait", [("n", seconds)]);
            (StatusCode::TOO_MANY_REQUESTS, why)
        }
        Error::Locked => (StatusCode::FORBIDDEN, lang.t("desk.sign_in.locked").into()),
        Error::Code => (
            StatusCode::UNPROCESSABLE_ENTITY,
            lang.t("desk.enrol.code_wrong").into(),
        ),
        Error::Weak(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            lang.t("desk.enrol.weak").into(),
        ),
        other => return Err(Problem::internal(other)),
    })
}

/// A path of the desk to go on to; any other is the desk itself, so that no link leads elsewhere.
fn within(next: &str) -> &str {
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && (next == "/desk" || next.starts_with("/desk/") || next.starts_with("/desk?")) {
        next
    } else {
        "/desk"
    }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn no_link_leads_elsewhere() {
        for good in ["/desk", "/desk/proposals/2026-000001", "/desk?page=2"] {
            assert_eq!(within(good), good);
        }
        for bad in [
            "",
            "//evil.example/desk/",
            "https://evil.example/",
            "/deskevil",
            "/desk/\r\nx",
            "/desk/\\evil",
        ] {
            assert_eq!(within(bad), "/desk", "{bad}");
        }
    }
}
