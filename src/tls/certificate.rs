//! One certificate with its key, and the pair that is in use now.

use super::Error;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

/// Where a pair lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate and those above it, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// Which versions a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// TLS 1.2 and 1.3.
    Both,
    /// TLS 1.3 alone.
    Newest,
}

/// A pair that can be read anew while connections use it.
#[derive(Debug)]
pub struct Certificate {
    listener: &'static str,
    files: Files,
    held: ArcSwap<Pair>,
}

/// What is in use.
#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    /// Unix seconds.
    not_after: u64,
    /// Of both files.
    digest: [u8; 32],
}

/// What a look at the files gave.
#[derive(Debug)]
pub(super) enum Look {
    /// They hold what is in use.
    Unchanged,
    /// Another pair is in use from now on.
    Taken,
    /// What is there now can't be used; the one before stays.
    Refused(Error),
}

impl Certificate {
    /// Reads the pair. One that has ended is taken all the same at a start, so that plain
    /// listeners come up; whoever keeps it says so. `listener` is its label in metrics.
    ///
    /// # Errors
    /// [`Error`], naming the file.
    pub fn open(listener: &'static str, files: Files) -> Result<Arc<Self>, Error> {
        let pair = read(&files)?;
        Ok(Arc::new(Self {
            listener,
            files,
            held: ArcSwap::from_pointee(pair),
        }))
    }

    /// Accepts TLS under whatever pair is in use at the moment of a handshake. `protocols`: what
    /// ALPN offers; a client that offers nothing is served all the same.
    ///
    /// # Errors
    /// A provider that can't speak these versions.
    pub fn acceptor(
        self: &Arc<Self>,
        versions: Versions,
        protocols: &[&str],
    ) -> Result<TlsAcceptor, Error> {
        let versions = match versions {
            Versions::Both => &[&TLS13, &TLS12][..],
            Versions::Newest => &[&TLS13],
        };
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(self.clone())));
        server.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(server)))
    }

    /// Its label in metrics and log lines.
    pub fn listener(&self) -> &'static str {
        self.listener
    }

    /// Where it is read from.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// When the certificate in use ends, Unix seconds.
    pub fn not_after(&self) -> u64 {
        self.held.load().not_after
    }

    /// Looks at the files and takes a new pair, if it is good. A key that was written before its
    /// certificate is no pair for a moment: the next look finds both.
    pub(super) fn look(&self) -> Look {
        match read(&self.files) {
            Err(error) => Look::Refused(error),
            Ok(pair) if pair.digest == self.held.load().digest => Look::Unchanged,
            Ok(pair) if pair.not_after <= now() => Look::Refused(Error::Ended {
                path: self.files.certificate.clone(),
                at: pair.not_after,
            }),
            Ok(pair) => {
                self.held.store(Arc::new(pair));
                Look::Taken
            }
        }
    }
}

/// Gives each handshake the pair that is in use.
#[derive(Debug)]
struct Resolver(Arc<Certificate>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.held.load().key.clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn digest_of(certificate: &[u8], key: &[u8]) -> [u8; 32] {
    let length = (certificate.len() as u64).to_be_bytes();
    let hash = Sha256::new().chain_update(length);
    let hash = hash.chain_update(certificate).chain_update(key);
    hash.finalize().into()
}

fn read(files: &Files) -> Result<Pair, Error> {
    let certificate = fs::read(&files.certificate).map_err(Error::io(&files.certificate))?;
    let key = fs::read(&files.key).map_err(Error::io(&files.key))?;
    let key = Zeroizing::new(key);
    let digest = digest_of(&certificate, &key);
    let bad = |why: String| Error::Certificate {
        path: files.certificate.clone(),
        why,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|e| bad(e.to_string()))?;
    let first = chain
        .first()
        .ok_or_else(|| bad("it holds no certificate".into()))?;
    let parsed = x509_cert::Certificate::from_der(first).map_err(|e| bad(e.to_string()))?;
    let validity = parsed.tbs_certificate().validity();
    let not_after = validity.not_after.to_unix_duration().as_secs();
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| Error::Key {
        path: files.key.clone(),
        why: e.to_string(),
    })?;
    let pair = CertifiedKey::from_der(chain, key, &provider());
    let key = pair.map_err(|e| Error::NoPair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        why: e.to_string(),
    })?;
    Ok(Pair {
        key: Arc::new(key),
        not_after,
        digest,
    })
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
