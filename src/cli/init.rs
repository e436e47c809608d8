//! `blockfeed init`: the first trust document, its keys, and the log's first leaves.

use super::{
    Error, Output,
    document::{self, Parts as Wanted},
    output, secret, when,
};
use crate::{
    canon::Origin,
    config::Config,
    decision::{Genesis, Leaf},
    feed::Manifest,
    log,
    tlog::{Hash, VerifierKey, leaf_hash},
    trust::{Document, RootSignature},
};
use clap::Args;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Begin a log: keys, trust document 1, genesis
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed init --origin blocklist.example/399/v1 --data /var/lib/blockfeed \\
    --root-keys 3 --threshold 2 --officers officers.json
  blockfeed init --origin try.example/1 --data data --demo-officers   (to try it)

The root keys are written beside the others, so that a first log stands in one step. Carry them
off this machine afterwards; `serve` never reads them. Where they were made elsewhere, give the
finished document and its signatures: --trust trust-1.json --signatures trust-1.sigs.json.")]
pub struct InitArgs {
    /// The log's name, for ever: what everything signed here is bound to
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// The data directory [setting log.data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the key files go [default: keys/ in the data directory]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// How many root keys to make
    #[arg(long, value_name = "N", default_value_t = 3)]
    root_keys: usize,
    /// How many of them must sign a new trust document
    #[arg(long, value_name = "K", default_value_t = 2)]
    threshold: usize,
    /// Until when the trust document holds: a day or a span
    #[arg(long, value_name = "END", default_value = "+3y")]
    expires: String,
    /// Officers as JSON, as `officer new` prints them (may be repeated)
    #[arg(long, value_name = "FILE")]
    officers: Vec<PathBuf>,
    /// Make three officers with keys of their own, to try the program
    #[arg(long)]
    demo_officers: bool,
    /// A witness's verifier key (may be repeated)
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many witnesses must have cosigned
    #[arg(long, value_name = "N", default_value_t = 0)]
    quorum: usize,
    /// Domain that passkeys are bound to [default: the origin's first part]
    #[arg(long, value_name = "DOMAIN")]
    rp_id: Option<String>,
    /// Where the console is opened, such as https://desk.example.vn; passkeys sign there alone (may be repeated) [default: https:// and the domain]
    #[arg(long, value_name = "ORIGIN")]
    passkey_origin: Vec<String>,
    /// A finished trust document 1, in place of a new one
    #[arg(long, value_name = "FILE", requires = "signatures", conflicts_with_all = ["officers", "demo_officers", "witness"])]
    trust: Option<PathBuf>,
    /// Its root signatures, as `trust sign` writes them
    #[arg(long, value_name = "FILE", requires = "trust")]
    signatures: Option<PathBuf>,
    /// A file that holds the passphrase of the keys [else BLOCKFEED_PASSPHRASE, else asked for]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl InitArgs {
    pub fn run(self, mut config: Config, out: Output) -> Result<(), Error> {
        if let Some(data) = &self.data {
            config.log.data.clone_from(data);
        }
        let data = config.log.data.clone();
        if data.join("db").exists() {
            return Err(log::Error::Exists(data.display().to_string()).into());
        }
        let keys = self.keys.clone().unwrap_or_else(|| data.join("keys"));
        let (bytes, signatures) = match (&self.trust, &self.signatures) {
            (Some(document), Some(signatures)) => (
                fs::read(document).map_err(Error::io(document))?,
                document::read_signatures(signatures)?,
            ),
            _ => self.make(&keys)?,
        };
        let document = Document::parse(&bytes)?;
        let origin = document.origin.clone();
        let genesis = Leaf::Genesis(Genesis::new(
            when::now(),
            origin.clone(),
            Hash::of(&bytes),
            signatures,
            None,
        ));
        fs::create_dir_all(&data).map_err(Error::io(&data))?;
        log::init(&config.log, &genesis, &bytes)?;
        let settings = self.settings(&data, &keys)?;
        let first = leaf_hash(&genesis.to_bytes()?);
        report(&origin, &document, &first, &settings, &keys, out)
    }

