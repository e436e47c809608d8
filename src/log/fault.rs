//! The state after a failed write: nothing is taken in any more, and reading goes on.
//!
//! After an error of a write nobody knows what the disk holds; only the next start finds out. So
//! the sequencer ends for good, what was published stays as it is, and whoever opened the log is
//! told once, to start the process anew when there is room again. A decision whose commit failed
//! is not acknowledged; it may be in the store, and then the restart publishes it.

use super::{Error, Rejected};
use prometheus::IntGauge;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

type Told = Box<dyn FnOnce(Error) + Send>;

/// Why the log takes nothing in, once it doesn't. Clones share it.
#[derive(Clone)]
pub(super) struct Fault(Arc<Inner>);

struct Inner {
    reason: OnceLock<String>,
    told: Mutex<Option<Told>>,
    gauge: IntGauge,
}

impl Fault {
    pub(super) fn new(gauge: IntGauge, told: impl FnOnce(Error) + Send + 'static) -> Self {
        Self(Arc::new(Inner {
            reason: OnceLock::new(),
            told: Mutex::new(Some(Box::new(told))),
            gauge,
        }))
    }

    /// The first error counts, and stays.
    pub(super) fn set(&self, error: &Error) {
        if self.0.reason.set(error.to_string()).is_ok() {
            self.0.gauge.set(1);
            tracing::error!(%error, "a write failed: nothing is taken in any more, reading goes on");
        }
    }

    /// Tells whoever opened the log, once.
    pub(super) fn tell(&self, error: Error) {
        let told = self
            .0
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(told) = told {
            told(error);
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.0.reason.get().map(String::as_str)
    }

    /// Why something isn't taken in that was not handed on.
    pub(super) fn refusal(&self) -> Rejected {
        self.reason()
            .map_or(Rejected::Stopping, |why| Rejected::ReadOnly(why.to_owned()))
    }

    /// What became of something that was handed on, and that nobody answered for.
    pub(super) fn unsettled(&self) -> Rejected {
        self.reason().map_or(Rejected::Stopping, |why| {
            Rejected::Unsettled(why.to_owned())
        })
    }
}
