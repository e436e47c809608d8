//! What can be listed: a domain, a network, a seller, an account. Owns their canonical text, scope, order and cover.
//!
//! Follows design: Words (the four kinds), Checks (*Canonical subjects*), The log (*Parts*) and Feeds (order).
//!
//! ```text
//! domain:shop.example.vn +      the name and everything below it (the default)
//! domain:shop.example.vn =      the name alone
//! net:203.0.113.0/24
//! seller:shopee.vn/123456       in the log as seller:shopee.vn/#<64 hex>
//! account:facebook/somepage
//! ```
//!
//! Equal things are equal texts, so the strict readers here never repair: [`Line::parse`] and [`Subject::parse`] take the
//! canonical bytes or refuse. What an officer types goes through [`typed::read`] first. The strict syntax of domains is one
//! of bytes alone (no Unicode table), so that what an old leaf says can never change its meaning with a library; that an
//! A-label decodes under UTS 46 is asked when a line is typed and by the guard.

pub mod cover;
pub mod domain;
pub mod ident;
pub mod net;
pub mod order;
pub mod platforms;
pub mod typed;

use std::fmt;

pub use platforms::Platforms;

/// The kind of a subject. The order is that of the names, bytewise, as the lines of a part stand.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Account,
    Domain,
    Net,
    Seller,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Account, Kind::Domain, Kind::Net, Kind::Seller];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::Domain => "domain",
            Kind::Net => "net",
            Kind::Seller => "seller",
        }
    }

    fn split(text: &str) -> Result<(Kind, &str), SyntaxError> {
        Kind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.as_str())?.strip_prefix(':')?)))
            .ok_or_else(|| SyntaxError::Kind(shortened(text)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a listed domain reaches. All other kinds are [`Scope::Exact`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `+`: the name and everything below it.
    Subtree,
    /// `=`: the name alone.
    Exact,
}

impl Scope {
    pub fn as_char(self) -> char {
        match self {
            Scope::Subtree => '+',
            Scope::Exact => '=',
        }
    }

    pub fn from_char(sign: char) -> Option<Scope> {
        match sign {
            '+' => Some(Scope::Subtree),
            '=' => Some(Scope::Exact),
            _ => None,
        }
    }
}

/// A canonical subject, without scope: `domain:shop.example.vn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    kind: Kind,
    name: String,
}

impl Subject {
    /// Reads the canonical text and nothing else.
    pub fn parse(text: &str) -> Result<Subject, SyntaxError> {
        let (kind, name) = Kind::split(text)?;
        check_name(kind, name)?;
        Ok(Subject {
            kind,
            name: name.to_owned(),
        })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text after the kind: `shop.example.vn`, `203.0.113.0/24`, `shopee.vn/123456`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// One canonical line of a part, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub scope: Scope,
}

impl<'a> Line<'a> {
    /// Reads a canonical line (without its LF). Allocates nothing for a good line; some 30 ns for a domain.
    pub fn parse(text: &'a str) -> Result<Line<'a>, SyntaxError> {
        let (kind, rest) = Kind::split(text)?;
        let (name, scope) = match kind {
            Kind::Domain => split_scope(rest)?,
            _ => (rest, Scope::Exact),
        };
        check_name(kind, name)?;
        Ok(Line { kind, name, scope })
    }

    /// Appends the canonical text, without LF.
    pub fn push_to(&self, text: &mut String) {
        text.push_str(self.kind.as_str());
        text.push(':');
        text.push_str(self.name);
        if self.kind == Kind::Domain {
            text.push(' ');
            text.push(self.scope.as_char());
        }
    }

    pub fn to_owned_line(self) -> OwnedLine {
        OwnedLine {
            subject: Subject {
                kind: self.kind,
                name: self.name.to_owned(),
            },
            scope: self.scope,
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)?;
        match self.kind {
            Kind::Domain => write!(f, " {}", self.scope.as_char()),
            _ => Ok(()),
        }
    }
}

/// A [`Line`] that owns its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedLine {
    subject: Subject,
    scope: Scope,
}

impl OwnedLine {
    pub fn parse(text: &str) -> Result<OwnedLine, SyntaxError> {
        Line::parse(text).map(Line::to_owned_line)
    }

    /// A subject with its scope; the scope counts for domains alone.
    pub fn new(subject: Subject, scope: Scope) -> OwnedLine {
        let scope = if subject.kind == Kind::Domain {
            scope
        } else {
            Scope::Exact
        };
        OwnedLine { subject, scope }
    }

    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    pub fn line(&self) -> Line<'_> {
        Line {
            kind: self.subject.kind,
            name: &self.subject.name,
            scope: self.scope,
        }
    }
}

impl fmt::Display for OwnedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line().fmt(f)
    }
}

