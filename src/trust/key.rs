//! Verifying an officer's signature, and the encrypted files that keys are kept in.

use super::{
    Error,
    document::{Alg, OfficerKey, Webauthn},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    Signature, SigningKey, VerifyingKey, pkcs8::DecodePrivateKey, pkcs8::EncodePrivateKey,
};
use p256::ecdsa::signature::Verifier;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A signature with what its algorithm needs to be verified.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// Over the message itself.
    Ed25519 { sig: &'a [u8] },
    /// Over an assertion whose challenge is the SHA-256 of the message.
    Passkey(Passkey<'a>),
}

/// A WebAuthn assertion.
#[derive(Debug, Clone, Copy)]
pub struct Passkey<'a> {
    pub alg: Alg,
    pub auth_data: &'a [u8],
    pub client_data: &'a [u8],
    pub sig: &'a [u8],
}

/// Why a signature doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    #[error("the signature's algorithm isn't the key's")]
    Algorithm,
    #[error("the signature doesn't verify")]
    Signature,
    #[error("the passkey's assertion {0}")]
    Assertion(&'static str),
}

/// What we read of client data; a browser may add more, so unknown fields pass.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

impl OfficerKey {
    /// Verifies that this key has signed `message`.
    pub fn verify(
        &self,
        message: &[u8],
        proof: &Proof<'_>,
        site: &Webauthn,
    ) -> Result<(), Unverified> {
        match proof {
            Proof::Ed25519 { sig } if self.alg == Alg::Ed25519 => {
                if verify_ed25519(&self.public, message, sig) {
                    Ok(())
                } else {
                    Err(Unverified::Signature)
                }
            }
            Proof::Passkey(passkey) if self.alg == passkey.alg => {
                self.verify_passkey(message, passkey, site)
            }
            _ => Err(Unverified::Algorithm),
        }
    }

    fn verify_passkey(
        &self,
        message: &[u8],
        passkey: &Passkey<'_>,
        site: &Webauthn,
    ) -> Result<(), Unverified> {
        let refuse = |why| Err(Unverified::Assertion(why));
        let Ok(client) = serde_json::from_slice::<ClientData>(passkey.client_data) else {
            return refuse("has client data that can't be read");
        };
        if client.kind != "webauthn.get" {
            return refuse("is of another type than webauthn.get");
        }
        if client.challenge != URL_SAFE_NO_PAD.encode(Sha256::digest(message)) {
            return refuse("answers another challenge: something else was signed");
        }
        if client.cross_origin || !site.origins.contains(&client.origin) {
            return refuse("comes from an origin that the trust document doesn't name");
        }
        let [head @ .., _, _, _, _] = passkey.auth_data.get(..37).unwrap_or_default() else {
            return refuse("has authenticator data that is too short");
        };
        let (rp_id_hash, flags) = head.split_at(32);
        if rp_id_hash != Sha256::digest(site.rp_id.as_bytes()).as_slice() {
            return refuse("is for another relying party");
        }
        if flags[0] & USER_PRESENT == 0 || flags[0] & USER_VERIFIED == 0 {
            return refuse("was made without the user present and verified");
        }
        let mut signed = passkey.auth_data.to_vec();
        signed.extend_from_slice(&Sha256::digest(passkey.client_data));
        let holds = match self.alg {
            Alg::WebauthnEs256 => verify_es256(&self.public, &signed, passkey.sig),
            _ => verify_ed25519(&self.public, &signed, passkey.sig),
        };
        if holds {
            Ok(())
        } else {
            Err(Unverified::Signature)
        }
    }
}

/// Encrypts a signing key into a PEM file: PKCS#8, PBES2 with scrypt and AES-256 (RFC 5958,
/// RFC 8018), readable by other tools.
pub fn encrypt_key(key: &SigningKey, passphrase: &[u8]) -> Result<String, Error> {
    let unreadable = |e: pkcs8::Error| Error::Key(e.to_string());
    let der = key.to_pkcs8_der().map_err(|e| Error::Key(e.to_string()))?;
    let info = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(unreadable)?;
    let encrypted: SecretDocument = info.encrypt(passphrase).map_err(unreadable)?;
    let pem = encrypted
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .map_err(|e| Error::Key(e.to_string()))?;
    Ok(pem.to_string())
}

/// Opens a key file that `encrypt_key` wrote. A wrong passphrase is an error that says so.
pub fn open_key(pem: &str, passphrase: &[u8]) -> Result<SigningKey, Error> {
    let (label, document) = SecretDocument::from_pem(pem).map_err(|e| Error::Key(e.to_string()))?;
    if label != "ENCRYPTED PRIVATE KEY" {
        return Err(Error::Key(format!(
            "the file holds a {label:?}, not an ENCRYPTED PRIVATE KEY"
        )));
    }
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
        .map_err(|e| Error::Key(e.to_string()))?;
    let der = info
        .decrypt(passphrase)
        .map_err(|_| Error::Key("the passphrase is wrong, or the file is damaged".into()))?;
    SigningKey::from_pkcs8_der(der.as_bytes()).map_err(|e| Error::Key(e.to_string()))
}

/// Strict Ed25519 (no small-order keys, no malleable signatures).
pub(super) fn verify_ed25519(public: &[u8], message: &[u8], sig: &[u8]) -> bool {
    let (Ok(public), Ok(sig)) = (<&[u8; 32]>::try_from(public), Signature::from_slice(sig)) else {
        return false;
    };
    VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify_strict(message, &sig).is_ok())
}

fn verify_es256(public: &[u8], message: &[u8], der: &[u8]) -> bool {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(public);
    let sig = p256::ecdsa::DerSignature::try_from(der);
    matches!((key, sig), (Ok(key), Ok(sig)) if key.verify(message, &sig).is_ok())
}
