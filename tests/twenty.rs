//! Changes to the shared vectors' log, each signed anew with its fixed keys so that one rule is
//! broken and nothing else, each refused by the audit under that rule's code and at its place.
//!
//! `forge::vectors::log` is the vectors' log byte for byte (`tests/audit_vectors.rs` holds the
//! two against each other); unchanged and published anew it passes, so that what is refused here
//! is refused for its one change.

mod forge;

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

// --- who signs ------------------------------------------------------------------------------

#[test]
fn one_officer_twice() {
    refused(10, "same_officer", |log| {
        resign(log, 10, &[&second_proposer(2), &approver(2)]);
    });
}

#[test]
fn a_revoked_key() {
    // Trust document 2 gave k1 another key.
    refused(10, "signature", |log| {
        resign(log, 10, &[&proposer(), &approver(1)])
    });
    // And where it takes k1 away, no officer has such a key.
    refused(10, "unknown_key", |log| {
        let mut next = document(2);
        let officer = next.officers.get_mut(&"o-0042".parse().unwrap()).unwrap();
        let key = officer.keys.remove(&KeyId::new("k1").unwrap()).unwrap();
        officer.keys.insert(KeyId::new("k2").unwrap(), key);
        trust(log, &next, &[1, 2]);
    });
    // Nor does a key count before the leaf that brings it.
    refused(2, "signature", |log| {
        resign(log, 2, &[&proposer(), &approver(2)])
    });
}

#[test]
fn an_officer_without_the_role() {
    refused(4, "role", |log| {
        let second = Signer {
            role: Role::Approve,
            ..proposer()
        };
        resign(log, 4, &[&second_proposer(1), &second]);
    });
}

#[test]
fn an_unknown_officer() {
    refused(4, "unknown_officer", |log| {
        let second = Signer {
            officer: "o-0099",
            ..approver(1)
        };
        resign(log, 4, &[&proposer(), &second]);
    });
}

#[test]
fn too_few_or_misplaced_approvals() {
    for signers in [
        vec![proposer()],
        vec![],
        vec![approver(2), proposer()],
        vec![proposer(), second_proposer(2)],
        vec![proposer(), approver(2), passkey_approver()],
    ] {
        let signers: Vec<&Signer> = signers.iter().collect();
        // A revocation needs two, however it is signed.
        refused(10, "approvals", |log| resign(log, 10, &signers));
    }
    // A stay by one officer is signed as propose.
    refused(6, "approvals", |log| resign(log, 6, &[&approver(1)]));
}

#[test]
fn bulk_and_overrides_without_a_senior() {
    let bulk = |body: &mut Body| {
        if let Body::List(list) = body {
            list.bulk = true;
        }
    };
    refused(2, "approvals", |log| edit(log, 2, bulk));
    refused(2, "role", |log| {
        let senior = Signer {
            role: Role::Senior,
            ..approver(1)
        };
        log.edit_body(2, &[&proposer(), &senior], bulk);
    });
    refused(2, "approvals", |log| {
        let reason = log.parts.text("Vì sao");
        edit(log, 2, |body| {
            if let Body::List(list) = body {
                list.guard.overrides = vec![Override {
                    code: "popular_name".into(),
                    reason,
                }];
            }
        });
    });
}

#[test]
fn an_approval_moved() {
    // From another decision.
    refused(10, "signature", |log| {
        let other = log.decision(2).approvals[0].clone();
        edit_decision(log, 10, |leaf| leaf.approvals[0] = other);
    });
    // To another body under the same id.
    refused(4, "signature", |log| {
        edit_decision(log, 4, |leaf| {
            if let Body::List(list) = &mut leaf.body {
                list.not_after += 1;
            }
        });
    });
    // To another role or key.
    refused(2, "signature", |log| {
        edit_decision(log, 2, |leaf| {
            let swapped = leaf.approvals[0].sig.clone();
            leaf.approvals[0].sig = std::mem::replace(&mut leaf.approvals[1].sig, swapped);
        });
    });
}

