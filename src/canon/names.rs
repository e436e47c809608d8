//! Names in signed bytes, each with the one syntax of design: The log.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that isn't a name of the kind that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {kind}: {rule}")]
pub struct NameError {
    text: String,
    kind: &'static str,
    rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $test:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text that follows the syntax of this name.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                let ok: fn(&str) -> bool = $test;
                if ok(&text) {
                    Ok(Self(text))
                } else {
                    Err(NameError { text, kind: $kind, rule: $rule })
                }
            }

            /// The text as it stands in signed bytes.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

name!(
    /// Identity of a log: `[a-z0-9.-]+(/[a-z0-9.-]+)*`, at most 128 bytes.
    Origin,
    "an origin",
    "it is made of a-z 0-9 . - in parts divided by /, at most 128 bytes",
    |s| s.len() <= 128
        && s.split('/').all(|part| !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-'))
);

name!(
    /// A decision's id, used once for ever: `[A-Za-z0-9-]{1,32}`, allotted as `<year>-<number>`.
    DecisionId,
    "a decision's id",
    "it is made of A-Z a-z 0-9 -, 1 to 32 of them",
    |s| (1..=32).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
);

name!(
    /// An officer's pseudonym: `o-[0-9]{4,}`, at most 32 bytes.
    OfficerId,
    "an officer",
    "it is o- and at least four digits",
    |s| s.len() <= 32
        && s.strip_prefix("o-")
            .is_some_and(|d| d.len() >= 4 && d.bytes().all(|b| b.is_ascii_digit()))
);

name!(
    /// The name of a key under its holder: `[a-z0-9]{1,16}`.
    KeyId,
    "a key's name",
    "it is made of a-z 0-9, 1 to 16 of them",
    |s| (1..=16).contains(&s.len())
        && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_syntax() {
        assert!(Origin::new("blocklist.example/399/v1").is_ok());
        for bad in ["", "/a", "a//b", "A.example", "a b", "a/"] {
            assert!(Origin::new(bad).is_err(), "{bad}");
        }
        assert!(DecisionId::new("2026-000123").is_ok());
        assert!(DecisionId::new("").is_err() && DecisionId::new("a_b").is_err());
        assert!(OfficerId::new("o-0017").is_ok() && OfficerId::new("o-17").is_err());
        assert!(KeyId::new("k2").is_ok() && KeyId::new("K2").is_err());
    }
}
