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
        let feed = &["subscriber", "feed"];
        let outcome = &["subscriber", "feed", "outcome"];
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let name = format!("blockfeed_subscriber_{name}");
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let proposals = "Proposals since the start, by what became of them.";
        let receipts = "Receipts since the start, by outcome.";
        let acknowledgements = "Acknowledgements taken since the start.";
        let serial = "The serial that a subscriber has last said it applied.";
        let time = "When a subscriber has last said that it applied a serial, Unix seconds.";
        let held = "The serial that a subscriber holds, by its cursor or its receipt.";
        let said = "Entries in force that a subscriber acknowledged, by outcome.";
        let waiting = "Entries in force that a subscriber said nothing of yet.";
        let overdue = "Those of them whose time to respond has passed.";
        Ok(Self {
            proposals: counter("blockfeed_proposals_total", proposals, &["outcome"])?,
            receipts: counter("blockfeed_receipts_total", receipts, &["outcome"])?,
            acknowledgements: counter(
                "blockfeed_acknowledgements_total",
                acknowledgements,
                outcome,
            )?,
            applied_serial: gauge("applied_serial", serial, feed)?,
            applied_time: gauge("applied_timestamp_seconds", time, feed)?,
            held_serial: gauge("held_serial", held, feed)?,
            acknowledged: gauge("acknowledged_entries", said, outcome)?,
            waiting: gauge("waiting_entries", waiting, feed)?,
            overdue: gauge("overdue_entries", overdue, feed)?,
        })
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
