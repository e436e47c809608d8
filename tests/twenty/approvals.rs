//! Who signs: officers, keys, roles, passkeys.

use super::*;

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
        put_trust(log, &next, &[1, 2]);
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
