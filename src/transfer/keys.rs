//! The file of TSIG keys: who may take zones by key, and whom to tell of changes.
//!
//! ```toml
//! [[key]]
//! name = "isp1."
//! subscriber = "isp1"
//! algorithm = "hmac-sha256"
//! secret = "…base64, at least 16 bytes…"
//! notify = ["192.0.2.1:53"]
//! ```
//!
//! A subscriber may have two keys, so that one takes the other's place without an outage: the file
//! is read again when it changes, and one that can't be read changes nothing.

use super::{
    Error,
    name::Name,
    repeats::Repeats,
    tsig::{Algorithm, Key},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde::Deserialize;
use std::{
    collections::BTreeMap, fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc,
};
use zeroize::{Zeroize as _, Zeroizing};

/// The keys, and who is told with which.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) keys: Vec<Arc<Key>>,
    pub(super) notify: Vec<(SocketAddr, Arc<Key>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    subscriber: String,
    algorithm: String,
    secret: String,
    #[serde(default)]
    notify: Vec<SocketAddr>,
}

impl Keys {
    /// The same keys, of which those that were there before keep what they have seen.
    pub(super) fn after(mut self, before: &Self) -> Self {
        let kept = |key: &Arc<Key>| before.keys.iter().find(|k| k.is_same(key)).cloned();
        for key in &mut self.keys {
            *key = kept(key).unwrap_or_else(|| key.clone());
        }
        for (_, key) in &mut self.notify {
            *key = kept(key).unwrap_or_else(|| key.clone());
        }
        self
    }

    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |why: String| Error::Keys {
            path: path.display().to_string(),
            why,
        };
        let mode = fs::metadata(path).map_err(Error::io(path))?;
        if mode.permissions().mode() & 0o077 != 0 {
            return Err(wrong("others may read these secrets: chmod 600".into()));
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(Error::io(path))?);
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.message().to_owned()))?;
        let mut keys = Self::default();
        let mut live: BTreeMap<String, usize> = BTreeMap::new();
        for row in &file.key {
            let held = live.entry(row.subscriber.clone()).or_default();
            *held += 1;
            if *held > LIVE {
                let who = &row.subscriber;
                return Err(wrong(format!("{who} has more than {LIVE} keys")));
            }
            let key = Arc::new(row.key().map_err(wrong)?);
            if keys.keys.iter().any(|k| k.name == key.name) {
                return Err(wrong(format!("two keys are named {}", key.name)));
            }
            keys.notify
                .extend(row.notify.iter().map(|to| (*to, key.clone())));
            keys.keys.push(key);
        }
        Ok(keys)
    }
}

impl Row {
    fn key(&self) -> Result<Key, String> {
        let of = |why: &str| format!("key {:?}: {why}", self.name);
        let name = Name::parse(&self.name).ok_or_else(|| of("its name is no domain name"))?;
        let known = |a: &Algorithm| a.as_str() == self.algorithm.trim_end_matches('.');
        let algorithm = Algorithm::ALL.into_iter().find(known);
        let algorithm = algorithm
            .ok_or_else(|| of("its algorithm is hmac-sha256, hmac-sha384 or hmac-sha512"))?;
        let secret = STANDARD.decode(self.secret.trim());
        let secret = secret.map_err(|_| of("its secret isn't base64"))?;
        let secret = Zeroizing::new(secret);
        if secret.len() < SHORTEST {
            return Err(of("its secret has fewer than 16 bytes"));
        }
        Ok(Key {
            name,
            algorithm,
            subscriber: self.subscriber.clone(),
            secret: hmac::Key::new(algorithm.of_ring(), &secret),
            mark: hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), MARK)
                .as_ref()
                .to_vec(),
            repeats: Repeats::default(),
        })
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// What a secret is told apart by, without being kept.
const MARK: &[u8] = b"blockfeed/key";
/// The keys that a subscriber may have at once.
const LIVE: usize = 2;
/// The fewest bytes of a secret.
const SHORTEST: usize = 16;
