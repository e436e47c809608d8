//! The platforms whose sellers and accounts can be listed, and the shapes of their URLs: typed rows of
//! `lists/platforms.toml`. This room reads the text that it is handed and opens no file.
//!
//! A row says which hosts are the platform's, which identity forms it knows (`ids`), which words at the front of a path are its
//! own (`reserved`), and which URL shapes lead to a member or to a refusal (`urls`, tried from the top). In a shape `{id}` is
//! the identity, `{n}` a number, `{*}` anything inside a segment, and a final `/**` any further segments. A host is a name, a
//! name whose first label holds stars (`*-*.facebook.com`), or an app's (`tg://resolve`). Below hosts of `named` the label itself
//! is an id (`name.t.me`). A marketplace and a network of
//! accounts may share a host; their rows are asked in the order of the list. Design: Checks (*Identifiers as the platform's
//! row in `lists/` says*).

mod form;
mod shape;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{Kind, Subject, cover};
pub use form::Role;
use form::{IdForm, is_telephone};
use shape::UrlShape;

/// The table, with an index by host.
#[derive(Clone, Debug, Default)]
pub struct Platforms {
    rows: Vec<Platform>,
    by_host: HashMap<String, Vec<usize>>,
    /// Hosts with a star, and their rows.
    starred: Vec<(String, usize)>,
    /// Hosts below which a label is an id: few, and every bare name of a list is held against them.
    named: Vec<(String, usize)>,
}

/// One platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// As it stands in a subject: `shopee.vn`, `facebook`.
    pub name: String,
    pub kind: Kind,
    pub title: String,
    pub hosts: Vec<String>,
    ids: BTreeMap<String, IdForm>,
    /// Hosts below which a label is an id, and of which form.
    #[serde(default)]
    named: BTreeMap<String, String>,
    /// First segments that are the platform's own pages and nobody's name, in lower case.
    #[serde(default)]
    reserved: Vec<String>,
    #[serde(default)]
    urls: Vec<UrlShape>,
}

/// Whom a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub subject: Subject,
    /// The URL is a listing's, and carries its seller's id.
    pub listing: bool,
}

/// Why a platform's URL names nobody who can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Two readers of the URL would go to two places.
    AmbiguousUrl,
    /// A product whose URL doesn't carry its seller.
    ListingWithoutSeller,
    /// A video, a post: whoever published it can be listed, it can't.
    NotAnAccount,
    /// A telephone number.
    PersonalData,
    /// A service page of the platform itself.
    ReservedPath,
    /// A test installation of the platform.
    TestHost,
    /// A short link, which the platform alone can resolve.
    UnresolvedLink,
}

