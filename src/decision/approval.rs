//! Approvals: who signed a decision, and the bytes that they signed (design: Approvals).

use super::{Body, Refusal};
use crate::{
    canon::{Base64, DecisionId, KeyId, OfficerId, Origin},
    tlog::Hash,
    trust::{Alg, Document, Passkey, Proof, Role},
};
use serde::{Deserialize, Serialize};

/// One officer's signature under a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub officer: OfficerId,
    pub key: KeyId,
    pub role: Role,
    pub alg: Alg,
    pub sig: Base64,
    /// WebAuthn only: the authenticator's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_data: Option<Base64>,
    /// WebAuthn only: the client data, as the browser made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_data: Option<Base64>,
}

/// The bytes that an officer signs.
pub fn approval_message(
    origin: &Origin,
    id: &DecisionId,
    role: Role,
    officer: &OfficerId,
    key: &KeyId,
    body: &Hash,
) -> Vec<u8> {
    let role = role.as_str();
    format!("blockfeed/approval/v1\n{origin}\n{id}\n{role}\n{officer}\n{key}\n{body}\n")
        .into_bytes()
}

impl Approval {
    /// Verifies this one signature over a body, under a trust document.
    pub fn verify(&self, body: &Body, body_hash: &Hash, trust: &Document) -> Result<(), Refusal> {
        let officer = trust
            .officers
            .get(&self.officer)
            .ok_or_else(|| Refusal::UnknownOfficer(self.officer.to_string()))?;
        let key = officer
            .keys
            .get(&self.key)
            .ok_or_else(|| Refusal::UnknownKey {
                officer: self.officer.to_string(),
                key: self.key.to_string(),
            })?;
        let role = self.role.as_str();
        if !officer.roles.contains(&self.role) {
            return Err(Refusal::Role {
                officer: self.officer.to_string(),
                role,
            });
        }
        let message = approval_message(
            body.origin(),
            body.id(),
            self.role,
            &self.officer,
            &self.key,
            body_hash,
        );
        let refuse = |why| Refusal::Signature {
            officer: self.officer.to_string(),
            role,
            why,
        };
        let proof = self
            .proof()
            .ok_or_else(|| refuse(crate::trust::Unverified::Algorithm))?;
        key.verify(&message, &proof, &trust.webauthn)
            .map_err(refuse)
    }

    fn proof(&self) -> Option<Proof<'_>> {
        match (self.alg, &self.auth_data, &self.client_data) {
            (Alg::Ed25519, None, None) => Some(Proof::Ed25519 { sig: &self.sig }),
            (
                alg @ (Alg::WebauthnEs256 | Alg::WebauthnEddsa),
                Some(auth_data),
                Some(client_data),
            ) => Some(Proof::Passkey(Passkey {
                alg,
                auth_data,
                client_data,
                sig: &self.sig,
            })),
            _ => None,
        }
    }
}

/// Checks that a body has the approvals that it needs. Returns whether two officers signed.
pub(super) fn verify_all(
    approvals: &[Approval],
    body: &Body,
    body_hash: &Hash,
    trust: &Document,
) -> Result<bool, Refusal> {
    let second = match body {
        Body::List(list) if list.bulk || !list.guard.overrides.is_empty() => Role::Senior,
        _ => Role::Approve,
    };
    let roles: Vec<Role> = approvals.iter().map(|a| a.role).collect();
    let alone = matches!(body, Body::Stay(_)) && roles == [Role::Propose];
    if !alone && roles != [Role::Propose, second] {
        let found = roles
            .iter()
            .map(|r| r.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let needed = if second == Role::Senior {
            "propose, senior"
        } else {
            "propose, approve"
        };
        return Err(Refusal::Approvals { needed, found });
    }
    if let [first, second] = approvals
        && first.officer == second.officer
    {
        return Err(Refusal::SameOfficer(first.officer.to_string()));
    }
    // A hostile console can show one list and have another signed; the command line recomputes
    // what it signs. So what does the most harm has one approval from there.
    if second == Role::Senior && approvals.iter().all(|a| a.alg != Alg::Ed25519) {
        return Err(Refusal::CommandLine);
    }
    approvals
        .iter()
        .try_for_each(|a| a.verify(body, body_hash, trust))?;
    Ok(!alone)
}
