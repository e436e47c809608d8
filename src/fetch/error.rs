//! Why reading from others failed.

use std::time::Duration;

/// Why a read brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("{place}: not found")]
    NotFound {
        /// URL or file.
        place: String,
    },
    /// It was there and has been erased (410).
    #[error("{place}: gone, erased by the publisher")]
    Gone {
        /// URL.
        place: String,
    },
    /// The condition held: the reader has the newest already (304).
    #[error("{place}: unchanged")]
    Unchanged {
        /// URL.
        place: String,
    },
    /// More bytes than the reader allowed; none are kept.
    #[error("{place}: more than the {limit} bytes that are allowed here; refused unread")]
    TooLarge {
        /// URL or file.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The deadline came, or the body came too slowly.
    #[error("{place}: {what} took longer than {} s; trying again later is safe", .after.as_secs_f32())]
    Timeout {
        /// URL or file.
        place: String,
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// A status that is neither success nor one of the above.
    #[error("{place}: the server answered {code}{}", hint(*.code))]
    Status {
        /// URL.
        place: String,
        /// The HTTP status.
        code: u16,
    },
    /// No answer, or one that broke off.
    #[error("{place}: no answer: {why}")]
    Unreachable {
        /// URL.
        place: String,
        /// The causes, outermost first.
        why: String,
    },
    /// The file system refused or failed.
    #[error("{place}: can't be read: {source}")]
    Io {
        /// File.
        place: String,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A call that only a server can answer.
    #[error("{place} is a folder: name the server's URL to post there")]
    NoServer {
        /// The folder.
        place: String,
    },
    /// A text that names no source.
    #[error(
        "{text:?} names no source: {why}. Give https://host/base, http://host/base or a directory"
    )]
    Source {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The machine has no root certificates.
    #[error(
        "https needs root certificates and none could be read: {why}. Install ca-certificates or set SSL_CERT_FILE"
    )]
    Roots {
        /// The causes.
        why: String,
    },
    /// A server whose address isn't public, or is our own.
    #[error("{place}: {forbidden}")]
    Private {
        /// URL or host.
        place: String,
        /// The address, and why not.
        forbidden: super::outside::Forbidden,
    },
    /// A redirect that isn't followed.
    #[error("{place}: {why}")]
    Redirect {
        /// URL.
        place: String,
        /// Where it led and why that isn't followed.
        why: String,
    },
    /// A token with characters that no header may have.
    #[error("the token can't stand in a header: printable ASCII only, without line ends")]
    Token,
    /// A path that could leave the base.
    #[error(
        "{path:?} is no path of a published file: segments of [A-Za-z0-9._-], none beginning with a dot, joined by '/'"
    )]
    Path {
        /// The path as given.
        path: String,
    },
}

fn hint(code: u16) -> &'static str {
    match code {
        300..=399 => "; redirects are refused: name the address that it leads to",
        401 | 403 => "; a token is needed here, or this one isn't good for it",
        429 | 503 => "; it is busy, try again later",
        _ => "",
    }
}
