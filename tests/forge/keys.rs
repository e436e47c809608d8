//! The fixed keys: those of the shared vectors, each a run of ascending bytes.

use super::{ORIGIN, origin};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use blockfeed::{
    canon::{Base64, KeyId, OfficerId},
    decision::{Approval, Body, approval_message},
    tlog::{CosignerKey, Hash, SignerKey},
    trust::{
        Alg, Document, FeedKey, Officer, OfficerKey, Role, Root, RootKey, RootSignature, Webauthn,
        Witnesses,
    },
};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub const RP_ID: &str = "console.blocklist.example";
pub const SITE: &str = "https://console.blocklist.example";

/// The key whose seed is the 32 bytes `first`, `first` + 1, …
pub fn seeded(first: u8) -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|i| first.wrapping_add(i as u8)))
}

pub fn log_secret() -> SigningKey {
    seeded(0x00)
}

pub fn feed_secret() -> SigningKey {
    seeded(0x20)
}

pub fn log_key() -> SignerKey {
    SignerKey::new(ORIGIN, log_secret()).unwrap()
}

pub fn feed_key() -> SignerKey {
    SignerKey::new(&format!("{ORIGIN}/feed"), feed_secret()).unwrap()
}

pub fn witness(number: u8) -> CosignerKey {
    CosignerKey::new(&format!("witness.example/w{number}"), seeded(0xe0 + number)).unwrap()
}

/// A root key under its name.
#[derive(Clone)]
pub struct RootSigner {
    pub name: &'static str,
    pub secret: SigningKey,
}

impl RootSigner {
    pub fn sign(&self, message: &[u8]) -> RootSignature {
        RootSignature {
            key: KeyId::new(self.name).unwrap(),
            sig: Base64(self.secret.sign(message).to_bytes().to_vec()),
        }
    }
}

/// r1 to r4.
pub fn root(number: u8) -> RootSigner {
    let (name, first) = match number {
        1 => ("r1", 0x40),
        2 => ("r2", 0x60),
        3 => ("r3", 0x80),
        _ => ("r4", 0xa0),
    };
    RootSigner {
        name,
        secret: seeded(first),
    }
}

/// An officer who signs in a role.
#[derive(Clone)]
pub struct Signer {
    pub officer: &'static str,
    pub key: &'static str,
    pub role: Role,
    pub secret: Secret,
}

#[derive(Clone)]
pub enum Secret {
    Ed25519(SigningKey),
    Es256(Assertion),
    /// A signature made elsewhere over this very body: client data and signature in base64.
    Made(&'static str, &'static str),
}

/// How a passkey's assertion is made; as it should be, unless a test says otherwise.
#[derive(Clone)]
pub struct Assertion {
    pub kind: &'static str,
    pub origin: &'static str,
    pub rp_id: &'static str,
    pub cross_origin: bool,
    pub flags: u8,
    /// Signed instead of the approval.
    pub other_message: Option<&'static [u8]>,
}

impl Default for Assertion {
    fn default() -> Self {
        Self {
            kind: "webauthn.get",
            origin: SITE,
            rp_id: RP_ID,
            cross_origin: false,
            flags: 0x05,
            other_message: None,
        }
    }
}

impl Signer {
    pub fn with(self, secret: Secret) -> Self {
        Self { secret, ..self }
    }

    pub fn named(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    /// The approval of a body.
    pub fn approve(&self, body: &Body) -> Approval {
        let officer = OfficerId::new(self.officer).unwrap();
        let key = KeyId::new(self.key).unwrap();
        let hash = Hash::of(body.to_bytes().unwrap());
        let message = approval_message(body.origin(), body.id(), self.role, &officer, &key, &hash);
        let (alg, sig, data) = match &self.secret {
            Secret::Ed25519(secret) => (
                Alg::Ed25519,
                secret.sign(&message).to_bytes().to_vec(),
                None,
            ),
            Secret::Es256(assertion) => {
                let (auth_data, client_data, sig) = assertion.make(&message);
                (Alg::WebauthnEs256, sig, Some((auth_data, client_data)))
            }
            Secret::Made(client_data, sig) => {
                let bytes = |text| STANDARD.decode(text).unwrap();
                let auth_data = Assertion::default().auth_data();
                let data = Some((auth_data, bytes(client_data)));
                (Alg::WebauthnEs256, bytes(sig), data)
            }
        };
        let (auth_data, client_data) = data.unzip();
        Approval {
            officer,
            key,
            role: self.role,
            alg,
            sig: Base64(sig),
            auth_data: auth_data.map(Base64),
            client_data: client_data.map(Base64),
        }
    }
}

impl Assertion {
    fn auth_data(&self) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.extend([self.flags, 0, 0, 0, 0]);
        data
    }