#[test]
fn a_passkey_that_signed_otherwise() {
    let good = Assertion::default();
    for (bad, why) in [
        (
            Assertion {
                origin: "https://evil.example",
                ..good.clone()
            },
            "origin",
        ),
        (
            Assertion {
                cross_origin: true,
                ..good.clone()
            },
            "origin",
        ),
        (
            Assertion {
                flags: 0x01,
                ..good.clone()
            },
            "verified",
        ),
        (
            Assertion {
                flags: 0x04,
                ..good.clone()
            },
            "present",
        ),
        (
            Assertion {
                other_message: Some(b"something else"),
                ..good.clone()
            },
            "challenge",
        ),
        (
            Assertion {
                rp_id: "evil.example",
                ..good.clone()
            },
            "relying party",
        ),
        (
            Assertion {
                kind: "webauthn.create",
                ..good.clone()
            },
            "webauthn.get",
        ),
    ] {
        let second = passkey_approver().with(Secret::Es256(bad));
        let said = refused(4, "signature", |log| {
            resign(log, 4, &[&proposer(), &second])
        });
        assert!(said.contains(why), "{said}");
    }
    // An ed25519 signature under a passkey's name.
    let second = passkey_approver().with(Secret::Ed25519(seeded(0xc8)));
    refused(4, "signature", |log| {
        resign(log, 4, &[&proposer(), &second])
    });
}

// --- what a decision says -------------------------------------------------------------------

#[test]
fn an_id_used_again() {
    for used in ["2026-000001", "2026-000003"] {
        refused(10, "id_used", |log| {
            edit(log, 10, |body| {
                if let Body::Revoke(revoke) = body {
                    revoke.id = id(used);
                }
            });
        });
    }
}

#[test]
fn a_decision_for_another_log() {
    refused(4, "origin", |log| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.origin = Origin::new("blocklist.example/399/v2").unwrap();
            }
        });
    });
}

#[test]
fn too_late_and_too_short() {
    refused(4, "submit_by", |log| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.submit_by = vectors::BEGIN + 199;
            }
        });
    });
    for end in [vectors::BEGIN + 199, vectors::BEGIN + 200] {
        refused(4, "ends_at_once", |log| {
            edit(log, 4, |body| {
                if let Body::List(list) = body {
                    list.not_after = end;
                }
            });
        });
    }
    refused(14, "ends_at_once", |log| {
        edit(log, 14, |body| {
            if let Body::Amend(amend) = body {
                amend.not_after = 1_790_432_000;
            }
        });
    });
}

#[test]
fn a_lone_stay_over_three_days() {
    let longer = |body: &mut Body| {
        if let Body::Stay(stay) = body {
            stay.until += 1;
        }
    };
    refused(6, "stay_too_long", |log| edit(log, 6, longer));
    // Signed by two it may last: what is refused then is that its end comes too early.
    refused(11, "not_due", |log| {
        log.edit_body(6, &[&proposer(), &approver(1)], longer)
    });
}

#[test]
fn a_target_unknown_ended_or_twice() {
    let name = |log: &mut Log, index: usize, decision: &str| {
        edit(log, index, |body| match body {
            Body::Revoke(revoke) => revoke.targets = vec![target(decision, None)],
            Body::Stay(stay) => stay.targets = vec![target(decision, None)],
            Body::Amend(amend) => amend.target = id(decision),
            Body::List(_) => {}
        });
    };
    refused(10, "unknown_target", |log| name(log, 10, "2026-000009"));
    refused(14, "unknown_target", |log| name(log, 14, "2026-000009"));
    // A stay is neither stayed nor amended.
    refused(14, "target_is_stay", |log| name(log, 14, "2026-000003"));
    // The stay ended at leaf 11.
    refused(14, "ended_target", |log| {
        let body = forge::revoke(
            "2026-000005",
            1_790_432_000,
            vec![target("2026-000003", None)],
            &mut log.parts,
        );
        log.replace_leaf(
            14,
            &decision(1_790_432_000, &Body::Revoke(body), &[&two()[0], &two()[1]]),
        );
    });
    refused(10, "target_twice", |log| {
        edit(log, 10, |body| {
            if let Body::Revoke(revoke) = body {
                revoke.targets.push(revoke.targets[0].clone());
            }
        });
    });
}

