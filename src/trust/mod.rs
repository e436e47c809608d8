//! Who may sign: the trust document, the root that signs it, and the officers' keys.
//!
//! Owns the trust document (canonical JSON, published as a part), the rule by which one version
//! follows another (TUF's root role: version N+1 signed by the thresholds of N and of N+1),
//! and the verification of an officer's signature, Ed25519 or WebAuthn.
//! Follows design: Keys, design: The log ("Approvals"), WebAuthn Level 2 §7.2.

mod document;
mod error;
mod key;
mod root;

pub use document::{
    Alg, Document, FeedKey, Officer, OfficerKey, Role, Root, RootKey, Webauthn, Witnesses,
};
pub use error::Error;
pub use key::{Passkey, Proof, Unverified, encrypt_key, open_key};
pub use root::{RootSignature, verify_first, verify_next};
