//! The authority's API as a client speaks it (design: Storage and scale, "verbs that write speak
//! HTTP to the running authority, the officer's signature being the credential").

use super::{Error, desk::Officer, error::Problem, form::Form};
use crate::{
    canon::DecisionId,
    config::Config,
    decision::{Approval, Body, PartRef},
    fetch::{Answer, Read, Source},
    tlog::Hash,
    trust::RootSignature,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use super::views::{CommittedView, Hold, LogView, Lookup, Outcome, ProposalView, Proposals};

/// An authority that is spoken to.
pub struct Server {
    source: Source,
}

impl Server {
    pub fn new(url: &str, config: &Config) -> Result<Self, Error> {
        Ok(Self {
            source: Source::with(url, config.fetch.clone())?,
        })
    }

    /// The base that published files are read from, too.
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub async fn log(&self) -> Result<LogView, Error> {
        self.get("api/v1/log", &[], None).await
    }

    /// The next free id; not kept for the asker.
    pub async fn next_id(&self) -> Result<DecisionId, Error> {
        #[derive(Deserialize)]
        struct Next {
            id: DecisionId,
        }
        let next: Next = self.get("api/v1/ids/next", &[], None).await?;
        Ok(next.id)
    }

    /// Opens a proposal; `alone`: the officer whose stay takes effect at once.
    pub async fn propose(
        &self,
        body: &Body,
        approval: &Approval,
        parts: &[Vec<u8>],
        openings: Option<&str>,
        alone: Option<&Officer>,
    ) -> Result<Outcome, Error> {
        let approval = json(approval)?;
        let mut form = Form::new()?;
        form.field("body", &body.to_bytes()?);
        form.field("approval", &approval);
        if let Some(openings) = openings {
            form.field("openings", openings.as_bytes());
        }
        parts.iter().for_each(|part| form.field("part", part));
        let mut to = Read::new("api/v1/proposals", ANSWER);
        let authorization = match alone {
            Some(officer) => {
                to = to.query("commit", "now");
                let path = "api/v1/proposals?commit=now";
                Some(
                    self.authorization(officer, "POST", path, &body.to_bytes()?)
                        .await?,
                )
            }
            None => None,
        };
        to = to.authorized(authorization.as_deref());
        self.post(to, form.end(), &form.content_type()).await
    }

    /// A proposal, shown to officers alone.
    pub async fn proposal(&self, id: &str, officer: &Officer) -> Result<ProposalView, Error> {
        let path = format!("api/v1/proposals/{}", DecisionId::new(id)?);
        let authorization = self.authorization(officer, "GET", &path, b"").await?;
        self.get(&path, &[], Some(&authorization)).await
    }

    /// The proposals that the authority still has, newest first.
    pub async fn proposals(&self, officer: &Officer) -> Result<Proposals, Error> {
        let path = "api/v1/proposals";
        let authorization = self.authorization(officer, "GET", path, b"").await?;
        self.get(path, &[], Some(&authorization)).await
    }

    /// A part of a proposal. Length and hash aren't checked here.
    pub async fn proposal_part(
        &self,
        id: &DecisionId,
        sha256: &Hash,
        length: u64,
        officer: &Officer,
    ) -> Result<Vec<u8>, Error> {
        let path = format!("api/v1/proposals/{id}/parts/{sha256}");
        let authorization = self.authorization(officer, "GET", &path, b"").await?;
        let read = Read::new(&path, length.max(ANSWER)).authorized(Some(&authorization));
        let answer = self.source.ask(read).await?;
        if answer.status == 200 {
            return Ok(answer.bytes.to_vec());
        }
        Err(self.refused(&answer))
    }

    /// What the commitments of a proposal stand for, as text.
    pub async fn proposal_openings(
        &self,
        id: &DecisionId,
        officer: &Officer,
    ) -> Result<Vec<u8>, Error> {
        let path = format!("api/v1/proposals/{id}/openings");
        let authorization = self.authorization(officer, "GET", &path, b"").await?;
        let read = Read::new(&path, OPENINGS).authorized(Some(&authorization));
        let answer = self.source.ask(read).await?;
        if answer.status == 200 {
            return Ok(answer.bytes.to_vec());
        }
        Err(self.refused(&answer))
    }

    /// Brings the second signature; answers when the decision is durable and published.
    pub async fn approve(&self, id: &DecisionId, approval: &Approval) -> Result<Outcome, Error> {
        let path = format!("api/v1/proposals/{id}/approvals");
        let body = json(approval)?.into();
        self.post(Read::new(&path, ANSWER), body, "application/json")
            .await
    }

    /// Takes a proposal back.
    pub async fn withdraw(&self, id: &str, officer: &Officer) -> Result<Value, Error> {
        let path = format!("api/v1/proposals/{}/withdrawal", DecisionId::new(id)?);
        self.signed(&path, &serde_json::json!({}), officer).await
    }

    /// Destroys what ended entries of a decision stand for; no subjects are all of them.
    pub async fn erase(
        &self,
        id: &str,
        subjects: &[String],
        texts: bool,
        officer: &Officer,
    ) -> Result<Value, Error> {
        let path = format!("api/v1/decisions/{}/erasure", DecisionId::new(id)?);
        let subjects = Some(subjects).filter(|s| !s.is_empty());
        let asked = serde_json::json!({ "subjects": subjects, "texts": texts });
        self.signed(&path, &asked, officer).await
    }

    /// Moves the base of the zones to the present.
    pub async fn compact(&self, officer: &Officer) -> Result<Value, Error> {
        let path = "api/v1/compaction";
        self.signed(path, &serde_json::json!({}), officer).await
    }

    /// Puts a new trust document in force.
    pub async fn trust(
        &self,
        document: &[u8],
        signatures: &[RootSignature],
    ) -> Result<Outcome, Error> {
        let mut form = Form::new()?;
        form.field("document", document);
        form.field("signatures", &json(&signatures)?);
        let to = Read::new("api/v1/trust", ANSWER);
        self.post(to, form.end(), &form.content_type()).await
    }

    pub async fn lookup(&self, typed: &str) -> Result<Lookup, Error> {
        self.get("api/v1/lookup", &[("q", typed)], None).await
    }

    /// A committed decision with its history and proof, as the authority gives it.
    pub async fn decision(&self, id: &str) -> Result<Value, Error> {
        let path = format!("api/v1/decisions/{}", DecisionId::new(id)?);
        self.get(&path, &[], None).await
    }

    /// A page of a feed's lines.
    pub async fn entries(&self, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.get("api/v1/entries", query, None).await
    }

    /// A part that has been published.
    pub async fn part(&self, part: &PartRef) -> Result<Vec<u8>, Error> {
        let path = crate::feed::paths::part(&part.sha256);
        Ok(self.source.read(&path, part.length).await?.to_vec())
    }

    pub(super) async fn authorization(
        &self,
        officer: &Officer,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<String, Error> {
        // The request is bound to the log, so that a signature for one can't be used at another.
        let origin = self.log().await?.origin;
        Ok(officer.authorization(&origin, method, &format!("/{path}"), body))
    }

    /// Posts what an officer signs.
    pub(super) async fn signed(
        &self,
        path: &str,
        document: &Value,
        officer: &Officer,
    ) -> Result<Value, Error> {
        let body = json(document)?;
        let send = async || {
            let authorization = self.authorization(officer, "POST", path, &body).await?;
            let to = Read::new(path, ANSWER).authorized(Some(&authorization));
            self.post(to, body.clone().into(), "application/json").await
        };
        match send().await {
            // The same was signed in this very second, by a script perhaps: signed anew it is another.
            Err(again) if again.code() == Some("replayed") => {
                tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
                send().await
            }
            answer => answer,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        authorization: Option<&str>,
    ) -> Result<T, Error> {
        let mut read = Read::new(path, ANSWER).authorized(authorization);
        for (name, value) in query {
            read = read.query(name, value);
        }
        self.decoded(path, self.source.ask(read).await?)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        to: Read<'_>,
        body: Bytes,
        kind: &str,
    ) -> Result<T, Error> {
        let answer = self.source.send(to, body, kind).await?;
        self.decoded("the answer", answer)
    }

    fn decoded<T: DeserializeOwned>(&self, what: &str, answer: Answer) -> Result<T, Error> {
        if !matches!(answer.status, 200..=299) {
            return Err(self.refused(&answer));
        }
        let bytes: &[u8] = if answer.bytes.is_empty() {
            b"null"
        } else {
            &answer.bytes
        };
        serde_json::from_slice(bytes).map_err(|e| Error::Answer {
            place: format!("{} ({what})", self.source),
            why: e.to_string(),
        })
    }

    fn refused(&self, answer: &Answer) -> Error {
        let problem = serde_json::from_slice(&answer.bytes).unwrap_or_else(|_| Problem {
            title: format!("HTTP {}", answer.status),
            status: answer.status,
            detail: String::new(),
            code: String::new(),
        });
        Error::Refused {
            server: self.source.to_string(),
            problem,
        }
    }
}

fn json(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|e| Error::said(format!("not writable as JSON: {e}")))
}

/// The most bytes of a decision's openings: some 130 bytes each.
const OPENINGS: u64 = 1 << 30;

/// The most bytes of an answer that isn't a file.
const ANSWER: u64 = 64 << 20;
