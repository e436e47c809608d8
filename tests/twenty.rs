//! Changes to the shared vectors' log, each signed anew with its fixed keys so that one rule is
//! broken and nothing else, each refused by the audit under that rule's code and at its place.
//!
//! `forge::vectors::log` is the vectors' log byte for byte (`tests/audit_vectors.rs` holds the
//! two against each other); unchanged and published anew it passes, so that what is refused here
//! is refused for its one change.

mod forge;

#[path = "twenty/approvals.rs"]
mod approvals;
#[path = "twenty/decisions.rs"]
mod decisions;
#[path = "twenty/feeds.rs"]
mod feeds;
#[path = "twenty/leaves.rs"]
mod leaves;
#[path = "twenty/parts.rs"]
mod parts;
#[path = "twenty/trust.rs"]
mod trust;

use blockfeed::{
    audit::{self, Config, Finding, Progress},
    canon::{KeyId, Origin},
    decision::{Body, DecisionLeaf, Expire, Leaf, Override, TextRef, TrustLeaf},
    entries::FeedName,
    feed::{delta, snapshot},
    tlog::Hash,
    trust::{Document, Role},
};
use forge::{
    Log, decision, id,
    keys::{
        Assertion, Secret, Signer, approver, document, feed_key, log_key, passkey_approver,
        proposer, root, second_proposer, seeded, witness,
    },
    publish::{Publication, Published},
    sign_document, target, vectors,
};

/// What the audit says to this publication.
fn audit(published: &Published) -> Result<(), Finding> {
    let dir = tempfile::tempdir().unwrap();
    published.write(dir.path());
    let config = Config {
        patience_seconds: 0,
        ..Config::new(dir.path().to_str().unwrap())
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(audit::run(&config, &mut |_: Progress| {}));
    report.map(drop)
}

/// Changes the log, publishes and audits it: refused at this leaf with this code.
fn refused(leaf: u64, code: &str, change: impl FnOnce(&mut Log)) -> String {
    let mut log = vectors::log();
    change(&mut log);
    let finding = audit(&log.publish()).expect_err(code);
    assert_eq!(
        (finding.code, finding.leaf),
        (code, Some(leaf)),
        "{finding}"
    );
    finding.why
}

/// The same for what is wrong beside the leaves.
fn found(code: &str, file: &str, published: &Published) -> String {
    let finding = audit(published).expect_err(code);
    assert_eq!(
        (finding.code, finding.file.as_deref()),
        (code, Some(file)),
        "{finding}"
    );
    finding.why
}

fn two() -> [Signer; 2] {
    [proposer(), approver(2)]
}

fn resign(log: &mut Log, index: usize, signers: &[&Signer]) {
    log.edit_body(index, signers, |_| {});
}

/// Signs a decision anew with those who sign it in the vectors, or who might.
fn edit(log: &mut Log, index: usize, change: impl FnOnce(&mut Body)) {
    let version = if index < 8 { 1 } else { 2 };
    match log.decision(index).approvals.len() {
        1 => log.edit_body(index, &[&second_proposer(version)], change),
        _ => log.edit_body(index, &[&proposer(), &approver(version)], change),
    }
}

fn edit_decision(log: &mut Log, index: usize, change: impl FnOnce(&mut DecisionLeaf)) {
    let mut leaf = log.decision(index);
    change(&mut leaf);
    log.replace_leaf(index, &Leaf::Decision(Box::new(leaf)));
}

/// Puts another trust document in the place of the second, signed by these root keys.
fn put_trust(log: &mut Log, next: &Document, roots: &[u8]) {
    let roots: Vec<_> = roots.iter().map(|n| root(*n)).collect();
    let leaf = log.trust_leaf(vectors::BEGIN + 400, next, &roots);
    log.replace_leaf(8, &leaf);
}

#[test]
fn unchanged_it_passes() {
    audit(&vectors::log().publish()).unwrap();
    let mut log = vectors::log();
    // Signed anew, assertions too.
    resign(&mut log, 4, &[&proposer(), &passkey_approver()]);
    resign(&mut log, 10, &[&two()[0], &two()[1]]);
    resign(&mut log, 14, &[&proposer(), &passkey_approver()]);
    audit(&log.publish()).unwrap();
    for how in [
        Publication {
            merged: true,
            ..Publication::default()
        },
        Publication {
            snapshot: -1,
            ..Publication::default()
        },
        Publication {
            snapshot: -2,
            merged: true,
            ..Publication::default()
        },
    ] {
        audit(&log.publish_as(&how)).unwrap();
    }
}
