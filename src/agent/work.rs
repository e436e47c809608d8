//! Rounds: look at the sources, settle, write the outputs, acknowledge, tell.

use super::{
    Agent, Alarm, Error, FaultReport, FeedPlan, FeedReport, NeverBlock, OutputOutcome, Plan,
    Report, brake, enforced::Enforced, outputs::About, receipts, report::OutputReport,
};
use crate::{entries::FeedName, tlog::Hash};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// What a round has brought so far.
#[derive(Default)]
pub(super) struct Moves {
    /// Entries announced and withdrawn, of each feed that was verified.
    verified: BTreeMap<FeedName, (u64, u64)>,
    pub(super) faults: Vec<FaultReport>,
    pub(super) alarms: Vec<Alarm>,
}

impl Moves {
    pub(super) fn verified(&mut self, feed: &FeedName, added: u64, removed: u64) {
        let counts = self.verified.entry(feed.clone()).or_default();
        *counts = (counts.0 + added, counts.1 + removed);
    }
}

impl Agent {
    /// One round: everything that there is to do, done. The report tells what was refused.
    ///
    /// # Errors
    /// The state folder can't be written. What was held before is still held.
    pub async fn once(&mut self) -> Result<Report, Error> {
        let report = self.round().await?;
        self.take_up_compactions(true).await?;
        Ok(report)
    }

