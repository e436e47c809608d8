//! What is made of a paper: the verdict on every line, what would be touched, and the body to sign.

use super::{Act, Order, Progress};
use crate::{
    canon::{DecisionId, Origin},
    casework::{
        Casework, Error, Grounds, Hold, Listing, Made, Terms, composing,
        targets::{Gathering, Holding, Targets, of_line},
    },
    check::{
        Finding, Guard,
        batch::{Batch, Options},
        body,
        collateral::Collateral,
        known,
    },
    decision::Body,
    entries::FeedName,
    subject::{Kind, Scope, Subject},
    tlog::Hash,
};

/// A paper that was checked.
#[derive(Debug)]
pub struct Prepared {
    /// What was read of the list, where it is one.
    pub batch: Option<Batch>,
    pub collateral: Collateral,
    /// What the guard says of the decision as a whole.
    pub findings: Vec<Finding>,
    /// Whether it can't be proposed as it is.
    pub stopped: bool,
    /// Subjects that stay blocked by something wider, or by another decision.
    pub covered: Vec<(String, Hold)>,
    /// The body with all that it names; none where no line was accepted.
    pub made: Option<Signable>,
    /// A list that grows its feed by more than a fifth: it was made `bulk` for that.
    pub grows: bool,
}

/// What can be signed.
#[derive(Debug)]
pub struct Signable {
    pub body: Body,
    /// The canonical bytes, as text.
    pub text: String,
    /// What a signature is bound to.
    pub hash: Hash,
    pub(super) files: Vec<Vec<u8>>,
    pub(super) openings: Option<String>,
}

impl Prepared {
    fn of(made: Made) -> Result<Self, Error> {
        Ok(Self {
            batch: None,
            collateral: Collateral::default(),
            findings: Vec::new(),
            stopped: false,
            covered: Vec::new(),
            made: Some(Signable::of(made)?),
            grows: false,
        })
    }
}

impl Signable {
    fn of(made: Made) -> Result<Self, Error> {
        let bytes = made.body.to_bytes()?;
        // Through its own bytes, so that it is checked as whoever receives it will check it.
        let value = crate::canon::value(&bytes).map_err(|e| Error::malformed("the body", e))?;
        Ok(Self {
            body: Body::decode(value)?,
            hash: Hash::of(&bytes),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            files: made.files,
            openings: made.openings,
        })
    }
}

impl Holding for Hold {
    fn subject(&self) -> &str {
        &self.subject
    }

    fn scope(&self) -> Option<Scope> {
        Scope::from_char(self.scope)
    }

    fn is_own(&self) -> bool {
        self.own
    }

    fn decision(&self) -> Option<DecisionId> {
        DecisionId::new(self.decision.as_str()).ok()
    }
}

impl Casework {
    /// Checks a paper and makes its body under the next free id.
    pub(super) fn prepare(&self, order: &Order, progress: &Progress) -> Result<Prepared, Error> {
        let now = self.inner.authority.now();
        let grounds = Grounds {
            basis: order.basis.clone(),
            reasons: order.reasons.clone(),
            submit_by: now + order.days * 86_400,
        };
        let origin = self.inner.authority.ledger().origin().clone();
        match &order.act {
            Act::List { list, .. } => self.prepare_list(order, list, &grounds, progress, now),
            Act::Revoke { named, only, .. } => {
                let found = self.targets(named, only)?;
                let body = grounds.revoke(origin, self.next_id()?, found.targets.clone());
                self.of_targets(found, body, &grounds)
            }
            Act::Stay {
                named,
                only,
                until,
                appeal,
                ..
            } => {
                let found = self.targets(named, only)?;
                let targets = found.targets.clone();
                let body = grounds.stay(origin, self.next_id()?, targets, *until, appeal.clone());
                self.of_targets(found, body, &grounds)
            }
            Act::Amend { target, not_after } => {
                let body = grounds.amend(origin, self.next_id()?, target.clone(), *not_after);
                let mut prepared = Prepared::of(Made {
                    body,
                    files: vec![grounds.reasons.clone().into_bytes()],
                    openings: None,
                })?;
                self.renewed(target, &mut prepared, now)?;
                Ok(prepared)
            }
        }
    }

    fn prepare_list(
        &self,
        order: &Order,
        text: &str,
        grounds: &Grounds,
        progress: &Progress,
        now: u64,
    ) -> Result<Prepared, Error> {
        let guard = self.rules().guard.clone().ok_or(Error::NoGuard)?;
        let (batch, collateral) = self.read_list(&guard, order, text, progress, now);
        let grows = self.grows(&batch)?;
        let mut terms = terms(&order.act);
        terms.bulk |= grows;
        if batch.counts.accepted == 0 {
            return Ok(Prepared {
                collateral,
                findings: Vec::new(),
                stopped: true,
                covered: Vec::new(),
                made: None,
                grows,
                batch: Some(batch),
            });
        }
        let listing = Listing::new(&guard, &batch, grounds, terms)?;
        let origin: Origin = self.inner.authority.ledger().origin().clone();
        let mut prepared = Prepared::of(listing.made(origin, self.next_id()?)?)?;
        prepared.findings = listing.findings(&guard, &batch, now);
        prepared.stopped = prepared.made.as_ref().is_some_and(|made| {
            let stops = |finding: &Finding| body::stops(finding, &made.body);
            prepared.findings.iter().any(stops)
        });
        prepared.batch = Some(batch);
        prepared.collateral = collateral;
        prepared.grows = grows;
        Ok(prepared)
    }

