//! Canonical JSON and the names that stand in signed bytes.
//!
//! Owns one rule: bytes are verified as received. A document is accepted only where
//! `canonical(parse(b)) = b`, and is then decoded into a struct that denies unknown fields;
//! nothing is re-serialised to be verified.
//!
//! Follows RFC 8785 narrowed by design: The log ("Canonical JSON"): ASCII keys, integers in
//! 0…2⁵³−1, no floats, no null, strings in NFC without control or bidirectional characters.

mod names;

pub use names::{DecisionId, KeyId, NameError, OfficerId, Origin};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use unicode_normalization::is_nfc;

/// The largest integer that may stand in canonical JSON: 2⁵³−1, what every reader's number holds.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why bytes are not canonical JSON, or not the document that was expected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not JSON: {0}")]
    Syntax(serde_json::Error),
    #[error(
        "not canonical JSON: the same document in canonical form has other bytes (first difference at byte {0})"
    )]
    NotCanonical(usize),
    #[error("{0} can't stand in canonical JSON here")]
    Value(&'static str),
    #[error("the document has a wrong shape: {0}")]
    Shape(serde_json::Error),
}

/// Parses canonical bytes into a value, refusing whatever isn't canonical.
pub fn value(bytes: &[u8]) -> Result<Value, Error> {
    let value: Value = serde_json::from_slice(bytes).map_err(Error::Syntax)?;
    check(&value)?;
    let again = to_vec(&value)?;
    if again != bytes {
        let at = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(Error::NotCanonical(at));
    }
    Ok(value)
}

/// Parses canonical bytes into `T`, which should deny unknown fields.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    decode(value(bytes)?)
}

/// Decodes a value that `value` has accepted into `T`.
pub fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::Shape)
}

/// The canonical bytes of a document.
pub fn to_vec<T: Serialize>(document: &T) -> Result<Vec<u8>, Error> {
    let value = serde_json::to_value(document).map_err(Error::Shape)?;
    check(&value)?;
    serde_json_canonicalizer::to_vec(&value).map_err(Error::Shape)
}

/// Whether a character may stand in a signed string: no control and no bidirectional ones,
/// which could make a reader see another text than the one that was signed.
pub fn is_plain(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A binary value; padded standard base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64(pub Vec<u8>);

impl std::ops::Deref for Base64 {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Base64> for String {
    fn from(bytes: Base64) -> String {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Base64 {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        STANDARD
            .decode(&text)
            .map(Self)
            .map_err(|e| format!("not padded standard base64: {e}"))
    }
}

fn check(value: &Value) -> Result<(), Error> {
    match value {
        Value::Null => Err(Error::Value("null")),
        Value::Bool(_) => Ok(()),
        Value::Number(n) => match n.as_u64() {
            Some(n) if n <= MAX_INTEGER => Ok(()),
            _ => Err(Error::Value("a number other than an integer in 0…2⁵³−1")),
        },
        Value::String(s) => check_text(s),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            if !key.is_ascii() {
                return Err(Error::Value("a key outside ASCII"));
            }
            check_text(key)?;
            check(value)
        }),
    }
}

fn check_text(s: &str) -> Result<(), Error> {
    if !s.chars().all(is_plain) {
        return Err(Error::Value("a control or bidirectional character"));
    }
    if !is_nfc(s) {
        return Err(Error::Value("a string that isn't in NFC"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_passes() {
        assert!(value(br#"{"a":1,"b":["x",true]}"#).is_ok());
        for bad in [
            r#"{"b":1,"a":2}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":null}"#,
            r#"{"a":1.5}"#,
            r#"{"a":-1}"#,
            r#"{"a":9007199254740992}"#,
            r#"{"a":"\u0041"}"#,
            "{\"a\":\"e\u{301}\"}",
            "{\"a\":\"\u{202e}\"}",
            r#"{"a":"\n"}"#,
            "{\"\u{e9}\":1}",
            "{\"a\":1}\n",
        ] {
            assert!(value(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
