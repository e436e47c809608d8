//! The officers' desk and the subscribers' book: what is private until the log takes it in, and
//! the questions that people ask of what the log has taken in.
//!
//! Owns proposals (from the first officer's signature to the second's), the requests that officers
//! sign, registered subscribers with their tokens, receipts and acknowledgements, and the views by
//! which people and programs read the log: look-up, a decision's life, pages of a feed, changes
//! since a serial, matches, proofs. Knows no transport.
//! Follows design: The log ("Approvals"), design: Feeds ("Access", "State digest"), design: Words.
//!
//! A proposal lies in the private table `proposals`; its parts lie in the store unpublished. That
//! it was committed is read from the log alone and never written here, so that the two can't
//! disagree.
//!
//! All functions but those that wait for a commit block: a server calls them off its event loop.

mod acknowledgement;
mod book;
mod cases;
mod changes;
mod checking;
mod compaction;
pub mod composing;
mod composition;
mod desk;
mod dossier;
mod draft;
mod endings;
mod error;
mod held;
mod history;
mod idempotency;
mod item;
mod lines;
mod listed;
mod lookup;
mod matching;
mod metrics;
mod officer;
mod opening;
mod page;
mod papers;
mod place;
mod proposal;
mod reading;
mod receipt;
mod register;
mod row;
mod rules;
mod sandbox;
mod sealing;
mod serial;
mod since;
mod standing;
mod subscriber;
pub mod targets;
mod token;
mod trust;
mod waiting;
mod withdrawal;

pub use acknowledgement::{Acknowledged, Acknowledgement, MAX_ACKNOWLEDGEMENTS, NotTaken, Outcome};
pub use book::Book;
pub use cases::{
    Case, CaseEvent, CaseFilter, CaseId, CaseKind, CaseOpened, CasePage, CaseState, CaseStatus,
    CaseView, Channel, Clock, Hand, Informant, JournalState, Looked, MAX_CASES, NewCase, Whose,
};
pub use changes::Changes;
pub use checking::{Checks, MAX_CHECKS};
pub use composing::{Grounds, Listing, Made, Terms};
pub use dossier::{Dossier, Event, Signer, Texts};
pub use draft::Draft;
pub use endings::Ending;
pub use error::Error;
pub use idempotency::{MAX_ANSWER, Once, Told};
pub use item::{Item, Op};
pub use lines::{HeldBack, SubjectRow};
pub use listed::{Covered, Covers, Listed, Past};
pub use lookup::{Hold, Lookup};
pub use matching::{MAX_MATCHES, Match, MatchHold};
pub use metrics::Metrics;
pub use officer::{RequestSignature, request_message};
pub use opening::Erased;
pub use page::{Bucket, FeedProof, MAX_PAGE, Page};
pub use papers::{Act, Order, Paper, PaperRow, Prepared, Progress, Stage};
pub use proposal::{Proposal, Proposals, Status};
pub use receipt::{Receipt, receipt_message};
pub use register::{Axis, Count, MAX_REGISTER, RegisterPage, RegisterRow, Statistics};
pub use rules::{Judge, Rules};
pub use sealing::{SealedParts, Subjects};
pub use since::Since;
pub use standing::{Applied, FeedStanding, Held, Standing};
pub use subscriber::{Subscriber, SubscriberChange};
pub use token::{Issued, Reader, Token, TokenOrder};

use crate::{
    canon::DecisionId,
    decision::{Approval, Opening, PartError, Parts},
    entries::FeedName,
    log::{Authority, FeedView},
    tlog::Hash,
};
use cases::Cases;
use composition::Compositions;
use history::History;
use idempotency::Keys;
use opening::Openings;
use page::Listings;
use standing::Tallies;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

/// The desk. Clones share it.
#[derive(Clone)]
pub struct Casework {
    inner: Arc<Inner>,
}

struct Inner {
    authority: Authority,
    rules: Rules,
    metrics: Metrics,
    history: Mutex<History>,
    desk: Mutex<waiting::Desk>,
    listings: Mutex<Listings>,
    /// Held by whoever makes a listing: a million lines, or a replay of the past.
    listing: Mutex<()>,
    book: RwLock<Book>,
    compositions: Mutex<Compositions>,
    idempotency: Mutex<Keys>,
    tallies: Mutex<Tallies>,
    papers: Mutex<papers::Desk>,
    /// Signatures of requests that were taken lately, with their times and `Idempotency-Key`s.
    taken: Mutex<officer::Taken>,
    /// Held while a subscriber's receipts are read and written.
    receipts: Mutex<()>,
    openings: RwLock<Openings>,
    cases: Cases,
}

impl Casework {
    /// Opens the desk of a log that is open. Reads the leaves once.
    pub fn open(authority: Authority, rules: Rules, metrics: Metrics) -> Result<Self, Error> {
        let desk = waiting::Desk::open(&authority)?;
        let history = History::open(&authority)?;
        let book = Book::open(authority.store().clone())?;
        let idempotency = Keys::open(authority.store())?;
        let openings = Openings::open(&authority)?;
        let cases = Cases::open(&authority)?;
        let desk = Self {
            inner: Arc::new(Inner {
                authority,
                rules,
                metrics,
                history: Mutex::new(history),
                desk: Mutex::new(desk),
                listings: Mutex::new(Listings::default()),
                listing: Mutex::new(()),
                book: RwLock::new(book),
                compositions: Mutex::default(),
                idempotency: Mutex::new(idempotency),
                tallies: Mutex::default(),
                papers: Mutex::default(),
                taken: Mutex::default(),
                receipts: Mutex::new(()),
                openings: RwLock::new(openings),
                cases,
            }),
        };
        desk.recall()?;
        desk.forget_stale()?;
        desk.let_cases_follow();
        desk.looked_at_cases();
        Ok(desk)
    }

    /// The log that the desk stands before.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// The guard's version and lists, and what it is run with.
    pub fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    /// Hash of the trust document in force, as the log names it.
    pub fn trust_hash(&self) -> Result<Hash, Error> {
        Ok(self.history()?.trust_hash())
    }

    /// Whether a leaf names a part under this hash. One that is named and isn't there was erased.
    pub fn names_part(&self, sha256: &Hash) -> Result<bool, Error> {
        Ok(self.history()?.names(sha256))
    }

    /// The published state of a feed.
    pub fn feed(&self, feed: &FeedName) -> Result<FeedView, Error> {
        let current = self.inner.authority.current();
        let view = current.feeds.get(feed).cloned();
        view.ok_or_else(|| Error::NoFeed(feed.to_string()))
    }

    /// The history, brought up to what is published.
    fn history(&self) -> Result<MutexGuard<'_, History>, Error> {
        let mut history = lock(&self.inner.history);
        history.catch_up(&self.inner.authority)?;
        Ok(history)
    }
}

/// Parts as the log's store holds them, published or not.
struct AuthorityParts<'a>(&'a Authority);

impl Parts for AuthorityParts<'_> {
    fn opening(&self, id: &DecisionId, commitment: &Hash) -> Result<Option<Opening>, PartError> {
        let opening = self.0.opening(id, commitment);
        opening.map_err(|e| PartError::Unreadable(e.to_string()))
    }

    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        match self.0.part(sha256) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(PartError::Missing),
            Err(e) => Err(PartError::Unreadable(e.to_string())),
        }
    }
}

/// Officers in approvals, without their signatures.
fn officers(approvals: &[Approval]) -> BTreeSet<String> {
    approvals.iter().map(|a| a.officer.to_string()).collect()
}

/// What a panic elsewhere left locked is whole all the same: every change under these locks is
/// one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
