//! One-time codes (RFC 6238): SHA-1, six digits, thirty seconds, one step of leeway; each is taken once.

use super::{Error, account::Name};
use crate::canon::Base64;
use serde::{Deserialize, Serialize};
use totp_rs::{Algorithm, Builder, Totp};

/// Who the codes are for, as the telephone shows it.
const ISSUER: &str = "Blockfeed 399";

/// The secret that a telephone shares with us, and the last step that was taken.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Codes {
    secret: Base64,
    /// Steps up to this one were used, or are older than one that was.
    #[serde(default)]
    taken: u64,
}

impl Codes {
    pub(super) fn draw() -> Result<Self, Error> {
        let mut secret = vec![0; 20];
        getrandom::fill(&mut secret).map_err(|e| Error::Random(e.to_string()))?;
        Ok(Self {
            secret: Base64(secret),
            taken: 0,
        })
    }

    /// Takes a code; it is good once, and no older one is after it.
    pub(super) fn take(&mut self, code: &str, name: &Name, now: u64) -> Result<bool, Error> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        match self.totp(name)?.check(&code, now) {
            Some(step) if step > self.taken => {
                self.taken = step;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The URL that a telephone reads from the picture.
    pub(super) fn url(&self, name: &Name) -> Result<String, Error> {
        self.totp(name)?.to_url().map_err(|e| broken(&e))
    }

    fn totp(&self, name: &Name) -> Result<Totp, Error> {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(self.secret.to_vec().into_boxed_slice())
            .with_account_name(name.as_str())
            .with_issuer(Some(ISSUER));
        totp.build().map_err(|e| broken(&e))
    }
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
        let (mut codes, name) = (Codes::draw().unwrap(), Name::new("an.binh").unwrap());
        let now = 1_790_000_010;
        let code = |at: u64| codes.totp(&name).unwrap().generate(at).to_string();
        let (before, this, next, far) = (code(now - 30), code(now), code(now + 30), code(now + 90));
        assert!(!codes.take("000000x", &name, now).unwrap());
        assert!(!codes.take(&far, &name, now).unwrap());
        assert!(
            codes
                .take(&format!("{} {}", &this[..3], &this[3..]), &name, now)
                .unwrap()
        );
        assert!(!codes.take(&this, &name, now).unwrap());
        assert!(!codes.take(&before, &name, now).unwrap());
        assert!(codes.take(&next, &name, now).unwrap());
        assert!(
            codes
                .url(&name)
                .unwrap()
                .starts_with("otpauth://totp/Blockfeed%20399:an.binh?")
        );
    }
}
