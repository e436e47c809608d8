//! The history of the shared vectors, leaf by leaf, signed with its fixed keys: the same bytes.

use super::{
    Log, amend,
    keys::{Secret, approver, document, passkey_approver, proposer, root, second_proposer},
    list, revoke, stay, target,
};
use blockfeed::{
    decision::{Body, MeasureName},
    tlog::Hash,
};
use sha2::{Digest, Sha256};

/// Unix seconds of the genesis leaf.
pub const BEGIN: u64 = 1_790_000_000;

/// Root of the whole log, as `expected.json` has it.
pub const ROOT: &str = "N0A6Cj1Zmt4jhAtSzUoYe0i+aiXYjMlfs58KXjamo2Y=";

/// ECDSA signatures differ each time that they are made; these two are the vectors'.
const ASSERTION_4: Secret = Secret::Made(
    "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiV1hhVDljTXg4LUpWcUZFVE1KZy1ORzJ3Nk5qeFpVWFZLVzlWUmd3aWdfUSIsIm9yaWdpbiI6Imh0dHBzOi8vY29uc29sZS5ibG9ja2xpc3QuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0=",
    "MEUCIHLQAFXrt26rN+wPYEehhz1MnwuFG2/C1h6rnGY1AngfAiEAh6eIdUHk7vLBOtOKrkEi+qwleXkRh2Jh3qkvjEqDKU8=",
);
const ASSERTION_14: Secret = Secret::Made(
    "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiSzV4UTREcWV5Nk45c1Y5bk9fd1FHT1kzTTFOYmhKWm5pcUhRdHc5czVXZyIsIm9yaWdpbiI6Imh0dHBzOi8vY29uc29sZS5ibG9ja2xpc3QuZXhhbXBsZSIsImNyb3NzT3JpZ2luIjpmYWxzZX0=",
    "MEUCIQCRuLfeUDxHGCPduDKWENZD4oYw/1M1FNcqd+kNu5OeQgIgHAxN347ov6Ouf0bFzZja5UGinnj5DPDu6J5vq3n6Cwk=",
);

/// The subjects of the first decision.
pub fn first_lines() -> Vec<String> {
    let mut lines: Vec<String> = [
        "domain:exact.example.com =",
        "domain:kept.example +",
        "domain:shop.example.vn +",
        "domain:xn--shopgcaoth-lv6e.vn +",
        "net:2001:db8:399::/48",
        "net:203.0.113.0/24",
    ]
    .map(Into::into)
    .into();
    lines.push(format!("seller:shopee.vn/#{}", commitment()));
    lines
}

/// The commitment to `seller:shopee.vn/123456` under its fixed salt.
pub fn commitment() -> Hash {
    let salt: [u8; 32] = std::array::from_fn(|i| 0x64 + i as u8);
    let record = br#"{"id":"2026-000001","origin":"blocklist.example/399/v1","subject":"seller:shopee.vn/123456"}"#;
    let digest = Sha256::new()
        .chain_update(b"blockfeed/commitment/v1\0")
        .chain_update(salt)
        .chain_update(record)
        .finalize();
    Hash(digest.into())
}

/// All 18 leaves.
pub fn log() -> Log {
    let mut log = Log::begin(BEGIN, &document(1), &[root(1), root(3)]);
    log.close(BEGIN);
    listed(&mut log);
    stayed(&mut log);
    log.trust(BEGIN + 400, &document(2), &[root(1), root(2)]);
    log.close(BEGIN + 400);
    let part = log
        .parts
        .lines(&["domain:exact.example.com =", "net:203.0.113.0/24"]);
    let targets = vec![target("2026-000001", Some(vec![part]))];
    let body = revoke("2026-000004", BEGIN + 500, targets, &mut log.parts);
    log.decide(
        BEGIN + 500,
        &Body::Revoke(body),
        &[&proposer(), &approver(2)],
    );
    log.expire(1_790_259_500);
    log.close(1_790_259_500);
    log.compact(1_790_431_999);
    let now = 1_790_432_000;
    let body = amend(
        "2026-000005",
        now,
        "2026-000002",
        1_790_864_000,
        &mut log.parts,
    );
    let second = passkey_approver().with(ASSERTION_14);
    log.decide(now, &Body::Amend(body), &[&proposer(), &second]);
    log.close(now);
    log.expire(1_790_864_000);
    log.close(1_790_864_000);
    log
}

fn listed(log: &mut Log) {
    use MeasureName::{BlockDomain, BlockIp, DelistSeller};
    let now = BEGIN + 100;
    let part = log.parts.lines(&first_lines());
    let measures = [BlockDomain, BlockIp, DelistSeller];
    let body = list(
        "2026-000001",
        now,
        1_815_920_000,
        &measures,
        &mut log.parts,
        vec![part],
    );
    log.decide(now, &Body::List(body), &[&proposer(), &approver(1)]);
    log.close(now);
    let now = BEGIN + 200;
    let part = log
        .parts
        .lines(&["domain:other.example +", "domain:shop.example.vn +"]);
    let body = list(
        "2026-000002",
        now,
        1_791_728_000,
        &[BlockDomain],
        &mut log.parts,
        vec![part],
    );
    let second = passkey_approver().with(ASSERTION_4);
    log.decide(now, &Body::List(body), &[&proposer(), &second]);
    log.close(now);
}

fn stayed(log: &mut Log) {
    let now = BEGIN + 300;
    let part = log
        .parts
        .lines(&["domain:kept.example +", "domain:shop.example.vn +"]);
    let targets = vec![target("2026-000001", Some(vec![part]))];
    let mut body = stay("2026-000003", now, targets, 1_790_259_500, &mut log.parts);
    body.appeal = Some("A-77".into());
    log.decide(now, &Body::Stay(body), &[&second_proposer(1)]);
    log.close(now);
}