#[test]
fn lines_that_arent_the_targets() {
    let name = |log: &mut Log, index: usize, line: &str| {
        let part = log.parts.lines(&[line]);
        edit(log, index, |body| match body {
            Body::Revoke(revoke) => revoke.targets[0].parts = Some(vec![part]),
            Body::Stay(stay) => stay.targets[0].parts = Some(vec![part]),
            Body::List(_) | Body::Amend(_) => {}
        });
    };
    // Another scope, another subject, and what only another decision holds.
    for line in [
        "domain:exact.example.com +",
        "domain:none.example +",
        "domain:other.example +",
    ] {
        refused(10, "line_not_held", |log| name(log, 10, line));
        refused(6, "line_not_held", |log| name(log, 6, line));
    }
    // What was revoked is ended for ever.
    refused(14, "line_not_held", |log| {
        let part = log.parts.lines(&["domain:exact.example.com ="]);
        let targets = vec![target("2026-000001", Some(vec![part]))];
        let now = 1_790_432_000;
        let body = forge::revoke("2026-000005", now, targets, &mut log.parts);
        log.replace_leaf(
            14,
            &decision(now, &Body::Revoke(body), &[&two()[0], &two()[1]]),
        );
    });
}

// --- parts ----------------------------------------------------------------------------------

#[test]
fn parts_that_arent_as_they_should_be() {
    let listing = |log: &mut Log, text: &[&str]| {
        let part = log.parts.lines(text);
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    };
    for lines in [
        &["domain:a.example +", "domain:a.example +"][..],
        &["domain:b.example +", "domain:a.example +"],
        &["domain:A.example +"],
        &["domain:a.example"],
        &["https://a.example/"],
        &["net:203.0.113.1/24"],
        &["domain:a.example +", ""],
    ] {
        refused(4, "part", |log| listing(log, lines));
    }
    // Its kind has no measure in this decision.
    refused(4, "no_measure", |log| listing(log, &["net:203.0.113.0/24"]));
    // Ascending within each part, but not across them.
    refused(4, "part", |log| {
        let parts =
            ["domain:b.example +", "domain:a.example +"].map(|line| log.parts.lines(&[line]));
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = parts.into();
            }
        });
    });
}

#[test]
fn a_seller_in_clear() {
    refused(2, "in_clear", |log| {
        let mut lines = vectors::first_lines();
        *lines.last_mut().unwrap() = "seller:shopee.vn/123456".into();
        let part = log.parts.lines(&lines);
        edit(log, 2, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    });
}

#[test]
fn a_part_of_another_size() {
    let lines: Vec<String> = (0..60_000)
        .map(|n| format!("domain:n{n:08}.example +"))
        .collect();
    let listing = |log: &mut Log, length: Option<u64>, count: u64| {
        let mut part = log.parts.lines(&lines);
        assert!(part.length > 1 << 20);
        part.length = length.unwrap_or(part.length);
        part.count += count;
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.parts = vec![part];
            }
        });
    };
    // Over 1 MiB and said so; over 1 MiB and belied.
    refused(4, "body", |log| listing(log, None, 0));
    let mut log = vectors::log();
    listing(&mut log, Some(1 << 20), 0);
    let finding = audit(&log.publish()).unwrap_err();
    assert_eq!(finding.code, "too_large", "{finding}");
    let lie = |log: &mut Log, change: fn(&mut blockfeed::decision::PartRef)| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                change(&mut list.parts[0]);
            }
        });
    };
    refused(4, "part", |log| lie(log, |part| part.length += 1));
    refused(4, "part", |log| lie(log, |part| part.count += 1));
    refused(4, "part", |log| {
        lie(log, |part| part.sha256 = Hash([9; 32]))
    });
}

