//! A `multipart/form-data` body (RFC 7578), as the authority's uploads take it.

use super::Error;
use bytes::Bytes;

/// A body that is being written.
pub struct Form {
    boundary: String,
    bytes: Vec<u8>,
}

impl Form {
    pub fn new() -> Result<Self, Error> {
        // Random, so that no part's content can hold it by accident or design.
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|e| Error::said(format!("the system gives no randomness: {e}")))?;
        Ok(Self {
            boundary: format!("blockfeed-{}", hex::encode(random)),
            bytes: Vec::new(),
        })
    }

    pub fn field(&mut self, name: &str, content: &[u8]) {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n",
            self.boundary
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn end(&mut self) -> Bytes {
        let end = format!("--{}--\r\n", self.boundary);
        self.bytes.extend_from_slice(end.as_bytes());
        std::mem::take(&mut self.bytes).into()
    }
}