    /// Keys and document, made here.
    fn make(&self, keys: &Path) -> Result<(Vec<u8>, Vec<RootSignature>), Error> {
        let origin = self.origin.as_deref();
        let origin = Origin::new(origin.ok_or_else(|| {
            Error::said("--origin NAME is missing: the log's name for ever, such as blocklist.example/399/v1")
        })?)?;
        let passphrase = secret::new_passphrase(self.passphrase_file.as_deref(), "all keys")?;
        let officers = document::read_officers(&self.officers)?;
        output::note("making and encrypting keys …");
        let rp_id = origin.as_str().split('/').next().unwrap_or_default();
        document::first(
            &Wanted {
                rp_id: self.rp_id.clone().unwrap_or_else(|| rp_id.to_owned()),
                passkey_origins: self.passkey_origin.clone(),
                origin,
                expires: when::end(&self.expires)?,
                root_keys: self.root_keys,
                threshold: self.threshold,
                witnesses: self.witness.clone(),
                quorum: self.quorum,
                officers,
                demo_officers: self.demo_officers,
            },
            keys,
            &passphrase,
        )
    }

    /// The settings file that the next commands read.
    fn settings(&self, data: &Path, keys: &Path) -> Result<PathBuf, Error> {
        let path = data.join("blockfeed.toml");
        let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io(path));
        let quoted = |path: &Path| -> Result<String, Error> {
            Ok(toml::Value::String(absolute(path)?.display().to_string()).to_string())
        };
        let mut text = format!(
            "# Written by `blockfeed init`. `blockfeed config` prints every key with its value.\n[log]\ndata = {}\n\n[keys]\nlog = {}\nfeed = {}\n",
            quoted(data)?,
            quoted(&keys.join("log.pem"))?,
            quoted(&keys.join("feed.pem"))?,
        );
        if let Some(file) = &self.passphrase_file {
            text.push_str(&format!("passphrase_file = {}\n", quoted(file)?));
        }
        fs::write(&path, text).map_err(Error::io(&path))?;
        absolute(&path)
    }
}

fn report(
    origin: &Origin,
    document: &Document,
    genesis: &Hash,
    settings: &Path,
    keys: &Path,
    out: Output,
) -> Result<(), Error> {
    let vkey = |name: &str, keys: &[[u8; 32]]| -> Result<String, Error> {
        let newest = keys
            .last()
            .ok_or_else(|| Error::said("the trust document names no key"))?;
        Ok(VerifierKey::ed25519(name, newest)?.to_string())
    };
    let log_vkey = vkey(origin.as_str(), &document.log_keys())?;
    let feed_vkey = vkey(&Manifest::key_name(origin), &document.feed_keys())?;
    let session = &genesis.to_string()[..16];
    out.data(&json!({
        "origin": origin, "session": session, "genesis": genesis,
        "log_vkey": log_vkey, "feed_vkey": feed_vkey,
        "settings": settings, "keys": keys,
        "officers": document.officers.keys().collect::<Vec<_>>(),
    }))?;
    out.line(format!("log        {origin}"))?;
    out.line(format!("session    {session}"))?;
    out.line(format!("genesis    {genesis}   (what subscribers pin)"))?;
    out.line(format!("log key    {log_vkey}"))?;
    out.line(format!("feed key   {feed_vkey}"))?;
    let (k, n) = (document.root.threshold, document.root.keys.len());
    out.line(format!(
        "root       {k} of {n} keys; carry them off this machine"
    ))?;
    for (id, officer) in &document.officers {
        let roles: Vec<_> = officer.roles.iter().map(|r| r.as_str()).collect();
        out.line(format!(
            "officer    {id}  {}  {}",
            officer.unit,
            roles.join(", ")
        ))?;
    }
    out.line(format!("keys       {}", keys.display()))?;
    out.line(format!("settings   {}", settings.display()))?;
    let settings = settings.display();
    out.line(format!(
        "\nnext:\n  blockfeed serve --config {settings}\n  blockfeed officer new --help\n  blockfeed propose --help"
    ))
}
