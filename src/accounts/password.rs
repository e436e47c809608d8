//! Passwords: what may be one, and how they are kept (Argon2id with OWASP's parameters: 19 MiB,
//! 2 passes, 1 lane).

use super::{Error, account::Name};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::{Condvar, Mutex, PoisonError};

const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Hashes at once: each takes 19 MiB, and strangers may ask for them.
const AT_ONCE: usize = 2;

/// Hashes and verifies passwords, few at a time.
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    /// Of a password that nobody has: verified where there is no account, so that the time of an
    /// answer doesn't say which names there are.
    nobody: String,
    running: Mutex<usize>,
    ended: Condvar,
}

impl Hasher {
    pub(super) fn new() -> Result<Self, Error> {
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| Error::Hash(e.to_string()))?;
        let mut hasher = Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            nobody: String::new(),
            running: Mutex::new(0),
            ended: Condvar::new(),
        };
        hasher.nobody = hasher.hash(super::Secret::draw()?.as_str())?;
        Ok(hasher)
    }

    /// The PHC text that is kept.
    pub(super) fn hash(&self, password: &str) -> Result<String, Error> {
        let hashed: Result<PasswordHash, _> =
            self.turn(|| self.argon2.hash_password(password.as_bytes()));
        Ok(hashed.map_err(|e| Error::Hash(e.to_string()))?.to_string())
    }

    /// Whether the password is the one; as slow without an account as with one.
    pub(super) fn verify(&self, password: &str, kept: Option<&str>) -> Result<bool, Error> {
        let text = kept.unwrap_or(&self.nobody);
        let hash = PasswordHash::new(text).map_err(|e| Error::Hash(e.to_string()))?;
        let right = self.turn(|| self.argon2.verify_password(password.as_bytes(), &hash));
        Ok(right.is_ok() && kept.is_some())
    }

    fn turn<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= AT_ONCE {
            running = (self.ended.wait(running)).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        drop(running);
        let done = work();
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.ended.notify_one();
        done
    }
}

/// Whether a text may be a password: long, and not what is guessed first. No rule of composition.
pub(super) fn check(password: &str, name: &Name) -> Result<(), Error> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Error::Weak("is shorter than 12 characters"));
    }
    if password.len() > LONGEST {
        return Err(Error::Weak("is longer than 256 bytes"));
    }
    let lower = password.to_lowercase();
    if lower.contains(name.as_str()) || lower.contains("blockfeed") {
        return Err(Error::Weak("holds the account's or this program's name"));
    }
    let mut kinds: Vec<char> = lower.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let step = |pair: (char, char)| u32::from(pair.1).wrapping_sub(u32::from(pair.0)) <= 1;
    let runs = lower
        .chars()
        .zip(lower.chars().skip(1))
        .filter(|p| step(*p));
    if kinds.len() < 5 || runs.count() * 2 > length {
        return Err(Error::Weak(
            "is made of few characters, or of a row such as 123456",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_passes() {
        let hasher = Hasher::new().unwrap();
        let kept = hasher.hash("bốn con ngựa trắng").unwrap();
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(hasher.verify("bốn con ngựa trắng", Some(&kept)).unwrap());
        assert!(!hasher.verify("bốn con ngựa trăng", Some(&kept)).unwrap());
        assert!(!hasher.verify("bốn con ngựa trắng", None).unwrap());
        assert_ne!(kept, hasher.hash("bốn con ngựa trắng").unwrap());
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        let name = Name::new("thu.ha").unwrap();
        for bad in [
            "",
            "short",
            "123456789012",
            "aaaaaaaaaaaaaa",
            "xin-chao-thu.ha",
            "ABCDEFGHIJKLMN",
        ] {
            assert!(check(bad, &name).is_err(), "{bad}");
        }
        for good in [
            "bốn con ngựa trắng",
            "correct horse battery",
            "7fK!qz02mmXw",
        ] {
            assert!(check(good, &name).is_ok(), "{good}");
        }
        assert!(check(&"vừa dài vừa lạ ".repeat(40), &name).is_err());
    }
}
