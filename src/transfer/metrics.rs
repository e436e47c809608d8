//! The room's metrics, by Prometheus' conventions.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Counters and gauges of zones and their readers.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(super) queries: IntCounterVec,
    pub(super) bytes: IntCounter,
    pub(super) connections: IntGauge,
    pub(super) turned_away: IntCounter,
    pub(super) cut_off: IntCounter,
    pub(super) serial: IntGaugeVec,
    pub(super) names: IntGaugeVec,
    pub(super) left_out: IntGauge,
    pub(super) failures: IntCounter,
    pub(super) notified: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| IntCounter::new(name, help);
        let by =
            |name: &str, help: &str, label: &str| IntGaugeVec::new(Opts::new(name, help), &[label]);
        let counts = |name: &str, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(name, help), &[label])
        };
        let metrics = Self {
            queries: counts(
                "blockfeed_transfer_queries_total",
                "DNS queries since the start, by what was answered.",
                "answer",
            )?,
            bytes: counter(
                "blockfeed_transfer_sent_bytes_total",
                "Bytes of answers sent by TCP and TLS since the start.",
            )?,
            connections: IntGauge::new(
                "blockfeed_transfer_connections",
                "DNS connections by TCP and TLS that are open.",
            )?,
            turned_away: counter(
                "blockfeed_transfer_turned_away_total",
                "DNS connections closed at once since there were too many.",
            )?,
            cut_off: counter(
                "blockfeed_transfer_cut_off_total",
                "DNS connections closed since their reader took too long.",
            )?,
            serial: by("blockfeed_zone_serial", "SOA serial, by zone.", "zone")?,
            names: by(
                "blockfeed_zone_names",
                "Names in the zone, by zone.",
                "zone",
            )?,
            left_out: IntGauge::new(
                "blockfeed_zone_left_out",
                "Names in force that fit into no zone.",
            )?,
            failures: counter(
                "blockfeed_zone_failures_total",
                "Times that zones couldn't be kept on disk.",
            )?,
            notified: counts(
                "blockfeed_transfer_notified_total",
                "NOTIFY messages since the start, by outcome: answered or lost.",
                "outcome",
            )?,
        };
        // Alerts compare both, from the first one on.
        for outcome in ["answered", "lost"] {
            metrics.notified.with_label_values(&[outcome]);
        }
        registry.register(Box::new(metrics.queries.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.turned_away.clone()))?;
        registry.register(Box::new(metrics.cut_off.clone()))?;
        registry.register(Box::new(metrics.serial.clone()))?;
        registry.register(Box::new(metrics.names.clone()))?;
        registry.register(Box::new(metrics.left_out.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        registry.register(Box::new(metrics.notified.clone()))?;
        Ok(metrics)
    }
}
