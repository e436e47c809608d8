//! The desk's metrics. Labels are bounded: outcomes are fixed words, subscribers are registered.

use super::Standing;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

/// Counters and gauges of the desk.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) proposals: IntCounterVec,
    pub(super) receipts: IntCounterVec,
    pub(super) applied_serial: IntGaugeVec,
    pub(super) applied_time: IntGaugeVec,
    pub(super) acknowledgements: IntCounterVec,
    held_serial: IntGaugeVec,
    acknowledged: IntGaugeVec,
    waiting: IntGaugeVec,
    overdue: IntGaugeVec,
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
            acknowledgements: IntCounterVec::new(
                Opts::new(
                    "blockfeed_acknowledgements_total",
                    "Acknowledgements taken since the start.",
                ),
                &["subscriber", "feed", "outcome"],
            )?,
            held_serial: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_held_serial",
                    "The serial that a subscriber holds, by its cursor or its receipt.",
                ),
                per_subscriber,
            )?,
            acknowledged: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_acknowledged_entries",
                    "Entries in force that a subscriber acknowledged, by outcome.",
                ),
                &["subscriber", "feed", "outcome"],
            )?,
            waiting: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_waiting_entries",
                    "Entries in force that a subscriber said nothing of yet.",
                ),
                per_subscriber,
            )?,
            overdue: IntGaugeVec::new(
                Opts::new(
                    "blockfeed_subscriber_overdue_entries",
                    "Those of them whose time to respond has passed.",
                ),
                per_subscriber,
            )?,
        };
        registry.register(Box::new(metrics.proposals.clone()))?;
        registry.register(Box::new(metrics.receipts.clone()))?;
        registry.register(Box::new(metrics.applied_serial.clone()))?;
        registry.register(Box::new(metrics.applied_time.clone()))?;
        registry.register(Box::new(metrics.acknowledgements.clone()))?;
        registry.register(Box::new(metrics.held_serial.clone()))?;
        registry.register(Box::new(metrics.acknowledged.clone()))?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.overdue.clone()))?;
        Ok(metrics)
    }

    /// Shows where the subscribers stand; who isn't among them any more is shown no longer.
    pub(super) fn show(&self, standings: &[Standing]) {
        let gauges = [
            &self.held_serial,
            &self.acknowledged,
            &self.waiting,
            &self.overdue,
        ];
        gauges.into_iter().for_each(IntGaugeVec::reset);
        for standing in standings {
            for (feed, at) in &standing.feeds {
                let labels = [standing.name.as_str(), feed.as_str()];
                let set = |gauge: &IntGaugeVec, value: u64| {
                    gauge.with_label_values(&labels).set(value as i64);
                };
                set(&self.waiting, at.waiting);
                set(&self.overdue, at.overdue);
                if let Some(held) = &at.held {
                    set(&self.held_serial, held.serial);
                }
                for (outcome, count) in &at.acknowledged {
                    let labels = [labels[0], labels[1], outcome.as_str()];
                    let gauge = self.acknowledged.with_label_values(&labels);
                    gauge.set(*count as i64);
                }
            }
        }
    }
}