#[test]
fn other_reasons_than_the_signed_ones() {
    let mut log = vectors::log();
    let said = Hash::of("Lý do của 2026-000004".as_bytes());
    let path = format!("part/{said}");
    log.parts
        .0
        .insert(said, b"Another reason altogether".to_vec());
    found("text", &path, &log.publish());
    // None at all can't be signed.
    refused(4, "body", |log| {
        edit(log, 4, |body| {
            if let Body::List(list) = body {
                list.reasons = TextRef::of("");
            }
        });
    });
}

// --- time and form --------------------------------------------------------------------------

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

// --- what ends by itself --------------------------------------------------------------------

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

// --- state leaves ---------------------------------------------------------------------------

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
            log.edit_state(5, |state| drop(state.feeds.remove(gone)))
        });
    }
    refused(3, "feed", |log| {
        log.edit_state(3, |state| drop(state.feeds.remove(&sellers)))
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

// --- the root -------------------------------------------------------------------------------

fn trust(log: &mut Log, next: &Document, roots: &[u8]) {
    let roots: Vec<_> = roots.iter().map(|n| root(*n)).collect();
    let leaf = log.trust_leaf(vectors::BEGIN + 400, next, &roots);
    log.replace_leaf(8, &leaf);
}

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
        let said = refused(8, "trust", |log| trust(log, &document(2), roots));
        assert!(said.contains(why), "{said}");
    }
    // r3 and r4 with r1 are enough for both.
    let mut log = vectors::log();
    trust(&mut log, &document(2), &[1, 3, 4]);
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
        refused(8, "trust", |log| trust(log, &version(wrong), &[1, 2]));
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
    refused(8, "trust", |log| trust(log, &other, &[1, 2]));
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
    trust(&mut log, &next, &[1, 2]);
    audit(&log.publish()).unwrap();
    refused(14, "trust_expired", |log| {
        trust(log, &next, &[1, 2]);
        edit(log, 14, |body| {
            if let Body::Amend(amend) = body {
                amend.not_after = 1_791_728_001;
            }
        });
    });
}

// --- checkpoint, witnesses ------------------------------------------------------------------

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
    trust(&mut log, &next, &[1, 2]);
    let with = |witnesses: Vec<u8>| Publication {
        witnesses: witnesses.into_iter().map(witness).collect(),
        ..Publication::default()
    };
    for few in [vec![], vec![1], vec![1, 1], vec![1, 7]] {
        found("quorum", "log/checkpoint", &log.publish_as(&with(few)));
    }
    audit(&log.publish_as(&with(vec![3, 1]))).unwrap();
}

// --- feeds ----------------------------------------------------------------------------------

const MANIFEST: &str = "feeds/domains/manifest";

