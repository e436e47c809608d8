//! `/api/v1/proposals`: propose, read, approve, withdraw.

use super::{
    problem::{Answer, Problem},
    public::{decision_id, query},
    signed::Signed,
    site::Site,
    upload::Upload,
};
use crate::{
    casework::{Draft, Proposal, Proposals, Status},
    decision::{MAX_LEAF, MAX_PART},
    log::Committed,
    tlog::Hash,
};
use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, Request, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The most bytes of an approval: a passkey's client data may be long.
const MAX_APPROVAL: u64 = 16 * 1024;

/// How long body and approval may take to come.
const SIGNED_TIME: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposing {
    commit: Option<Commit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Commit {
    Now,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    status: Option<Status>,
}

/// `POST /api/v1/proposals`: fields `body`, `approval`, then each `part`. The signature is
/// verified before a part is read.
pub(super) async fn propose(
    State(site): State<Site>,
    asked: Result<Query<Proposing>, QueryRejection>,
    request: Request,
) -> Answer {
    let Query(asked) = query(asked)?;
    let mut upload = Upload::of(request).await?;
    let draft = match receive(&site, &mut upload).await {
        Ok(draft) => draft,
        Err(problem) => {
            upload.drain().await;
            return Err(problem);
        }
    };
    if asked.commit.is_some() {
        let committed = site.casework.commit_alone(draft).await?;
        return Ok(committed_at(committed).into_response());
    }
    let proposal = site.ask(move |desk| desk.open_proposal(draft)).await?;
    let place = format!("/api/v1/proposals/{}", proposal.id);
    let said = json!({
        "id": proposal.id, "body_sha256": proposal.body_sha256, "status": proposal.status,
    });
    Ok((StatusCode::CREATED, [("location", place)], Json(said)).into_response())
}

/// `GET /api/v1/proposals?status=`
pub(super) async fn list(
    State(site): State<Site>,
    _officer: Signed,
    asked: Result<Query<Listed>, QueryRejection>,
) -> Answer {
    let Query(Listed { status }) = query(asked)?;
    let found: Proposals = site.ask(move |desk| desk.proposals(status)).await?;
    Ok(private(Json(found)))
}

/// `GET /api/v1/proposals/<id>`
pub(super) async fn one(
    State(site): State<Site>,
    Path(id): Path<String>,
    _officer: Signed,
) -> Answer {
    let id = decision_id(id)?;
    let found: Proposal = site.ask(move |desk| desk.proposal(&id)).await?;
    Ok(private(Json(found)))
}

/// `GET /api/v1/proposals/<id>/parts/<sha256>`
pub(super) async fn part(
    State(site): State<Site>,
    Path((id, sha256)): Path<(String, String)>,
    _officer: Signed,
) -> Answer {
    let id = decision_id(id)?;
    let sha256 = Hash::from_hex(&sha256).map_err(|e| Problem::missing(e.to_string()))?;
    let bytes = site
        .ask(move |desk| desk.proposal_part(&id, &sha256))
        .await?;
    Ok(private(([("content-type", super::page::TEXT)], bytes)))
}

/// `GET /api/v1/proposals/<id>/openings`: what its commitments stand for, for officers alone.
pub(super) async fn openings(
    State(site): State<Site>,
    Path(id): Path<String>,
    _officer: Signed,
) -> Answer {
    let id = decision_id(id)?;
    let text = site.ask(move |desk| desk.proposal_openings(&id)).await?;
    Ok(private(([("content-type", super::page::TEXT)], text)))
}

/// `POST /api/v1/proposals/<id>/approvals`: answers once the decision is durable and published.
pub(super) async fn approve(
    State(site): State<Site>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<Value>> {
    let id = decision_id(id)?;
    let body = whole(body)?;
    Ok(committed_at(site.casework.approve(&id, &body).await?))
}

/// `POST /api/v1/proposals/<id>/withdrawal`
pub(super) async fn withdraw(
    State(site): State<Site>,
    Path(id): Path<String>,
    signed: Signed,
) -> Answer<Json<Value>> {
    let id = decision_id(id)?;
    let proposal = site.ask(move |desk| desk.withdraw(&id, &signed.id, &signed.officer));
    let proposal = proposal.await?;
    Ok(Json(
        json!({ "id": proposal.id, "status": proposal.status }),
    ))
}

/// A small body, whole.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Answer<Bytes> {
    body.map_err(|e| {
        let code = match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            _ => "body",
        };
        Problem::new(e.status(), code, e.body_text())
    })
}

pub(super) fn committed_at(committed: Committed) -> Json<Value> {
    Json(json!({ "status": Status::Committed, "committed": committed }))
}

async fn receive(site: &Site, upload: &mut Upload) -> Answer<Draft> {
    let signed = async {
        let body = upload.field("body", MAX_LEAF as u64).await?;
        let approval = upload.field("approval", MAX_APPROVAL).await?;
        Ok::<_, Problem>((body, approval))
    };
    let late = |_| Problem::unavailable("body and approval didn't come in time");
    let signed = tokio::time::timeout(SIGNED_TIME, signed).await;
    let (body, approval) = signed.map_err(late)??;
    let mut draft = site.ask(move |desk| desk.draft(&body, &approval)).await?;
    upload.trust(site.config.upload);
    // The body names each part once, so that their number is bounded by the body's length.
    let fields = [("part", MAX_PART), ("openings", site.config.upload)];
    while let Some((field, bytes)) = upload.next_of(&fields).await? {
        let taken = site.ask(move |desk| {
            match field {
                "openings" => desk.take_openings(&mut draft, &bytes)?,
                _ => desk.take_part(&mut draft, &bytes)?,
            }
            Ok(draft)
        });
        draft = taken.await?;
    }
    Ok(draft)
}

/// What officers alone may read isn't kept by anything between.
pub(super) fn private(answer: impl IntoResponse) -> Response {
    ([("cache-control", "no-store")], answer).into_response()
}
