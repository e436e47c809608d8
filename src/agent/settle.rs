//! Making what was verified last: written, synced, and only then believed.

use super::{
    Agent, Error, Fault, FaultReport,
    follow::{NewFiles, Progress},
    keep::{self, Compaction},
    report::Alarm,
    round::{Look, Refused},
    standing::{FeedRecord, Standing},
    work::Moves,
};
use crate::{canon::Base64, decision::Lines, entries::FeedName, tlog::Hash};
use std::collections::{BTreeMap, BTreeSet};

impl Agent {
    /// Persists what a source offered, and takes it as what is held. In this order: parts, files
    /// of the feeds, leaves, state. A crash before the state leaves everything as it was; a
    /// crash after it finds the outputs behind, and they are written at the next start.
    pub(super) fn settle(
        &mut self,
        source: &str,
        look: Look,
        moves: &mut Moves,
    ) -> Result<(), Error> {
        let mut good: Vec<(FeedName, Progress)> = Vec::new();
        for (feed, judged) in look.feeds {
            match judged {
                Ok(progress) => good.push((feed, progress)),
                Err(refused) => self.refuse(source, Some(feed), &refused, moves),
            }
        }
        let chain = look.growth.as_ref().map(|g| &g.chain);
        let Some(chain) = chain.or(self.chain.as_ref()) else {
            return Ok(());
        };
        let mut standing = Standing {
            origin: chain.ledger.origin().clone(),
            session: chain.ledger.session(),
            head: chain.head(),
            checkpoint: Base64(chain.note.clone()),
            trusted_time: self.trusted_time(),
            feeds: self.kept_records(),
        };
        let has_quorum = chain.ledger.trust().witnesses.quorum > 0;
        let latest = self.now().saturating_add(AHEAD);
        for (hash, bytes) in &look.documents {
            self.disk.keep_part(hash, bytes)?;
        }
        for (feed, progress) in &mut good {
            let fresh = progress.next.fresh;
            // A quorum's clock is outside the publisher's house; the publisher's own is not.
            if !has_quorum && fresh > latest {
                progress.next.fresh = latest;
                moves.alarms.push(clock_alarm(feed, fresh, latest - AHEAD));
            } else {
                standing.trusted_time = standing.trusted_time.max(fresh);
            }
            self.store(feed, progress, &mut standing)?;
        }
        if let Some(growth) = &look.growth {
            self.disk.append_leaves(growth.from, &growth.leaves)?;
        }
        if self.standing.as_ref() != Some(&standing) {
            standing.save(&self.disk)?;
        }
        self.standing = Some(standing);
        if let Some(growth) = look.growth {
            self.chain = Some(growth.chain);
        }
        for (feed, progress) in good {
            self.believe(feed, progress, moves);
        }
        self.sweep();
        Ok(())
    }

    /// Tells of what a source offered in vain, and keeps the evidence of two histories.
    pub(super) fn refuse(
        &self,
        source: &str,
        feed: Option<FeedName>,
        refused: &Refused,
        moves: &mut Moves,
    ) {
        let fault = &refused.fault;
        let of = feed.as_ref().map_or("log", FeedName::as_str);
        tracing::warn!(source, feed = of, code = fault.code(), "refused: {fault}");
        if let (Fault::Fork { .. }, Some(note)) = (fault, &refused.note) {
            self.keep_evidence(note);
        }
        moves.faults.push(FaultReport {
            source: source.to_owned(),
            feed,
            code: fault.code().to_owned(),
            message: fault.to_string(),
        });
    }

    /// Begins new bases for feeds whose deltas have grown long.
    pub(super) fn begin_compactions(&mut self) {
        let Some(standing) = &self.standing else {
            return;
        };
        for (feed, followed) in &self.feeds {
            let Some(record) = standing.feeds.get(feed) else {
                continue;
            };
            if self.compactions.contains_key(feed) {
                continue;
            }
            let set = followed.set(feed);
            let begun = Compaction::begin_if_due(&self.disk, &standing.origin, feed, record, set);
            if let Some(compaction) = begun {
                self.compactions.insert(feed.clone(), compaction);
            }
        }
    }

    /// Takes up new bases that are finished, or waits for all of them.
    pub(super) async fn take_up_compactions(&mut self, wait: bool) -> Result<(), Error> {
        let feeds: Vec<FeedName> = self.compactions.keys().cloned().collect();
        for feed in feeds {
            let finished = |c: &Compaction| wait || c.is_finished();
            if !self.compactions.get(&feed).is_some_and(finished) {
                continue;
            }
            let Some(compaction) = self.compactions.remove(&feed) else {
                continue;
            };
            let base = match compaction.finish().await {
                Ok(base) => base,
                Err(e) => {
                    tracing::warn!(%feed, error = e, "a new base could not be written");
                    continue;
                }
            };
            let Some(mut standing) = self.standing.clone() else {
                continue;
            };
            if let Some(record) = standing.feeds.get_mut(&feed) {
                record.rebase(base);
                standing.save(&self.disk)?;
                self.standing = Some(standing);
            }
        }
        self.sweep();
        Ok(())
    }

