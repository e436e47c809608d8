//! The rules by which a leaf may come next, as far as leaves alone tell (design: Semantics).
//!
//! Where the design leaves a choice open, the one that is safest for the owner of a lawful shop:
//! - An expired trust document lists and prolongs nothing; revoking and staying go on.
//! - A stay is ended whole; while it lasts, another may be added to the same lines.
//! - A decision of which every line was revoked has ended; nothing is due of it.

use super::{
    Amend, Body, Expire, Leaf, Ledger, Refusal, State, Stay, Target,
    approval::verify_all,
    leaf::{DecisionLeaf, FeedState, TrustLeaf},
    ledger::count,
};
use crate::{
    canon::DecisionId,
    entries::FeedName,
    tlog::Hash,
    trust::{self, Document},
};
use std::collections::BTreeSet;

/// The longest that a stay by one officer may last, seconds.
pub(super) const LONE_STAY: u64 = 72 * 3600;

pub(super) fn judge(
    ledger: &Ledger,
    leaf: &Leaf,
    document: Option<&[u8]>,
) -> Result<Option<Document>, Refusal> {
    if leaf.time() < ledger.time {
        return Err(Refusal::TimeFalls {
            leaf: leaf.time(),
            before: ledger.time,
        });
    }
    match leaf {
        Leaf::Genesis(_) => Err(Refusal::Genesis),
        Leaf::Trust(leaf) => trust_leaf(ledger, leaf, document).map(Some),
        Leaf::Decision(leaf) => decision(ledger, leaf).map(|()| None),
        Leaf::Expire(leaf) => expire(ledger, leaf).map(|()| None),
        Leaf::State(leaf) => state(ledger, leaf).map(|()| None),
    }
}

fn trust_leaf(
    ledger: &Ledger,
    leaf: &TrustLeaf,
    document: Option<&[u8]>,
) -> Result<Document, Refusal> {
    let bytes = document
        .ok_or_else(|| Refusal::TrustPart(leaf.sha256.to_string(), super::PartError::Missing))?;
    if Hash::of(bytes) != leaf.sha256 {
        return Err(Refusal::TrustHash);
    }
    let next = trust::verify_next(&ledger.trust, bytes, &leaf.signatures)?;
    if next.version != leaf.version {
        return Err(trust::Error::Version {
            found: next.version,
            expected: leaf.version,
        }
        .into());
    }
    Ok(next)
}

fn decision(ledger: &Ledger, leaf: &DecisionLeaf) -> Result<(), Refusal> {
    let body = &leaf.body;
    if *body.origin() != ledger.origin {
        return Err(Refusal::Origin(body.origin().to_string()));
    }
    if ledger.ids.contains_key(body.id()) {
        return Err(Refusal::IdUsed(body.id().to_string()));
    }
    if leaf.time > body.submit_by() {
        return Err(Refusal::SubmitBy {
            time: leaf.time,
            submit_by: body.submit_by(),
        });
    }
    let two = verify_all(&leaf.approvals, body, &leaf.body_hash, &ledger.trust)?;
    match body {
        Body::List(list) => prolongs(ledger, leaf.time, list.not_after),
        Body::Amend(amend) => self::amend(ledger, leaf.time, amend),
        Body::Revoke(revoke) => targets(ledger, &revoke.targets, true),
        Body::Stay(stay) => self::stay(ledger, leaf.time, stay, two),
    }
}

/// What lists or prolongs needs a trust document in force and an end that lies ahead.
fn prolongs(ledger: &Ledger, time: u64, not_after: u64) -> Result<(), Refusal> {
    if time >= ledger.trust.expires {
        return Err(Refusal::TrustExpired(ledger.trust.expires));
    }
    ends_later(time, not_after)
}

fn ends_later(time: u64, not_after: u64) -> Result<(), Refusal> {
    if not_after <= time {
        return Err(Refusal::EndsAtOnce { not_after, time });
    }
    Ok(())
}

fn amend(ledger: &Ledger, time: u64, amend: &Amend) -> Result<(), Refusal> {
    target(ledger, &amend.target, false)?;
    let before = ledger.lists.get(&amend.target).map_or(0, |r| r.not_after);
    if amend.not_after > before {
        prolongs(ledger, time, amend.not_after)
    } else {
        ends_later(time, amend.not_after)
    }
}

fn stay(ledger: &Ledger, time: u64, stay: &Stay, two: bool) -> Result<(), Refusal> {
    ends_later(time, stay.until)?;
    let lasts = stay.until - time;
    if !two && lasts > LONE_STAY {
        return Err(Refusal::StayTooLong(lasts));
    }
    targets(ledger, &stay.targets, false)
}

