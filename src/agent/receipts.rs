//! Receipts: "I have applied serial N, digest D, at T" (design: Access).

use super::{Error, ReceiptConfig};
use crate::{
    canon::Origin,
    entries::FeedName,
    fetch::{self, Source},
    tlog::Hash,
    trust::open_key,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    Signer, SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use serde::{Deserialize, Serialize};
use std::{os::unix::fs::PermissionsExt, path::Path};
use zeroize::Zeroizing;

/// A signed receipt, as it is posted to `api/v1/receipts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub origin: Origin,
    pub subscriber: String,
    pub feed: FeedName,
    pub serial: u64,
    pub digest: Hash,
    /// Unix seconds.
    pub time: u64,
    /// Base64 of the Ed25519 signature over [`Receipt::message`].
    pub sig: String,
}

impl Receipt {
    /// The bytes that a subscriber's key signs.
    pub fn message(
        origin: &Origin,
        subscriber: &str,
        feed: &FeedName,
        serial: u64,
        digest: &Hash,
        time: u64,
    ) -> Vec<u8> {
        format!(
            "blockfeed/receipt/v1\n{origin}\n{subscriber}\n{feed}\n{serial}\n{digest}\n{time}\n"
        )
        .into_bytes()
    }
}

/// Signs receipts.
pub(super) struct Acknowledger {
    subscriber: String,
    key: SigningKey,
}

impl Acknowledger {
    /// Opens the key, or makes one where there is none.
    pub(super) fn open(config: &ReceiptConfig) -> Result<Self, Error> {
        let refuse = |why: String| Error::Key {
            path: config.key_file.clone(),
            why,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if config.subscriber.is_empty() || !config.subscriber.chars().all(plain) {
            return Err(refuse(format!(
                "the subscriber's name {:?} is made of A-Z a-z 0-9 . - _",
                config.subscriber
            )));
        }
        if !config.key_file.exists() {
            make_key(&config.key_file)?;
        }
        let pem = std::fs::read_to_string(&config.key_file).map_err(|e| refuse(e.to_string()))?;
        let pem = Zeroizing::new(pem);
        let key = match &config.passphrase_file {
            Some(path) => {
                let passphrase = std::fs::read_to_string(path)
                    .map_err(|e| Error::disk("read", path, e))
                    .map(Zeroizing::new)?;
                let passphrase = passphrase.trim_end_matches(['\n', '\r']);
                open_key(&pem, passphrase.as_bytes()).map_err(|e| refuse(e.to_string()))?
            }
            None => {
                only_its_owners(&config.key_file)?;
                SigningKey::from_pkcs8_pem(&pem)
                    .map_err(|e| refuse(format!("{e}; an encrypted key needs passphrase_file")))?
            }
        };
        Ok(Self {
            subscriber: config.subscriber.clone(),
            key,
        })
    }

    /// The public key that the publisher has to know, base64.
    pub(super) fn public(&self) -> String {
        STANDARD.encode(self.key.verifying_key().as_bytes())
    }

    /// Signs that a serial was applied.
    pub(super) fn sign(
        &self,
        origin: &Origin,
        feed: &FeedName,
        serial: u64,
        digest: Hash,
        time: u64,
    ) -> Receipt {
        let message = Receipt::message(origin, &self.subscriber, feed, serial, &digest, time);
        Receipt {
            origin: origin.clone(),
            subscriber: self.subscriber.clone(),
            feed: feed.clone(),
            serial,
            digest,
            time,
            sig: STANDARD.encode(self.key.sign(&message).to_bytes()),
        }
    }
}

/// Posts a receipt to the first source that takes it. Nothing waits for that.
pub(super) async fn post(sources: &[Source], receipt: &Receipt) -> Result<(), String> {
    let body = serde_json::to_vec(receipt).map_err(|e| e.to_string())?;
    let mut why = "no source is a server".to_owned();
    for source in sources {
        let answer = source
            .post(
                "api/v1/receipts",
                body.clone().into(),
                "application/json",
                64 << 10,
            )
            .await;
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
            Ok(answer) => {
                let said: String = String::from_utf8_lossy(&answer.bytes)
                    .chars()
                    .take(300)
                    .collect();
                why = format!("{source} answered {}: {said}", answer.status);
            }
            Err(fetch::Error::NoServer { .. }) => {}
            Err(e) => why = e.to_string(),
        }
    }
    Err(why)
}

fn make_key(path: &Path) -> Result<(), Error> {
    let refuse = |why: String| Error::Key {
        path: path.to_owned(),
        why,
    };
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|e| refuse(e.to_string()))?;
    let key = SigningKey::from_bytes(&seed);
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|e| refuse(e.to_string()))?;
    super::disk::write_whole(path, pem.as_bytes(), 0o600)?;
    tracing::info!(path = %path.display(), public = STANDARD.encode(key.verifying_key().as_bytes()),
        "made a key for receipts: register its public half with the publisher");
    Ok(())
}

fn only_its_owners(path: &Path) -> Result<(), Error> {
    let mode = std::fs::metadata(path)
        .map_err(|e| Error::disk("look at", path, e))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(Error::Key {
            path: path.to_owned(),
            why: format!(
                "others may read it (mode {:o}): chmod 600, or encrypt it",
                mode & 0o777
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, VerifyingKey};

    #[test]
    fn a_receipt_is_signed_by_a_key_that_only_its_owner_reads() {
        let dir = tempfile::tempdir().unwrap();
        let config = ReceiptConfig {
            subscriber: "isp-1".into(),
            key_file: dir.path().join("key.pem"),
            passphrase_file: None,
        };
        let signer = Acknowledger::open(&config).unwrap();
        let again = Acknowledger::open(&config).unwrap();
        assert_eq!(signer.public(), again.public());
        let origin = Origin::new("log.example").unwrap();
        let r = signer.sign(&origin, &FeedName::domains(), 7, Hash([1; 32]), 9);
        let message = Receipt::message(&origin, "isp-1", &r.feed, 7, &r.digest, 9);
        let sig = STANDARD.decode(&r.sig).unwrap();
        let public: [u8; 32] = STANDARD
            .decode(signer.public())
            .unwrap()
            .try_into()
            .unwrap();
        let public = VerifyingKey::from_bytes(&public).unwrap();
        let sig = Signature::from_slice(&sig).unwrap();
        assert!(public.verify_strict(&message, &sig).is_ok());
        std::fs::set_permissions(&config.key_file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(Acknowledger::open(&config).is_err());
    }
}
