//! The accounts' metrics. Labels are fixed words.

use super::Event;
use prometheus::{IntCounterVec, Opts, Registry};

/// What happened, by kind.
#[derive(Debug, Clone)]
pub struct Metrics {
    events: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let name = "blockfeed_account_events_total";
        let help = "What happened to accounts and sessions since the start, by kind.";
        let events = IntCounterVec::new(Opts::new(name, help), &["event"])?;
        registry.register(Box::new(events.clone()))?;
        Ok(Self { events })
    }

    /// Counts without a registry, for verbs that work on a store that nothing serves.
    pub fn unregistered() -> prometheus::Result<Self> {
        Self::new(&Registry::new())
    }

    pub(super) fn count(&self, event: Event) {
        self.events.with_label_values(&[event.as_str()]).inc();
    }
}
