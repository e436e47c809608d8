//! The platforms whose sellers and accounts can be listed, and the shapes of their URLs: typed rows of
//! `lists/platforms.toml`. This room reads the text that it is handed and opens no file.
//!
//! A row says which hosts are the platform's, which identity forms it knows (`ids`) and which URL shapes lead to one of them
//! or to a refusal (`urls`, tried from the top). In a shape `{id}` is the identity, `{*}` is anything inside a segment, and
//! a final `/**` any further segments. Design: Checks (*Identifiers as the platform's row in `lists/` says*).

use std::collections::{BTreeMap, HashMap};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::{Kind, Subject};

/// The table, with an index by host.
#[derive(Clone, Debug, Default)]
pub struct Platforms {
    rows: Vec<Platform>,
    by_host: HashMap<String, usize>,
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
    #[serde(default)]
    urls: Vec<UrlShape>,
}

/// One way in which a platform names its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdForm {
    /// Stands before the id in the subject, so that two forms never meet: `@`, `group:`.
    #[serde(default)]
    prefix: String,
    class: Class,
    #[serde(default = "one")]
    min: usize,
    #[serde(default = "many")]
    max: usize,
    /// Case is not significant.
    #[serde(default)]
    lower: bool,
    /// Characters without significance, left out.
    #[serde(default)]
    drop: String,
    /// At least one letter, so that it can't be taken for a number (or a telephone).
    #[serde(default)]
    letter: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    /// 0-9
    Digits,
    /// 0-9 without a leading zero, so that it can't be taken for a telephone number
    Number,
    /// A-Z a-z 0-9 _ -
    Word,
    /// A-Z a-z 0-9 _ - .
    Name,
    /// letters and digits of any script, _ - .
    Text,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlShape {
    path: String,
    /// Only on these of the platform's hosts.
    #[serde(default)]
    hosts: Vec<String>,
    /// The query parameter that holds the id.
    query: Option<String>,
    /// Which of `ids` the id is of.
    id: Option<String>,
    /// What the URL is refused as, where it is no member.
    refuse: Option<Refused>,
}

/// Why a platform's URL names nobody who can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// A product, a video, a post: its seller or channel can be listed, it can't.
    NotAnAccount,
    /// A short link, which the platform alone can resolve.
    UnresolvedLink,
    /// A telephone number.
    PersonalData,
    /// A service page of the platform itself.
    ReservedPath,
    /// A test installation of the platform.
    TestHost,
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
        let mut by_host = HashMap::new();
        for (at, row) in file.platform.iter().enumerate() {
            row.check()?;
            for host in &row.hosts {
                if by_host.insert(host.clone(), at).is_some() {
                    return Err(PlatformsError::Host(host.clone()));
                }
            }
        }
        Ok(Platforms {
            rows: file.platform,
            by_host,
        })
    }

    pub fn rows(&self) -> &[Platform] {
        &self.rows
    }

    /// The platform that a host (canonical, lower case) belongs to.
    pub fn of_host(&self, host: &str) -> Option<&Platform> {
        self.rows.get(*self.by_host.get(host)?)
    }

    /// The platform of that name and kind.
    pub fn named(&self, kind: Kind, name: &str) -> Option<&Platform> {
        self.rows
            .iter()
            .find(|row| row.kind == kind && row.name == name)
    }
}

impl Platform {
    /// Reads a URL on one of the platform's hosts: its path (with the leading `/`) and its query (without `?`).
    pub fn read_url(&self, host: &str, path: &str, query: &str) -> Result<Subject, Refused> {
        let Some(segments) = decoded(path) else {
            return Err(Refused::NotAnAccount);
        };
        for shape in &self.urls {
            if !(shape.hosts.is_empty() || shape.hosts.iter().any(|h| h == host)) {
                continue;
            }
            let Some(mut id) = match_path(&shape.path, &segments) else {
                continue;
            };
            if let Some(parameter) = &shape.query {
                let Some(value) = query_value(query, parameter) else {
                    continue;
                };
                id = Some(value);
            }
            let form = shape.id.as_ref().and_then(|form| self.ids.get(form));
            let read = match (form, id) {
                (Some(form), Some(id)) => match form.read(&id) {
                    Some(id) => Some(id),
                    None => continue,
                },
                _ => None,
            };
            return match (shape.refuse, read) {
                (Some(refused), _) => Err(refused),
                (None, Some(id)) => self.subject(&id).ok_or(Refused::NotAnAccount),
                (None, None) => continue,
            };
        }
        Err(Refused::NotAnAccount)
    }

    /// Brings an id that was typed after `platform/` to its canonical form, or nothing where no form fits.
    pub fn read_id(&self, typed: &str) -> Option<Subject> {
        let typed: String = typed.nfc().collect();
        self.ids
            .values()
            .filter(|form| !self.is_refused_form(form))
            .find_map(|form| self.subject(&form.read(typed.strip_prefix(form.prefix.as_str())?)?))
    }

    fn subject(&self, id: &str) -> Option<Subject> {
        Subject::parse(&format!("{}:{}/{id}", self.kind, self.name)).ok()
    }

    /// A form that every shape refuses (a telephone number) is no identity.
    fn is_refused_form(&self, form: &IdForm) -> bool {
        let named = |shape: &&UrlShape| {
            shape
                .id
                .as_ref()
                .and_then(|id| self.ids.get(id))
                .is_some_and(|f| std::ptr::eq(f, form))
        };
        let mut shapes = self.urls.iter().filter(named).peekable();
        shapes.peek().is_some() && shapes.all(|shape| shape.refuse.is_some())
    }