impl Platforms {
    /// Reads the text of `lists/platforms.toml`.
    pub fn parse(text: &str) -> Result<Platforms, PlatformsError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(rename = "list")]
            _list: toml::Table,
            platform: Vec<Platform>,
        }
        let file: File = toml::from_str(text)?;
        let mut table = Platforms::default();
        for row in file.platform {
            row.check()?;
            table.add(row)?;
        }
        Ok(table)
    }

    fn add(&mut self, row: Platform) -> Result<(), PlatformsError> {
        let at = self.rows.len();
        for host in &row.hosts {
            if host.contains('*') {
                self.starred.push((host.clone(), at));
                continue;
            }
            let on = self.by_host.entry(host.clone()).or_default();
            let same = |other: &usize| self.rows.get(*other).is_none_or(|o| o.kind == row.kind);
            if on.iter().any(same) {
                return Err(PlatformsError::Host(host.clone()));
            }
            on.push(at);
        }
        let named = row.named.keys().map(|host| (host.clone(), at));
        self.named.extend(named);
        self.rows.push(row);
        Ok(())
    }

    pub fn rows(&self) -> &[Platform] {
        &self.rows
    }

    /// The platform of that name and kind.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&Platform> {
        self.rows
            .iter()
            .find(|row| row.kind == kind && row.name == name)
    }

    /// Whether a host (canonical, lower case; or an app's, `tg://resolve`) is a platform's, or lies below one.
    pub fn holds(&self, host: &str) -> bool {
        !self.of_host(host).is_empty() || self.above(host).is_some()
    }

    /// Reads a URL on a platform's host: its path (with the leading `/`) and its query (without `?`). Nothing where the host
    /// is no platform's; a refusal comes with the platform whose it is.
    pub fn read_url(
        &self,
        host: &str,
        path: &str,
        query: &str,
    ) -> Option<Result<Member, (Refused, &Platform)>> {
        let rows = self.of_host(host);
        let Some(first) = rows.first() else {
            // Only the platform gives out names below its own, and its table names those where members are.
            return self
                .above(host)
                .map(|row| Err((Refused::ReservedPath, row)));
        };
        let segments = match shape::segments(path) {
            Ok(segments) => segments,
            Err(refused) => return Some(Err((refused, first))),
        };
        let read = rows.iter().find_map(|row| {
            let read = row.read_url(host, &segments, query)?;
            Some(read.map_err(|refused| (refused, *row)))
        });
        let refused = match segments.iter().any(|segment| is_telephone_name(segment)) {
            true => Refused::PersonalData,
            false => Refused::NotAnAccount,
        };
        Some(read.unwrap_or(Err((refused, *first))))
    }

    /// Whether a host ends like one below which labels are ids, so that [`Self::read_host`] is worth asking.
    pub fn gives_names(&self, host: &str) -> bool {
        self.named.iter().any(|(of, _)| host.ends_with(of.as_str()))
    }

    /// Whom a bare host names, where members have names below their platform's: `name.t.me`.
    pub fn read_host(&self, host: &str) -> Option<Result<Subject, (Refused, &Platform)>> {
        let (label, below) = host.split_once('.')?;
        let (_, at) = self.named.iter().find(|(host, _)| host == below)?;
        let row = self.rows.get(*at)?;
        let form = row.ids.get(row.named.get(below)?)?;
        if is_telephone(label) {
            return Some(Err((Refused::PersonalData, row)));
        }
        Some(Ok(row.subject(&form.read(label)?)?))
    }

    fn of_host(&self, host: &str) -> Vec<&Platform> {
        let exact = self.by_host.get(host).into_iter().flatten().copied();
        let starred = self.starred.iter();
        let starred = starred.filter_map(|(of, at)| shape::host_fits(of, host).then_some(*at));
        exact
            .chain(starred)
            .filter_map(|at| self.rows.get(at))
            .collect()
    }

    /// The platform that a host lies below.
    fn above(&self, host: &str) -> Option<&Platform> {
        let mut above = cover::ancestors(host).skip(1);
        let rows = above.find_map(|name| self.by_host.get(name))?;
        self.rows.get(*rows.first()?)
    }
}

impl Platform {
    /// Nothing where no shape fits.
    fn read_url(
        &self,
        host: &str,
        segments: &[String],
        query: &str,
    ) -> Option<Result<Member, Refused>> {
        if segments.first().is_some_and(|word| self.is_reserved(word)) {
            return Some(Err(Refused::ReservedPath));
        }
        self.urls.iter().find_map(|shape| {
            let carried = match shape.matches(host, segments, query) {
                Ok(carried) => carried?,
                Err(refused) => return Some(Err(refused)),
            };
            let form = shape.id.as_ref().and_then(|form| self.ids.get(form));
            let id = match (form, carried) {
                (Some(form), Some(id)) => Some(form.read(&id)?),
                _ => None,
            };
            if let Some(refused) = shape.refuse {
                return Some(Err(refused));
            }
            let (name, id) = (shape.id.as_deref()?, id?);
            if self.is_own_word(name, &id) {
                return Some(Err(Refused::ReservedPath));
            }
            let listing = shape.listing;
            let subject = self.subject(&id)?;
            Some(Ok(Member { subject, listing }))
        })
    }

