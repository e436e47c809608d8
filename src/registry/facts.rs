//! What is known about a subject, as plain data: each fact with its source, its time and how the asking ended.
//!
//! Follows design: Checks (*Facts*). No judgement and no I/O stands here, so that `check` reads facts without knowing how
//! they were had, and evidence keeps them as JSON. A source that was slow, offline or lying is a [`Outcome::Failed`],
//! never a missing fact. No personal data has a place in these types: of contacts only the abuse role of a registrar.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Everything that was asked about one subject, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The canonical subject without its scope (`domain:shop.example.vn`).
    pub subject: String,
    /// By the public suffix list; of domains.
    pub suffix: Sourced<Suffix>,
    /// Of the registrable domain: by the registry's extract, RDAP or WHOIS, in this order.
    pub registration: Sourced<Registration>,
    /// One element a register, each with all its rows on the name or the registrable domain. Without any register one
    /// element says so.
    pub licences: Vec<Sourced<Vec<Licence>>>,
    /// What the live DNS says now.
    pub delegation: Sourced<Delegation>,
    /// Of the name itself, or else of its registrable domain.
    pub popularity: Sourced<Popularity>,
    /// What registers have on names below the name, for lines that take those too; registers with nothing there are left
    /// out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences_below: Vec<Sourced<Below<Licence>>>,
    /// Ranks of names below the name, in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub popularity_below: Vec<Sourced<Below<Popularity>>>,
    /// Whose network a network subject lies in.
    pub network: Sourced<Network>,
    /// To whom a regional registry gave the space of a network subject.
    pub allocation: Sourced<Allocation>,
    /// What other names were seen at an address or in a network.
    pub neighbours: Sourced<Neighbours>,
}

/// A fact with where it comes from and when it was so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    pub source: Source,
    /// Unix seconds: of a data set its date, of a live source the moment of its answer.
    pub at: u64,
    /// Unix seconds from which it is too old to rest on; without it, it doesn't age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_until: Option<u64>,
    pub outcome: Outcome<T>,
}

/// Who says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// An imported data set, by its name.
    Set { name: String },
    /// A file of `lists/`.
    List { file: String },
    /// A registry's RDAP server, by its base URL.
    Rdap { url: String },
    /// A WHOIS server, by its host.
    Whois { server: String },
    /// A resolver, by its address.
    Resolver { address: String },
    /// There was nobody to ask.
    Nobody,
}

/// How the asking ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "value", rename_all = "snake_case")]
pub enum Outcome<T> {
    Known(T),
    /// The source answers: there is no such thing.
    Absent,
    NotAsked(Unasked),
    Failed(Fault),
}

/// Why nobody was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unasked {
    /// Live sources were switched off for this check.
    Offline,
    /// No data set of this kind was imported, and no server is known that could be asked.
    NoSource,
    /// The question has no sense for such a subject (a network has no registrar).
    NotApplicable,
}

/// Why a source gave nothing that can be used. That is a finding, never a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// In English: which source, what it did, what to do.
    pub detail: String,
}

/// The kinds of fault that a judge tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It didn't end within its time.
    Timeout,
    /// No connection, or one that broke off.
    Unreachable,
    /// An answer that isn't what the protocol says.
    Garbage,
    /// An answer above the limit in bytes.
    TooLarge,
    /// An answer about something else than what was asked.
    OtherName,
    /// The source said that it won't answer (rate limit, REFUSED, 403).
    Refused,
    /// It led to an address that isn't public: private, loopback, link-local, our own.
    Private,
    /// More redirects or referrals than are followed.
    Redirects,
    /// A data set that can't be read.
    Set,
}

/// Where a name stands below the public suffixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suffix {
    /// `com.vn` of `a.shop.com.vn`.
    pub suffix: String,
    /// `shop.com.vn` of `a.shop.com.vn`; none for a suffix itself.
    pub registrable: Option<String>,
    /// The name is itself a suffix.
    pub is_suffix: bool,
    /// The suffix belongs to a company that gives out names (`github.io`), not to a registry.
    pub private: bool,
}

/// A name's registration, without any person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The name that is registered: the registrable domain of the subject.
    pub name: String,
    /// A registration that was found: always true in an [`Outcome::Known`] but for a data set that lists names which are
    /// free, reserved or withdrawn.
    pub registered: bool,
    pub registrar: Option<String>,
    /// Unix seconds.
    pub created: Option<u64>,
    /// Unix seconds.
    pub expires: Option<u64>,
    /// Unix seconds.
    pub changed: Option<u64>,
    /// As the source writes them, in lower case: `client hold`, `active`.
    pub statuses: Vec<String>,
    /// Lower case, without the dot at the end.
    pub name_servers: Vec<String>,
    pub abuse_contact: Option<AbuseContact>,
}

/// The registrar's role for abuse, never a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbuseContact {
    pub email: Option<String>,
    pub telephone: Option<String>,
}

