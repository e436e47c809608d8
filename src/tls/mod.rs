//! A listener's certificate: read from PEM files, held in memory, read anew when the files change.
//!
//! Owns how certificate and key come from files, that both fit together, when the certificate
//! ends, and that a bad new pair never takes a good one's place. Knows no protocol: who listens
//! names its own. Connections that are open go on; the next handshake meets the new certificate.
//! Follows RFC 5280 (validity), RFC 7468 (PEM), RFC 8446.

mod certificate;
mod error;
mod keeper;

pub use certificate::{Certificate, Files, Versions};
pub use error::Error;
pub use keeper::{Keeper, Metrics};
