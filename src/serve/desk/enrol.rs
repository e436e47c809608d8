//! The enrolment link: a person chooses a password and takes the codes' secret into a telephone.

use super::{
    gate::{Address, Posted},
    sign_in::said,
};
use crate::{
    accounts::{Error, Secret},
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
    extract::{Path, State},
    http::StatusCode,
};
use qrcode::{QrCode, render::svg};

#[derive(Template)]
#[template(path = "desk/enrol.html")]
struct EnrolPage {
    shell: Shell,
    form: Form,
    name: String,
    /// SVG of our own making.
    picture: String,
    /// The secret for typing, in groups of four.
    secret: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path(token): Path<String>,
) -> Answer {
    let form = Form::blank(visitor.lang);
    page(&site, &visitor, &token, form, StatusCode::OK).await
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    token: &str,
    form: Form,
    status: StatusCode,
) -> Answer {
    let token = Secret::shown(token).ok_or(Error::Link)?;
    let found = site.accounts(move |accounts, now| accounts.enrolling(&token, now));
    let (name, url) = found.await?;
    let code = QrCode::new(url.as_bytes()).map_err(|e| Problem::internal(&e))?;
    let picture = code
        .render::<svg::Color<'_>>()
        .min_dimensions(220, 220)
        .build();
    // The declaration of XML has no place inside a page.
    let picture = picture
        .split_once("?>")
        .map_or(picture.clone(), |(_, svg)| svg.to_owned());
    show_private(
        status,
        &EnrolPage {
            shell: Shell::public(visitor, visitor.lang.t("desk.enrol.title")),
            form,
            name: name.to_string(),
            picture,
            secret: grouped(&url),
        },
    )
}

fn grouped(url: &str) -> String {
    let secret = url.split("secret=").nth(1).unwrap_or_default();
    let secret: Vec<char> = secret.chars().take_while(|c| *c != '&').collect();
    let groups: Vec<String> = secret
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

pub(super) async fn enrol(
    State(site): State<Site>,
    visitor: Visitor,
    Path(token): Path<String>,
    Address(address): Address,
    posted: Posted,
) -> Answer {
    let mut form = posted.form;
    let password = form.value("password").to_owned();
    let code = form.required("code", "desk.sign_in.code", 12);
    if form.value("again") != password {
        form.wrong("again", visitor.lang.t("desk.enrol.different"));
    }
    if !form.is_wrong() {
        let shown = Secret::shown(&token).ok_or(Error::Link)?;
        let done = site.accounts_or(move |accounts, now| {
            accounts.enrol(&shown, &password, &code, &address, now)
        });
        match done.await? {
            Ok(_) => return see_other("/desk/sign-in"),
            Err(Error::Link) => return Err(Error::Link.into()),
            Err(error @ Error::Code) => form.wrong("code", said(&visitor, &error)?.1),
            Err(error) => form.wrong("password", said(&visitor, &error)?.1),
        }
    }
    let form = form.with("password", "").with("again", "").with("code", "");
    page(
        &site,
        &visitor,
        &token,
        form,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
    .await
}
