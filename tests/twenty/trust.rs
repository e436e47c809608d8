//! The root's documents, checkpoints and witnesses.

use super::*;

#[test]
fn trust_leaves_signed_by_too_few() {
    // Version 1 has r1, r2, r3 and version 2 has r1, r2, r4; both need two.
    for (roots, why) in [
        (
            &[1, 4][..],
            "1 of the 2 root signatures that version 1 needs",
        ),
        (&[1, 3], "1 of the 2 root signatures that version 2 needs"),
        (&[4], "0 of the 2 root signatures that version 1 needs"),
        (&[], "0 of the 2"),
        (&[1, 1], "signs twice"),
    ] {
        let said = refused(8, "trust", |log| put_trust(log, &document(2), roots));
        assert!(said.contains(why), "{said}");
    }
    // r3 and r4 with r1 are enough for both.
    let mut log = vectors::log();
    put_trust(&mut log, &document(2), &[1, 3, 4]);
    audit(&log.publish()).unwrap();
    // The first document needs its own threshold.
    refused(0, "trust", |log| {
        let Leaf::Genesis(mut genesis) = log.leaf(0) else {
            panic!()
        };
        genesis.signatures.pop();
        log.replace_leaf(0, &Leaf::Genesis(genesis));
    });
}

#[test]
fn trust_documents_that_dont_follow() {
    let version = |version: u64| Document {
        version,
        ..document(2)
    };
    for wrong in [1, 3] {
        refused(8, "trust", |log| put_trust(log, &version(wrong), &[1, 2]));
    }
    // The leaf says another version than its document.
    refused(8, "trust", |log| {
        let roots = [root(1), root(2)];
        let (sha256, signatures) = sign_document(&mut log.parts, &document(2), &roots);
        let leaf = TrustLeaf::new(vectors::BEGIN + 400, 3, sha256, signatures);
        log.replace_leaf(8, &Leaf::Trust(leaf));
    });
    let other = Origin::new("blocklist.example/399/v2").unwrap();
    let other = Document {
        origin: other,
        ..document(2)
    };
    refused(8, "trust", |log| put_trust(log, &other, &[1, 2]));
}

/// The log under a first document of one's own.
fn under(first: &Document) -> impl FnOnce(&mut Log) {
    move |log| {
        let start = Log::begin(vectors::BEGIN, first, &[root(1), root(3)]);
        log.parts.0.extend(start.parts.0);
        log.replace(0, start.leaves[0].clone());
    }
}

#[test]
fn a_list_under_an_expired_trust_document() {
    let first = Document {
        expires: vectors::BEGIN + 150,
        ..document(1)
    };
    refused(4, "trust_expired", under(&first));
    let first = Document {
        expires: vectors::BEGIN + 200,
        ..document(1)
    };
    refused(4, "trust_expired", under(&first));
    // Nor does an amendment prolong under one; the vectors' shortens, and passes.
    let next = Document {
        expires: vectors::BEGIN + 450,
        ..document(2)
    };
    let mut log = vectors::log();
    put_trust(&mut log, &next, &[1, 2]);
    audit(&log.publish()).unwrap();
    refused(14, "trust_expired", |log| {
        put_trust(log, &next, &[1, 2]);
        edit(log, 14, |body| {
            if let Body::Amend(amend) = body {
                amend.not_after = 1_791_728_001;
            }
        });
    });
}

#[test]
fn checkpoints_that_dont_count() {
    let log = vectors::log();
    let other = |secret| blockfeed::tlog::SignerKey::new(forge::ORIGIN, secret).unwrap();
    let how = Publication {
        log_key: other(seeded(0x21)),
        ..Publication::default()
    };
    found(
        "checkpoint_signature",
        "log/checkpoint",
        &log.publish_as(&how),
    );
    // The feed key doesn't sign for the log, though it may sign under its name.
    let how = Publication {
        log_key: other(forge::keys::feed_secret()),
        ..Publication::default()
    };
    found(
        "checkpoint_signature",
        "log/checkpoint",
        &log.publish_as(&how),
    );
    let elsewhere = blockfeed::tlog::SignerKey::new("other.example/v1", forge::keys::log_secret());
    let how = Publication {
        log_key: elsewhere.unwrap(),
        ..Publication::default()
    };
    found("origin", "log/checkpoint", &log.publish_as(&how));
}

#[test]
fn a_quorum_that_isnt_there() {
    let mut next = document(2);
    next.witnesses.quorum = 2;
    next.witnesses.keys = (1..=3).map(|n| witness(n).verifier().to_string()).collect();
    let mut log = vectors::log();
    put_trust(&mut log, &next, &[1, 2]);
    let with = |witnesses: Vec<u8>| Publication {
        witnesses: witnesses.into_iter().map(witness).collect(),
        ..Publication::default()
    };
    for few in [vec![], vec![1], vec![1, 1], vec![1, 7]] {
        found("quorum", "log/checkpoint", &log.publish_as(&with(few)));
    }
    audit(&log.publish_as(&with(vec![3, 1]))).unwrap();
}
