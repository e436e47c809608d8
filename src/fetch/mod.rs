//! Bounded, timed reading of a URL or a folder: what a subscriber or an auditor does with bytes
//! that someone else controls (design: The agent, "byte limits before parsing").
//!
//! Every read has a limit in bytes and a deadline; a source that sends one byte a minute ends by
//! the floor on its throughput. Redirects are refused, nothing is decompressed, and a path from
//! elsewhere can't leave the base that the operator gave. [`outside`] is for servers that nobody here chose: it connects
//! to public addresses alone.

mod error;
mod folder;
mod http;
pub mod outside;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use error::Error;

/// Where published files are read from. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Source {
    place: Place,
    config: Config,
}

/// Limits in time that hold for every read of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Seconds to reach the other side.
    pub connect_seconds: u64,
    /// Seconds for one whole read, connecting included.
    pub total_seconds: u64,
    /// Bytes a second that a body must bring on average, once `grace_seconds` are over.
    pub least_bytes_per_second: u64,
    /// Seconds after the first line of an answer before its throughput counts.
    pub grace_seconds: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            connect_seconds: 10,
            total_seconds: 300,
            least_bytes_per_second: 4096,
            grace_seconds: 10,
        }
    }
}

/// One read, beyond path and limit.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    path: &'a str,
    limit: u64,
    query: Vec<(&'a str, String)>,
    etag: Option<&'a str>,
    authorization: Option<&'a str>,
    deadline: Option<Duration>,
}

/// What a read brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The body.
    pub bytes: Bytes,
    /// The server's `ETag` as it stood, for the next conditional read. A folder has none.
    pub etag: Option<String>,
}

/// What a server said to a call, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, within the limit.
    pub bytes: Bytes,
    /// The body's `Content-Type`, if the server named one in ASCII.
    pub content_type: Option<String>,
}

impl Source {
    /// Reads the text that names a source: `https://host/base`, `http://host:port/base`, a
    /// directory, or `file:///directory`.
    ///
    /// # Errors
    /// [`Error::Source`] for another scheme, a query, or a password in the URL;
    /// [`Error::Roots`] where https is asked for and the machine has no root certificates.
    pub fn parse(text: &str) -> Result<Source, Error> {
        Source::with(text, Config::default())
    }

    /// The same, with limits of one's own.
    pub fn with(text: &str, config: Config) -> Result<Source, Error> {
        let place = match text.split_once("://") {
            Some(("http" | "https", _)) => {
                Place::Http(Arc::new(http::Server::parse(text, &config)?))
            }
            Some(("file", path)) if path.starts_with('/') => Place::Folder(path.into()),
            Some((scheme, _)) => {
                return Err(Error::Source {
                    text: text.to_owned(),
                    why: format!("{scheme}:// isn't read here"),
                });
            }
            None if text.is_empty() => {
                return Err(Error::Source {
                    text: text.to_owned(),
                    why: "it is empty".to_owned(),
                });
            }
            None => Place::Folder(text.into()),
        };
        Ok(Source { place, config })
    }

    /// The same source, showing `token` as its bearer with every request. Over plain http the
    /// token can be read on the way. A folder asks for none.
    ///
    /// # Errors
    /// [`Error::Token`] for a token that can't stand in a header.
    pub fn bearer(self, token: &str) -> Result<Source, Error> {
        let place = match self.place {
            Place::Http(server) => Place::Http(Arc::new(server.with_token(token)?)),
            folder => folder,
        };
        Ok(Source { place, ..self })
    }

    /// Whether the other side can hold a request open until something changes. A folder can't:
    /// its readers look again by the clock.
    pub fn can_wait(&self) -> bool {
        matches!(self.place, Place::Http(_))
    }

    /// The file at `path` ("log/checkpoint"), of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`Error`]; nothing but a complete body of a 200 (or a whole file) is a success.
    pub async fn read(&self, path: &str, limit: u64) -> Result<Bytes, Error> {
        Ok(self.fetch(Read::new(path, limit)).await?.bytes)
    }

