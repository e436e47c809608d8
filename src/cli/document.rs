//! Trust documents and what stands in their files: made, read, signed. What makes one valid is
//! `trust`'s to say.

use super::{
    Error,
    secret::{self, Passphrase},
};
use crate::{
    canon::{Base64, KeyId, OfficerId, Origin},
    tlog::Hash,
    trust::{
        self, Alg, Document, FeedKey, Officer, OfficerKey, Role, Root, RootKey, RootSignature,
        Webauthn, Witnesses,
    },
};
use ed25519_dalek::{Signer, SigningKey};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Officers as they stand in a trust document, and in the files that `officer new` writes.
pub type Officers = BTreeMap<OfficerId, Officer>;

/// What the first trust document is to hold.
pub struct Parts {
    pub origin: Origin,
    /// Unix seconds.
    pub expires: u64,
    pub root_keys: usize,
    pub threshold: usize,
    pub witnesses: Vec<String>,
    pub quorum: usize,
    pub rp_id: String,
    /// Where passkeys may sign; none: at the domain itself.
    pub passkey_origins: Vec<String>,
    pub officers: Officers,
    pub demo_officers: bool,
}

/// Makes root, log and feed keys and trust document 1; gives its bytes and root signatures. A
/// crash on the way leaves key files and no log: they are never written over.
pub fn first(
    parts: &Parts,
    keys: &Path,
    passphrase: &Passphrase,
) -> Result<(Vec<u8>, Vec<RootSignature>), Error> {
    if parts.threshold == 0 || parts.threshold > parts.root_keys || parts.root_keys > 26 {
        return Err(Error::said(format!(
            "--threshold {} of --root-keys {}: at least 1, at most as many as there are keys, which are at most 26",
            parts.threshold, parts.root_keys
        )));
    }
    let mut made = BTreeMap::new();
    for letter in ('a'..='z').take(parts.root_keys) {
        let key = make(&keys.join(format!("root-{letter}.pem")), passphrase)?;
        made.insert(KeyId::new(letter.to_string())?, key);
    }
    let log = make(&keys.join("log.pem"), passphrase)?;
    let feed = make(&keys.join("feed.pem"), passphrase)?;
    let mut officers = parts.officers.clone();
    if parts.demo_officers {
        officers.extend(demo_officers(keys, passphrase)?);
    }
    let root_key = |key: &SigningKey| RootKey {
        alg: Alg::Ed25519,
        public: public(key),
    };
    let document = Document {
        v: 1,
        kind: "trust".into(),
        origin: parts.origin.clone(),
        version: 1,
        expires: parts.expires,
        root: Root {
            threshold: parts.threshold,
            keys: made
                .iter()
                .map(|(id, key)| (id.clone(), root_key(key)))
                .collect(),
        },
        log: vec![feed_key(public(&log))],
        feed: vec![feed_key(public(&feed))],
        witnesses: Witnesses {
            quorum: parts.quorum,
            keys: parts.witnesses.clone(),
        },
        webauthn: Webauthn {
            rp_id: parts.rp_id.clone(),
            origins: match parts.passkey_origins.is_empty() {
                true => vec![format!("https://{}", parts.rp_id)],
                false => parts.passkey_origins.clone(),
            },
        },
        officers,
    };
    let bytes = document.to_bytes()?;
    let signatures = made
        .iter()
        .take(parts.threshold)
        .map(|(id, key)| sign(&document, &bytes, id, key))
        .collect();
    Ok((bytes, signatures))
}

/// A root key's signature over a document.
pub fn sign(document: &Document, bytes: &[u8], id: &KeyId, key: &SigningKey) -> RootSignature {
    let message = Document::root_message(&document.origin, document.version, &Hash::of(bytes));
    RootSignature {
        key: id.clone(),
        sig: Base64(key.sign(&message).to_bytes().to_vec()),
    }
}

/// A public key as it stands in a document.
pub fn public(key: &SigningKey) -> Base64 {
    Base64(key.verifying_key().to_bytes().to_vec())
}

/// An online key as it stands in a document.
pub fn feed_key(public: Base64) -> FeedKey {
    FeedKey {
        alg: Alg::Ed25519,
        public,
    }
}

/// An officer with one Ed25519 key.
pub fn officer(unit: &str, roles: &[Role], key: KeyId, public: Base64) -> Officer {
    let mut roles = roles.to_vec();
    roles.sort_by_key(|role| role.as_str());
    roles.dedup();
    let key_of = OfficerKey {
        alg: Alg::Ed25519,
        public,
    };
    Officer {
        unit: unit.to_owned(),
        roles,
        keys: [(key, key_of)].into(),
    }
}

/// Reads files of officers; one officer in two files keeps the keys of both.
pub fn read_officers(files: &[PathBuf]) -> Result<Officers, Error> {
    let mut all = Officers::new();
    for path in files {
        let text = fs::read(path).map_err(Error::io(path))?;
        let officers: Officers = serde_json::from_slice(&text).map_err(|e| {
            Error::said(format!(
                "{}: {e}. `officer new` prints the form",
                path.display()
            ))
        })?;
        for (id, officer) in officers {
            add(&mut all, id, officer)?;
        }
    }
    Ok(all)
}

/// Adds an officer, or another key to the one that is there.
pub fn add(all: &mut Officers, id: OfficerId, mut officer: Officer) -> Result<(), Error> {
    if let Some(known) = all.remove(&id) {
        if (&known.unit, &known.roles) != (&officer.unit, &officer.roles) {
            return Err(Error::said(format!(
                "{id} comes with two units or two sets of roles: say in every file the same, since all its keys sign in them"
            )));
        }
        let mut keys = known.keys;
        keys.append(&mut officer.keys);
        officer.keys = keys;
    }
    all.insert(id, officer);
    Ok(())
}

/// Reads a file of root signatures; a missing one holds none.
pub fn read_signatures(path: &Path) -> Result<Vec<RootSignature>, Error> {
    let text = match fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::io(path))?,
    };
    serde_json::from_slice(&text).map_err(|e| {
        Error::said(format!(
            "{}: {e}. `trust sign` writes the form",
            path.display()
        ))
    })
}

/// Reads a trust document with its bytes.
pub fn read(path: &Path) -> Result<(Document, Vec<u8>), Error> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let document = Document::parse(&bytes)
        .map_err(|e: trust::Error| Error::said(format!("{}: {e}", path.display())))?;
    Ok((document, bytes))
}

fn make(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Error> {
    let key = secret::new_key()?;
    secret::write_key(path, &key, passphrase)?;
    Ok(key)
}

fn demo_officers(keys: &Path, passphrase: &Passphrase) -> Result<Officers, Error> {
    let mut officers = Officers::new();
    for (id, unit, roles) in DEMO_OFFICERS {
        let key = make(&keys.join(format!("{id}.pem")), passphrase)?;
        let officer = officer(unit, roles, KeyId::new("k1")?, public(&key));
        officers.insert(OfficerId::new(*id)?, officer);
    }
    Ok(officers)
}

/// Who proposes, who approves, and who may pass the guard. All keys are named k1.
const DEMO_OFFICERS: &[(&str, &str, &[Role])] = &[
    ("o-0017", "moit.e-commerce", &[Role::Propose]),
    ("o-0042", "moit.domestic-market", &[Role::Approve]),
    ("o-0007", "moit", &[Role::Approve, Role::Senior]),
];
