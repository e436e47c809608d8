//! What all decisions have in common at the desk: their grounds, and how one is signed and opened.

use super::{
    Error,
    desk::Officer,
    server::{Outcome, Server},
    when,
};
use crate::{
    canon::{DecisionId, Origin},
    casework::{Grounds, Made},
    decision::{Basis, Body},
    tlog::Hash,
    trust::Role,
};
use clap::Args;
use std::{fs, path::Path};

/// The grounds of a decision.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Grounds")]
pub struct GroundsArgs {
    /// Authority of the legal basis, by id or name as in lists/units.toml
    #[arg(long, value_name = "UNIT")]
    pub basis_authority: String,
    /// Number of the document, such as "12/QĐ-TMĐT"
    #[arg(long, value_name = "NUMBER")]
    pub basis_number: String,
    /// Its date [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub basis_date: Option<String>,
    /// The reasons, published with the decision; @FILE reads them from a file
    #[arg(long, value_name = "TEXT|@FILE")]
    pub reasons: String,
    /// Until when the second officer may sign: a day or a span
    #[arg(long, value_name = "END", default_value = "+7d")]
    pub submit_by: String,
}

impl GroundsArgs {
    fn basis(&self) -> Basis {
        Basis {
            authority: self.basis_authority.clone(),
            number: self.basis_number.clone(),
            date: self.basis_date.clone().unwrap_or_else(when::today),
        }
    }

    /// All of it, with the reasons read.
    pub fn grounds(&self) -> Result<Grounds, Error> {
        Ok(Grounds {
            basis: self.basis(),
            reasons: text(&self.reasons)?,
            submit_by: when::end(&self.submit_by)?,
        })
    }
}

/// A text as typed, or the file that `@` names.
pub fn text(typed: &str) -> Result<String, Error> {
    let text = match typed.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).map_err(Error::io(Path::new(file)))?,
        None => typed.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(Error::said(
            "the reasons are empty: the shop's owner and the public will read them; write at least one sentence",
        ));
    }
    Ok(text)
}

/// A body as this officer opened it.
pub struct Opened {
    pub body: Body,
    pub hash: Hash,
    pub outcome: Outcome,
}

/// Takes an id, makes the body, signs it and opens the proposal. Where another officer takes the
/// same id in between, a new id is taken and signed. `commit`: a stay takes effect at once.
pub async fn open(
    server: &Server,
    officer: &Officer,
    files: &[Vec<u8>],
    commit: bool,
    make: impl Fn(Origin, DecisionId) -> Body,
) -> Result<Opened, Error> {
    let made = |origin, id| {
        Ok(Made {
            body: make(origin, id),
            files: files.to_vec(),
            openings: None,
        })
    };
    open_made(server, officer, commit, made).await
}

/// The same where the parts hang on the id.
pub async fn open_made(
    server: &Server,
    officer: &Officer,
    commit: bool,
    make: impl Fn(Origin, DecisionId) -> Result<Made, Error>,
) -> Result<Opened, Error> {
    let origin = server.log().await?.origin;
    let mut tries = 0;
    loop {
        tries += 1;
        let made = make(origin.clone(), server.next_id().await?)?;
        // Through its own bytes, so that it is checked as whoever receives it will check it.
        let bytes = made.body.to_bytes()?;
        let body = Body::decode(crate::canon::value(&bytes)?)?;
        let hash = Hash::of(&bytes);
        let approval = officer.approve(&body, &hash, Role::Propose);
        let sent = server.propose(
            &body,
            &approval,
            &made.files,
            made.openings.as_deref(),
            commit.then_some(officer),
        );
        match sent.await {
            Err(refused) if refused.code() == Some(ID_TAKEN) && tries < TRIES => {}
            done => {
                return Ok(Opened {
                    outcome: done?,
                    body,
                    hash,
                });
            }
        }
    }
}

const ID_TAKEN: &str = "id_taken";
const TRIES: u32 = 8;