    /// Lets pass what the brake held back up to a serial.
    pub(super) fn let_pass(&mut self, serial: u64) -> Result<(), Error> {
        for (feed, followed) in &mut self.feeds {
            let Some(mut standing) = self.standing.clone() else {
                return Ok(());
            };
            let mut held_back = followed.held_back.clone();
            if !held_back.accept(serial) {
                continue;
            }
            if let Some(record) = standing.feeds.get_mut(feed) {
                let before = record.clone();
                record.held_back =
                    keep::store_held_back(&self.disk, feed, Some(&before), &held_back)?;
                standing.save(&self.disk)?;
                self.standing = Some(standing);
                tracing::info!(%feed, serial, "what the brake held back is let pass");
            }
            followed.held_back = held_back;
        }
        Ok(())
    }

    /// The records of feeds that are still followed. A damaged one stays until it is replaced:
    /// its files are what there is to look at.
    fn kept_records(&self) -> BTreeMap<FeedName, FeedRecord> {
        let followed = self.config.followed();
        let records = self.standing.iter().flat_map(|s| s.feeds.clone());
        records
            .filter(|(feed, _)| followed.contains(feed))
            .collect()
    }

    fn store(
        &self,
        feed: &FeedName,
        progress: &Progress,
        standing: &mut Standing,
    ) -> Result<(), Error> {
        for (hash, bytes) in &progress.parts {
            self.disk.keep_part(hash, bytes)?;
        }
        let before = standing.feeds.get(feed);
        let record = keep::store(&self.disk, feed, before, &progress.next, &progress.files)?;
        let record = record.ok_or_else(|| Error::Damaged {
            path: self.disk.feed_dir(feed),
            why: "a change came for a set that isn't kept".into(),
        })?;
        standing.feeds.insert(feed.clone(), record);
        Ok(())
    }

    fn believe(&mut self, feed: FeedName, progress: Progress, moves: &mut Moves) {
        let (mut added, mut removed) = (0, 0);
        for step in &progress.steps {
            added += step.added;
            removed += step.removed;
            if step.withdraws_much {
                moves.alarms.push(Alarm {
                    feed: Some(feed.clone()),
                    code: "withdrawal".into(),
                    message: format!(
                        "{feed}: serial {} withdraws {} of {} entries, under verified decisions; \
                         it is applied",
                        step.serial, step.removed, step.before
                    ),
                });
            }
        }
        if matches!(progress.files, NewFiles::All(_)) {
            added = progress.next.set(&feed).entries();
        }
        moves.verified(&feed, added, removed);
        self.damage
            .retain(|alarm| alarm.feed.as_ref().is_some_and(|f| *f != feed));
        self.salvaged.remove(&feed);
        self.feeds.insert(feed, progress.next);
    }

    /// Removes files that nothing names any more; not beside a base that is being written.
    fn sweep(&self) {
        let (Some(standing), Some(chain)) = (&self.standing, &self.chain) else {
            return;
        };
        for (feed, record) in &standing.feeds {
            if !self.compactions.contains_key(feed) {
                self.disk.sweep_feed(feed, &record.files());
            }
        }
        let mut named: BTreeSet<Hash> = chain.documents.clone();
        for (feed, followed) in &self.feeds {
            let of_feed = BTreeSet::from([feed.clone()]);
            for ledger in [&followed.fold.ledger, &chain.ledger] {
                let needed = Lines::resume_needs(&of_feed, ledger);
                named.extend(needed.iter().map(|part| part.sha256));
            }
        }
        self.disk.sweep_parts(&named);
    }

    /// Keeps a signed checkpoint that contradicts the held one; a few are enough.
    fn keep_evidence(&self, note: &[u8]) {
        let dir = self.disk.dir().join("evidence");
        let kept = std::fs::read_dir(&dir).map_or(0, Iterator::count);
        if kept >= 32 {
            return;
        }
        let notes = [Some(note), self.chain.as_ref().map(|c| c.note.as_slice())];
        for note in notes.into_iter().flatten() {
            let path = dir.join(format!("{}.checkpoint", Hash::of(note)));
            if let Err(e) = self.disk.write(&path, note) {
                tracing::error!(error = %e, "evidence of two histories could not be kept");
            }
        }
    }
}

fn clock_alarm(feed: &FeedName, stated: u64, now: u64) -> Alarm {
    Alarm {
        feed: Some(feed.clone()),
        code: "clock".into(),
        message: format!(
            "{feed}: the manifest is signed at {stated}, the local clock says {now}. One of the \
             two is wrong; the trusted time stays where it was"
        ),
    }
}

/// Seconds that a publisher's clock may be ahead of the local one.
const AHEAD: u64 = 600;