    fn read_list(
        &self,
        guard: &Guard,
        order: &Order,
        text: &str,
        progress: &Progress,
        now: u64,
    ) -> (Batch, Collateral) {
        let overrides = order.act.overrides();
        let category = match &order.act {
            Act::List { category, .. } => category.as_str(),
            _ => "",
        };
        let options = Options {
            category,
            overrides: &overrides,
            ..Options::default()
        };
        let Some(gatherer) = &self.rules().gatherer else {
            return (
                Batch::read(text.as_bytes(), guard, &options),
                Collateral::default(),
            );
        };
        gatherer.refresh();
        let facts = |subject: &Subject| gatherer.offline(subject, now);
        let tell = |done: usize| progress.tell(done);
        let (batch, of_list) = known::read(text.as_bytes(), guard, &options, facts, tell, now);
        let collateral = of_list.collateral(&batch);
        (batch, collateral)
    }

    /// Whether a subscriber's brake would ask a person: more than a fifth of a feed of a thousand.
    fn grows(&self, batch: &Batch) -> Result<bool, Error> {
        let current = self.inner.authority.current();
        for (name, kind) in [("domains", Kind::Domain), ("networks", Kind::Net)] {
            let feed = FeedName::parse(name).map_err(|e| Error::NoFeed(e.to_string()))?;
            let held = current
                .feeds
                .get(&feed)
                .map_or(0, |view| view.state.entries);
            let new = batch.accepted().filter(|line| line.kind == kind).count() as u64;
            if held >= 1_000 && new * 5 > held {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn targets(&self, named: &[String], only: &[DecisionId]) -> Result<Targets<Hold>, Error> {
        let mut gathering = Gathering::new(only);
        for typed in named {
            match DecisionId::new(typed.as_str()) {
                // An id has no dot, a domain always has one.
                Ok(decision) => gathering.decision(decision),
                Err(_) => {
                    let (typed, scope) = of_line(typed);
                    let found = self.lookup_with_stays(typed)?;
                    let held = found.holds.into_iter().chain(found.stayed);
                    let named = gathering.subject(&found.canonical, scope, held);
                    named.map_err(Error::NotHeld)?;
                }
            }
        }
        Ok(gathering.finish())
    }

    fn of_targets(
        &self,
        found: Targets<Hold>,
        body: Body,
        grounds: &Grounds,
    ) -> Result<Prepared, Error> {
        self.check_targets(&body)?;
        let mut files = found.parts;
        files.push(grounds.reasons.clone().into_bytes());
        let mut prepared = Prepared::of(Made {
            body,
            files,
            openings: None,
        })?;
        prepared.covered = found.covered;
        prepared.findings = personal(grounds);
        prepared.stopped = !prepared.findings.is_empty();
        Ok(prepared)
    }

    /// A new end is given after a fresh check: what the guard says of the lines today.
    fn renewed(&self, id: &DecisionId, prepared: &mut Prepared, now: u64) -> Result<(), Error> {
        let Some(made) = &prepared.made else {
            return Ok(());
        };
        self.check_targets(&made.body)?;
        let Some(guard) = &self.rules().guard else {
            return Ok(());
        };
        let ledger = self.inner.authority.ledger().clone();
        if let Body::Amend(amend) = &made.body {
            prepared
                .findings
                .extend(body::end(guard, amend, &ledger, now));
        }
        prepared.stopped = !prepared.findings.is_empty();
        if let Some(record) = ledger.lists().get(id) {
            let parts = super::super::AuthorityParts(&self.inner.authority);
            let (lines, _) = body::lines(guard, &record.body, &parts).map_err(Error::Guard)?;
            prepared
                .findings
                .extend(lines.into_iter().map(|found| found.finding));
        }
        Ok(())
    }
}

fn personal(grounds: &Grounds) -> Vec<Finding> {
    let texts = [
        ("the reasons", grounds.reasons.as_str()),
        ("the legal basis", grounds.basis.number.as_str()),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| body::personal(name, text))
        .collect()
}

fn terms(act: &Act) -> Terms {
    let Act::List {
        category,
        head,
        goods,
        method,
        measures,
        not_after,
        bulk,
        ..
    } = act
    else {
        return Terms::default();
    };
    Terms {
        category: category.clone(),
        head: head.clone(),
        goods: goods.clone(),
        method: method.clone(),
        measures: measures
            .iter()
            .filter_map(|code| composing::measure(code))
            .collect(),
        not_after: *not_after,
        bulk: *bulk,
        overrides: act.overrides(),
    }
}
