//! Time and form of leaves, what ends by itself, state leaves.

use super::*;

#[test]
fn time_falls() {
    refused(4, "time_falls", |log| {
        edit_decision(log, 4, |leaf| leaf.time = vectors::BEGIN + 99)
    });
    refused(5, "time_falls", |log| {
        log.edit_state(5, |state| state.time = vectors::BEGIN + 199)
    });
}

#[test]
fn leaves_that_nobody_knows() {
    let text = |log: &Log, index: usize| String::from_utf8(log.leaves[index].clone()).unwrap();
    let edited = |index: usize, code: &str, edit: &dyn Fn(&str) -> String| {
        refused(index as u64, code, |log| {
            let bytes = edit(&text(log, index)).into_bytes();
            assert_ne!(bytes, log.leaves[index]);
            log.replace(index, bytes);
        });
    };
    edited(5, "unknown_leaf", &|t| {
        t.replace(r#""type":"state""#, r#""type":"stats""#)
    });
    edited(5, "unknown_leaf", &|t| t.replace(r#""v":1"#, r#""v":2"#));
    edited(5, "not_canonical", &|t| {
        t.replace(r#""type":"state""#, r#""note":1,"type":"state""#)
    });
    edited(5, "not_canonical", &|t| {
        t.replace(r#","feeds""#, r#", "feeds""#)
    });
    edited(5, "not_canonical", &|t| format!("{t}\n"));
    edited(5, "not_canonical", &|t| {
        t.replace(r#"{"base":2,"#, r#"{"base":2.0,"#)
    });
    edited(4, "not_canonical", &|t| {
        t.replace("Cục Thương", "C\u{202e}ục Thương")
    });
    edited(4, "not_canonical", &|t| t.replace("Cục", "Cu\u{323}c"));
    edited(0, "genesis", &|_| text(&vectors::log(), 1));
    edited(1, "genesis", &|_| text(&vectors::log(), 0));
}

#[test]
fn an_unknown_field_in_a_signed_body() {
    // Signed as it stands, so that only the field is wrong.
    refused(4, "not_canonical", |log| {
        let leaf = log.decision(4);
        let mut body = serde_json::to_value(&leaf.body).unwrap();
        body["priority"] = 1.into();
        let hash = Hash::of(blockfeed::canon::to_vec(&body).unwrap());
        let mut approvals = Vec::new();
        for signer in [proposer(), approver(1)] {
            let Secret::Ed25519(secret) = &signer.secret else {
                panic!()
            };
            let mut approval = signer.approve(&leaf.body);
            let message = blockfeed::decision::approval_message(
                leaf.body.origin(),
                leaf.body.id(),
                signer.role,
                &approval.officer,
                &approval.key,
                &hash,
            );
            let sig = ed25519_dalek::Signer::sign(secret, &message);
            approval.sig = blockfeed::canon::Base64(sig.to_bytes().to_vec());
            approvals.push(approval);
        }
        let all = serde_json::json!({
            "v": 1, "type": "decision", "time": leaf.time, "body": body, "approvals": approvals,
        });
        log.replace(4, blockfeed::canon::to_vec(&all).unwrap());
    });
}

#[test]
fn ends_before_their_time() {
    let expire = |log: &mut Log, index: usize, time: u64, decisions: &[&str], stays: &[&str]| {
        let ids = |names: &[&str]| names.iter().map(|n| id(n)).collect();
        log.replace_leaf(
            index,
            &Leaf::Expire(Expire::new(time, ids(decisions), ids(stays))),
        );
    };
    refused(11, "not_due", |log| {
        expire(log, 11, 1_790_259_499, &[], &["2026-000003"])
    });
    refused(16, "not_due", |log| {
        expire(log, 16, 1_790_863_999, &["2026-000002"], &[])
    });
    refused(16, "not_due", |log| {
        expire(log, 16, 1_790_864_000, &["2026-000001", "2026-000002"], &[]);
    });
    refused(16, "unknown_target", |log| {
        expire(log, 16, 1_790_864_000, &["2026-000009"], &[])
    });
    refused(16, "ended_target", |log| {
        expire(log, 16, 1_790_864_000, &[], &["2026-000003"])
    });
    refused(16, "empty_expire", |log| {
        expire(log, 16, 1_790_864_000, &[], &[])
    });
    refused(16, "empty_expire", |log| {
        expire(log, 16, 1_790_864_000, &["2026-000002", "2026-000002"], &[]);
    });
}

#[test]
fn a_due_decision_left_open() {
    refused(16, "left_open", |log| drop(log.leaves.remove(16)));
    refused(11, "left_open", |log| drop(log.leaves.remove(11)));
}

#[test]
fn state_leaves_that_say_otherwise() {
    let domains = FeedName::domains();
    let networks = FeedName::networks();
    let sellers = FeedName::parse("sellers/shopee.vn").unwrap();
    refused(5, "digest", |log| {
        log.edit_state(5, |state| {
            state.feeds.get_mut(&domains).unwrap().digest.0[0] ^= 1
        });
    });
    refused(5, "feed", |log| {
        log.edit_state(5, |state| {
            state.feeds.get_mut(&domains).unwrap().entries += 1
        });
    });
    // A serial burnt without a change.
    let why = refused(5, "feed", |log| {
        log.edit_state(5, |state| {
            state.feeds.get_mut(&networks).unwrap().serial = 6
        });
    });
    assert!(why.contains("not the feed"), "{why}");
    // A serial kept with one.
    let why = refused(5, "feed", |log| {
        log.edit_state(5, |state| state.feeds.get_mut(&domains).unwrap().serial = 4);
    });
    assert!(why.contains("not its serial"), "{why}");
    // A change kept back: as if nothing had come.
    refused(5, "digest", |log| {
        let Leaf::State(before) = log.leaf(3) else {
            panic!()
        };
        log.edit_state(5, |state| state.feeds = before.feeds);
    });
    // A serial of another size.
    refused(5, "feed", |log| {
        log.edit_state(5, |state| state.feeds.get_mut(&domains).unwrap().serial = 5);
    });
    // A feed left out, and one that nothing was ever in.
    for gone in [&sellers, &networks] {
        refused(5, "feed", |log| {
            log.edit_state(5, |state| {
                state.feeds.remove(gone);
            })
        });
    }
    refused(3, "feed", |log| {
        log.edit_state(3, |state| {
            state.feeds.remove(&sellers);
        })
    });
    refused(5, "feed", |log| {
        log.edit_state(5, |state| {
            let mut new = state.feeds[&domains];
            new.serial = 6;
            state
                .feeds
                .insert(FeedName::parse("sellers/tiki.vn").unwrap(), new);
        });
    });
}

#[test]
fn bases_that_move_wrongly() {
    // Together with changes.
    refused(12, "base", |log| {
        log.edit_state(12, |state| state.base = 13)
    });
    // To another size than its own, or back.
    refused(13, "base", |log| {
        log.edit_state(13, |state| state.base = 13)
    });
    refused(15, "base", |log| log.edit_state(15, |state| state.base = 2));
    refused(1, "base", |log| log.edit_state(1, |state| state.base = 0));
    // A state leaf that closes nothing and moves nothing.
    refused(13, "empty_state", |log| {
        log.edit_state(13, |state| state.base = 2)
    });
}

#[test]
fn a_log_that_ends_in_a_commit() {
    refused(16, "not_closed", |log| log.leaves.truncate(17));
}
