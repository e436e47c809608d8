//! Keys of signed notes (C2SP signed-note, tlog-cosignature): who signs under which name.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::error::Error;

/// What a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Type 0x01: Ed25519 over the note's text. Logs and feeds.
    Ed25519,
    /// Type 0x04: timestamped Ed25519 cosignature of a checkpoint. Witnesses.
    Cosigner,
}

/// A public key with the name that it signs under, written `name+hex(key id)+base64(type ‖ public key)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    pub name: String,
    /// First 4 bytes of `SHA-256(name ‖ 0x0A ‖ type ‖ public key)`: a hint to find the key by, no more.
    pub key_id: [u8; 4],
    pub kind: KeyKind,
    /// Ed25519 public key.
    pub public: [u8; 32],
}

/// Signs notes (type 0x01) under a name.
pub struct SignerKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

/// Cosigns checkpoints (type 0x04) under a name: a witness's key.
pub struct CosignerKey {
    verifier: VerifierKey,
    secret: SigningKey,
}

impl VerifierKey {
    /// Key that signs notes under `name`. Errors: a name with a space, a `+` or a control character; not a public key.
    pub fn ed25519(name: &str, public: &[u8; 32]) -> Result<Self, Error> {
        Self::new(name, KeyKind::Ed25519, public)
    }

    /// Key that cosigns checkpoints under `name`. Errors as for [`VerifierKey::ed25519`].
    pub fn cosigner(name: &str, public: &[u8; 32]) -> Result<Self, Error> {
        Self::new(name, KeyKind::Cosigner, public)
    }

    /// Whether `signature` (64 bytes) over `message` is this key's, by the strict rules (no weak keys, one encoding).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.public).is_ok_and(|key| {
            key.verify_strict(message, &Signature::from_bytes(signature))
                .is_ok()
        })
    }

    fn new(name: &str, kind: KeyKind, public: &[u8; 32]) -> Result<Self, Error> {
        if !is_key_name(name) {
            return Err(error(
                name,
                "the name is empty or has a space, a plus or a control character",
            ));
        }
        let sound = VerifyingKey::from_bytes(public).is_ok_and(|key| !key.is_weak());
        if !sound {
            return Err(error(name, "its 32 bytes are no Ed25519 public key"));
        }
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', kind.byte()])
            .chain_update(public)
            .finalize();
        let key_id = [digest[0], digest[1], digest[2], digest[3]];
        Ok(Self {
            name: name.to_owned(),
            key_id,
            kind,
            public: *public,
        })
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    /// Reads a written verifier key. Errors: another form, an unknown type, a key id that is not the key's.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(key)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(error(text, "it has not three fields"));
        };
        let key = STANDARD
            .decode(key)
            .map_err(|_| error(text, "the third field is not padded standard base64"))?;
        let Some((&[kind], public)) = key.split_first_chunk::<1>() else {
            return Err(error(text, "the third field is empty"));
        };
        let kind = match kind {
            0x01 => KeyKind::Ed25519,
            0x04 => KeyKind::Cosigner,
            _ => {
                return Err(error(
                    text,
                    "its type is neither 1 (Ed25519) nor 4 (Ed25519 cosignature)",
                ));
            }
        };
        let public = public
            .try_into()
            .map_err(|_| error(text, "an Ed25519 public key has 32 bytes"))?;
        let verifier = Self::new(name, kind, public)?;
        if hex::encode(verifier.key_id) != key_id {
            return Err(error(
                text,
                "the key id is not that of this name and key: one of them was mistyped",
            ));
        }
        Ok(verifier)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind.byte()][..], &self.public].concat();
        let key_id = hex::encode(self.key_id);
        write!(f, "{}+{key_id}+{}", self.name, STANDARD.encode(key))
    }
}

impl SignerKey {
    /// Key that signs notes under `name`. Errors: a name that no note can carry.
    pub fn new(name: &str, secret: SigningKey) -> Result<Self, Error> {
        let verifier = VerifierKey::ed25519(name, secret.verifying_key().as_bytes())?;
        Ok(Self { verifier, secret })
    }

    /// The public side.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl CosignerKey {
    /// Key that cosigns checkpoints under `name`. Errors: a name that no note can carry.
    pub fn new(name: &str, secret: SigningKey) -> Result<Self, Error> {
        let verifier = VerifierKey::cosigner(name, secret.verifying_key().as_bytes())?;
        Ok(Self { verifier, secret })
    }

    /// The public side.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

// By hand, so that no secret ever reaches a log line.
impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({})", self.verifier)
    }
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Cosigner => 0x04,
        }
    }
}

/// Whether a note can carry a signature under this name.
pub(super) fn is_key_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c < ' ' || c == '+';
    !name.is_empty() && !name.contains(bad)
}

fn error(key: &str, why: &'static str) -> Error {
    // Keys come from files and people: a pasted book must not fill the log.
    let key = key.chars().take(200).collect();
    Error::Key { key, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str =
        "blocklist.example/399/v1+1099a66b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    const WITNESS: &str =
        "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

    #[test]
    fn written_keys_of_the_vectors() -> Result<(), Error> {
        let seed = |from: u8| SigningKey::from_bytes(&std::array::from_fn(|i| from + i as u8));
        let log = SignerKey::new("blocklist.example/399/v1", seed(0))?;
        let witness = CosignerKey::new("witness.example/w1", seed(32))?;
        assert_eq!(log.verifier().to_string(), LOG);
        assert_eq!(witness.verifier().to_string(), WITNESS);
        assert_eq!(&LOG.parse::<VerifierKey>()?, log.verifier());
        assert_eq!(&WITNESS.parse::<VerifierKey>()?, witness.verifier());
        assert!(!format!("{log:?}{witness:?}").contains("000102"));
        Ok(())
    }

    #[test]
    fn a_mistyped_key_is_refused() {
        for bad in [
            "",
            "a+b",
            &LOG.replace("1099", "1098"),
            &LOG.replace("blocklist", "block list"),
            &LOG.replace("+AQ", "+BQ"),
            &LOG[..LOG.len() - 4],
            &LOG.to_uppercase(),
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
        // The neutral element is a point of small order: everybody could sign for it.
        let mut weak = [0; 32];
        weak[0] = 1;
        assert!(VerifierKey::ed25519("log.example", &weak).is_err());
    }
}
