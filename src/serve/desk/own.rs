//! One's own account: who I am here, which keys I sign with, a new passkey, signing out everywhere.
//!
//! A passkey is registered by its owner and put into the trust document by the root keys: this page
//! gives the text that `blockfeed trust new` takes in. The server can't make an officer's key one.

use super::{
    gate::{Posted, Staff, no_officer},
    words,
};
use crate::{
    accounts::{self, Event},
    canon::{Base64, KeyId, OfficerId},
    serve::{
        pages::{shell::Shell, show::show_private, visitor::Visitor},
        problem::{Answer, Problem},
        site::Site,
    },
    tlog::Hash,
    trust::{Alg, Officer, OfficerKey, Role},
};
use askama::Template;
use axum::{extract::State, http::StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::collections::BTreeMap;

/// What stands before the point, and before the key, in a SubjectPublicKeyInfo (RFC 5480, RFC 8410).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const ED25519: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

#[derive(Template)]
#[template(path = "desk/own.html")]
struct OwnPage {
    shell: Shell,
    name: String,
    unit: String,
    roles: Vec<&'static str>,
    officer: Option<String>,
    /// Name, algorithm, and the beginning of the public key's hash.
    keys: Vec<(String, &'static str, String)>,
    in_trust: bool,
    fresh: bool,
    rp: String,
    free: String,
}

#[derive(Template)]
#[template(path = "desk/passkey.html")]
struct PasskeyPage {
    shell: Shell,
    text: String,
    hash: String,
    officer: String,
    key: String,
    command: String,
}

pub(super) async fn show(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let (lang, account) = (visitor.lang, &staff.session.account);
    let known = staff.officer(&site);
    let keys = known.iter().flat_map(|(_, officer)| &officer.keys);
    let keys = keys.map(|(id, key)| {
        let alg = match key.alg {
            Alg::Ed25519 => lang.t("desk.own.command_line"),
            _ => lang.t("desk.own.passkey"),
        };
        (id.to_string(), alg, fingerprint(&key.public))
    });
    let page = OwnPage {
        shell: staff.shell(&site, &visitor, lang.t("desk.own.title")),
        name: account.name.to_string(),
        unit: words::unit(&site, lang, &account.unit),
        roles: account
            .roles
            .iter()
            .map(|role| role_name(&visitor, *role))
            .collect(),
        officer: account.officer.as_ref().map(ToString::to_string),
        keys: keys.collect(),
        in_trust: known.is_some(),
        fresh: staff.session.fresh,
        rp: site
            .casework
            .authority()
            .ledger()
            .trust()
            .webauthn
            .rp_id
            .clone(),
        free: free_name(known.as_ref().map(|(_, officer)| officer)),
    };
    show_private(StatusCode::OK, &page)
}

/// The next name that no key of the officer has.
fn free_name(officer: Option<&Officer>) -> String {
    let taken = |name: &str| officer.is_some_and(|o| o.keys.keys().any(|key| key.as_str() == name));
    let names = (1..100).map(|n| format!("k{n}"));
    names
        .into_iter()
        .find(|name| !taken(name))
        .unwrap_or_else(|| "k1".into())
}

/// A role in the reader's language.
pub(super) fn role_name(visitor: &Visitor, role: accounts::Role) -> &'static str {
    let lang = visitor.lang;
    match role {
        accounts::Role::Reporter => lang.t("desk.role.reporter"),
        accounts::Role::Officer => lang.t("desk.role.officer"),
        accounts::Role::Approver => lang.t("desk.role.approver"),
        accounts::Role::Senior => lang.t("desk.role.senior"),
        accounts::Role::Coordinator => lang.t("desk.role.coordinator"),
        accounts::Role::Auditor => lang.t("desk.role.auditor"),
        accounts::Role::Operator => lang.t("desk.role.operator"),
    }
}

/// Takes the public part of a new passkey and gives the text for the next trust document.
pub(super) async fn passkey(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let id = staff.session.account.officer.clone();
    let id = id.ok_or_else(no_officer)?;
    let bad = |why: String| Problem::bad("passkey", why);
    let key = KeyId::new(posted.form.value("key")).map_err(|e| bad(e.to_string()))?;
    let spki = STANDARD.decode(posted.form.value("spki"));
    let spki = spki.map_err(|e| bad(format!("the public key isn't base64: {e}")))?;
    let public = public_key(&spki).ok_or_else(|| {
        bad("it is neither an ES256 nor an EdDSA key; take another authenticator".into())
    })?;
    let hash = fingerprint(&public.public);
    let text = document(&staff, &site, id.clone(), key.clone(), public)?;
    let (name, detail) = (
        staff.session.account.name.clone(),
        format!("{id}/{key} {hash}"),
    );
    let address = staff.address.clone();
    site.accounts(move |accounts, now| {
        accounts.note(Event::PasskeyShown, &name, &address, &detail, now)
    })
    .await?;
    let page = PasskeyPage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.passkey.title")),
        text,
        hash,
        command: format!(
            "blockfeed trust draft --server … --officers {id}.json --out trust-next.json"
        ),
        officer: id.to_string(),
        key: key.to_string(),
    };
    show_private(StatusCode::OK, &page)
}

/// The officer with this one key more, as a file for `--officers`.
fn document(
    staff: &Staff,
    site: &Site,
    id: OfficerId,
    key: KeyId,
    public: OfficerKey,
) -> Answer<String> {
    let mut officer = match staff.officer(site) {
        Some((_, known)) => known,
        None => Officer {
            unit: staff.session.account.unit.clone(),
            roles: signing_roles(staff),
            keys: BTreeMap::new(),
        },
    };
    officer.keys = BTreeMap::from([(key, public)]);
    let all = BTreeMap::from([(id, officer)]);
    serde_json::to_string_pretty(&all).map_err(|e| Problem::internal(&e))
}

/// What somebody who isn't in the trust document yet would sign as.
fn signing_roles(staff: &Staff) -> Vec<Role> {
    let mut roles = Vec::new();
    if staff.has(accounts::Role::Approver) || staff.has(accounts::Role::Senior) {
        roles.push(Role::Approve);
    }
    if staff.has(accounts::Role::Officer) {
        roles.push(Role::Propose);
    }
    if staff.has(accounts::Role::Senior) {
        roles.push(Role::Senior);
    }
    roles
}

/// The key in a SubjectPublicKeyInfo, as a trust document has it.
fn public_key(spki: &[u8]) -> Option<OfficerKey> {
    let key = |alg, bytes: &[u8]| OfficerKey {
        alg,
        public: Base64(bytes.to_vec()),
    };
    if let Some(point) = spki.strip_prefix(&P256) {
        let on_curve = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).is_ok();
        return (point.len() == 65 && on_curve).then(|| key(Alg::WebauthnEs256, point));
    }
    let bytes = spki.strip_prefix(&ED25519)?;
    (bytes.len() == 32).then(|| key(Alg::WebauthnEddsa, bytes))
}

/// What two people read to each other to see that it is the same key.
fn fingerprint(public: &[u8]) -> String {
    let hash = Hash::of(public).to_string();
    let groups: Vec<&str> = (0..4).filter_map(|n| hash.get(n * 4..n * 4 + 4)).collect();
    groups.join(" ")
}
