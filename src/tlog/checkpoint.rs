//! Checkpoints and cosignatures (C2SP tlog-checkpoint, tlog-cosignature): a signed tree head and who has seen it.

use std::collections::BTreeMap;

use super::error::Error;
use super::hash::Hash;
use super::key::{CosignerKey, KeyKind, SignerKey, VerifierKey, is_key_name};
use super::note::{Note, cosigned_message, sign_note, written_signature};

/// Longest checkpoint note in bytes that is read: room for 16 signatures of the largest known kind.
pub const MAX_CHECKPOINT: usize = 64 * 1024;

/// A tree head: which log, how many leaves, which root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// A checkpoint that the log signed and a quorum of witnesses cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub checkpoint: Checkpoint,
    /// One for each witness (distinct public key), with the latest Unix time that it states.
    pub cosignatures: Vec<(VerifierKey, u64)>,
}

impl Checkpoint {
    /// The text that is signed: `origin\nsize\nbase64(root)\n`.
    pub fn encode(&self) -> String {
        let root = self.root.to_base64();
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// Reads that text and nothing looser: no leading zeros, no extension lines (newer cosignatures don't cover them).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let error = |line, why| Error::Checkpoint { line, why };
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|origin| is_key_name(origin));
        let origin = origin.ok_or(error(1, "no origin, or one with a space or a plus"))?;
        let size = lines.next().and_then(decimal).ok_or(error(
            2,
            "the size is not a decimal number without leading zeros",
        ))?;
        let root = lines
            .next()
            .and_then(|root| Hash::from_base64(root).ok())
            .ok_or(error(
                3,
                "the root is not 32 bytes of padded standard base64",
            ))?;
        match (lines.next(), lines.next()) {
            (Some(""), None) => {}
            (None, _) => return Err(error(3, "it does not end in a newline")),
            _ => {
                return Err(error(
                    4,
                    "extension lines are not accepted: nothing covers them",
                ));
            }
        }
        let origin = origin.to_owned();
        Ok(Self { origin, size, root })
    }
}

/// Opens a checkpoint note of the log `origin`: it counts only with a signature by one of `log_keys` **and** valid
/// cosignatures by at least `quorum` of `witnesses`, counted by distinct public key.
///
/// A witness that holds a key of the log itself is not counted: it would witness nothing.
pub fn open_checkpoint(
    bytes: &[u8],
    origin: &str,
    log_keys: &[[u8; 32]],
    witnesses: &[VerifierKey],
    quorum: usize,
) -> Result<Opened, Error> {
    let note = Note::parse(bytes, MAX_CHECKPOINT)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if checkpoint.origin != origin {
        return Err(Error::Origin {
            expected: origin.to_owned(),
            found: checkpoint.origin,
        });
    }
    let mut known = log_keys
        .iter()
        .map(|public| VerifierKey::ed25519(origin, public))
        .collect::<Result<Vec<_>, _>>()?;
    known.extend_from_slice(witnesses);
    let verified = note.verified_by(&known)?;
    let by_log = verified.iter().any(|signature| {
        signature.key.kind == KeyKind::Ed25519
            && signature.key.name == origin
            && log_keys.contains(&signature.key.public)
    });
    if !by_log {
        let origin = origin.to_owned();
        return Err(Error::NoLogSignature { origin });
    }
    let mut latest: BTreeMap<[u8; 32], (VerifierKey, u64)> = BTreeMap::new();
    for signature in verified {
        let public = signature.key.public;
        let (Some(time), false) = (signature.time, log_keys.contains(&public)) else {
            continue;
        };
        let seen = latest.entry(public).or_insert((signature.key, time));
        seen.1 = seen.1.max(time);
    }
    if latest.len() < quorum {
        let have = latest.len();
        return Err(Error::Quorum { have, need: quorum });
    }
    let cosignatures = latest.into_values().collect();
    Ok(Opened {
        checkpoint,
        cosignatures,
    })
}