/// A licence or notification of an e-commerce site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// The name that the register has: the subject's own or its registrable domain.
    pub name: String,
    /// Which register: `online.gov.vn/notified`, `social-network` …
    pub register: String,
    pub number: String,
    /// `company`, `household`, `person`, `state` …: what the holder is, never who.
    pub holder_kind: Option<String>,
    /// As the register writes it, in lower case: `valid`, `revoked`, `expired`.
    pub status: String,
    /// Unix seconds.
    pub valid_to: Option<u64>,
}

/// What the DNS says of a name. An unregistered name is [`Outcome::Absent`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// The registrable domain has name servers of its own.
    pub delegated: bool,
    /// Of the registrable domain, lower case, without the dot at the end.
    pub name_servers: Vec<String>,
    /// Of the subject. Never to be blocked by themselves: whoever holds the name controls them.
    pub addresses: Vec<IpAddr>,
    /// A random label below the subject resolves too.
    pub wildcard: bool,
    /// Its name servers are those of a parking or sinkhole service, by this row of the list.
    pub parked: Option<String>,
    pub dnssec: Dnssec,
}

/// How a name's answers are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dnssec {
    /// The chain of signatures holds, or the resolver says that it does.
    Secure,
    /// The zone isn't signed.
    Insecure,
    /// There are signatures and they don't hold.
    Bogus,
    #[default]
    NotChecked,
}

/// A rank in a list of names by popularity; 1 is the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Popularity {
    /// The name that has the rank: the subject's own or its registrable domain.
    pub name: String,
    pub rank: u64,
}

/// What a data set has on names below a name, up to a bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below<T> {
    pub rows: Vec<T>,
    /// The bound was reached: there are more.
    pub at_least: bool,
}

/// Who operates a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The longest known prefix that covers the subject.
    pub prefix: IpNet,
    pub operator: String,
    pub asn: Option<u32>,
    /// ISO 3166, two capital letters.
    pub country: Option<String>,
}

/// To whom a regional internet registry gave address space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The block that covers the subject; a delegation that is no prefix is cut into prefixes.
    pub prefix: IpNet,
    /// `apnic`, `ripencc` …
    pub registry: String,
    /// ISO 3166, two capital letters; none for free or reserved space.
    pub country: Option<String>,
    /// `allocated`, `assigned`, `available`, `reserved`.
    pub status: String,
}

/// Names that were seen at an address or in a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Distinct names, counted up to a bound.
    pub names: u64,
    /// The bound was reached: there are at least so many.
    pub at_least: bool,
    /// Some of them, ascending.
    pub sample: Vec<String>,
}

impl<T> Sourced<T> {
    /// A fact that wasn't asked for, at this time.
    pub fn not_asked(why: Unasked, at: u64) -> Sourced<T> {
        Sourced {
            source: Source::Nobody,
            at,
            fresh_until: None,
            outcome: Outcome::NotAsked(why),
        }
    }

    /// What is known, if it is.
    pub fn known(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Known(fact) => Some(fact),
            _ => None,
        }
    }

    /// Why the source gave nothing, if that is so.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.outcome {
            Outcome::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    /// Seconds since it was so; 0 for a time to come.
    pub fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.at)
    }

    /// Whether it is too old to rest on.
    pub fn is_stale(&self, now: u64) -> bool {
        self.fresh_until.is_some_and(|until| now >= until)
    }
}

impl Facts {
    /// The facts of a subject about which nobody was asked, to begin with.
    pub fn unasked(subject: &str, why: Unasked, at: u64) -> Facts {
        Facts {
            subject: subject.to_owned(),
            suffix: Sourced::not_asked(why, at),
            registration: Sourced::not_asked(why, at),
            licences: vec![Sourced::not_asked(why, at)],
            delegation: Sourced::not_asked(why, at),
            popularity: Sourced::not_asked(why, at),
            licences_below: Vec::new(),
            popularity_below: Vec::new(),
            network: Sourced::not_asked(why, at),
            allocation: Sourced::not_asked(why, at),
            neighbours: Sourced::not_asked(why, at),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Set { name } => write!(f, "data set {name}"),
            Source::List { file } => write!(f, "lists/{file}"),
            Source::Rdap { url } => write!(f, "RDAP {url}"),
            Source::Whois { server } => write!(f, "WHOIS {server}"),
            Source::Resolver { address } => write!(f, "resolver {address}"),
            Source::Nobody => f.write_str("nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_evidence_that_can_be_read_again() {
        let mut facts = Facts::unasked("domain:shop.example", Unasked::Offline, 1_790_000_000);
        facts.popularity = Sourced {
            source: Source::Set {
                name: "popularity".to_owned(),
            },
            at: 1_780_000_000,
            fresh_until: Some(1_785_000_000),
            outcome: Outcome::Known(Popularity {
                name: "shop.example".to_owned(),
                rank: 7,
            }),
        };
        facts.delegation.outcome = Outcome::Failed(Fault {
            kind: FaultKind::Timeout,
            detail: "slow".to_owned(),
        });
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
        assert!(facts.popularity.is_stale(1_790_000_000));
        assert_eq!(facts.popularity.age(1_780_000_060), 60);
        assert!(facts.delegation.fault().is_some() && facts.delegation.known().is_none());
    }
}
