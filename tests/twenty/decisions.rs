//! What a decision says: ids, times, targets, lines.

use super::*;

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
