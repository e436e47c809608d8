//! HTTP/1.1 on one connection that stays open, as a browser keeps it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A browser: its connection, and the cookie that it shows.
pub struct Browser {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
    cookie: String,
}

pub struct Answer {
    pub status: u16,
    pub location: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Browser {
    pub fn open(host: SocketAddr, cookie: &str) -> Self {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        let long = Some(Duration::from_secs(600));
        stream.set_read_timeout(long).unwrap();
        Self {
            stream: BufReader::new(stream),
            host,
            cookie: cookie.to_owned(),
        }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\naccept: {}\r\n\r\n",
            self.host,
            self.cookie,
            if path.starts_with("/api/") {
                "application/json"
            } else {
                "text/html"
            },
        );
        self.ask(head.as_bytes(), b"")
    }

    /// A form as a page sends it.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let body = form.finish();
        self.send(path, "application/x-www-form-urlencoded", body.as_bytes())
    }

    /// The same form as `multipart/form-data`, as a page that takes files sends it.
    pub fn post_multipart(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        const EDGE: &str = "edge-of-a-field-399";
        let mut body = Vec::new();
        for (name, value) in fields {
            let head =
                format!("--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(value.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
        let media = format!("multipart/form-data; boundary={EDGE}");
        self.send(path, &media, &body)
    }

    fn send(&mut self, path: &str, media: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nsec-fetch-site: same-origin\r\ncookie: {}\r\naccept: text/html\r\ncontent-type: {media}\r\ncontent-length: {}\r\n\r\n",
            self.cookie,
            body.len(),
            host = self.host,
        );
        self.ask(head.as_bytes(), body)
    }

    /// On a new connection where the server has closed the one that was idle.
    fn ask(&mut self, head: &[u8], body: &[u8]) -> Answer {
        let sent = |browser: &mut Self| {
            let stream = browser.stream.get_mut();
            stream.write_all(head).and_then(|()| stream.write_all(body))
        };
        let idle = sent(self).is_err() || self.stream.fill_buf().map_or(true, <[u8]>::is_empty);
        if idle {
            *self = Self::open(self.host, &self.cookie);
            sent(self).unwrap();
        }
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        let mut next = |stream: &mut BufReader<TcpStream>| {
            line.clear();
            stream.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        };
        let status = next(&mut self.stream);
        let status = status.split(' ').nth(1).and_then(|s| s.parse().ok());
        let (mut length, mut location) = (0, String::new());
        loop {
            let header = next(&mut self.stream);
            let Some((name, value)) = header.split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "location" => location = value.to_owned(),
                "transfer-encoding" => panic!("{header}: an answer of unknown length"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Answer {
            status: status.expect("a status"),
            location,
            body,
        }
    }
}
