//! What Prometheus sees of the agent. Labels: `feed`, of those followed, and `outcome`, of a
//! fixed few words.

use super::{Report, report::OutputOutcome};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The agent's metrics.
#[derive(Clone)]
pub(super) struct Metrics {
    rounds: IntCounterVec,
    faults: IntCounterVec,
    alarms: IntGaugeVec,
    serial: IntGaugeVec,
    entries: IntGaugeVec,
    enforced: IntGaugeVec,
    age: IntGaugeVec,
    outputs: IntCounterVec,
    receipts: IntCounterVec,
    leaves: IntGauge,
    seconds: Histogram,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let vec =
                IntCounterVec::new(Opts::new(format!("blockfeed_agent_{name}"), help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            prometheus::Result::Ok(vec)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            let vec = IntGaugeVec::new(Opts::new(format!("blockfeed_agent_{name}"), help), labels)?;
            registry.register(Box::new(vec.clone()))?;
            prometheus::Result::Ok(vec)
        };
        let seconds = Histogram::with_opts(
            HistogramOpts::new(
                "blockfeed_agent_round_seconds",
                "Time of a round, outputs included",
            )
            .buckets(vec![0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0]),
        )?;
        registry.register(Box::new(seconds.clone()))?;
        let leaves = IntGauge::new("blockfeed_agent_log_leaves", "Leaves of the log, verified")?;
        registry.register(Box::new(leaves.clone()))?;
        let rounds = counter("rounds_total", "Rounds, by how they ended", &["outcome"])?;
        // Alerts compare both, from the first round on.
        for outcome in ["well", "unwell"] {
            rounds.with_label_values(&[outcome]);
        }
        Ok(Self {
            rounds,
            faults: counter(
                "faults_total",
                "What sources offered and wasn't taken, by its code",
                &["feed", "outcome"],
            )?,
            alarms: gauge(
                "alarm",
                "1 while an alarm stands, by its code",
                &["feed", "outcome"],
            )?,
            serial: gauge("serial", "Serial that is verified", &["feed"])?,
            entries: gauge("entries", "Entries of the verified set", &["feed"])?,
            enforced: gauge("enforced_entries", "Entries of the enforced set", &["feed"])?,
            age: gauge(
                "age_seconds",
                "Seconds since the publisher last vouched for the feed",
                &["feed"],
            )?,
            outputs: counter(
                "outputs_total",
                "Outputs, by how writing them ended",
                &["feed", "outcome"],
            )?,
            receipts: counter(
                "receipts_total",
                "Receipts, taken or not",
                &["feed", "outcome"],
            )?,
            leaves,
            seconds,
        })
    }

    pub(super) fn round(&self, report: &Report, seconds: f64) {
        let outcome = if report.is_well() { "well" } else { "unwell" };
        self.rounds.with_label_values(&[outcome]).inc();
        self.seconds.observe(seconds);
        let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.leaves
            .set(report.head.map_or(0, |head| int(head.size)));
        for (feed, r) in &report.feeds {
            let set = |vec: &IntGaugeVec, n| vec.with_label_values(&[feed.as_str()]).set(int(n));
            set(&self.serial, r.serial);
            set(&self.entries, r.entries);
            set(&self.enforced, r.enforced);
            set(&self.age, r.age);
        }
        let of = |feed: &Option<crate::entries::FeedName>| {
            feed.as_ref()
                .map_or("log".to_owned(), |feed| feed.to_string())
        };
        for fault in &report.faults {
            self.faults
                .with_label_values(&[of(&fault.feed).as_str(), &fault.code])
                .inc();
        }
        self.alarms.reset();
        for alarm in &report.alarms {
            self.alarms
                .with_label_values(&[of(&alarm.feed).as_str(), &alarm.code])
                .set(1);
        }
        for output in report
            .outputs
            .iter()
            .filter(|o| o.outcome != OutputOutcome::Unchanged)
        {
            let outcome = match output.outcome {
                OutputOutcome::Unchanged => "unchanged",
                OutputOutcome::Written => "written",
                OutputOutcome::NotLoaded => "not_loaded",
                OutputOutcome::NotWritten => "not_written",
                OutputOutcome::Refused => "refused",
            };
            self.outputs
                .with_label_values(&[output.feed.as_str(), outcome])
                .inc();
        }
    }

    pub(super) fn receipt(&self, feed: &str, taken: bool) {
        let outcome = if taken { "taken" } else { "failed" };
        self.receipts.with_label_values(&[feed, outcome]).inc();
    }
}
