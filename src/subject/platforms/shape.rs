//! The shapes of URLs: how a path, a query and a host are held against a row.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::Refused;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UrlShape {
    pub(super) path: String,
    /// Only on these of the platform's hosts.
    #[serde(default)]
    pub(super) hosts: Vec<String>,
    /// The query parameter that holds the id.
    pub(super) query: Option<String>,
    /// Which of `ids` the id is of.
    pub(super) id: Option<String>,
    /// What the URL is refused as, where it is no member.
    pub(super) refuse: Option<Refused>,
    /// A listing, which carries its seller's id.
    #[serde(default)]
    pub(super) listing: bool,
}

impl UrlShape {
    /// Whether it names somebody or refuses, and not neither; `listing` counts only where it names.
    pub(super) fn is_sound(&self) -> bool {
        let carries = self.query.is_some() || self.path.contains("{id}");
        let leads = match self.refuse {
            Some(_) => !self.listing,
            None => self.id.is_some() && carries,
        };
        self.path.starts_with('/') && leads
    }

    /// Whether the id is the whole first segment, so that the platform's own words stand in its way.
    pub(super) fn is_bare(&self) -> bool {
        self.path.split('/').nth(1) == Some("{id}")
    }

    /// Holds a URL against the shape. `Ok(Some(None))`: it fits and carries no id.
    pub(super) fn matches(
        &self,
        host: &str,
        segments: &[String],
        query: &str,
    ) -> Result<Option<Option<String>>, Refused> {
        if !(self.hosts.is_empty() || self.hosts.iter().any(|of| host_fits(of, host))) {
            return Ok(None);
        }
        let Some(id) = match_path(&self.path, segments) else {
            return Ok(None);
        };
        match &self.query {
            None => Ok(Some(id)),
            Some(parameter) => Ok(query_value(query, parameter)?.map(Some)),
        }
    }
}

/// Whether a host is the one of a row. In its first label a star is one run of letters, digits and underscores:
/// `*-*.facebook.com` holds `vi-vn.facebook.com`.
pub(super) fn host_fits(of: &str, host: &str) -> bool {
    if !of.contains('*') {
        return of == host;
    }
    let (Some((of, below)), Some((label, rest))) = (of.split_once('.'), host.split_once('.'))
    else {
        return false;
    };
    let part = |(of, is): (&str, &str)| of == is || (of == "*" && !is.is_empty());
    below == rest
        && of.split('-').count() == label.split('-').count()
        && of.split('-').zip(label.split('-')).all(part)
}

/// The segments of a path, percent-decoded; empty ones and a star at the end (seen in the wild) are left out. A
/// segment that doesn't decode stands as it is, which no id fits. What browsers would walk elsewhere is refused.
pub(super) fn segments(path: &str) -> Result<Vec<String>, Refused> {
    if path.contains('\\') {
        return Err(Refused::AmbiguousUrl);
    }
    let path = path.trim_end_matches('*');
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    match segments.iter().any(|s| matches!(s.as_str(), "." | "..")) {
        true => Err(Refused::AmbiguousUrl),
        false => Ok(segments),
    }
}

/// The one value of a parameter, percent-decoded; two that differ say two things.
fn query_value(query: &str, parameter: &str) -> Result<Option<String>, Refused> {
    let mut values = query.split('&').filter_map(|pair| {
        // `&amp;` is what HTML makes of `&`.
        let pair = pair.strip_prefix("amp;").unwrap_or(pair);
        Some(decoded(pair.strip_prefix(parameter)?.strip_prefix('=')?))
    });
    let first = values.next();
    match first.as_ref().is_some_and(|f| values.any(|v| v != *f)) {
        true => Err(Refused::AmbiguousUrl),
        false => Ok(first),
    }
}

fn decoded(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.unwrap_or(Cow::Borrowed(text)).into_owned()
}

/// Matches a whole path; `Some(None)` where it fits and holds no id.
fn match_path(shape: &str, segments: &[String]) -> Option<Option<String>> {
    let (shape, open) = match shape.strip_suffix("/**") {
        Some(shape) => (shape, true),
        None => (shape, false),
    };
    let wanted: Vec<&str> = shape.split('/').filter(|s| !s.is_empty()).collect();
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

/// Matches one segment; a hole takes as much as it can, so that `{*}-{id}` splits at the last hyphen.
fn match_segment<'s>(pattern: &str, segment: &'s str) -> Option<Option<&'s str>> {
    let Some(open) = pattern.find('{') else {
        return pattern.eq_ignore_ascii_case(segment).then_some(None);
    };
    let rest = strip_prefix_ignoring_case(segment, pattern.get(..open)?)?;
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
        let number = !taken.is_empty() && taken.bytes().all(|b| b.is_ascii_digit());
        if hole == "n" && !number {
            continue;
        }
        if let Some(inner) = match_segment(after, left) {
            return Some(if hole == "id" { Some(taken) } else { inner });
        }
    }
    None
}

fn strip_prefix_ignoring_case<'s>(text: &'s str, prefix: &str) -> Option<&'s str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_segment() {
        assert_eq!(match_segment("shop", "Shop"), Some(None));
        assert_eq!(match_segment("{*}-{id}", "an-bc-12"), Some(Some("12")));
        assert_eq!(match_segment("@{id}", "@x"), Some(Some("x")));
        assert_eq!(match_segment("{*}-i.{*}.{*}", "ao-i.1.2"), Some(None));
        assert_eq!(match_segment("{*}-i.{id}.{n}", "-i.1.2"), Some(Some("1")));
        assert_eq!(match_segment("{*}-i.{id}.{n}", "-i.1.x"), None);
        assert_eq!(
            match_segment("{*}-p{id}.html", "x-p2.html"),
            Some(Some("2"))
        );
        assert_eq!(match_segment("id{id}", "ID5"), Some(Some("5")));
        assert_eq!(match_segment("id{id}", "x"), None);
    }

    #[test]
    fn paths() {
        let path = |shape, path| match_path(shape, &segments(path).unwrap());
        assert_eq!(path("/", "/"), Some(None));
        assert_eq!(path("/a/{id}/**", "//A//b/"), Some(Some("b".into())));
        assert_eq!(path("/a/{id}", "/a/b/c"), None);
        assert_eq!(path("/{*}-{id}", "/%E1-7"), Some(Some("7".into())));
        for walked in ["/a/../b", "/a/%2e%2E/b", "/./a", "\\a"] {
            assert_eq!(segments(walked), Err(Refused::AmbiguousUrl), "{walked}");
        }
    }

    #[test]
    fn hosts_and_queries() {
        assert!(host_fits("*-*.facebook.com", "vi-vn.facebook.com"));
        for host in [
            "www.facebook.com",
            "-vn.facebook.com",
            "a-b-c.facebook.com",
            "a-b.x.com",
        ] {
            assert!(!host_fits("*-*.facebook.com", host), "{host}");
        }
        assert_eq!(query_value("a=1&amp;b=2", "b"), Ok(Some("2".into())));
        assert_eq!(query_value("b=2&b=2", "b"), Ok(Some("2".into())));
        assert_eq!(query_value("b=2&b=3", "b"), Err(Refused::AmbiguousUrl));
        assert_eq!(query_value("ab=2", "b"), Ok(None));
    }
}
