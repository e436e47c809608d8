//! `blockfeed trust …`: the trust document through its versions (design: Keys).

mod draft;

use super::{Error, Output, desk::DeskArgs, document, output, secret, server::Server};
use crate::{
    canon::KeyId,
    config::Config,
    decision::PartRef,
    tlog::Hash,
    trust::{self, Document},
};
use clap::{Args, Subcommand};
use draft::DraftArgs;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The trust document: who may sign, through its versions
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example, from a new officer to a new version in force:
  blockfeed trust draft  --server http://127.0.0.1:8399 --officers o-0051.json --out trust-2.json
  blockfeed trust sign   trust-2.json --root a --key-file root-a.pem     (each on a machine of its own)
  blockfeed trust sign   trust-2.json --root c --key-file root-c.pem
  blockfeed trust submit trust-2.json --server http://127.0.0.1:8399")]
pub enum TrustVerb {
    Show(ShowArgs),
    Draft(Box<DraftArgs>),
    Sign(SignArgs),
    Verify(VerifyArgs),
    Submit(SubmitArgs),
}

/// Print the trust document in force, or one in a file
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed trust show --server http://127.0.0.1:8399
  blockfeed trust show --file trust-2.json --json")]
pub struct ShowArgs {
    /// A trust document in a file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// Sign a draft with a root key
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed trust sign trust-2.json --root a --key-file root-a.pem")]
pub struct SignArgs {
    /// The draft
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,
    /// Name of the root key in the document
    #[arg(long, value_name = "NAME")]
    root: KeyId,
    /// The root key's encrypted file
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Where signatures are gathered [default: <document>.sigs]
    #[arg(long, value_name = "FILE")]
    signatures: Option<PathBuf>,
    /// A file that holds the passphrase [else BLOCKFEED_PASSPHRASE, else asked for]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Check a signed draft against the version before it
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed trust verify trust-2.json --previous trust-1.json")]
pub struct VerifyArgs {
    /// The signed document
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,
    /// The version before; without it the document must be version 1
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Its signatures [default: <document>.sigs]
    #[arg(long, value_name = "FILE")]
    signatures: Option<PathBuf>,
}

/// Put a signed draft in force at the running authority
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed trust submit trust-2.json --server http://127.0.0.1:8399")]
pub struct SubmitArgs {
    /// The signed document
    #[arg(value_name = "DOCUMENT")]
    document: PathBuf,
    /// Its signatures [default: <document>.sigs]
    #[arg(long, value_name = "FILE")]
    signatures: Option<PathBuf>,
    #[command(flatten)]
    desk: DeskArgs,
}

impl TrustVerb {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        match self {
            Self::Show(args) => args.run(config, out).await,
            Self::Draft(args) => args.run(config, out).await,
            Self::Sign(args) => args.run(out),
            Self::Verify(args) => args.run(out),
            Self::Submit(args) => args.run(config, out).await,
        }
    }
}

/// The trust document in force at an authority, held against the hash that it states.
pub async fn in_force(server: &Server) -> Result<(Document, Vec<u8>), Error> {
    let stated = server.log().await?.trust;
    let part = PartRef {
        sha256: stated.sha256,
        length: crate::decision::MAX_PART,
        count: 0,
    };
    let bytes = server.part(&part).await?;
    if Hash::of(&bytes) != stated.sha256 {
        return Err(Error::said(format!(
            "{} sent another document than the one whose hash it states",
            server.source()
        )));
    }
    Ok((Document::parse(&bytes)?, bytes))
}

fn signatures_of(document: &Path, named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| {
        let mut path = document.as_os_str().to_owned();
        path.push(".sigs");
        path.into()
    })
}

