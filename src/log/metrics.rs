//! The log's metrics, by Prometheus' conventions.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

/// Counters and gauges of the log.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) commits: IntCounter,
    pub(super) leaves: IntCounterVec,
    pub(super) refused: IntCounterVec,
    pub(super) commit_seconds: Histogram,
    pub(super) size: IntGauge,
    pub(super) entries: IntGaugeVec,
    pub(super) serial: IntGaugeVec,
    pub(super) manifest_time: IntGauge,
    pub(super) read_only: IntGauge,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            commits: IntCounter::new("blockfeed_log_commits_total", "Commits since the start.")?,
            leaves: IntCounterVec::new(
                Opts::new(
                    "blockfeed_log_leaves_total",
                    "Leaves appended since the start, by type.",
                ),
                &["type"],
            )?,
            refused: IntCounterVec::new(
                Opts::new(
                    "blockfeed_log_refused_total",
                    "Decisions refused since the start, by rule.",
                ),
                &["rule"],
            )?,
            commit_seconds: Histogram::with_opts(
                HistogramOpts::new(
                    "blockfeed_log_commit_seconds",
                    "From the first decision of a commit to its acknowledgement.",
                )
                .buckets(vec![
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
                ]),
            )?,
            size: IntGauge::new("blockfeed_log_size", "Leaves in the log.")?,
            entries: IntGaugeVec::new(
                Opts::new("blockfeed_feed_entries", "Entries in force, by feed."),
                &["feed"],
            )?,
            serial: IntGaugeVec::new(
                Opts::new("blockfeed_feed_serial", "Serial, by feed."),
                &["feed"],
            )?,
            manifest_time: IntGauge::new(
                "blockfeed_manifest_timestamp_seconds",
                "When the manifests were last signed, Unix seconds.",
            )?,
            read_only: IntGauge::new(
                "blockfeed_log_read_only",
                "1 since a write failed: nothing is taken in, what was published is served.",
            )?,
        };
        registry.register(Box::new(metrics.read_only.clone()))?;
        registry.register(Box::new(metrics.commits.clone()))?;
        registry.register(Box::new(metrics.leaves.clone()))?;
        registry.register(Box::new(metrics.refused.clone()))?;
        registry.register(Box::new(metrics.commit_seconds.clone()))?;
        registry.register(Box::new(metrics.size.clone()))?;
        registry.register(Box::new(metrics.entries.clone()))?;
        registry.register(Box::new(metrics.serial.clone()))?;
        registry.register(Box::new(metrics.manifest_time.clone()))?;
        Ok(metrics)
    }
}
