//! Why the server can't begin, or can't go on.

use std::net::SocketAddr;

/// A listener that can't be had, or metrics that clash.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "port {} of {} is taken by another program: stop it, or choose another with {flag} {}:PORT",
        .address.port(), .address.ip(), .address.ip()
    )]
    Taken {
        address: SocketAddr,
        flag: &'static str,
    },
    #[error("can't listen on {address}: {source}. Choose another address with {flag}")]
    Listen {
        address: SocketAddr,
        flag: &'static str,
        source: std::io::Error,
    },
    #[error("serve.tls_listen wants serve.tls_certificate and serve.tls_key")]
    NoCertificate,
    #[error(transparent)]
    Tls(#[from] crate::tls::Error),
    #[error("the API's description can't be written: {0}")]
    Description(#[from] serde_json::Error),
    #[error("the catalogue of texts: {0}")]
    Texts(String),
    #[error("the accounts: {0}")]
    Accounts(#[from] crate::accounts::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}
