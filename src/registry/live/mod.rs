//! Live sources: RDAP, WHOIS, DNS. Each answers within its time or is a fault.

mod dns;
mod rdap;
mod whois;

use std::{future::Future, time::Duration};

use super::facts::{Fault, FaultKind, Outcome, Source, Sourced};
use crate::fetch;

pub use dns::Dns;
pub use rdap::Rdap;
pub use whois::Whois;

/// Asks within a time, and makes a fact of what comes.
async fn within<T>(
    source: Source,
    at: u64,
    time: Duration,
    asking: impl Future<Output = Result<Option<T>, Fault>>,
) -> Sourced<T> {
    let outcome = match tokio::time::timeout(time, asking).await {
        Ok(Ok(Some(fact))) => Outcome::Known(fact),
        Ok(Ok(None)) => Outcome::Absent,
        Ok(Err(fault)) => Outcome::Failed(fault),
        Err(_) => Outcome::Failed(fault(
            FaultKind::Timeout,
            format!("{source}: no answer within {} s", time.as_secs_f32()),
        )),
    };
    Sourced {
        source,
        at,
        fresh_until: None,
        outcome,
    }
}

fn fault(kind: FaultKind, detail: impl Into<String>) -> Fault {
    Fault {
        kind,
        detail: detail.into(),
    }
}

/// A failed reading as a fault.
fn of_fetch(error: &fetch::Error) -> Fault {
    let kind = match error {
        fetch::Error::Timeout { .. } => FaultKind::Timeout,
        fetch::Error::TooLarge { .. } => FaultKind::TooLarge,
        fetch::Error::Private { .. } => FaultKind::Private,
        fetch::Error::Redirect { .. } => FaultKind::Redirects,
        _ => FaultKind::Unreachable,
    };
    fault(kind, error.to_string())
}