fn targets(ledger: &Ledger, targets: &[Target], may_be_stay: bool) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for named in targets {
        if !seen.insert(&named.decision) {
            return Err(Refusal::TargetTwice(named.decision.to_string()));
        }
        target(
            ledger,
            &named.decision,
            may_be_stay && named.parts.is_none(),
        )?;
        let open = ledger
            .lists
            .get(&named.decision)
            .map_or(u64::MAX, |r| r.open);
        if named
            .parts
            .as_deref()
            .is_some_and(|parts| count(parts) > open)
        {
            return Err(Refusal::EndedTarget(named.decision.to_string()));
        }
    }
    Ok(())
}

/// A target is open: a decision, or a stay where one may be named.
fn target(ledger: &Ledger, id: &DecisionId, may_be_stay: bool) -> Result<(), Refusal> {
    let open = match (ledger.lists.get(id), ledger.stays.get(id)) {
        (Some(list), _) => list.open > 0,
        (None, Some(stay)) if may_be_stay => stay.open,
        (None, Some(_)) => return Err(Refusal::TargetIsStay(id.to_string())),
        (None, None) => return Err(Refusal::UnknownTarget(id.to_string())),
    };
    if open {
        Ok(())
    } else {
        Err(Refusal::EndedTarget(id.to_string()))
    }
}

fn expire(ledger: &Ledger, leaf: &Expire) -> Result<(), Refusal> {
    let sorted = |ids: &[DecisionId]| ids.is_sorted_by(|a, b| a < b);
    if leaf.decisions.is_empty() && leaf.stays.is_empty()
        || !sorted(&leaf.decisions)
        || !sorted(&leaf.stays)
    {
        return Err(Refusal::EmptyExpire);
    }
    let ends = |id: &DecisionId, known: Option<(bool, u64)>| match known {
        None => Err(Refusal::UnknownTarget(id.to_string())),
        Some((false, _)) => Err(Refusal::EndedTarget(id.to_string())),
        Some((true, end)) if leaf.time < end => Err(Refusal::NotDue(id.to_string())),
        Some((true, _)) => Ok(()),
    };
    for id in &leaf.decisions {
        ends(id, ledger.lists.get(id).map(|r| (r.open > 0, r.not_after)))?;
    }
    for id in &leaf.stays {
        ends(id, ledger.stays.get(id).map(|r| (r.open, r.until)))?;
    }
    Ok(())
}

fn state(ledger: &Ledger, leaf: &State) -> Result<(), Refusal> {
    let (lists, stays) = ledger.due(leaf.time);
    if let Some(id) = lists.first().or(stays.first()) {
        return Err(Refusal::LeftOpen(id.to_string()));
    }
    let own = ledger.size + 1;
    let first = ledger.base == 0;
    let compacts = leaf.base == own && (ledger.closed || first);
    if !compacts && (leaf.base != ledger.base || first) {
        return Err(Refusal::Base(leaf.base));
    }
    if ledger.closed && !compacts {
        return Err(Refusal::EmptyState);
    }
    let refuse = |feed: &FeedName, why| Refusal::Feed {
        feed: feed.to_string(),
        why,
    };
    for name in [FeedName::domains(), FeedName::networks()] {
        if !leaf.feeds.contains_key(&name) {
            return Err(refuse(&name, "it stands in every state leaf"));
        }
    }
    if let Some(gone) = ledger
        .feeds
        .keys()
        .find(|name| !leaf.feeds.contains_key(name))
    {
        return Err(refuse(gone, "a feed that had an entry is never left out"));
    }
    leaf.feeds.iter().try_for_each(|(name, now)| {
        feed(ledger.feeds.get(name), now, own, ledger.closed).map_err(|why| refuse(name, why))
    })
}

/// A feed keeps its serial where nothing changed, and takes the leaf's own size where it did.
fn feed(
    before: Option<&FeedState>,
    now: &FeedState,
    own: u64,
    alone: bool,
) -> Result<(), &'static str> {
    match before {
        Some(before) if before.serial == now.serial => {
            if before == now {
                Ok(())
            } else {
                Err("it changed, but not its serial")
            }
        }
        Some(_) if alone => Err("it changes in a leaf that only moves the base"),
        _ if now.serial != own => Err("its serial isn't the log's size at this leaf"),
        Some(before) if before.digest == now.digest => Err("its serial changed, but not the feed"),
        _ => Ok(()),
    }
}