#[test]
fn manifests_that_say_otherwise() {
    let published = vectors::log().publish();
    let edited = |code: &str, edit: fn(&mut blockfeed::feed::Manifest)| {
        let mut published = published.clone();
        published.edit_manifest(&FeedName::domains(), edit);
        found(code, MANIFEST, &published);
    };
    edited("session", |m| m.session = "00b8b3e1b11c426d".into());
    edited("manifest", |m| m.serial = 16);
    edited("manifest", |m| m.digest.0[0] ^= 1);
    edited("manifest", |m| m.state.push(b' '));
    edited("manifest", |m| drop(m.proof.pop()));
    edited("manifest", |m| {
        m.origin = Origin::new("other.example").unwrap()
    });
    edited("manifest", |m| drop(m.deltas.remove(2)));
    edited("delta_counts", |m| m.deltas[0].added += 1);
    edited("delta_counts", |m| m.deltas[2].removed = 0);
    edited("delta", |m| m.deltas[1].file.length += 1);
    edited("delta", |m| m.deltas[1].file = m.deltas[2].file);
    edited("delta", |m| {
        let first = m.deltas[0];
        m.deltas
            .insert(0, blockfeed::feed::DeltaRef { to: 3, ..first });
    });
    edited("snapshot", |m| m.snapshot.sha256.0[0] ^= 1);
    edited("snapshot", |m| m.snapshot.length -= 1);
    let mut other = published.clone();
    let of_networks = published.manifests[&FeedName::networks()].sign(&feed_key());
    other.files.insert(MANIFEST.into(), of_networks);
    found("manifest", MANIFEST, &other);
    let mut other = published.clone();
    let by_log = published.manifests[&FeedName::domains()].sign(&log_key());
    other.files.insert(MANIFEST.into(), by_log);
    found("manifest_signature", MANIFEST, &other);
    let mut other = published;
    other.files.remove(MANIFEST);
    found("missing", MANIFEST, &other);
}

#[test]
fn texts_that_the_decisions_dont_give() {
    let log = vectors::log();
    let feed = FeedName::domains();
    let points = &log.points[&feed];
    // A delta that keeps one announcement back, counted rightly, signed and packed.
    let change = &points[1].change;
    let kept: Vec<Box<str>> = change.added().skip(1).map(Into::into).collect();
    let less = blockfeed::entries::Change::of_sorted(Vec::new(), kept);
    let mut published = log.publish();
    let text = delta::encode(&forge::origin(), &feed, 2, 4, &less);
    let file = published.put_delta(&feed, &text);
    published.edit_manifest(&feed, |m| m.deltas[0].file = file);
    found("delta", MANIFEST, &published);
    // A snapshot of another serial's set under this serial.
    let mut published = log.publish();
    let text = snapshot::encode(&forge::origin(), &feed, 2, &points[1].set);
    let file = published.put_snapshot(&feed, &text);
    published.edit_manifest(&feed, |m| m.snapshot = file);
    found("snapshot", MANIFEST, &published);
    // A file that isn't what its manifest says, under its name.
    let mut published = log.publish();
    let [good, other] = [0, 1].map(|n| {
        let sha256 = published.manifests[&feed].deltas[n].file.packed_sha256;
        blockfeed::feed::paths::delta(&feed, &sha256)
    });
    let swapped = published.files[&other].clone();
    published.files.insert(good.clone(), swapped);
    found("feed_file", &good, &published);
    published.files.remove(&good);
    found("missing", &good, &published);
}

#[test]
fn a_manifest_of_another_time() {
    let log = vectors::log();
    let mut published = log.publish();
    // What was published one commit before: the newest serial is withheld.
    let mut older = log.clone();
    older.leaves.truncate(16);
    for point in older.points.values_mut() {
        point.retain(|p| p.serial <= 16);
    }
    let before = older.publish();
    published
        .files
        .insert(MANIFEST.into(), before.files[MANIFEST].clone());
    found("manifest_behind", MANIFEST, &published);
    // Networks didn't change since, so that their older manifest is as good as the new one.
    let mut published = log.publish();
    let networks = "feeds/networks/manifest";
    published
        .files
        .insert(networks.into(), before.files[networks].clone());
    audit(&published).unwrap();
    // A manifest of what the log doesn't show.
    let mut published = before.clone();
    published
        .files
        .insert(MANIFEST.into(), log.publish().files[MANIFEST].clone());
    found("manifest_ahead", MANIFEST, &published);
    // And of a log of the same size that took another turn.
    let mut forked = vectors::log();
    resign(&mut forked, 4, &[&proposer(), &passkey_approver()]);
    resign(&mut forked, 4, &[&proposer(), &approver(1)]);
    let mut published = log.publish();
    published
        .files
        .insert(MANIFEST.into(), forked.publish().files[MANIFEST].clone());
    found("two_histories", MANIFEST, &published);
}
