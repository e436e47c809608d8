//! HTTP: published files, the API, health and metrics.
//!
//! Owns the route table, the answers' headers, limits, and the one map from errors to status
//! codes (`problem`). Knows no rule: what may be done is asked of `casework`. Shows the log to `transfer` as its source (`zones`).
//! Follows design: Feeds ("Access"), design: Bad input (RFC 9457), RFC 9110 and 9111, C2SP
//! tlog-tiles.
//!
//! Files come from the published folder, which any web server could serve as well; checkpoint and
//! manifests come from memory, where they change at one moment with the state.

mod accounts;
mod acting;
mod addresses;
mod caller;
mod changes;
mod checking;
mod compaction;
mod config;
mod connection;
pub mod desk;
mod door;
mod erasure;
mod error;
mod feeds;
mod file_body;
mod files;
mod health;
mod limits;
mod listen;
mod matching;
mod metered;
mod metrics;
mod mirrored;
mod once;
mod openapi;
mod page;
mod pages;
mod problem;
mod proposals;
mod proxy;
mod public;
mod rendered;
mod router;
mod schema;
mod site;
mod subscribers;
mod trust;
mod upload;
mod watch;
mod zones;

pub use config::Config;
pub use error::Error;
pub use listen::{Server, run};
pub use mirrored::{Mirrored, serve_figures, serve_mirror};
pub use proxy::ProxyHeader;
pub use router::router;
pub use zones::Zones;

/// The template of a route, for metrics; set by handlers that parse their path themselves.
#[derive(Debug, Clone, Copy)]
struct Route(&'static str);