/// Signs a checkpoint with the log's keys (several while a key is being changed).
pub fn sign_checkpoint(checkpoint: &Checkpoint, keys: &[&SignerKey]) -> Vec<u8> {
    sign_note(&checkpoint.encode(), keys)
}

/// Adds a witness's cosignature, stating Unix `time`, to a checkpoint note. Errors: `note` is no checkpoint note.
pub fn cosign(note: &[u8], key: &CosignerKey, time: u64) -> Result<Vec<u8>, Error> {
    let text = Note::parse(note, MAX_CHECKPOINT)?.text;
    Checkpoint::parse(&text)?;
    let signature = key.sign(cosigned_message(&text, time).as_bytes());
    let line = written_signature(key.verifier(), &[&time.to_be_bytes(), &signature]);
    Ok([note, line.as_bytes()].concat())
}

fn decimal(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with(['0', '+']);
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    const ORIGIN: &str = "log.example/v1";

    fn secret(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn public(seed: u8) -> [u8; 32] {
        secret(seed).verifying_key().to_bytes()
    }

    fn signed() -> Result<Vec<u8>, Error> {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 7,
            root: Hash::of(b""),
        };
        let key = SignerKey::new(ORIGIN, secret(1))?;
        Ok(sign_checkpoint(&checkpoint, &[&key]))
    }

    #[test]
    fn only_one_spelling_is_read() {
        let good = format!("{ORIGIN}\n7\n{}\n", Hash::of(b"").to_base64());
        assert_eq!(
            Checkpoint::parse(&good).map(|c| c.encode()),
            Ok(good.clone())
        );
        for bad in [
            good.replace("\n7\n", "\n07\n"),
            good.replace("\n7\n", "\n+7\n"),
            good.replace("\n7\n", "\n-7\n"),
            good.replace("\n7\n", "\n\n"),
            good.replace("\n7\n", "\n18446744073709551616\n"),
            good.replace(ORIGIN, ""),
            good.replace('=', ""),
            good.trim_end().to_owned(),
            format!("{good}extension\n"),
            format!("{good}\n"),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_witness_alone_does_not_open_a_checkpoint() -> Result<(), Error> {
        let witness = CosignerKey::new("witness.example/w1", secret(2))?;
        let known = [witness.verifier().clone()];
        let note = cosign(&signed()?, &witness, 99)?;
        let opened = open_checkpoint(&note, ORIGIN, &[public(1)], &known, 1)?;
        assert_eq!(opened.checkpoint.size, 7);
        assert_eq!(opened.cosignatures, [(known[0].clone(), 99)]);
        // The trap: one bit in the log's own key name makes its signature that of an unknown key.
        let note = String::from_utf8(note).unwrap_or_default();
        let note = note.replace("\u{2014} log.example", "\u{2014} mog.example");
        let verdict = open_checkpoint(note.as_bytes(), ORIGIN, &[public(1)], &known, 1);
        assert!(matches!(verdict, Err(Error::NoLogSignature { .. })));
        Ok(())
    }

    #[test]
    fn the_quorum_counts_public_keys() -> Result<(), Error> {
        let mut note = signed()?;
        let mut known = Vec::new();
        // One key under two names and at two times, and the log's own key as its witness.
        for (name, seed, time) in [("w1", 2, 50), ("w1", 2, 70), ("w2", 2, 60), ("w3", 1, 80)] {
            let witness = CosignerKey::new(name, secret(seed))?;
            note = cosign(&note, &witness, time)?;
            known.push(witness.verifier().clone());
        }
        let opened = open_checkpoint(&note, ORIGIN, &[public(1)], &known, 1)?;
        assert_eq!(opened.cosignatures.len(), 1);
        assert_eq!(opened.cosignatures[0].1, 70);
        let verdict = open_checkpoint(&note, ORIGIN, &[public(1)], &known, 2);
        assert_eq!(verdict, Err(Error::Quorum { have: 1, need: 2 }));
        let verdict = open_checkpoint(&note, "other.example", &[public(1)], &known, 1);
        assert!(matches!(verdict, Err(Error::Origin { .. })));
        Ok(())
    }
}
