//! `blockfeed trust draft`: the next version of the trust document, edited and not yet signed.

use super::super::{Error, Output, desk::DeskArgs, document, when};
use crate::{
    canon::{Base64, KeyId, OfficerId},
    config::Config,
    tlog::Hash,
    trust::{Alg, Document, RootKey},
};
use clap::Args;
use serde_json::json;
use std::{fs, path::PathBuf};

/// Write the next version of the trust document, to be signed by root keys
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed trust draft --from trust-1.json --officers o-0051.json \\
    --remove-key o-0017/k1 --out trust-2.json")]
pub struct DraftArgs {
    /// The version before, in a file [else the one in force at --server]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Where the draft goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Officers to add, or keys to add to them, as `officer new` prints them (may be repeated)
    #[arg(long, value_name = "FILE")]
    officers: Vec<PathBuf>,
    /// An officer to take out (may be repeated)
    #[arg(long, value_name = "ID")]
    remove_officer: Vec<OfficerId>,
    /// An officer's key to take out (may be repeated)
    #[arg(long, value_name = "ID/KEY")]
    remove_key: Vec<String>,
    /// A public key to add to the log keys, base64 (the newest signs)
    #[arg(long, value_name = "BASE64")]
    log_key: Vec<String>,
    /// A public key to add to the feed keys, base64
    #[arg(long, value_name = "BASE64")]
    feed_key: Vec<String>,
    /// A log or feed key to take out, base64
    #[arg(long, value_name = "BASE64")]
    remove_online_key: Vec<String>,
    /// A root key to add (may be repeated)
    #[arg(long, value_name = "NAME=BASE64")]
    root_key: Vec<String>,
    /// A root key to take out (may be repeated)
    #[arg(long, value_name = "NAME")]
    remove_root: Vec<KeyId>,
    /// How many root keys must sign the version after this one
    #[arg(long, value_name = "K")]
    threshold: Option<usize>,
    /// Domain that passkeys are bound to, in place of the one so far: passkeys of before sign no more
    #[arg(long, value_name = "DOMAIN")]
    rp_id: Option<String>,
    /// Where passkeys may sign, in place of the places so far (may be repeated)
    #[arg(long, value_name = "ORIGIN")]
    passkey_origin: Vec<String>,
    /// Until when it holds: a day or a span
    #[arg(long, value_name = "END")]
    expires: Option<String>,
    /// The witnesses' verifier keys, in place of those named so far (may be repeated)
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many witnesses must have cosigned
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
    #[command(flatten)]
    desk: DeskArgs,
}

impl DraftArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (mut document, _) = match &self.from {
            Some(path) => document::read(path)?,
            None => super::in_force(&self.desk.server(config)?).await?,
        };
        document.version += 1;
        self.edit_officers(&mut document)?;
        self.edit_keys(&mut document)?;
        if let Some(expires) = &self.expires {
            document.expires = when::end(expires)?;
        }
        if !self.witness.is_empty() {
            document.witnesses.keys.clone_from(&self.witness);
        }
        if let Some(quorum) = self.quorum {
            document.witnesses.quorum = quorum;
        }
        if let Some(rp_id) = &self.rp_id {
            document.webauthn.rp_id.clone_from(rp_id);
        }
        if !self.passkey_origin.is_empty() {
            document.webauthn.origins.clone_from(&self.passkey_origin);
        }
        let bytes = document.to_bytes()?;
        fs::write(&self.out, &bytes).map_err(Error::io(&self.out))?;
        let sha256 = Hash::of(&bytes);
        out.data(&json!({ "version": document.version, "sha256": sha256, "file": self.out }))?;
        out.line(format!(
            "{}: version {}, sha256 {sha256}\nnext: blockfeed trust sign {} --root NAME --key-file FILE, by {} root keys",
            self.out.display(),
            document.version,
            self.out.display(),
            document.root.threshold,
        ))
    }

    fn edit_officers(&self, document: &mut Document) -> Result<(), Error> {
        for (id, officer) in document::read_officers(&self.officers)? {
            document::add(&mut document.officers, id, officer)?;
        }
        for id in &self.remove_officer {
            let removed = document.officers.remove(id);
            removed.ok_or_else(|| Error::said(format!("the document names no officer {id}")))?;
        }
        for named in &self.remove_key {
            let removed = named.split_once('/').and_then(|(id, key)| {
                let officer = document.officers.get_mut(&OfficerId::new(id).ok()?)?;
                officer.keys.remove(&KeyId::new(key).ok()?)
            });
            removed.ok_or_else(|| {
                Error::said(format!(
                    "--remove-key {named}: the document has no such key; it is written o-0017/k1"
                ))
            })?;
        }
        Ok(())
    }

    fn edit_keys(&self, document: &mut Document) -> Result<(), Error> {
        for text in &self.log_key {
            document.log.push(document::feed_key(public(text)?));
        }
        for text in &self.feed_key {
            document.feed.push(document::feed_key(public(text)?));
        }
        for text in &self.remove_online_key {
            let key = document::feed_key(public(text)?);
            document.log.retain(|k| *k != key);
            document.feed.retain(|k| *k != key);
        }
        for named in &self.root_key {
            let (id, text) = named.split_once('=').ok_or_else(|| {
                Error::said(format!("--root-key {named}: it is written NAME=BASE64"))
            })?;
            let key = RootKey {
                alg: Alg::Ed25519,
                public: public(text)?,
            };
            document.root.keys.insert(KeyId::new(id)?, key);
        }
        for id in &self.remove_root {
            let removed = document.root.keys.remove(id);
            removed.ok_or_else(|| Error::said(format!("the document names no root key {id}")))?;
        }
        if let Some(threshold) = self.threshold {
            document.root.threshold = threshold;
        }
        Ok(())
    }
}

fn public(text: &str) -> Result<Base64, Error> {
    Base64::try_from(text.to_owned())
        .map_err(|why| Error::said(format!("{text:?} is no public key: {why}")))
}
