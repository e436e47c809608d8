//! `/verify`: the log's keys, and how anybody verifies what is published, with the very commands.
//! A test runs the commands as they stand on the page.

use super::{shell::Shell, show::show, visitor::Visitor};
use crate::{
    casework::{Casework, Error},
    feed::Manifest,
    serve::{problem::Answer, site::Site},
    tlog::{Hash, VerifierKey, leaf_hash},
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
};

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    shell: Shell,
    log: Log,
    /// Where this log is reached, as the commands name it.
    url: String,
    /// A name to try the proof with.
    example: &'static str,
}

/// What an auditor pins.
struct Log {
    origin: String,
    session: String,
    genesis: Hash,
    log_key: String,
    feed_key: String,
    trust_version: u64,
    trust_hash: Hash,
    trust_expires: u64,
    quorum: usize,
    checkpoint: String,
    size: u64,
    time: u64,
}

pub(in crate::serve) async fn verify(
    State(site): State<Site>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer {
    let log = site.ask(read).await?;
    show(&VerifyPage {
        shell: Shell::public(&visitor, visitor.lang.t("verify.title")),
        log,
        url: base(&site, &headers),
        example: "example.vn",
    })
}

/// The configured address, or the one that was asked.
pub(super) fn base(site: &Site, headers: &HeaderMap) -> String {
    let configured = site.config.public_url.trim_end_matches('/');
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let host = host.filter(|h| h.bytes().all(plain)).unwrap_or("localhost");
    format!("http://{host}")
}

fn read(desk: &Casework) -> Result<Log, Error> {
    let trust_hash = desk.trust_hash()?;
    let authority = desk.authority();
    let genesis = authority
        .leaf(0)?
        .map_or(Hash([0; 32]), |bytes| leaf_hash(&bytes));
    let current = authority.current();
    let ledger = authority.ledger();
    let (origin, trust) = (ledger.origin(), ledger.trust());
    let newest = |name: &str, keys: Vec<[u8; 32]>| {
        let key = keys
            .last()
            .and_then(|key| VerifierKey::ed25519(name, key).ok());
        key.map_or_else(String::new, |key| key.to_string())
    };
    Ok(Log {
        origin: origin.to_string(),
        session: ledger.session(),
        genesis,
        log_key: newest(origin.as_str(), trust.log_keys()),
        feed_key: newest(&Manifest::key_name(origin), trust.feed_keys()),
        trust_version: trust.version,
        trust_hash,
        trust_expires: trust.expires,
        quorum: trust.witnesses.quorum,
        checkpoint: String::from_utf8_lossy(&current.checkpoint).into_owned(),
        size: current.size,
        time: current.time,
    })
}
