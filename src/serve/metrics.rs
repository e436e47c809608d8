//! The server's metrics: requests by route template and class, never by what was asked.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Counters and gauges of the server.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    pub(super) requests: IntCounterVec,
    pub(super) seconds: HistogramVec,
    pub(super) at_hand: IntGauge,
    pub(super) long_polls: IntGauge,
    pub(super) connections: IntGauge,
    pub(super) renderings: IntCounterVec,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new(
                    "blockfeed_http_requests_total",
                    "Requests since the start, by route and class of the status.",
                ),
                &["route", "class"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "blockfeed_http_request_seconds",
                    "From a request's head to the head of its answer; long polls left out.",
                )
                .buckets(vec![0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0]),
                &["route"],
            )?,
            at_hand: IntGauge::new("blockfeed_http_requests_at_hand", "Requests at hand.")?,
            long_polls: IntGauge::new("blockfeed_http_long_polls", "Long polls that wait.")?,
            connections: IntGauge::new("blockfeed_http_connections", "Open connections.")?,
            renderings: IntCounterVec::new(
                Opts::new(
                    "blockfeed_http_renderings_total",
                    "Files rendered since the start, by format.",
                ),
                &["format"],
            )?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.at_hand.clone()))?;
        registry.register(Box::new(metrics.long_polls.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.renderings.clone()))?;
        Ok(metrics)
    }
}

/// Counts one up while it lives.
pub(super) struct Counted(IntGauge);

impl Counted {
    pub(super) fn up(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
