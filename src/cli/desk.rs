//! An officer at the desk: who signs, with which key, at which authority.

use super::{Error, secret, server::Server, when};
use crate::{
    canon::{Base64, KeyId, OfficerId, Origin},
    casework::request_message,
    config::Config,
    decision::{Approval, Body, approval_message},
    tlog::Hash,
    trust::{Alg, Role},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use ed25519_dalek::{Signer, SigningKey};
use std::path::PathBuf;

/// The flags that name an officer and an authority; each is a setting of `[officer]` too.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Officer and authority")]
pub struct DeskArgs {
    /// Base URL of the authority
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The officer's pseudonym, such as o-0017
    #[arg(long, value_name = "ID")]
    pub officer: Option<String>,
    /// Name of the officer's key in the trust document, such as k2
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// The officer's encrypted key file
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// A file that holds its passphrase [else BLOCKFEED_PASSPHRASE, else it is asked for]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// An officer with an opened key.
pub struct Officer {
    pub id: OfficerId,
    pub key: KeyId,
    secret: SigningKey,
}

impl DeskArgs {
    /// The authority that is spoken to.
    pub fn server(&self, config: &Config) -> Result<Server, Error> {
        let url = self.server.as_ref().or(config.officer.server.as_ref());
        let url = url.ok_or_else(|| missing("--server URL", "officer.server"))?;
        Server::new(url, config)
    }

    /// The officer who signs; opens the key.
    pub fn officer(&self, config: &Config) -> Result<Officer, Error> {
        let set = &config.officer;
        let id = self.officer.as_ref().or(set.id.as_ref());
        let id = OfficerId::new(id.ok_or_else(|| missing("--officer ID", "officer.id"))?)?;
        let key = self.key.as_deref().or(set.key.as_deref()).unwrap_or("k1");
        let file = self.key_file.as_ref().or(set.key_file.as_ref());
        let file = file.ok_or_else(|| missing("--key-file FILE", "officer.key_file"))?;
        let phrase = self
            .passphrase_file
            .as_ref()
            .or(set.passphrase_file.as_ref());
        let phrase = secret::passphrase(
            phrase.map(PathBuf::as_path),
            &format!("{} ({id})", file.display()),
        )?;
        Ok(Officer::new(
            id,
            KeyId::new(key)?,
            secret::read_key(file, &phrase)?,
        ))
    }
}

impl Officer {
    pub fn new(id: OfficerId, key: KeyId, secret: SigningKey) -> Self {
        Self { id, key, secret }
    }

    /// Signs a body in a role.
    pub fn approve(&self, body: &Body, hash: &Hash, role: Role) -> Approval {
        let message = approval_message(body.origin(), body.id(), role, &self.id, &self.key, hash);
        Approval {
            officer: self.id.clone(),
            key: self.key.clone(),
            role,
            alg: Alg::Ed25519,
            sig: Base64(self.secret.sign(&message).to_bytes().to_vec()),
            auth_data: None,
            client_data: None,
        }
    }

    /// The `Authorization` of one request to the private part of the API, with this body.
    pub fn authorization(&self, origin: &Origin, method: &str, path: &str, body: &[u8]) -> String {
        let time = when::now();
        let message = request_message(origin, method, path, time, &Hash::of(body));
        let signature = STANDARD.encode(self.secret.sign(&message).to_bytes());
        format!("Blockfeed {} {} {time} {signature}", self.id, self.key)
    }
}

fn missing(flag: &str, key: &str) -> Error {
    let variable = format!("BLOCKFEED_{}", key.replace('.', "_").to_uppercase());
    Error::said(format!(
        "{flag} is missing: give the flag, set {variable}, or set {key} in the settings file"
    ))
}