    /// One read with its own query, condition or deadline.
    ///
    /// # Errors
    /// [`Error::Unchanged`] where the condition held; else as [`Source::read`].
    pub async fn fetch(&self, read: Read<'_>) -> Result<Page, Error> {
        let path = plain(read.path)?;
        match &self.place {
            Place::Http(server) => server.fetch(path, &read, &self.config).await,
            Place::Folder(dir) => {
                let place = dir.join(path);
                let name = place.display().to_string();
                let after = self.deadline(&read);
                let bytes = tokio::time::timeout(after, folder::read(place, read.limit)).await;
                bytes
                    .unwrap_or(Err(Error::Timeout {
                        place: name,
                        what: "the whole read",
                        after,
                    }))
                    .map(|bytes| Page { bytes, etag: None })
            }
        }
    }

    /// Asks a server's API with GET and takes its answer with any status.
    ///
    /// # Errors
    /// [`Error::NoServer`] for a folder; else what kept the answer from arriving.
    pub async fn ask(&self, read: Read<'_>) -> Result<Answer, Error> {
        let path = plain(read.path)?;
        self.server()?.ask(path, &read, &self.config).await
    }

    /// Posts `body` to `path` and takes the answer with any status, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::NoServer`] for a folder; else what kept the answer from arriving. After an error
    /// it isn't known whether the server acted.
    pub async fn post(
        &self,
        path: &str,
        body: Bytes,
        content_type: &str,
        limit: u64,
    ) -> Result<Answer, Error> {
        self.send(Read::new(path, limit), body, content_type).await
    }

    /// The same with a query, an authorization or a deadline of its own: `to` says where, and
    /// how much of an answer is read.
    ///
    /// # Errors
    /// As [`Source::post`].
    pub async fn send(
        &self,
        to: Read<'_>,
        body: Bytes,
        content_type: &str,
    ) -> Result<Answer, Error> {
        let path = plain(to.path)?;
        let server = self.server()?;
        server
            .post(path, &to, body, content_type, &self.config)
            .await
    }

    fn server(&self) -> Result<&http::Server, Error> {
        match &self.place {
            Place::Http(server) => Ok(server),
            Place::Folder(dir) => Err(Error::NoServer {
                place: dir.display().to_string(),
            }),
        }
    }

    fn deadline(&self, read: &Read<'_>) -> Duration {
        read.deadline
            .unwrap_or(Duration::from_secs(self.config.total_seconds))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Http(server) => write!(f, "{server}"),
            Place::Folder(dir) => write!(f, "{}", dir.display()),
        }
    }
}

impl<'a> Read<'a> {
    /// A read of `path`, of at most `limit` bytes.
    pub fn new(path: &'a str, limit: u64) -> Read<'a> {
        Read {
            path,
            limit,
            query: Vec::new(),
            etag: None,
            authorization: None,
            deadline: None,
        }
    }

    /// Adds one pair to the query; a folder overlooks it.
    pub fn query(mut self, name: &'a str, value: impl fmt::Display) -> Read<'a> {
        self.query.push((name, value.to_string()));
        self
    }

    /// Asks only for what differs from the page that had this `ETag`.
    pub fn unless(mut self, etag: Option<&'a str>) -> Read<'a> {
        self.etag = etag;
        self
    }

    /// Shows this as the `Authorization` of this one request, in place of the source's token.
    pub fn authorized(mut self, authorization: Option<&'a str>) -> Read<'a> {
        self.authorization = authorization;
        self
    }

    /// Sets this read's own deadline, such as a long poll's wait and some seconds more.
    pub fn within(mut self, deadline: Duration) -> Read<'a> {
        self.deadline = Some(deadline);
        self
    }
}

#[derive(Clone, Debug)]
enum Place {
    Http(Arc<http::Server>),
    Folder(PathBuf),
}

/// A path that stays under any base; one slash may lead it.
fn plain(path: &str) -> Result<&str, Error> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = |segment: &str| {
        !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(allowed)
    };
    let relative = path.strip_prefix('/').unwrap_or(path);
    if relative.split('/').all(fits) {
        Ok(relative)
    } else {
        Err(Error::Path {
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
