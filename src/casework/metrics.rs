//! The desk's metrics. Labels are bounded: outcomes are fixed words, subscribers are registered.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Counters and gauges of the desk.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) proposals: IntCounterVec,
    pub(super) receipts: IntCounterVec,
    pub(super) applied_serial: IntGaugeVec,
    pub(super) applied_time: IntGaugeVec,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let per_subscriber = &["subscriber", "feed"];
        let metrics = Self {
            proposals: IntCounterVec::new(
                Opts::new(
                    "blockfeed_proposals_total",
                    "Proposals since the start, by what became of them.",
                ),
                &["outcome"],
            )?,
            receipts: IntCounterVec::new(
                Opts::new(
                    "blockfeed_receipts_total",
                    "Receipts since the start, by outcome.",
                ),
                &["outcome"],
            )?,
            applied_serial: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_applied_serial",
                    "The serial that a subscriber has last said it applied.",
                ),
                per_subscriber,
            )?,
            applied_time: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_applied_timestamp_seconds",
                    "When a subscriber has last said that it applied a serial, Unix seconds.",
                ),
                per_subscriber,
            )?,
        };
        registry.register(Box::new(metrics.proposals.clone()))?;
        registry.register(Box::new(metrics.receipts.clone()))?;
        registry.register(Box::new(metrics.applied_serial.clone()))?;
        registry.register(Box::new(metrics.applied_time.clone()))?;
        Ok(metrics)
    }
}
