//! The kinds of data set: which columns each has, and how long one is fresh.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a data set is about. A set is named for its kind, or for its kind and what tells it from others of that kind
/// (`licences-notified`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The registry's extract of `.vn`, which has neither RDAP nor WHOIS.
    VnRegistry,
    /// Licences and notifications of e-commerce sites.
    Licences,
    /// Address space by the regional registries' delegated-extended files.
    Delegations,
    /// Prefixes with who operates them.
    Networks,
    /// Names and the addresses at which they were seen.
    PassiveDns,
    /// Names by rank.
    Popularity,
}

/// A column of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub required: bool,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::VnRegistry,
        Kind::Licences,
        Kind::Delegations,
        Kind::Networks,
        Kind::PassiveDns,
        Kind::Popularity,
    ];

    /// The kind of the set of this name: of `[a-z0-9-]`, at most 64 characters.
    pub fn of_set(name: &str) -> Option<Kind> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.len() > 64 || !name.bytes().all(plain) {
            return None;
        }
        Kind::ALL.into_iter().find(|kind| {
            name.strip_prefix(kind.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.len() > 1 && rest.starts_with('-'))
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::VnRegistry => "vn-registry",
            Kind::Licences => "licences",
            Kind::Delegations => "delegations",
            Kind::Networks => "networks",
            Kind::PassiveDns => "passive-dns",
            Kind::Popularity => "popularity",
        }
    }

    /// Days after its date from which a set is too old to rest on, unless the import says otherwise.
    pub fn fresh_days(self) -> u64 {
        match self {
            Kind::VnRegistry => 8,
            Kind::Licences | Kind::Delegations | Kind::PassiveDns => 35,
            Kind::Networks | Kind::Popularity => 65,
        }
    }

    /// Its columns, in the order in which a [`super::row::Row`] has them.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Kind::VnRegistry => &VN_REGISTRY,
            Kind::Licences => &LICENCES,
            Kind::Delegations => &DELEGATIONS,
            Kind::Networks => &NETWORKS,
            Kind::PassiveDns => &PASSIVE_DNS,
            Kind::Popularity => &POPULARITY,
        }
    }

    /// The columns as one text: `name status? registrar?`.
    pub fn shape(self) -> String {
        let shown = self.columns().iter().map(|column| {
            let sign = if column.required { "" } else { "?" };
            format!("{}{sign}", column.name)
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn must(name: &'static str) -> Column {
    Column {
        name,
        required: true,
    }
}

const fn may(name: &'static str) -> Column {
    Column {
        name,
        required: false,
    }
}

static VN_REGISTRY: [Column; 7] = [
    must("name"),
    may("status"),
    may("registrar"),
    may("created"),
    may("expires"),
    may("changed"),
    may("name_servers"),
];
static LICENCES: [Column; 6] = [
    must("name"),
    must("number"),
    must("status"),
    may("holder_kind"),
    may("valid_to"),
    may("register"),
];
static DELEGATIONS: [Column; 5] = [
    must("registry"),
    must("country"),
    must("start"),
    must("value"),
    must("status"),
];
static NETWORKS: [Column; 6] = [
    may("prefix"),
    may("start"),
    may("end"),
    may("asn"),
    may("operator"),
    may("country"),
];
static PASSIVE_DNS: [Column; 2] = [must("name"), must("address")];
static POPULARITY: [Column; 2] = [must("rank"), must("name")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_named_for_its_kind() {
        assert_eq!(Kind::of_set("licences"), Some(Kind::Licences));
        assert_eq!(Kind::of_set("licences-notified"), Some(Kind::Licences));
        for name in ["licence", "licences-", "licencesx", "Networks", "../x", ""] {
            assert_eq!(Kind::of_set(name), None, "{name}");
        }
    }
}
