//! `blockfeed show`: a decision's history, and the proof that it stands in the log.

use super::{Error, Output, desk::DeskArgs, when};
use crate::{
    canon::{Base64, DecisionId},
    config::Config,
    decision::Leaf,
    tlog::{Checkpoint, Hash, Note, VerifierKey, leaf_hash, verify_inclusion},
};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

/// A decision: what it says, who signed, what became of it, and the proof
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed show 2026-000123 --server http://127.0.0.1:8399
  blockfeed show 2026-000123 --json | jq .history

The proof is checked here: the leaf's bytes are hashed, the path is followed to the root of the
checkpoint, and its signature is verified (by --log-key, or the key that the server names).")]
pub struct ShowArgs {
    /// The decision
    #[arg(value_name = "ID")]
    id: DecisionId,
    /// The log's verifier key, from elsewhere than the server
    #[arg(long, value_name = "VKEY")]
    log_key: Option<String>,
    #[command(flatten)]
    desk: DeskArgs,
}

/// A decision as the authority shows it, as far as it is read here.
#[derive(Deserialize)]
struct Dossier {
    leaf: u64,
    time: u64,
    body: Value,
    approvals: Vec<Signer>,
    #[serde(default)]
    history: Vec<Event>,
    open: Option<u64>,
    total: Option<u64>,
    not_after: Option<u64>,
    #[serde(default)]
    texts: Vec<Text>,
    leaf_bytes: Base64,
    proof: Vec<Hash>,
    checkpoint: String,
}

#[derive(Deserialize)]
struct Signer {
    officer: String,
    key: String,
    role: String,
    unit: String,
}

#[derive(Deserialize)]
struct Event {
    leaf: u64,
    what: String,
    id: Option<String>,
    time: u64,
}

#[derive(Deserialize)]
struct Text {
    of: String,
    text: Option<String>,
}

impl ShowArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let server = self.desk.server(config)?;
        let value = server.decision(self.id.as_str()).await?;
        let dossier = Dossier::deserialize(&value).map_err(|e| Error::Answer {
            place: server.source().to_string(),
            why: e.to_string(),
        })?;
        let key = match &self.log_key {
            Some(key) => key.clone(),
            None => server.log().await?.log_vkey,
        };
        let size = prove(&self.id, &dossier, &key.parse()?)?;
        out.data(&value)?;
        self.print(&dossier, size, out)
    }

    fn print(&self, dossier: &Dossier, size: u64, out: Output) -> Result<(), Error> {
        let text = |name: &str| {
            dossier
                .body
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        out.line(format!("decision   {} ({})", self.id, text("action")))?;
        if text("action") == "list" {
            let words = ["category", "head", "goods", "method"].map(text);
            out.line(format!("violation  {}", words.join(" / ")))?;
        }
        if let Some(basis) = dossier.body.get("basis") {
            let of = |name: &str| basis.get(name).and_then(Value::as_str).unwrap_or_default();
            out.line(format!(
                "basis      {}, {}, {}",
                of("authority"),
                of("number"),
                of("date")
            ))?;
        }
        life(dossier, out)?;
        for text in &dossier.texts {
            let shown = text.text.as_deref().unwrap_or("(erased)");
            let shown: String = shown
                .chars()
                .filter(|c| crate::canon::is_plain(*c))
                .take(400)
                .collect();
            out.line(format!("{:<10} {shown}", text.of))?;
        }
        out.line(format!(
            "proof      leaf {} is in the signed log of {size} leaves ({} hashes, checked here)",
            dossier.leaf,
            dossier.proof.len()
        ))
    }
}

/// Who signed, and what became of it.
fn life(dossier: &Dossier, out: Output) -> Result<(), Error> {
    for signer in &dossier.approvals {
        out.line(format!(
            "{:<10} {} of {} (key {})",
            signer.role, signer.officer, signer.unit, signer.key
        ))?;
    }
    out.line(format!(
        "in force   leaf {}, {}",
        dossier.leaf,
        when::time(dossier.time)
    ))?;
    if let (Some(open), Some(total)) = (dossier.open, dossier.total) {
        out.line(format!("subjects   {open} of {total} are open"))?;
    }
    if let Some(end) = dossier.not_after {
        out.line(format!("ends       {} (inclusive)", when::last_day(end)))?;
    }
    for event in &dossier.history {
        let by = event.id.as_deref().unwrap_or("the log itself");
        out.line(format!(
            "{:<10} by {by}, leaf {}, {}",
            event.what,
            event.leaf,
            when::time(event.time)
        ))?;
    }
    Ok(())
}

/// Follows the proof from the leaf's bytes to a checkpoint under this key; gives its size.
fn prove(id: &DecisionId, dossier: &Dossier, key: &VerifierKey) -> Result<u64, Error> {
    let broken = |why: String| Error::said(format!("the proof of {id} doesn't hold: {why}"));
    let leaf = Leaf::parse(&dossier.leaf_bytes)?;
    if !matches!(&leaf, Leaf::Decision(leaf) if leaf.body.id() == id) {
        return Err(broken("the leaf is another one".into()));
    }
    let note = Note::parse(dossier.checkpoint.as_bytes(), crate::tlog::MAX_CHECKPOINT)?;
    if note.verified_by(std::slice::from_ref(key))?.is_empty() {
        return Err(broken(format!("the checkpoint isn't signed by {key}")));
    }
    let head = Checkpoint::parse(&note.text)?;
    let hash = leaf_hash(&dossier.leaf_bytes);
    verify_inclusion(&hash, dossier.leaf, head.size, &dossier.proof, &head.root)
        .map_err(|e| broken(e.to_string()))?;
    Ok(head.size)
}
