//! The name of a feed: `domains`, `networks`, `sellers/<marketplace>` or `accounts/<platform>`.

use crate::subject::Kind;
use serde::{Deserialize, Serialize, Serializer};
use std::{borrow::Cow, fmt};

/// A published selection of entries of one kind. Ordered bytewise by its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct FeedName {
    text: Cow<'static, str>,
}

/// A text that names no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no feed: there are domains, networks, sellers/<marketplace> and accounts/<platform>"
)]
pub struct UnknownFeed(String);

impl FeedName {
    /// The feed of domain subjects.
    pub fn domains() -> Self {
        Self {
            text: Cow::Borrowed("domains"),
        }
    }

    /// The feed of network subjects.
    pub fn networks() -> Self {
        Self {
            text: Cow::Borrowed("networks"),
        }
    }

    /// Takes the text of a feed's name.
    pub fn parse(text: &str) -> Result<Self, UnknownFeed> {
        let platform = match text {
            "domains" => return Ok(Self::domains()),
            "networks" => return Ok(Self::networks()),
            _ => text
                .strip_prefix("sellers/")
                .or_else(|| text.strip_prefix("accounts/"))
                .ok_or_else(|| UnknownFeed(text.into()))?,
        };
        let is_platform = |p: &str| {
            (1..=63).contains(&p.len())
                && p.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
                && !p.starts_with('.')
        };
        if !is_platform(platform) {
            return Err(UnknownFeed(text.into()));
        }
        Ok(Self {
            text: Cow::Owned(text.into()),
        })
    }

    /// The text, as it stands in files and paths.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The kind of subject that this feed holds.
    pub fn kind(&self) -> Kind {
        match self.text.as_bytes() {
            [b'd', ..] => Kind::Domain,
            [b'n', ..] => Kind::Net,
            [b's', ..] => Kind::Seller,
            _ => Kind::Account,
        }
    }

    /// The platform of an account or seller feed.
    pub fn platform(&self) -> Option<&str> {
        self.text.split_once('/').map(|(_, platform)| platform)
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for FeedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl TryFrom<String> for FeedName {
    type Error = UnknownFeed;
    fn try_from(text: String) -> Result<Self, UnknownFeed> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for FeedName {
    type Err = UnknownFeed;
    fn from_str(text: &str) -> Result<Self, UnknownFeed> {
        Self::parse(text)
    }
}

impl From<FeedName> for String {
    fn from(name: FeedName) -> String {
        name.text.into_owned()
    }
}
