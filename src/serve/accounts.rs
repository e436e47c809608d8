//! `/api/v1/accounts`: who may sign in at the desk, by a senior officer's signature. An account
//! signs nothing, so that making one puts nothing into the log.

use super::{
    caller::Signed,
    problem::{Answer, Problem},
    proposals::private,
    site::Site,
    subscribers::{ToldOnce, decoded},
};
use crate::{
    accounts::{Account, Change, Enrolment, Name, NewAccount},
    casework::Error,
    trust::Role,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;

/// All accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountList {
    accounts: Vec<Account>,
}

/// What was done; the enrolment link's parts where there is a new one.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name>,
    /// Until when the link is good, Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    /// In clear this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// All accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts",
    responses((status = 200, body = AccountList)), security(("officer" = [])))]
pub(super) async fn list(State(site): State<Site>, signed: Signed) -> Answer {
    may(&signed)?;
    let accounts = site.accounts(|accounts, _| accounts.accounts()).await?;
    Ok(private(Json(AccountList { accounts })))
}

/// Make an account; the answer has the token of the enrolment link, this once.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 201, body = Told)), security(("officer" = [])))]
pub(super) async fn make(
    State(site): State<Site>,
    signed: Signed,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    may(&signed)?;
    let new: NewAccount = decoded(body)?;
    let by = signed.id.to_string();
    let made = site.accounts(move |accounts, now| accounts.new_account(new, &by, now));
    told_once(StatusCode::CREATED, Some(made.await?))
}

/// Lock, unlock or reset an account, give it other roles, or link it to an identity provider's subject.
#[utoipa::path(post, path = "/api/v1/accounts/{name}", tag = "accounts",
    params(("name" = String, Path)), request_body = Change,
    responses((status = 200, body = Told)), security(("officer" = [])))]
pub(super) async fn change(
    State(site): State<Site>,
    signed: Signed,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    may(&signed)?;
    let change: Change = decoded(body)?;
    let name = Name::new(&name)?;
    let by = signed.id.to_string();
    let changed =
        site.accounts(move |accounts, now| accounts.change_account(&name, change, &by, now));
    told_once(StatusCode::OK, changed.await?)
}

/// The token is told this once, and not again to the same `Idempotency-Key`.
fn told_once(status: StatusCode, enrolment: Option<Enrolment>) -> Answer {
    let mut told = Told::default();
    let Some(made) = enrolment else {
        return Ok((status, private(Json(told))).into_response());
    };
    told.name = Some(made.name);
    told.until = Some(made.until);
    let again = serde_json::to_vec(&told).map_err(|e| Problem::internal(&e))?;
    told.token = Some(made.token.as_str().to_owned());
    let mut answer = (status, private(Json(told))).into_response();
    answer.extensions_mut().insert(ToldOnce(again.into()));
    Ok(answer)
}

fn may(signed: &Signed) -> Answer<()> {
    if signed.officer.roles.contains(&Role::Senior) {
        return Ok(());
    }
    let error = Error::Forbidden {
        officer: signed.id.to_string(),
        why: "accounts are kept by officers with the role senior",
    };
    Err(error.into())
}
