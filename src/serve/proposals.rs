//! `/api/v1/proposals`: propose, read, approve, withdraw.

use super::{
    caller::Signed,
    problem::{Answer, Problem},
    public::{decision_id, query},
    site::Site,
    upload::Upload,
};
use crate::{
    canon::DecisionId,
    casework::{Draft, Error, Proposal, Proposals, RequestSignature, Status},
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
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::ToSchema;

/// The most bytes of an approval: a passkey's client data may be long.
const MAX_APPROVAL: u64 = 16 * 1024;

/// How long body and approval may take to come.
const SIGNED_TIME: Duration = Duration::from_secs(30);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Proposing {
    /// Puts a stay in force at once, by one signature.
    #[param(inline)]
    commit: Option<Commit>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Commit {
    Now,
}

/// The fields of an upload, in this order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
struct Proposed {
    /// The canonical body of the decision.
    body: String,
    /// The first officer's signature.
    approval: String,
    /// What the commitments among the lines stand for.
    openings: Option<String>,
    /// The lines and texts that the body names by hash.
    part: Vec<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Only those that stand so.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
}

/// Propose: the fields `body`, `approval`, then each `part`. The first officer's signature, in
/// `approval`, is the credential; it is verified before a part is read.
#[utoipa::path(post, path = "/api/v1/proposals", tag = "desk", params(Proposing),
    request_body(content = Proposed, content_type = "multipart/form-data"),
    responses((status = 201, body = Value), (status = 200, body = Value, description = "Committed")))]
pub(super) async fn propose(
    State(site): State<Site>,
    asked: Result<Query<Proposing>, QueryRejection>,
    request: Request,
) -> Answer {
    let Query(asked) = query(asked)?;
    let alone = match asked.commit {
        Some(Commit::Now) => Some(signature(request.headers())?),
        None => None,
    };
    let mut upload = Upload::of(request).await?;
    let draft = match receive(&site, &mut upload).await {
        Ok(draft) => draft,
        Err(problem) => {
            upload.drain().await;
            return Err(problem);
        }
    };
    if let Some(signature) = alone {
        let hash = draft.body_hash();
        let (by, _) = site
            .casework
            .authenticate(&signature, "POST", ALONE, &hash)?;
        if by != *draft.officer() {
            return Err(Error::Unauthorised("it is by another officer than the stay").into());
        }
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

/// What an officer signs beside a stay that is to take effect at once, with the hash of the stay's
/// body: whoever sees a stay that waits for a second officer can't put it in force alone.
const ALONE: &str = "/api/v1/proposals?commit=now";

fn signature(headers: &HeaderMap) -> Answer<RequestSignature> {
    let text = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(Error::Unauthorised("there is none"))?;
    Ok(RequestSignature::parse(text)?)
}

/// The proposals, newest first.
#[utoipa::path(get, path = "/api/v1/proposals", tag = "desk", params(Listed),
    responses((status = 200, body = Value)), security(("officer" = [])))]
pub(super) async fn list(
    State(site): State<Site>,
    _officer: Signed,
    asked: Result<Query<Listed>, QueryRejection>,
) -> Answer {
    let Query(Listed { status }) = query(asked)?;
    let found: Proposals = site.ask(move |desk| desk.proposals(status)).await?;
    Ok(private(Json(found)))
}

/// A proposal.
#[utoipa::path(get, path = "/api/v1/proposals/{id}", tag = "desk",
    params(("id" = DecisionId, Path)),
    responses((status = 200, body = Value)), security(("officer" = [])))]
pub(super) async fn one(
    State(site): State<Site>,
    Path(id): Path<String>,
    _officer: Signed,
) -> Answer {
    let id = decision_id(id)?;
    let found: Proposal = site.ask(move |desk| desk.proposal(&id)).await?;
    Ok(private(Json(found)))
}

/// A part of a proposal, as it was sent.
#[utoipa::path(get, path = "/api/v1/proposals/{id}/parts/{sha256}", tag = "desk",
    params(("id" = DecisionId, Path), ("sha256" = Hash, Path)),
    responses((status = 200, body = String, content_type = "text/plain")),
    security(("officer" = [])))]
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

/// What a proposal's commitments stand for: salt and subject a line, for officers alone.
#[utoipa::path(get, path = "/api/v1/proposals/{id}/openings", tag = "desk",
    params(("id" = DecisionId, Path)),
    responses((status = 200, body = String, content_type = "text/plain")),
    security(("officer" = [])))]
pub(super) async fn openings(
    State(site): State<Site>,
    Path(id): Path<String>,
    _officer: Signed,
) -> Answer {
    let id = decision_id(id)?;
    let text = site.ask(move |desk| desk.proposal_openings(&id)).await?;
    Ok(private(([("content-type", super::page::TEXT)], text)))
}

/// Approve: answers once the decision is durable and published. The second officer's signature,
/// in the body, is the credential.
#[utoipa::path(post, path = "/api/v1/proposals/{id}/approvals", tag = "desk",
    params(("id" = DecisionId, Path)), request_body = Value,
    responses((status = 200, body = Value)))]
pub(super) async fn approve(
    State(site): State<Site>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Json<Value>> {
    let id = decision_id(id)?;
    let body = whole(body)?;
    Ok(committed_at(site.casework.approve(&id, &body).await?))
}

/// Take a proposal back.
#[utoipa::path(post, path = "/api/v1/proposals/{id}/withdrawal", tag = "desk",
    params(("id" = DecisionId, Path)),
    responses((status = 200, body = Value)), security(("officer" = [])))]
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
