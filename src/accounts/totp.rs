//! One-time codes (RFC 6238): SHA-1, six digits, thirty seconds, one step of leeway; each is taken once.
//!
//! The secrets lie sealed in the private table, under a key that is derived from the file `accounts.key`
//! beside the database: whoever has the database alone computes no code. A lost file costs each person a
//! new link (`blockfeed account reset`), and nothing else.

use super::{Error, account::Name};
use crate::{
    canon::Base64,
    seal::{Key, Secret},
};
use serde::{Deserialize, Serialize};
use std::path::Path;
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// Who the codes are for, as the telephone shows it.
const ISSUER: &str = "Blockfeed 399";

/// The file of the key, in the folder of keys.
const FILE: &str = "accounts.key";

/// The secret that a telephone shares with us, and the last step that was taken.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Codes {
    /// In the clear, as it was kept before there was a key; sealed when the accounts are opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Base64>,
    /// Steps up to this one were used, or are older than one that was.
    #[serde(default)]
    taken: u64,
}

/// The key under which the secrets lie.
pub(super) fn key(keys: &Path) -> Result<Key, Error> {
    let secret = match Secret::read(keys, FILE)? {
        Some(secret) => secret,
        None => Secret::make(keys, FILE)?,
    };
    Ok(secret.key(b"blockfeed/account-codes/v1")?)
}

impl Codes {
    pub(super) fn draw(name: &Name, key: &Key) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; 20]);
        crate::seal::random(&mut *secret)?;
        Ok(Self {
            secret: None,
            sealed: Some(Base64(key.seal(&about(name), &*secret)?)),
            taken: 0,
        })
    }

    /// Seals a secret that was kept in the clear; whether it was.
    pub(super) fn close(&mut self, name: &Name, key: &Key) -> Result<bool, Error> {
        let Some(secret) = &self.secret else {
            return Ok(false);
        };
        self.sealed = Some(Base64(key.seal(&about(name), secret)?));
        self.secret = None;
        Ok(true)
    }

    /// Whether the secret opens under this key.
    pub(super) fn opens(&self, name: &Name, key: &Key) -> bool {
        self.open(name, key).is_ok()
    }

    /// Takes a code; it is good once, and no older one is after it.
    pub(super) fn take(
        &mut self,
        code: &str,
        name: &Name,
        key: &Key,
        now: u64,
    ) -> Result<bool, Error> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        match self.totp(name, key)?.check(&code, now) {
            Some(step) if step > self.taken => {
                self.taken = step;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The URL that a telephone reads from the picture.
    pub(super) fn url(&self, name: &Name, key: &Key) -> Result<String, Error> {
        self.totp(name, key)?.to_url().map_err(|e| broken(&e))
    }

    fn open(&self, name: &Name, key: &Key) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sealed = self.sealed.as_deref().unwrap_or_default();
        Ok(key.open(&about(name), sealed)?)
    }

    fn totp(&self, name: &Name, key: &Key) -> Result<Totp, Error> {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(self.open(name, key)?.to_vec().into_boxed_slice())
            .with_account_name(name.as_str())
            .with_issuer(Some(ISSUER));
        totp.build().map_err(|e| broken(&e))
    }
}

fn about(name: &Name) -> String {
    format!("blockfeed/account/v1\n{name}\ncodes\n")
}

fn broken(why: &dyn std::fmt::Display) -> Error {
    Error::Invalid {
        what: "the secret of the one-time codes",
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_taken_once() {
        let (key, _) = Key::draw().unwrap();
        let name = Name::new("an.binh").unwrap();
        let mut codes = Codes::draw(&name, &key).unwrap();
        let now = 1_790_000_010;
        let code = |at: u64| codes.totp(&name, &key).unwrap().generate(at).to_string();
        let (before, this, next, far) = (code(now - 30), code(now), code(now + 30), code(now + 90));
        assert!(!codes.take("000000x", &name, &key, now).unwrap());
        assert!(!codes.take(&far, &name, &key, now).unwrap());
        assert!(
            codes
                .take(&format!("{} {}", &this[..3], &this[3..]), &name, &key, now)
                .unwrap()
        );
        assert!(!codes.take(&this, &name, &key, now).unwrap());
        assert!(!codes.take(&before, &name, &key, now).unwrap());
        assert!(codes.take(&next, &name, &key, now).unwrap());
        assert!(
            codes
                .url(&name, &key)
                .unwrap()
                .starts_with("otpauth://totp/Blockfeed%20399:an.binh?")
        );
    }

    #[test]
    fn a_secret_in_the_clear_is_sealed_under_its_name() {
        let (key, _) = Key::draw().unwrap();
        let name = Name::new("an.binh").unwrap();
        let plain = r#"{"secret":"AAECAwQFBgcICQoLDA0ODxAREhM=","taken":7}"#;
        let mut codes: Codes = serde_json::from_str(plain).unwrap();
        assert!(codes.close(&name, &key).unwrap());
        assert!(!codes.close(&name, &key).unwrap());
        let kept = serde_json::to_string(&codes).unwrap();
        assert!(
            !kept.contains("secret\"") && !kept.contains("AAECAwQF"),
            "{kept}"
        );
        let codes: Codes = serde_json::from_str(&kept).unwrap();
        assert_eq!(codes.open(&name, &key).unwrap()[19], 0x13);
        assert!(codes.opens(&name, &key) && codes.taken == 7);
        let other = Name::new("an.other").unwrap();
        assert!(!codes.opens(&other, &key), "it is bound to its account");
        assert!(!codes.opens(&name, &Key::draw().unwrap().0));
    }
}
