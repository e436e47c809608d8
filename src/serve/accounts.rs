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
    accounts::{Change, Enrolment, Name, NewAccount},
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
use serde_json::json;

/// All accounts.
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts",
    responses((status = 200, body = serde_json::Value)), security(("officer" = [])))]
pub(super) async fn list(State(site): State<Site>, signed: Signed) -> Answer {
    may(&signed)?;
    let accounts = site.accounts(|accounts, _| accounts.accounts()).await?;
    Ok(private(Json(json!({ "accounts": accounts }))))
}

/// Make an account; the answer has the token of the enrolment link, this once.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = serde_json::Value,
    responses((status = 201, body = serde_json::Value)), security(("officer" = [])))]
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
    params(("name" = String, Path)), request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value)), security(("officer" = [])))]
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
    let Some(made) = enrolment else {
        return Ok((status, private(Json(json!({})))).into_response());
    };
    let mut told = json!({ "name": made.name, "until": made.until });
    let again = serde_json::to_vec(&told).map_err(|e| Problem::internal(&e))?;
    if let Some(told) = told.as_object_mut() {
        told.insert("token".into(), json!(made.token.as_str()));
    }
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
