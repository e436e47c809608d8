//! Transfers over TLS (XoT, RFC 9103): TLS 1.3, ALPN `dot` where the client knows it.

use super::{Config, Error};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::TLS13,
};
use std::{path::Path, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// Reads certificate and key.
pub(super) fn acceptor(config: &Config) -> Result<TlsAcceptor, Error> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
        return Err(Error::Setting(
            "transfer.tls_listen wants transfer.tls_certificate and transfer.tls_key".into(),
        ));
    };
    let of = |path: &Path, what: String| Error::Tls(format!("{}: {what}", path.display()));
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| of(certificate, e.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| of(key, e.to_string()))?;
    let mut server = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&TLS13])
        .map_err(|e| Error::Tls(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| of(certificate, e.to_string()))?;
    // A client that offers nothing is served all the same: Unbound doesn't.
    server.alpn_protocols = vec![b"dot".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}
