//! Manifests, snapshots, deltas.

use super::*;

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
    edited("manifest", |m| _ = m.proof.pop());
    edited("manifest", |m| {
        m.origin = Origin::new("other.example").unwrap()
    });
    edited("manifest", |m| _ = m.deltas.remove(2));
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