    /// What a round would do. Nothing is written or run.
    ///
    /// # Errors
    /// None of a source's: they are told in the plan.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let mut plan = Plan {
            held: self.head(),
            ..Plan::default()
        };
        let mut moves = Moves::default();
        for source in &self.sources {
            let name = source.to_string();
            let look = match self.look(source, &self.config.followed()).await {
                Ok(look) => look,
                Err(refused) => {
                    self.refuse(&name, None, &refused, &mut moves);
                    continue;
                }
            };
            plan.offered = look.growth.as_ref().map(|g| g.chain.head()).or(self.head());
            plan.source = Some(name.clone());
            for (feed, judged) in look.feeds {
                match judged {
                    Ok(progress) => drop(plan.feeds.insert(
                        feed.clone(),
                        self.plan_feed(&feed, &progress, &mut plan.outputs),
                    )),
                    Err(refused) => self.refuse(&name, Some(feed), &refused, &mut moves),
                }
            }
            break;
        }
        plan.faults = moves.faults;
        Ok(plan)
    }

    /// A round, without waiting for new bases that are being written.
    pub(super) async fn round(&mut self) -> Result<Report, Error> {
        let began = Instant::now();
        let before: BTreeMap<FeedName, u64> = self
            .feeds
            .iter()
            .map(|(f, held)| (f.clone(), held.serial))
            .collect();
        self.take_up_compactions(false).await?;
        if let Some(serial) = self.config.accept {
            self.let_pass(serial)?;
        }
        let mut moves = Moves::default();
        self.read_sources(&mut moves).await?;
        self.read_never_block(&mut moves);
        let mut outputs = self.write_outputs().await?;
        self.hand_on()?;
        let receipted = self.acknowledge(&outputs).await?;
        self.begin_compactions();
        let mut report = Report {
            head: self.head(),
            trusted_time: self.trusted_time(),
            feeds: self.feed_reports(&before, &moves, &receipted),
            outputs: std::mem::take(&mut outputs),
            faults: moves.faults,
            alarms: moves.alarms,
        };
        self.raise_alarms(&mut report);
        for alarm in &report.alarms {
            tracing::error!(code = alarm.code, "{}", alarm.message);
        }
        self.metrics.round(&report, began.elapsed().as_secs_f64());
        Ok(report)
    }

    /// Asks the sources in their order, until every feed is verified and none is old.
    async fn read_sources(&mut self, moves: &mut Moves) -> Result<(), Error> {
        for source in self.sources.clone() {
            let wanted: BTreeSet<FeedName> = self
                .config
                .followed()
                .into_iter()
                .filter(|feed| !moves.verified.contains_key(feed) || self.age(feed) >= AGES[0].0)
                .collect();
            if wanted.is_empty() {
                break;
            }
            let name = source.to_string();
            match self.look(&source, &wanted).await {
                Ok(look) => self.settle(&name, look, moves)?,
                Err(refused) => self.refuse(&name, None, &refused, moves),
            }
        }
        Ok(())
    }

    fn read_never_block(&mut self, moves: &mut Moves) {
        let Some(path) = &self.config.never_block else {
            return;
        };
        match NeverBlock::load(path) {
            Ok(list) => self.never = list,
            Err(e) => moves.alarms.push(Alarm {
                feed: None,
                code: "never_block".into(),
                message: format!("{e}. The list as it was read before stays in force"),
            }),
        }
    }

    /// Brings every output up to the enforced set.
    async fn write_outputs(&mut self) -> Result<Vec<OutputReport>, Error> {
        self.work_out_enforced();
        let mut reports = Vec::new();
        let before = self.done.clone();
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in &mut outputs {
            let feed = output.config.feed.clone();
            let (Some(followed), Some((_, enforced))) =
                (self.feeds.get(&feed), self.enforced.get(&feed))
            else {
                continue;
            };
            let about = About {
                origin: followed.fold.ledger.origin(),
                serial: followed.serial,
                time: followed.fold.ledger.time(),
                digest: followed.digest,
            };
            reports.push(output.apply(enforced, &about, &mut self.done).await);
        }
        self.outputs = outputs;
        if self.done != before {
            self.done.save(&self.disk)?;
        }
        Ok(reports)
    }

    pub(super) fn work_out_enforced(&mut self) {
        let time = self.trusted_time();
        for (feed, followed) in &self.feeds {
            let (ended, _) = followed.fold.ledger.due(time);
            let key = Hash::of(format!(
                "{}\0{}\0{:?}\0{ended:?}\0{}",
                followed.serial,
                followed.digest,
                self.never.fingerprint,
                Hash::of(followed.held_back.encode())
            ));
            if self
                .enforced
                .get(feed)
                .is_none_or(|(known, _)| *known != key)
            {
                let enforced = Enforced::new(feed, followed, &self.never, time);
                self.enforced.insert(feed.clone(), (key, enforced));
            }
        }
    }

    /// Posts receipts of what is applied whole. Gives the feeds whose receipt was taken.
    async fn acknowledge(&mut self, outputs: &[OutputReport]) -> Result<BTreeSet<FeedName>, Error> {
        let mut taken = BTreeSet::new();
        let Some(acknowledger) = &self.acknowledger else {
            return Ok(taken);
        };
        let before = self.done.receipts.clone();
        for (feed, followed) in &self.feeds {
            let zones = self.zones.as_ref();
            let shown = zones.is_some_and(|zones| zones.show(feed, followed.serial));
            if !is_applied(feed, outputs, shown) || !followed.held_back.is_empty() {
                continue;
            }
            if before.get(feed) != Some(&followed.serial) {
                let origin = followed.fold.ledger.origin();
                let (serial, digest) = (followed.serial, followed.digest);
                let receipt = acknowledger.sign(origin, feed, serial, digest, self.now());
                let posted = receipts::post(&self.sources, &receipt).await;
                self.metrics.receipt(feed.as_str(), posted.is_ok());
                if let Err(e) = posted {
                    tracing::warn!(%feed, serial, "no receipt was taken, tried again later: {e}");
                    continue;
                }
                self.done.receipts.insert(feed.clone(), serial);
            }
            taken.insert(feed.clone());
        }
        if self.done.receipts != before {
            self.done.save(&self.disk)?;
        }
        Ok(taken)
    }

    fn feed_reports(
        &self,
        before: &BTreeMap<FeedName, u64>,
        moves: &Moves,
        receipted: &BTreeSet<FeedName>,
    ) -> BTreeMap<FeedName, FeedReport> {
        let report = |(feed, followed): (&FeedName, &super::Followed)| {
            let counts = moves.verified.get(feed);
            let (added, removed) = counts.copied().unwrap_or_default();
            let enforced = self
                .enforced
                .get(feed)
                .map(|(_, e)| (e.entries, e.withheld));
            let (enforced, withheld) = enforced.unwrap_or_default();
            let report = FeedReport {
                from: before.get(feed).copied(),
                serial: followed.serial,
                digest: followed.digest.to_string(),
                added,
                removed,
                entries: followed.set(feed).entries(),
                enforced,
                withheld,
                age: self.age(feed),
                receipt: receipted.contains(feed),
                current: counts.is_some(),
            };
            (feed.clone(), report)
        };
        self.feeds.iter().map(report).collect()
    }

    fn raise_alarms(&self, report: &mut Report) {
        let mut alarms: Vec<Alarm> = self.damage.clone();
        let mut alarm = |feed: Option<&FeedName>, code: &str, message: String| {
            alarms.push(Alarm {
                feed: feed.cloned(),
                code: code.into(),
                message,
            });
        };
        for feed in &self.config.followed() {
            let Some(followed) = self.feeds.get(feed) else {
                alarm(
                    Some(feed),
                    "no_set",
                    format!("{feed}: nothing is verified yet"),
                );
                continue;
            };
            if !followed.held_back.is_empty() {
                alarm(
                    Some(feed),
                    "brake",
                    brake::sentence(feed, &followed.held_back),
                );
            }
            let age = self.age(feed);
            if let Some((_, code)) = AGES.iter().rev().find(|(seconds, _)| age >= *seconds) {
                let why = format!(
                    "{feed}: the publisher last vouched for this set {age} s ago; newer decisions \
                     may be withheld or the way to every source cut"
                );
                alarm(Some(feed), code, why);
            }
        }
        for output in &report.outputs {
            if !matches!(
                output.outcome,
                OutputOutcome::Unchanged | OutputOutcome::Written
            ) {
                let why = format!("{}: {}", output.path.display(), output.message);
                alarm(Some(&output.feed), "output", why);
            }
        }
        if let Some(chain) = &self.chain
            && self.trusted_time() >= chain.ledger.trust().expires
        {
            let why = "the trust document has expired: nothing new can be listed until the root \
                       keys sign the next version";
            alarm(None, "trust_expired", why.into());
        }
        alarms.extend(self.alarming_faults(report));
        report.alarms.extend(alarms);
    }

    /// The faults that somebody should look at: all but a passing one of one source, where
    /// another served.
    fn alarming_faults(&self, report: &Report) -> Vec<Alarm> {
        let current = |feed: &FeedName| report.feeds.get(feed).is_some_and(|f| f.current);
        let alarming = |fault: &&FaultReport| {
            let all_well = match &fault.feed {
                Some(feed) => current(feed),
                None => self.config.followed().iter().all(current),
            };
            !all_well || !PASSING.contains(&fault.code.as_str())
        };
        let alarm = |fault: &FaultReport| Alarm {
            feed: fault.feed.clone(),
            code: fault.code.clone(),
            message: fault.message.clone(),
        };
        report.faults.iter().filter(alarming).map(alarm).collect()
    }

    /// Seconds since a feed was last vouched for; none is known of a feed that was never verified.
    fn age(&self, feed: &FeedName) -> u64 {
        let fresh = self.feeds.get(feed).map(|f| f.fresh);
        fresh.map_or(0, |fresh| self.now().saturating_sub(fresh))
    }

    fn plan_feed(
        &self,
        feed: &FeedName,
        progress: &super::follow::Progress,
        outputs: &mut Vec<std::path::PathBuf>,
    ) -> FeedPlan {
        let next = &progress.next;
        let time = self.trusted_time().max(next.fresh);
        let enforced = Enforced::new(feed, next, &self.never, time);
        let mut plan = FeedPlan {
            from: self.feeds.get(feed).map(|held| held.serial),
            to: next.serial,
            added: progress.steps.iter().map(|s| s.added).sum(),
            removed: progress.steps.iter().map(|s| s.removed).sum(),
            entries: next.set(feed).entries(),
            bytes: progress.files.bytes(),
            withheld: enforced.withheld,
        };
        if plan.from.is_none() {
            plan.added = plan.entries;
        }
        for output in self.outputs.iter().filter(|o| o.config.feed == *feed) {
            if output.would_write(&enforced, next.serial, &self.done) {
                outputs.push(output.config.path.clone());
            }
        }
        plan
    }
}

/// Whether a feed has outputs, and all of them are as they should be. Zones that show it are one.
fn is_applied(feed: &FeedName, outputs: &[OutputReport], shown: bool) -> bool {
    let mut of_feed = outputs.iter().filter(|o| o.feed == *feed).peekable();
    let right =
        |o: &OutputReport| matches!(o.outcome, OutputOutcome::Unchanged | OutputOutcome::Written);
    (shown || of_feed.peek().is_some()) && of_feed.all(right)
}

/// Seconds without a word from the publisher, and the alarm that they raise.
const AGES: [(u64, &str); 3] = [
    (15 * 60, "stale_15m"),
    (3600, "stale_1h"),
    (24 * 3600, "stale_24h"),
];

/// Faults of one source that need nobody while another source serves.
const PASSING: [&str; 4] = ["missing", "unreachable", "deadline", "lag"];
