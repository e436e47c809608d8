//! Transfers over TLS (XoT, RFC 9103): TLS 1.3, ALPN `dot` where the client knows it.

use super::{Config, Error};
use crate::tls::{Certificate, Files, Versions};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Reads certificate and key.
pub(super) fn certificate(config: &Config) -> Result<Arc<Certificate>, Error> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
        return Err(Error::Setting(
            "transfer.tls_listen wants transfer.tls_certificate and transfer.tls_key".into(),
        ));
    };
    let files = Files {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    Ok(Certificate::open("dns", files)?)
}

/// A client that offers no protocol is served all the same: Unbound doesn't.
pub(super) fn acceptor(certificate: &Arc<Certificate>) -> Result<TlsAcceptor, Error> {
    Ok(certificate.acceptor(Versions::Newest, &["dot"])?)
}
