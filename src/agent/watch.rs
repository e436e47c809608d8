//! The loop: a round, then the wait for the next one, by long poll where a source can.

use super::{Agent, Error, Report, RetryConfig};
use crate::{
    entries::FeedName,
    feed::{manifest::MAX_MANIFEST, paths},
    fetch::{self, Read, Source},
};
use std::{future::Future, time::Duration};
use tokio::{task::JoinSet, time::Instant};

impl Agent {
    /// Rounds until `shutdown` ends; each report goes to `told`. A round that is cut off leaves
    /// what a kill would leave: the state before it, or after it.
    ///
    /// # Errors
    /// None that passes: a failing disk is told and tried again like everything else.
    pub async fn run(
        &mut self,
        shutdown: impl Future<Output = ()>,
        mut told: impl FnMut(&Result<Report, Error>),
    ) -> Result<(), Error> {
        tokio::pin!(shutdown);
        let mut failures = 0;
        loop {
            let report = tokio::select! {
                report = self.round() => report,
                () = &mut shutdown => return Ok(()),
            };
            let failed = match &report {
                Ok(report) => report.wants_retry(),
                Err(e) => {
                    tracing::error!(error = %e, "the round failed; the last good set stays");
                    true
                }
            };
            told(&report);
            failures = if failed { failures + 1 } else { 0 };
            let wait = async {
                match failures {
                    0 => self.wait_for_change().await,
                    n => tokio::time::sleep(pause(&self.config.retry, n)).await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = &mut shutdown => return Ok(()),
            }
        }
    }

    /// Waits until a feed has moved on, or for the poll's seconds.
    async fn wait_for_change(&self) {
        let whole = Duration::from_secs(self.config.poll_seconds.max(1));
        let until = Instant::now() + jittered(whole);
        let sources: Vec<Source> = self
            .sources
            .iter()
            .filter(|s| s.can_wait())
            .cloned()
            .collect();
        if sources.is_empty() || !self.config.long_poll {
            return tokio::time::sleep_until(until).await;
        }
        let mut polls = JoinSet::new();
        for (feed, followed) in &self.feeds {
            let asked = (sources.clone(), feed.clone(), followed.serial);
            polls.spawn(moved_on(asked, whole, self.config.retry));
        }
        while let Ok(Some(moved)) = tokio::time::timeout_at(until, polls.join_next()).await {
            if moved.unwrap_or(false) {
                return;
            }
        }
        // A server that answers at once isn't asked again before its time.
        tokio::time::sleep_until(until).await;
    }
}

/// Whether a feed has moved on from a serial, told as soon as it has. Where a source is gone, or goes while it is asked
/// (a restart), the next one is, after a pause: a revocation isn't kept waiting for the poll's time.
async fn moved_on(
    (sources, feed, serial): (Vec<Source>, FeedName, u64),
    wait: Duration,
    retry: RetryConfig,
) -> bool {
    let mut failures = 0;
    for source in sources.iter().cycle() {
        match stated(source, &feed, serial, wait).await {
            Ok(stated) => return stated.is_some_and(|stated| stated != serial),
            Err(e) => tracing::debug!(%feed, error = %e, "the long poll ended without an answer"),
        }
        failures += 1;
        tokio::time::sleep(pause(&retry, failures)).await;
    }
    false
}

/// The wait after so many failures in a row.
fn pause(retry: &RetryConfig, failures: u32) -> Duration {
    let least = retry.least_seconds.max(1);
    let doubled = least.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let most = retry.most_seconds.max(least);
    jittered(Duration::from_secs(doubled.min(most)))
}

/// The serial that a source says a feed stands at, once that is another one; none after the wait. Unverified: it only
/// wakes.
async fn stated(
    source: &Source,
    feed: &FeedName,
    serial: u64,
    wait: Duration,
) -> Result<Option<u64>, fetch::Error> {
    let path = paths::manifest(feed);
    let read = Read::new(&path, MAX_MANIFEST as u64)
        .query("after", serial)
        .query("wait", wait.as_secs())
        .within(wait + Duration::from_secs(10));
    match source.fetch(read).await {
        Ok(page) => Ok(stated_serial(&page.bytes)),
        Err(fetch::Error::Unchanged { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

fn stated_serial(manifest: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(manifest).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("serial "));
    line?.parse().ok()
}

/// Half to one and a half of a time, so that subscribers don't come all at once.
fn jittered(time: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    time.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_spread_around_its_time() {
        for _ in 0..100 {
            let time = jittered(Duration::from_secs(10)).as_secs_f64();
            assert!((5.0..=15.0).contains(&time), "{time}");
        }
        assert_eq!(stated_serial(b"x\nserial 18\ny\n"), Some(18));
        assert_eq!(stated_serial(b"\xff"), None);
    }
}