/// Whether the name of a seller or account stands as a commitment: `shopee.vn/#<64 lower-case hex>`.
pub fn is_committed(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(_, id)| ident::is_commitment(id))
}

/// The feed that a line belongs to: `domains`, `networks`, `sellers/<marketplace>`, `accounts/<platform>`.
pub fn feed_of(line: &Line<'_>) -> String {
    let platform = line.name.split('/').next().unwrap_or_default();
    match line.kind {
        Kind::Domain => "domains".to_owned(),
        Kind::Net => "networks".to_owned(),
        Kind::Seller => format!("sellers/{platform}"),
        Kind::Account => format!("accounts/{platform}"),
    }
}

/// Why a text is no canonical subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("`{0}` does not begin with `domain:`, `net:`, `seller:` or `account:`")]
    Kind(String),
    #[error("`{0}` does not end with ` +` (the name and all below it) or ` =` (the name alone)")]
    Scope(String),
    #[error("`{text}` is no canonical domain: {fault}")]
    Domain { text: String, fault: domain::Fault },
    #[error("`{text}` is no canonical network: {fault}")]
    Net { text: String, fault: net::Fault },
    #[error("`{text}` is no canonical identifier: {fault}")]
    Ident { text: String, fault: ident::Fault },
}

/// At most this much of a foreign line is repeated in an error.
const SHOWN: usize = 120;

pub fn check_name(kind: Kind, name: &str) -> Result<(), SyntaxError> {
    let text = || shortened(name);
    match kind {
        Kind::Domain => domain::check(name).map_err(|fault| SyntaxError::Domain {
            text: text(),
            fault,
        }),
        Kind::Net => net::parse(name)
            .map(drop)
            .map_err(|fault| SyntaxError::Net {
                text: text(),
                fault,
            }),
        Kind::Seller | Kind::Account => {
            ident::check(kind, name).map_err(|fault| SyntaxError::Ident {
                text: text(),
                fault,
            })
        }
    }
}

fn split_scope(rest: &str) -> Result<(&str, Scope), SyntaxError> {
    let cut = rest.strip_suffix(" +").map(|name| (name, Scope::Subtree));
    cut.or_else(|| rest.strip_suffix(" =").map(|name| (name, Scope::Exact)))
        .ok_or_else(|| SyntaxError::Scope(shortened(rest)))
}

/// The beginning of a foreign text, as it is repeated in errors and import results.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_lines_come_back_byte_for_byte() {
        for text in [
            "domain:shop.example.vn +",
            "domain:exact.example.com =",
            "domain:nnbnpdk_deu.126002.com +",
            "net:203.0.113.0/24",
            "net:2001:db8:399::/48",
            "seller:shopee.vn/123456",
            "seller:shopee.vn/#fb98d28f3a96f3f207c45234166615e1f41625cfcdf3b7972ad56582224664f2",
            "account:facebook/some.page",
        ] {
            assert_eq!(Line::parse(text).unwrap().to_string(), text);
            assert_eq!(OwnedLine::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Subject::parse("domain:shop.example.vn")
                .unwrap()
                .to_string(),
            "domain:shop.example.vn"
        );
    }

    #[test]
    fn nothing_is_repaired() {
        for text in [
            "",
            "domain:",
            "shop.vn +",
            "domain:shop.vn",
            "domain:Shop.vn +",
            "domain:shop.vn. +",
            "domain:shop.vn  +",
            "domain:vn +",
            "domain:1.2.3.4 +",
            "domain:cốccốc.vn +",
            "net:203.0.113.1/24",
            "net:203.0.113.1",
            "net:2001:DB8::/32",
            "net:::ffff:203.0.113.0/120",
            "net:203.0.113.0/24 +",
            "seller:shopee.vn/",
            "seller:shopee.vn/#abc",
            "account:zalo/0912345678\u{202e}",
        ] {
            assert!(Line::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn feeds() {
        let feed = |text| feed_of(&Line::parse(text).unwrap());
        assert_eq!(feed("domain:a.vn +"), "domains");
        assert_eq!(feed("net:203.0.113.0/24"), "networks");
        assert_eq!(feed("seller:shopee.vn/1"), "sellers/shopee.vn");
        assert_eq!(feed("account:facebook/x"), "accounts/facebook");
        assert!(is_committed(&format!("shopee.vn/#{}", "0a".repeat(32))));
        assert!(!is_committed("shopee.vn/123456"));
    }
}
