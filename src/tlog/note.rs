//! Signed notes (C2SP signed-note): text, an empty line, signature lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;
use super::key::{KeyKind, SignerKey, VerifierKey, is_key_name};

/// Most signature lines that a note may carry (the specification asks for 16 at least).
pub const MAX_SIGNATURES: usize = 64;

/// A note that is well formed; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed; ends in a newline.
    pub text: String,
    /// In the order of their lines.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub key_id: [u8; 4],
    /// What follows the key id: its form depends on the key's kind. Never empty.
    pub payload: Vec<u8>,
}

/// One signature that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub key: VerifierKey,
    /// For a cosignature, the Unix time that it states.
    pub time: Option<u64>,
}

impl Note {
    /// Reads a note of at most `cap` bytes; the size is looked at before anything else.
    pub fn parse(bytes: &[u8], cap: usize) -> Result<Self, Error> {
        if bytes.len() > cap {
            let length = bytes.len();
            return Err(Error::NoteTooLarge { length, cap });
        }
        let all = std::str::from_utf8(bytes).map_err(|_| error("it is not UTF-8"))?;
        if all.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(error("it has a control character"));
        }
        // The last empty line: a text may hold empty lines itself, signatures can't.
        let end = all
            .rfind("\n\n")
            .ok_or(error("no empty line parts a text from signatures"))?;
        let (text, signatures) = all.split_at(end + 1);
        let signatures = signatures
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(error(
                "it has no signature, or its last line does not end in a newline",
            ))?;
        let mut parsed = Vec::new();
        for (line, signature) in signatures.split('\n').enumerate() {
            if line == MAX_SIGNATURES {
                return Err(error("more than 64 signatures"));
            }
            parsed.push(signature_line(signature).map_err(|why| {
                let line = line + 1;
                Error::SignatureLine { line, why }
            })?);
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: parsed,
        })
    }

    /// The signatures by any of `keys`, one for each line that is.
    ///
    /// A line by an unknown key (name and key id) is passed over; a known key's line that fails rejects the note.
    /// What comes back may be empty or name one key several times: a caller that counts, counts distinct public keys.
    pub fn verified_by(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, Error> {
        let mut verified = Vec::new();
        for (line, signature) in self.signatures.iter().enumerate() {
            let known: Vec<_> = keys
                .iter()
                .filter(|key| key.name == signature.name && key.key_id == signature.key_id)
                .collect();
            // Two keys can share a key id, which is only four bytes: either may be the signer.
            let found = known.iter().find_map(|key| {
                let time = signature.verify(&self.text, key)?;
                let key = VerifierKey::clone(key);
                Some(Verified { key, time })
            });
            match found {
                Some(found) => verified.push(found),
                None if known.is_empty() => {}
                None => {
                    return Err(Error::BadSignature {
                        line: line + 1,
                        name: signature.name.clone(),
                    });
                }
            }
        }
        Ok(verified)
    }
}

impl NoteSignature {
    /// `Some(time)` where this is `key`'s signature of `text`.
    fn verify(&self, text: &str, key: &VerifierKey) -> Option<Option<u64>> {
        match key.kind {
            KeyKind::Ed25519 => {
                let signature = self.payload.as_slice().try_into().ok()?;
                key.verify(text.as_bytes(), signature).then_some(None)
            }
            KeyKind::Cosigner => {
                let (time, signature) = self.payload.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                let message = cosigned_message(text, time);
                let good = key.verify(message.as_bytes(), signature.try_into().ok()?);
                good.then_some(Some(time))
            }
        }
    }
}

/// Signs `text`, which must end in a newline and have no other control character: else no reader opens the note.
pub fn sign_note(text: &str, keys: &[&SignerKey]) -> Vec<u8> {
    let mut note = format!("{text}\n");
    for key in keys {
        let signature = key.sign(text.as_bytes());
        note.push_str(&written_signature(key.verifier(), &[&signature]));
    }
    note.into_bytes()
}

/// What a cosignature at `time` signs.
pub(super) fn cosigned_message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A signature line, its newline included.
pub(super) fn written_signature(key: &VerifierKey, payload: &[&[u8]]) -> String {
    let bytes = [&key.key_id[..], &payload.concat()].concat();
    format!("{DASH}{} {}\n", key.name, STANDARD.encode(bytes))
}

fn signature_line(line: &str) -> Result<NoteSignature, &'static str> {
    let rest = line
        .strip_prefix(DASH)
        .ok_or("it does not begin with a long dash (U+2014) and a space")?;
    let (name, base64) = rest
        .split_once(' ')
        .ok_or("it must be a long dash, a name and base64, parted by single spaces")?;
    if !is_key_name(name) {
        return Err("the name is empty or has a space or a plus");
    }
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| "the signature is not padded standard base64")?;
    match bytes.split_first_chunk::<4>() {
        Some((key_id, payload)) if !payload.is_empty() => Ok(NoteSignature {
            name: name.to_owned(),
            key_id: *key_id,
            payload: payload.to_vec(),
        }),
        _ => Err("the signature is too short to hold a key id and anything more"),
    }
}

fn error(why: &'static str) -> Error {
    Error::Note { why }
}

const DASH: &str = "\u{2014} ";

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn signer(name: &str, seed: u8) -> Result<SignerKey, Error> {
        SignerKey::new(name, SigningKey::from_bytes(&[seed; 32]))
    }

    #[test]
    fn unknown_keys_are_passed_over_and_known_ones_must_verify() -> Result<(), Error> {
        let (one, two) = (signer("one.example", 1)?, signer("two.example", 2)?);
        let bytes = sign_note("a\n\nb\n", &[&one, &two]);
        let mut note = Note::parse(&bytes, 1000)?;
        assert_eq!(note.text, "a\n\nb\n");
        let known = [one.verifier().clone()];
        let verified = note.verified_by(&known)?;
        assert_eq!(verified.len(), 1);
        assert_eq!(verified[0].time, None);
        assert_eq!(note.verified_by(&[]), Ok(vec![]));
        note.text = "a\n\nc\n".to_owned();
        let failed = note.verified_by(&known).unwrap_err();
        assert!(matches!(failed, Error::BadSignature { line: 1, .. }));
        Ok(())
    }

    #[test]
    fn malformed_notes_are_refused() -> Result<(), Error> {
        let note = String::from_utf8(sign_note("text\n", &[&signer("one.example", 1)?]))
            .unwrap_or_default();
        assert!(Note::parse(note.as_bytes(), note.len()).is_ok());
        assert!(Note::parse(note.as_bytes(), note.len() - 1).is_err());
        for bad in [
            String::new(),
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            note.trim_end().to_owned(),
            note.clone() + "\n",
            note.replace('\u{2014}', "-"),
            note.replace("one.example ", "one.example  "),
            note.replace("one.example", "one+example"),
            note.replace("one.example", ""),
            note.replace("text", "te\txt"),
            note.replace('\n', "\r\n"),
            "text\n\n\u{2014} one.example AAAAAA==\n".to_owned(),
            note.clone()
                + &note
                    .lines()
                    .last()
                    .map_or(String::new(), |l| format!("{l}\n"))
                    .repeat(64),
        ] {
            assert!(Note::parse(bad.as_bytes(), 100_000).is_err(), "{bad:?}");
        }
        Ok(())
    }
}
