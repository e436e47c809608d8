//! Whether what the feeds list is enforced: a resolver, a firewall or a seller endpoint is asked for
//! the feeds' test entry, from where a user stands (design: Access, "Every feed carries a test entry").
//!
//! Owns the questions and what may be concluded from the answers. One rule runs through them: an
//! answer that would be the same without the list proves nothing. The test subjects are reserved
//! names, addresses and ids, of which most don't exist; so each probe has a control, and where
//! listed and unlisted can't be told apart the verdict is "can't tell", with what to do about it.

pub mod endpoint;
pub mod firewall;
pub mod resolver;

use crate::{
    fetch,
    registry::Lists,
    subject::{Kind, Scope, Subject},
};
use serde::Serialize;
use std::{fmt, net::IpAddr, time::Duration};

/// What a probe, or all of them together, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Enforced,
    CantTell,
    NotEnforced,
}

impl Verdict {
    /// The verdict over several: enforced only where all are, not enforced where any isn't.
    pub fn of_all(all: impl IntoIterator<Item = Verdict>) -> Verdict {
        all.into_iter().max().unwrap_or(Verdict::CantTell)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Enforced => "enforced",
            Verdict::CantTell => "can't tell",
            Verdict::NotEnforced => "not enforced",
        })
    }
}

/// What one place showed.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// `resolver`, `firewall` or `endpoint`.
    pub probe: &'static str,
    /// Who was asked.
    pub place: String,
    pub verdict: Verdict,
    /// Why, and where it can't be told or isn't enforced, what to do.
    pub why: String,
    pub answers: Vec<Shown>,
}

/// A question and its answer, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// `test`, `below` or `control`.
    pub role: &'static str,
    pub asked: String,
    pub answer: String,
}

/// Why a probe can't be made at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("lists: test-subjects.toml sets no {0} aside, so there is nothing to probe with")]
    NothingSetAside(Kind),
    #[error(
        "{subject} isn't set aside for tests, so no feed carries it as its test entry. Set aside are: {known}"
    )]
    NotSetAside { subject: String, known: String },
    #[error(
        "{0:?} is no name that can be asked for. Give it as it stands in the DNS: shop.example.vn, xn--….vn"
    )]
    Name(String),
    #[error("the DNS client: {0}")]
    Client(String),
    #[error(
        "{template:?} can't be asked: {why}. Give a URL such as https://shop.example/sellers/{{id}}"
    )]
    Template { template: String, why: String },
    #[error("the endpoint: {0}")]
    Fetch(#[from] fetch::Error),
}

/// The name set aside for tests that stands for all below it too.
///
/// # Errors
/// Where the lists set none aside.
pub fn test_name(lists: &Lists) -> Result<&str, Error> {
    let mut lines = lists.test_subjects.iter();
    lines
        .find(|line| line.subject().kind() == Kind::Domain && line.scope() == Scope::Subtree)
        .map(|line| line.subject().name())
        .ok_or(Error::NothingSetAside(Kind::Domain))
}

/// The addresses set aside for tests: networks of one address.
///
/// # Errors
/// Where the lists set none aside.
pub fn test_addresses(lists: &Lists) -> Result<Vec<IpAddr>, Error> {
    let nets = lists
        .test_subjects
        .iter()
        .filter(|line| line.subject().kind() == Kind::Net);
    let single: Vec<IpAddr> = nets
        .filter_map(|line| line.subject().name().parse::<ipnet::IpNet>().ok())
        .filter(|net| net.prefix_len() == net.max_prefix_len())
        .map(|net| net.addr())
        .collect();
    match single.is_empty() {
        true => Err(Error::NothingSetAside(Kind::Net)),
        false => Ok(single),
    }
}

/// The id that stands for the test entry of a marketplace or platform: of `named`, or else of the
/// marketplace that the endpoint's host belongs to.
///
/// # Errors
/// Where the subject isn't set aside, or the host says no marketplace.
pub fn test_id(lists: &Lists, named: Option<&Subject>, host: &str) -> Result<Subject, Error> {
    let mut known = lists
        .test_subjects
        .iter()
        .map(|line| line.subject())
        .filter(|subject| matches!(subject.kind(), Kind::Seller | Kind::Account));
    let of_host = |subject: &&Subject| {
        let market = subject.name().split('/').next().unwrap_or_default();
        let below = host.strip_suffix(market);
        subject.kind() == Kind::Seller
            && below.is_some_and(|left| left.is_empty() || left.ends_with('.'))
    };
    let found = match named {
        Some(named) => known.clone().find(|subject| *subject == named),
        None => known.clone().find(of_host),
    };
    found.cloned().ok_or_else(|| Error::NotSetAside {
        subject: match named {
            Some(named) => named.to_string(),
            None => format!("a seller of {host} (name the marketplace's with --subject)"),
        },
        known: known.by_ref().fold(String::new(), |mut all, subject| {
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(&subject.to_string());
            all
        }),
    })
}

/// How long one question may take.
pub const PATIENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_lists_have_a_test_entry_of_every_kind() {
        let lists = Lists::embedded().unwrap();
        assert_eq!(test_name(&lists).unwrap(), "test.blockfeed.example");
        let addresses = test_addresses(&lists).unwrap();
        assert!(addresses.iter().any(IpAddr::is_ipv4) && addresses.iter().any(IpAddr::is_ipv6));
        let id = |named: Option<&str>, host| {
            let named = named.map(|text| Subject::parse(text).unwrap());
            test_id(&lists, named.as_ref(), host).map(|subject| subject.to_string())
        };
        assert_eq!(id(None, "api.shopee.vn").unwrap(), "seller:shopee.vn/0");
        let refused = id(None, "notshopee.vn").unwrap_err().to_string();
        assert!(
            refused.contains("--subject") && refused.contains("seller:tiki.vn/"),
            "{refused}"
        );
        assert!(id(Some("seller:shopee.vn/0"), "127.0.0.1").is_ok());
        assert!(id(Some("seller:shopee.vn/1"), "shopee.vn").is_err());
    }

    #[test]
    fn the_worst_of_several_is_the_verdict() {
        use Verdict::{CantTell, Enforced, NotEnforced};
        assert_eq!(Verdict::of_all([Enforced, Enforced]), Enforced);
        assert_eq!(Verdict::of_all([Enforced, CantTell]), CantTell);
        assert_eq!(Verdict::of_all([CantTell, NotEnforced]), NotEnforced);
        assert_eq!(Verdict::of_all([]), CantTell);
    }
}