    /// Brings an id that was typed after `platform/` to its canonical form.
    pub fn read_id(&self, typed: &str) -> Result<Subject, Refused> {
        let found = self.form_of(typed).or_else(|| {
            // Many write a name with an @ where the platform's own id has none.
            self.form_of(typed.strip_prefix('@')?)
        });
        let Some((name, id)) = found else {
            return Err(match is_telephone_name(typed) {
                true => Refused::PersonalData,
                false => Refused::NotAnAccount,
            });
        };
        if self.is_own_word(name, &id) {
            return Err(Refused::ReservedPath);
        }
        self.subject(&id).ok_or(Refused::NotAnAccount)
    }

    /// What a subject of this platform is to its others.
    pub fn role_of(&self, subject: &Subject) -> Role {
        let id = subject.name().split_once('/').map_or("", |(_, id)| id);
        let form = self.form_of(id).and_then(|(form, _)| self.ids.get(form));
        form.map_or(Role::Own, |form| form.role)
    }

    /// Whether any form of this platform never changes.
    pub fn has_identity(&self) -> bool {
        self.ids.values().any(|form| form.role == Role::Identity)
    }

    /// The name of the form that an id with its prefix is of, and the id in canonical form.
    fn form_of(&self, typed: &str) -> Option<(&str, String)> {
        let forms = self.ids.iter().filter(|(name, _)| !self.is_refused(name));
        forms
            .filter_map(|(name, form)| Some((name, form, typed.strip_prefix(&*form.prefix)?)))
            .find_map(|(name, form, id)| Some((name.as_str(), form.read(id)?)))
    }

    fn subject(&self, id: &str) -> Option<Subject> {
        Subject::parse(&format!("{}:{}/{id}", self.kind, self.name)).ok()
    }

    fn is_reserved(&self, word: &str) -> bool {
        self.reserved
            .iter()
            .any(|own| own.eq_ignore_ascii_case(word))
    }

    /// Whether an id of a form that stands at the front of a path is one of the platform's own words there.
    fn is_own_word(&self, form: &str, id: &str) -> bool {
        let bare = |shape: &UrlShape| shape.is_bare() && shape.id.as_deref() == Some(form);
        let prefix = self.ids.get(form).map_or("", |form| &form.prefix);
        let word = id.strip_prefix(prefix).unwrap_or(id);
        self.is_reserved(word) && self.urls.iter().any(bare)
    }

    /// A form that every shape refuses (a telephone number) is no identity.
    fn is_refused(&self, form: &str) -> bool {
        let of = |shape: &&UrlShape| shape.id.as_deref() == Some(form);
        let mut shapes = self.urls.iter().filter(of).peekable();
        shapes.peek().is_some() && shapes.all(|shape| shape.refuse.is_some())
    }

    fn check(&self) -> Result<(), PlatformsError> {
        let fault = |what: String| PlatformsError::Row {
            platform: self.name.clone(),
            what,
        };
        if !matches!(self.kind, Kind::Seller | Kind::Account) {
            return Err(fault("its kind is `seller` or `account`".to_owned()));
        }
        if super::ident::check(self.kind, &format!("{}/x", self.name)).is_err() {
            return Err(fault("its name can't stand in a subject".to_owned()));
        }
        for (host, form) in &self.named {
            if !self.hosts.contains(host) || !self.ids.contains_key(form) {
                return Err(fault(format!("names below {host} lead to no id")));
            }
        }
        for shape in &self.urls {
            let path = &shape.path;
            let known = |form: &String| self.ids.contains_key(form);
            if !shape.is_sound() || !shape.id.as_ref().is_none_or(known) {
                let what = format!("the shape {path} leads to no id and to no refusal");
                return Err(fault(what));
            }
            if !shape.hosts.iter().all(|host| self.hosts.contains(host)) {
                let what = format!("the shape {path} names a host that isn't the platform's");
                return Err(fault(what));
            }
        }
        Ok(())
    }
}

/// A name can be its member's telephone number, with the @ of names before it or without.
fn is_telephone_name(name: &str) -> bool {
    is_telephone(name.strip_prefix('@').unwrap_or(name))
}

/// Why the table of platforms can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformsError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("platform {platform}: {what}")]
    Row { platform: String, what: String },
    #[error("the host {0} belongs to two platforms of one kind")]
    Host(String),
}
