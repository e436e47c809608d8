//! What the commitments of a proposal stand for, as whoever signs it sees them (design: *Privacy*).

use super::{Error, desk::Officer, server::Server};
use crate::{
    decision::{Body, Opening, read_openings},
    tlog::Hash,
};
use std::collections::HashMap;

/// What the commitments stand for, each recomputed here: whoever signs sees the subjects that the
/// log will hold to, not those that a server says.
pub async fn openings(
    server: &Server,
    officer: &Officer,
    body: &Body,
) -> Result<HashMap<Hash, Opening>, Error> {
    let text = server.proposal_openings(body.id(), officer).await?;
    let broken = |why: String| Error::said(format!("{}: {why}; nothing was signed", body.id()));
    let read = read_openings(&text, body.origin(), body.id()).map_err(|e| broken(e.to_string()))?;
    let keyed = read.into_iter().map(|opening| {
        let commitment = opening.commitment().map_err(|e| broken(e.to_string()))?;
        Ok((commitment, opening))
    });
    keyed.collect()
}