impl ShowArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (document, bytes) = match &self.file {
            Some(path) => document::read(path)?,
            None => in_force(&self.desk.server(config)?).await?,
        };
        out.data(&document)?;
        out.line(format!("origin    {}", document.origin))?;
        out.line(format!(
            "version   {}  sha256 {}",
            document.version,
            Hash::of(&bytes)
        ))?;
        out.line(format!("expires   {}", super::when::time(document.expires)))?;
        let root = &document.root;
        out.line(format!(
            "root      {} of {}",
            root.threshold,
            root.keys.len()
        ))?;
        for (id, key) in &root.keys {
            out.line(format!("          {id}  {}", text(&key.public)))?;
        }
        for key in &document.log {
            out.line(format!("log       {}", text(&key.public)))?;
        }
        for key in &document.feed {
            out.line(format!("feed      {}", text(&key.public)))?;
        }
        let witnesses = &document.witnesses;
        out.line(format!(
            "witnesses {} of {}",
            witnesses.quorum,
            witnesses.keys.len()
        ))?;
        for (id, officer) in &document.officers {
            let roles: Vec<_> = officer.roles.iter().map(|r| r.as_str()).collect();
            let keys: Vec<_> = officer.keys.keys().map(KeyId::as_str).collect();
            let (roles, keys) = (roles.join(", "), keys.join(", "));
            out.line(format!(
                "officer   {id}  {}  {roles}  keys {keys}",
                officer.unit
            ))?;
        }
        Ok(())
    }
}

impl SignArgs {
    fn run(self, out: Output) -> Result<(), Error> {
        let (document, bytes) = document::read(&self.document)?;
        let path = signatures_of(&self.document, self.signatures.as_ref());
        let what = self.key_file.display().to_string();
        let passphrase = secret::passphrase(self.passphrase_file.as_deref(), &what)?;
        let key = secret::read_key(&self.key_file, &passphrase)?;
        if let Some(named) = document.root.keys.get(&self.root)
            && named.public != document::public(&key)
        {
            // A key that leaves is named in the version before alone, so that a missing one passes.
            return Err(Error::said(format!(
                "{what} isn't root key {} of this document: its signature would be refused",
                self.root
            )));
        }
        let mut signatures = document::read_signatures(&path)?;
        signatures.retain(|s| s.key != self.root);
        signatures.push(document::sign(&document, &bytes, &self.root, &key));
        let written = output::pretty(&signatures)?;
        fs::write(&path, written + "\n").map_err(Error::io(&path))?;
        let names: Vec<_> = signatures.iter().map(|s| s.key.as_str()).collect();
        out.data(&json!({ "signatures": path, "keys": names }))?;
        out.line(format!(
            "{}: version {} is signed by {}",
            path.display(),
            document.version,
            names.join(", ")
        ))
    }
}

impl VerifyArgs {
    fn run(self, out: Output) -> Result<(), Error> {
        let (document, bytes) = document::read(&self.document)?;
        let path = signatures_of(&self.document, self.signatures.as_ref());
        let signatures = document::read_signatures(&path)?;
        match &self.previous {
            Some(previous) => {
                let (previous, _) = document::read(previous)?;
                trust::verify_next(&previous, &bytes, &signatures)?;
            }
            None => drop(trust::verify_first(&bytes, &document.origin, &signatures)?),
        }
        out.data(
            &json!({ "version": document.version, "sha256": Hash::of(&bytes), "valid": true }),
        )?;
        out.line(format!(
            "version {} is validly signed; sha256 {}",
            document.version,
            Hash::of(&bytes)
        ))
    }
}

impl SubmitArgs {
    async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let (document, bytes) = document::read(&self.document)?;
        let path = signatures_of(&self.document, self.signatures.as_ref());
        let signatures = document::read_signatures(&path)?;
        let server = self.desk.server(config)?;
        let (current, _) = in_force(&server).await?;
        // Said here with names; the authority would say the same.
        trust::verify_next(&current, &bytes, &signatures)?;
        let outcome = server.trust(&bytes, &signatures).await?;
        out.data(&outcome)?;
        let leaf = outcome.committed.map(|c| format!(" at leaf {}", c.leaf));
        out.line(format!(
            "version {} is in force{}",
            document.version,
            leaf.unwrap_or_default()
        ))
    }
}

fn text(public: &crate::canon::Base64) -> String {
    String::from(public.clone())
}
