//! Signing by passkey: the page states the challenge, the browser's authenticator answers it, and
//! the answer is the approval that goes into the leaf. Nothing here is believed: the log verifies it
//! against the officer's key in the trust document, as every auditor does.

use super::{
    gate::{Posted, Staff, no_officer},
    words,
};
use crate::{
    canon::{Base64, DecisionId, KeyId, OfficerId},
    casework::Stage,
    decision::{Approval, Body, approval_message},
    serve::{
        pages::{form::Form, show::see_other, texts::Lang},
        problem::{Answer, Problem},
        public::decision_id,
        site::Site,
    },
    tlog::Hash,
    trust::{Alg, Officer, Role},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};

/// What a page needs to ask for a signature.
pub(super) struct Signing {
    pub(super) to: String,
    pub(super) rp: String,
    pub(super) officer: String,
    /// In which role, in words.
    pub(super) role: &'static str,
    /// What is signed, hex.
    pub(super) hash: String,
    pub(super) keys: Vec<Key>,
}

/// A passkey, and the challenge that it is to answer.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) challenge: String,
}

/// How a body is signed in a role by whoever is signed in; none where they have no passkey for it.
pub(super) fn for_signing(
    site: &Site,
    lang: Lang,
    staff: &Staff,
    body: &Body,
    hash: Hash,
    role: Role,
    to: String,
) -> Option<Signing> {
    let (id, officer) = staff.officer(site)?;
    if !officer.roles.contains(&role) {
        return None;
    }
    let keys: Vec<Key> = passkeys(&officer)
        .map(|key| Key {
            id: key.to_string(),
            challenge: challenge(body, hash, role, &id, key),
        })
        .collect();
    let rp = site
        .casework
        .authority()
        .ledger()
        .trust()
        .webauthn
        .rp_id
        .clone();
    (!keys.is_empty()).then(|| Signing {
        to,
        rp,
        officer: id.to_string(),
        role: words::signs_as(lang, role),
        hash: hash.to_string(),
        keys,
    })
}

/// The names of an officer's passkeys.
pub(super) fn passkeys(officer: &Officer) -> impl Iterator<Item = &KeyId> {
    let keys = officer
        .keys
        .iter()
        .filter(|(_, key)| key.alg != Alg::Ed25519);
    keys.map(|(id, _)| id)
}

fn challenge(body: &Body, hash: Hash, role: Role, officer: &OfficerId, key: &KeyId) -> String {
    let message = approval_message(body.origin(), body.id(), role, officer, key, &hash);
    URL_SAFE_NO_PAD.encode(Sha256::digest(message))
}

/// The role in which a body needs its second signature.
pub(super) fn second_role(body: &Body) -> Role {
    match body {
        Body::List(list) if list.bulk || !list.guard.overrides.is_empty() => Role::Senior,
        _ => Role::Approve,
    }
}

/// The approval that a form brings, by the officer of the account.
fn approval(site: &Site, staff: &Staff, form: &Form, role: Role) -> Answer<Approval> {
    let (officer, known) = staff.officer(site).ok_or_else(no_officer)?;
    let key =
        KeyId::new(form.value("key")).map_err(|e| Problem::bad("malformed", e.to_string()))?;
    let alg = known.keys.get(&key).map(|key| key.alg);
    let no_key = || {
        let why = "the officer has no such key";
        Problem::new(StatusCode::FORBIDDEN, "unknown_key", why)
    };
    let alg = alg.ok_or_else(no_key)?;
    let field = |name: &str| {
        let text = form.value(name);
        let bytes = STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty());
        let bytes = bytes.ok_or_else(|| {
            let why = "no passkey has signed: the page's script does that, and the command line can in its place";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unsigned", why)
        });
        bytes.map(Base64)
    };
    Ok(Approval {
        officer,
        key,
        role,
        alg,
        sig: field("sig")?,
        auth_data: Some(field("auth_data")?),
        client_data: Some(field("client_data")?),
    })
}

/// What was shown is what is signed, or nothing is.
fn unchanged(form: &Form, hash: &Hash) -> Answer<()> {
    if form.value("hash") == hash.to_string() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "changed",
        "what would be signed is no longer what the page has shown; load it again, look, and sign anew",
    ))
}

/// The first signature: a paper becomes a proposal, or a stay in force.
pub(super) async fn paper(
    State(site): State<Site>,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let (account, of) = (staff.account().to_owned(), id);
    let paper = site.ask(move |desk| desk.paper(&account, &of)).await?;
    let hash = match &paper.stage {
        Stage::Ready(prepared) => prepared.made.as_ref().map(|made| made.hash),
        _ => None,
    };
    let hash = hash.ok_or_else(|| Problem::unavailable("the paper isn't checked yet"))?;
    unchanged(&posted.form, &hash)?;
    let approval = approval(&site, &staff, &posted.form, Role::Propose)?;
    let signed = site.casework.sign_paper(staff.account(), &paper, &approval);
    let (id, _) = signed.await?;
    see_other(&format!("/desk/proposals/{id}"))
}

/// The second signature.
pub(super) async fn approve(
    State(site): State<Site>,
    staff: Staff,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer {
    let id: DecisionId = decision_id(id)?;
    let of = id.clone();
    let proposal = site.ask(move |desk| desk.proposal(&of)).await?;
    unchanged(&posted.form, &proposal.body_sha256)?;
    let body = Body::decode(proposal.body).map_err(|e| Problem::internal(&e))?;
    let approval = approval(&site, &staff, &posted.form, second_role(&body))?;
    let approval = serde_json::to_vec(&approval).map_err(|e| Problem::internal(&e))?;
    site.casework.approve(&id, &approval).await?;
    see_other(&format!("/desk/proposals/{id}"))
}