    fn check(&self) -> Result<(), PlatformsError> {
        let fault = |what: &str| PlatformsError::Row {
            platform: self.name.clone(),
            what: what.to_owned(),
        };
        if !matches!(self.kind, Kind::Seller | Kind::Account) {
            return Err(fault("its kind is `seller` or `account`"));
        }
        if super::ident::check(self.kind, &format!("{}/x", self.name)).is_err() {
            return Err(fault("its name can't stand in a subject"));
        }
        for shape in &self.urls {
            let known = shape
                .id
                .as_ref()
                .is_none_or(|form| self.ids.contains_key(form));
            let carries = shape.query.is_some() || shape.path.contains("{id}");
            if !shape.path.starts_with('/')
                || !known
                || (shape.refuse.is_none() && (shape.id.is_none() || !carries))
            {
                return Err(fault(&format!(
                    "the shape {} leads to no id and to no refusal",
                    shape.path
                )));
            }
            if !shape.hosts.iter().all(|host| self.hosts.contains(host)) {
                return Err(fault(&format!(
                    "the shape {} names a host that isn't the platform's",
                    shape.path
                )));
            }
        }
        Ok(())
    }
}

impl IdForm {
    fn read(&self, typed: &str) -> Option<String> {
        let id: String = typed.chars().filter(|c| !self.drop.contains(*c)).collect();
        let id = if self.lower { id.to_lowercase() } else { id };
        let length = id.chars().count();
        let fits = (self.min..=self.max).contains(&length)
            && id.chars().all(|c| self.class.holds(c))
            && !(matches!(self.class, Class::Number) && length > 1 && id.starts_with('0'))
            && (!self.letter || id.chars().any(char::is_alphabetic));
        fits.then(|| format!("{}{id}", self.prefix))
    }
}

impl Class {
    fn holds(self, c: char) -> bool {
        let word = c.is_ascii_alphanumeric() || c == '_' || c == '-';
        match self {
            Class::Digits | Class::Number => c.is_ascii_digit(),
            Class::Word => word,
            Class::Name => word || c == '.',
            Class::Text => word || c == '.' || c.is_alphanumeric(),
        }
    }
}

/// Why the table of platforms can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformsError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("platform {platform}: {what}")]
    Row { platform: String, what: String },
    #[error("the host {0} belongs to two platforms")]
    Host(String),
}

fn one() -> usize {
    1
}

fn many() -> usize {
    128
}

/// The segments of a path, percent-decoded and in NFC; a trailing slash or `/*` (seen in the wild) is left out.
fn decoded(path: &str) -> Option<Vec<String>> {
    let path = path.trim_end_matches('*').trim_end_matches('/');
    path.split('/')
        .skip(1)
        .map(|segment| {
            Some(
                percent_decode_str(segment)
                    .decode_utf8()
                    .ok()?
                    .nfc()
                    .collect(),
            )
        })
        .collect()
}

/// Matches a whole path; `Some(None)` where it fits and holds no id.
fn match_path(shape: &str, segments: &[String]) -> Option<Option<String>> {
    let (shape, open) = match shape.strip_suffix("/**") {
        Some(shape) => (shape, true),
        None => (shape, false),
    };
    let wanted: Vec<&str> = shape.split('/').skip(1).collect();
    if segments.len() < wanted.len() || (!open && segments.len() > wanted.len()) {
        return None;
    }
    let mut id = None;
    for (pattern, segment) in wanted.iter().zip(segments) {
        let found = match_segment(pattern, segment)?;
        id = found.map(str::to_owned).or(id);
    }
    Some(id)
}

/// Matches one segment; `{*}` takes as much as it can, so that `{*}-{id}` splits at the last hyphen.
fn match_segment<'s>(pattern: &str, segment: &'s str) -> Option<Option<&'s str>> {
    let Some(open) = pattern.find('{') else {
        return pattern.eq_ignore_ascii_case(segment).then_some(None);
    };
    let rest = segment.strip_prefix(pattern.get(..open)?)?;
    let close = open + pattern.get(open..)?.find('}')?;
    let (hole, after) = (pattern.get(open + 1..close)?, pattern.get(close + 1..)?);
    let literal = after.split('{').next().unwrap_or_default();
    let ends: Box<dyn Iterator<Item = usize>> = match literal.is_empty() {
        true => Box::new(std::iter::once(rest.len())),
        false => Box::new(rest.rmatch_indices(literal).map(|(at, _)| at)),
    };
    for end in ends {
        let (Some(taken), Some(left)) = (rest.get(..end), rest.get(end..)) else {
            continue;
        };
        if let Some(inner) = match_segment(after, left) {
            return Some(if hole == "id" { Some(taken) } else { inner });
        }
    }
    None
}

/// The first value of a query parameter, percent-decoded; `&amp;` (copied from HTML) counts as `&`.
fn query_value(query: &str, parameter: &str) -> Option<String> {
    let query = query.replace("&amp;", "&");
    query.split('&').find_map(|pair| {
        let value = pair.strip_prefix(parameter)?.strip_prefix('=')?;
        Some(
            percent_decode_str(value)
                .decode_utf8()
                .ok()?
                .nfc()
                .collect(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        assert_eq!(match_segment("shop", "Shop"), Some(None));
        assert_eq!(match_segment("{*}-{id}", "an-bc-12"), Some(Some("12")));
        assert_eq!(match_segment("@{id}", "@x"), Some(Some("x")));
        assert_eq!(match_segment("{*}-i.{*}.{*}", "ao-i.1.2"), Some(None));
        assert_eq!(
            match_segment("{*}-p{id}.html", "x-p2.html"),
            Some(Some("2"))
        );
        assert_eq!(match_segment("id{id}", "x"), None);
    }
}
