//! Policy zones over DNS: what is in force, as response policy zones that resolvers transfer.
//!
//! Owns the zones made from entries with their serials and histories, the server (SOA by UDP; SOA,
//! AXFR and IXFR by TCP and TLS; TSIG; access), and telling secondaries (NOTIFY). It stands on a
//! [`Source`] of five methods, which the authority and the agent each fulfil. Follows design: DNS.
//!
//! | zone | holds | changes |
//! |---|---|---|
//! | `block` | what is listed and isn't blocked by the base | at once |
//! | `allow` | what of the base passes | at once |
//! | `base` | the minimal names at the last compaction | rarely |
//! | `net` | networks | at once |
//! | `rpz` | all of it, for who wants one zone | at once |
//!
//! A resolver takes `block`, `allow`, `base`, `net` in this order, or `rpz` alone.

mod config;
mod desk;
mod disk;
mod door;
mod error;
mod files;
mod keeper;
mod keys;
mod levels;
mod maker;
mod metrics;
mod name;
mod names;
mod notify;
mod piece;
mod places;
mod query;
mod reading;
mod repeats;
mod ring;
mod server;
mod shelf;
mod source;
mod stream;
mod tls;
mod tsig;
mod wire;
mod zone;

pub use config::{Apexes, Config};
pub use error::Error;
pub use metrics::Metrics;
pub use server::{Addresses, Handle, Server};
pub use source::{Held, Moment, Source, View};

/// Unix seconds by this machine's clock.
fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed();
    since.map_or(0, |time| time.as_secs())
}