    fn make(&self, message: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let signed = self.other_message.unwrap_or(message);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(signed));
        let client_data = format!(
            r#"{{"type":"{}","challenge":"{challenge}","origin":"{}","crossOrigin":{}}}"#,
            self.kind, self.origin, self.cross_origin
        )
        .into_bytes();
        let auth_data = self.auth_data();
        let mut all = auth_data.clone();
        all.extend(Sha256::digest(&client_data));
        let sig: p256::ecdsa::DerSignature = passkey().sign(&all);
        (auth_data, client_data, sig.to_bytes().to_vec())
    }
}

/// o-0017, who proposes.
pub fn proposer() -> Signer {
    Signer {
        officer: "o-0017",
        key: "k2",
        role: Role::Propose,
        secret: Secret::Ed25519(seeded(0xc0)),
    }
}

/// o-0042 with the key of trust document 1 or 2.
pub fn approver(version: u64) -> Signer {
    let first = if version == 1 { 0xc8 } else { 0xd0 };
    Signer {
        officer: "o-0042",
        key: "k1",
        role: Role::Approve,
        secret: Secret::Ed25519(seeded(first)),
    }
}

/// o-0042 as the one who proposes.
pub fn second_proposer(version: u64) -> Signer {
    Signer {
        role: Role::Propose,
        ..approver(version)
    }
}

/// o-0043, who approves with a passkey.
pub fn passkey_approver() -> Signer {
    Signer {
        officer: "o-0043",
        key: "p1",
        role: Role::Approve,
        secret: Secret::Es256(Assertion::default()),
    }
}

/// Trust document 1 or 2 of the vectors.
pub fn document(version: u64) -> Document {
    let roots: &[u8] = if version == 1 { &[1, 2, 3] } else { &[1, 2, 4] };
    let Secret::Ed25519(of_0042) = approver(version).secret else {
        unreachable!();
    };
    let officers = [
        officer(
            "o-0017",
            "moit.market-surveillance",
            &[Role::Propose],
            "k2",
            ed25519(&seeded(0xc0)),
        ),
        officer(
            "o-0042",
            "mic.e-information",
            &[Role::Approve, Role::Propose],
            "k1",
            ed25519(&of_0042),
        ),
        officer("o-0043", "office-389", &[Role::Approve], "p1", es256()),
    ];
    Document {
        v: 1,
        kind: "trust".into(),
        origin: origin(),
        version,
        expires: 1_821_536_000,
        root: Root {
            threshold: 2,
            keys: roots.iter().map(|n| root_key(&root(*n))).collect(),
        },
        log: vec![public_key(&log_secret())],
        feed: vec![public_key(&feed_secret())],
        witnesses: Witnesses {
            quorum: 0,
            keys: Vec::new(),
        },
        webauthn: Webauthn {
            rp_id: RP_ID.into(),
            origins: vec![SITE.into()],
        },
        officers: BTreeMap::from(officers),
    }
}

pub fn ed25519(secret: &SigningKey) -> OfficerKey {
    OfficerKey {
        alg: Alg::Ed25519,
        public: public(secret),
    }
}

pub fn public_key(secret: &SigningKey) -> FeedKey {
    FeedKey {
        alg: Alg::Ed25519,
        public: public(secret),
    }
}

fn root_key(root: &RootSigner) -> (KeyId, RootKey) {
    let key = RootKey {
        alg: Alg::Ed25519,
        public: public(&root.secret),
    };
    (KeyId::new(root.name).unwrap(), key)
}

fn officer(
    name: &str,
    unit: &str,
    roles: &[Role],
    key: &str,
    public: OfficerKey,
) -> (OfficerId, Officer) {
    let officer = Officer {
        unit: unit.into(),
        roles: roles.to_vec(),
        keys: BTreeMap::from([(KeyId::new(key).unwrap(), public)]),
    };
    (OfficerId::new(name).unwrap(), officer)
}

fn es256() -> OfficerKey {
    let point = p256::ecdsa::VerifyingKey::from(&passkey());
    OfficerKey {
        alg: Alg::WebauthnEs256,
        public: Base64(point.to_sec1_point(false).as_bytes().to_vec()),
    }
}

fn passkey() -> p256::ecdsa::SigningKey {
    let mut scalar = [0; 32];
    scalar[30..].copy_from_slice(&921_u16.to_be_bytes());
    p256::ecdsa::SigningKey::from_slice(&scalar).unwrap()
}

fn public(secret: &SigningKey) -> Base64 {
    Base64(secret.verifying_key().to_bytes().to_vec())
}
