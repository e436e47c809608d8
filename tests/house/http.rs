//! HTTP as bytes on a socket, so that nothing on the way mends what a test sends.

use super::{House, Officer, Proposal, now};
use blockfeed::decision::Approval;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Each `Set-Cookie`, of which there may be several.
    pub cookies: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Asserts a problem document with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail"] {
            assert!(
                problem[field].as_str().is_some_and(|s| !s.is_empty()),
                "{field}: {problem}"
            );
        }
        problem
    }
}

impl House {
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, &[])
    }

    pub fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, &[], &[])
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body)
    }

    /// A request that an officer signs.
    pub fn signed(&self, officer: Officer, method: &str, path: &str, body: &[u8]) -> Answer {
        let header = self
            .secrets
            .authorization(officer, method, path, stamp(), body);
        self.send(method, path, &[("authorization", &header)], body)
    }

    /// `POST /api/v1/proposals` as a client sends it.
    pub fn propose(&self, proposal: &Proposal, approval: &Approval) -> Answer {
        self.propose_to("/api/v1/proposals", proposal, approval)
    }

    /// The same, to take effect at once: signed by the officer beside the stay itself.
    pub fn propose_alone(&self, stay: &Proposal, approval: &Approval, officer: Officer) -> Answer {
        let path = "/api/v1/proposals?commit=now";
        let secrets = &self.secrets;
        let header = secrets.authorization(officer, "POST", path, now(), &stay.bytes());
        self.upload(path, stay, approval, &[("authorization", &header)])
    }

    pub fn propose_to(&self, path: &str, proposal: &Proposal, approval: &Approval) -> Answer {
        self.upload(path, proposal, approval, &[])
    }

    fn upload(
        &self,
        path: &str,
        proposal: &Proposal,
        approval: &Approval,
        headers: &[(&str, &str)],
    ) -> Answer {
        let approval = serde_json::to_vec(approval).unwrap();
        let body = proposal.bytes();
        let mut fields = vec![("body", body.as_slice()), ("approval", &approval)];
        let openings = proposal.openings.iter();
        fields.extend(openings.map(|text| ("openings", text.as_bytes())));
        fields.extend(proposal.parts.iter().map(|part| ("part", part.as_slice())));
        self.multipart_by(path, &fields, headers)
    }

    /// `POST /api/v1/proposals/<id>/approvals`
    pub fn approve(&self, proposal: &Proposal, approval: &Approval) -> Answer {
        let path = format!("/api/v1/proposals/{}/approvals", proposal.id);
        self.post(&path, &serde_json::to_vec(approval).unwrap())
    }

    pub fn multipart(&self, path: &str, fields: &[(&str, &[u8])]) -> Answer {
        self.multipart_by(path, fields, &[])
    }

    fn multipart_by(
        &self,
        path: &str,
        fields: &[(&str, &[u8])],
        headers: &[(&str, &str)],
    ) -> Answer {
        const EDGE: &str = "edge-of-a-field-399";
        let mut body = Vec::new();
        for (name, bytes) in fields {
            let head =
                format!("--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
        let media = format!("multipart/form-data; boundary={EDGE}");
        let headers = [headers, &[("content-type", media.as_str())]].concat();
        self.send("POST", path, &headers, &body)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        send(self.address(), method, path, headers, body)
    }
}

/// A time for a signed request, another each time: the same request signed twice in one second is
/// taken for an overheard one. Requests of a program go round within the five minutes that the
/// server allows on either side.
pub fn stamp() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    now() - 250 + COUNT.fetch_add(1, Ordering::SeqCst) % 500
}

/// One request on a connection of its own.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    if method != "GET" && method != "HEAD" {
        request += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(90)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    // A server that refuses may close before it has read everything.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| line.split_once(": "));
    let cookies = headers.clone();
    let cookies = cookies.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let cookies = cookies.map(|(_, value)| value.to_owned()).collect();
    let headers: BTreeMap<String, String> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    assert!(!headers.contains_key("transfer-encoding"), "{head}");
    Answer {
        status: status.and_then(|s| s.parse().ok()).unwrap(),
        headers,
        cookies,
        body: bytes[end + 4..].to_vec(),
    }
}
