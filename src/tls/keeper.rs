//! Looks after all certificates of a process, and says in metrics and the log how they stand.

use super::{
    Certificate,
    certificate::{Look, now},
};
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use std::sync::{Arc, Mutex, PoisonError};

/// What Prometheus sees of certificates. The label `listener` has a fixed few words.
#[derive(Debug, Clone)]
pub struct Metrics {
    ends: IntGaugeVec,
    bad: IntGaugeVec,
    reloads: IntCounterVec,
}

/// All certificates of a process.
#[derive(Debug)]
pub struct Keeper {
    certificates: Vec<Arc<Certificate>>,
    metrics: Metrics,
    /// What was said last of each, so that a standing fault is one line in the log.
    said: Mutex<Vec<Option<String>>>,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// Names that are taken.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let vec = IntGaugeVec::new(Opts::new(name, help), &["listener"])?;
            registry.register(Box::new(vec.clone()))?;
            prometheus::Result::Ok(vec)
        };
        let reloads = IntCounterVec::new(
            Opts::new(
                "blockfeed_tls_reloads_total",
                "Certificates read anew since the start, by listener and outcome: taken or refused.",
            ),
            &["listener", "outcome"],
        )?;
        registry.register(Box::new(reloads.clone()))?;
        Ok(Self {
            ends: gauge(
                "blockfeed_tls_certificate_not_after_seconds",
                "When the certificate in use ends, Unix seconds, by listener.",
            )?,
            bad: gauge(
                "blockfeed_tls_reload_failed",
                "1 while the files hold a pair that can't be used and the one before serves, by listener.",
            )?,
            reloads,
        })
    }
}

impl Keeper {
    /// Shows how the certificates stand, and says which have ended.
    pub fn new(certificates: Vec<Arc<Certificate>>, metrics: Metrics) -> Self {
        for certificate in &certificates {
            metrics.show(certificate, false);
            if certificate.not_after() <= now() {
                let path = certificate.files().certificate.display();
                tracing::error!(listener = certificate.listener(), %path, "the certificate has ended: clients refuse it");
            }
        }
        let said = Mutex::new(vec![None; certificates.len()]);
        Self {
            certificates,
            metrics,
            said,
        }
    }

    /// Looks at the files of all. Reads some kilobytes from disk.
    pub fn look(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for (certificate, said) in self.certificates.iter().zip(said.iter_mut()) {
            self.look_at(certificate, said);
        }
    }

    fn look_at(&self, certificate: &Certificate, said: &mut Option<String>) {
        let listener = certificate.listener();
        let count = |outcome| {
            let counter = self.metrics.reloads.with_label_values(&[listener, outcome]);
            counter.inc();
        };
        match certificate.look() {
            Look::Unchanged => {
                // The files are again what is in use.
                *said = None;
                self.metrics.show(certificate, false);
            }
            Look::Taken => {
                count("taken");
                *said = None;
                self.metrics.show(certificate, false);
                let path = certificate.files().certificate.display();
                let not_after = certificate.not_after();
                tracing::info!(listener, %path, not_after, "another certificate is in use");
            }
            Look::Refused(error) => {
                let error = error.to_string();
                self.metrics.show(certificate, true);
                if said.as_ref() != Some(&error) {
                    count("refused");
                    tracing::error!(listener, %error, "a new certificate can't be used; the one before stays");
                    *said = Some(error);
                }
            }
        }
    }
}

impl Metrics {
    fn show(&self, certificate: &Certificate, bad: bool) {
        let label = &[certificate.listener()];
        let ends = i64::try_from(certificate.not_after()).unwrap_or(i64::MAX);
        self.ends.with_label_values(label).set(ends);
        self.bad.with_label_values(label).set(bad.into());
    }
}
