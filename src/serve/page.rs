//! An answer that carries bytes: entity tag, conditions, ranges, HEAD (RFC 9110, 13 and 14).

use super::{
    file_body::FileBody,
    problem::{Answer, Problem},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use std::ops::Range;
use tokio::{fs::File, io::AsyncSeekExt};

/// How long a reader may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The bytes under this path never change.
    ForEver,
    /// They never change, but they may be taken away.
    AWhile,
    /// Ask again each time.
    Ask,
}

/// Bytes to be served, with what is said about them.
pub(super) struct Page {
    pub(super) content: Content,
    pub(super) media: &'static str,
    /// Without its quotes: `[a-z0-9.-]` alone.
    pub(super) tag: String,
    pub(super) keep: Keep,
}

/// Where the bytes are.
pub(super) enum Content {
    Memory(Bytes),
    File(File, u64),
}

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const BYTES: &str = "application/octet-stream";
pub(super) const JSON: &str = "application/json";
pub(super) const ZSTD: &str = "application/zstd";

impl Page {
    /// The answer to a request with these headers. The router drops the body for HEAD.
    pub(super) async fn answer(self, request: &HeaderMap) -> Answer {
        let tag = format!("\"{}\"", self.tag);
        if request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|value| names(value, &tag))
        {
            return self.dress(StatusCode::NOT_MODIFIED.into_response(), &tag);
        }
        let length = match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(_, length) => *length,
        };
        let wanted = match range(request, &tag, length) {
            Wanted::All => None,
            Wanted::Part(range) => Some(range),
            Wanted::Nothing => return Ok(unsatisfied(length)),
        };
        let status = match wanted {
            Some(_) => StatusCode::PARTIAL_CONTENT,
            None => StatusCode::OK,
        };
        let part = wanted.clone().unwrap_or(0..length);
        let mut answer = self.dress((status, Body::empty()).into_response(), &tag)?;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_LENGTH, (part.end - part.start).into());
        if wanted.is_some() {
            let last = part.end.saturating_sub(1);
            let value = format!("bytes {}-{last}/{length}", part.start);
            headers.insert(header::CONTENT_RANGE, header_value(&value)?);
        }
        *answer.body_mut() = self.content.cut(part).await?;
        Ok(answer)
    }

    fn dress(&self, mut answer: Response, tag: &str) -> Answer {
        let value = HeaderValue::from_static;
        let headers = answer.headers_mut();
        headers.insert(header::ETAG, header_value(tag)?);
        headers.insert(header::CACHE_CONTROL, value(self.keep.as_str()));
        if answer.status() != StatusCode::NOT_MODIFIED {
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, value(self.media));
            headers.insert(header::ACCEPT_RANGES, value("bytes"));
        }
        Ok(answer)
    }
}

impl Content {
    async fn cut(self, part: Range<u64>) -> Answer<Body> {
        match self {
            Self::Memory(bytes) => {
                // The range was made to lie within the length, which is a usize.
                let part = part.start as usize..part.end as usize;
                Ok(Body::from(bytes.slice(part)))
            }
            Self::File(mut file, _) => {
                file.seek(std::io::SeekFrom::Start(part.start))
                    .await
                    .map_err(|e| Problem::internal(&e))?;
                Ok(Body::new(FileBody::new(file, part.end - part.start)))
            }
        }
    }
}

impl Keep {
    fn as_str(self) -> &'static str {
        match self {
            Self::ForEver => "public, max-age=31536000, immutable",
            Self::AWhile => "public, max-age=600",
            Self::Ask => "no-cache",
        }
    }
}

enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// The one range that is wanted. Several ranges, or what isn't understood, get the whole.
fn range(request: &HeaderMap, tag: &str, length: u64) -> Wanted {
    let text = |name| {
        request
            .get(name)
            .and_then(|v: &HeaderValue| v.to_str().ok())
    };
    let Some(spec) = text(header::RANGE).and_then(|r| r.strip_prefix("bytes=")) else {
        return Wanted::All;
    };
    // A weak tag, a date, or another tag: the reader's part belongs to other bytes.
    if request.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(tag) {
        return Wanted::All;
    }
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Wanted::All;
    };
    let number = |s: &str| {
        s.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| s.parse::<u64>().ok())?
    };
    let range = match (first, last) {
        ("", suffix) => match number(suffix) {
            Some(0) => return Wanted::Nothing,
            Some(n) => length.saturating_sub(n)..length,
            None => return Wanted::All,
        },
        (first, "") => match number(first) {
            Some(first) => first..length,
            None => return Wanted::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            _ => return Wanted::All,
        },
    };
    if range.start >= range.end {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

/// Whether `If-None-Match` names a tag; compared weakly, as the RFC says.
fn names(value: &HeaderValue, tag: &str) -> bool {
    value.to_str().is_ok_and(|list| {
        list.split(',')
            .map(str::trim)
            .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

fn unsatisfied(length: u64) -> Response {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "range",
        format!("the file has {length} bytes"),
    );
    let mut answer = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        answer.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    answer
}

fn header_value(text: &str) -> Answer<HeaderValue> {
    HeaderValue::from_str(text).map_err(|e| Problem::internal(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(spec: &str) -> Option<(u64, u64)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(spec).unwrap());
        match range(&headers, "\"t\"", 10) {
            Wanted::All => None,
            Wanted::Part(part) => Some((part.start, part.end)),
            Wanted::Nothing => Some((0, 0)),
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(asked("bytes=0-0"), Some((0, 1)));
        assert_eq!(asked("bytes=2-"), Some((2, 10)));
        assert_eq!(asked("bytes=-3"), Some((7, 10)));
        assert_eq!(asked("bytes=-30"), Some((0, 10)));
        assert_eq!(asked("bytes=5-99"), Some((5, 10)));
        assert_eq!(asked("bytes=10-"), Some((0, 0)));
        assert_eq!(asked("bytes=-0"), Some((0, 0)));
        for whole in [
            "bytes=3-2",
            "bytes=0-1,4-5",
            "lines=1-2",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1",
        ] {
            assert_eq!(asked(whole), None, "{whole}");
        }
    }

    #[test]
    fn entity_tags() {
        let named = |list: &str| names(&HeaderValue::from_str(list).unwrap(), "\"abc\"");
        assert!(named("\"abc\"") && named("W/\"abc\"") && named("\"x\", \"abc\"") && named("*"));
        assert!(!named("abc") && !named("\"ab\"") && !named(""));
    }
}
