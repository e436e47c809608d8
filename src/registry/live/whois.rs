//! WHOIS (RFC 3912), where a registry has no RDAP: one line is asked, and an unstructured text comes back.
//!
//! Of the text only known `key: value` lines are read, and none that is about a person; the rest is dropped here. One
//! referral to a registrar's server isn't followed for facts, only a registry's to another registry's (`whois:` or `refer:`).

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{fault, rdap::short, rdap::time, within};
use crate::{
    fetch::outside::{self, Reach, Unconnected},
    registry::facts::{AbuseContact, Fault, FaultKind, Registration, Source, Sourced},
    subject::domain,
};

/// Asks WHOIS servers.
#[derive(Clone, Debug)]
pub struct Whois {
    reach: Reach,
    time: Duration,
    port: u16,
}

impl Whois {
    pub fn new(reach: Reach, time: Duration) -> Whois {
        Whois {
            reach,
            time,
            port: 43,
        }
    }

    /// The same, asking at another port: WHOIS has no way to name one.
    pub fn at_port(self, port: u16) -> Whois {
        Whois { port, ..self }
    }

    /// The registration of `name`, a registrable domain, by `server`.
    pub async fn ask(&self, server: &str, name: &str, now: u64) -> Sourced<Registration> {
        let source = Source::Whois {
            server: server.to_owned(),
        };
        within(source, now, self.time, self.registration(server, name)).await
    }

    async fn registration(&self, server: &str, name: &str) -> Result<Option<Registration>, Fault> {
        let mut server = server.to_owned();
        for _ in 0..=REFERRALS {
            let text = self.text(&server, name).await?;
            match read(&text, name) {
                Said::Registration(found) => return Ok(Some(*found)),
                Said::Nothing => return Ok(None),
                Said::Refused => {
                    let detail =
                        format!("{server}: the server won't answer (its limit was reached)");
                    return Err(fault(FaultKind::Refused, detail));
                }
                Said::Elsewhere(next) if next != server => server = next,
                Said::Elsewhere(_) => break,
                Said::OtherName(other) => {
                    let detail =
                        format!("{server}: the answer is about {other:?}, not about {name}");
                    return Err(fault(FaultKind::OtherName, detail));
                }
                Said::Garbage => {
                    let detail = format!(
                        "{server}: the answer says neither that {name} is registered nor that it isn't"
                    );
                    return Err(fault(FaultKind::Garbage, detail));
                }
            }
        }
        let detail = format!("{server}: more than {REFERRALS} referrals lead here");
        Err(fault(FaultKind::Redirects, detail))
    }

    async fn text(&self, server: &str, name: &str) -> Result<String, Fault> {
        let unreachable =
            |e: std::io::Error| fault(FaultKind::Unreachable, format!("{server}: {e}"));
        let mut stream: TcpStream = outside::connect(&self.reach, server, self.port)
            .await
            .map_err(|e| match e {
                Unconnected::Forbidden(why) => {
                    fault(FaultKind::Private, format!("{server}: {why}"))
                }
                Unconnected::Io(e) => unreachable(e),
            })?;
        // The name is canonical: no space, no line end, nothing that could be a second query.
        let query = format!("{name}\r\n");
        stream
            .write_all(query.as_bytes())
            .await
            .map_err(unreachable)?;
        let mut bytes = Vec::new();
        let mut bounded = stream.take(LIMIT + 1);
        bounded.read_to_end(&mut bytes).await.map_err(unreachable)?;
        if bytes.len() as u64 > LIMIT {
            let detail = format!("{server}: more than the {LIMIT} bytes that are allowed here");
            return Err(fault(FaultKind::TooLarge, detail));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Registration(Box<Registration>),
    Nothing,
    Elsewhere(String),
    Refused,
    OtherName(String),
    Garbage,
}

fn read(text: &str, name: &str) -> Said {
    let mut reading = Reading {
        found: Registration {
            name: name.to_owned(),
            registered: true,
            ..Registration::default()
        },
        ..Reading::default()
    };
    for line in text.lines().take(LINES) {
        if let Some((key, value)) = line.split_once(':') {
            let value = short(value);
            if !value.is_empty() {
                reading.take(&key.trim().to_lowercase(), value);
            }
        }
    }
    reading.conclude(text, name)
}

/// What was read of an answer so far.
#[derive(Default)]
struct Reading {
    found: Registration,
    /// The name that the answer is about.
    answered: Option<String>,
    elsewhere: Option<String>,
    free: bool,
}

impl Reading {
    /// Takes what a line says, if it is of use. Registrant, administrator, technician, addresses: persons, whom nobody
    /// here needs.
    fn take(&mut self, key: &str, value: String) {
        let found = &mut self.found;
        match key {
            "domain" | "domain name" | "domainname" => {
                let tidy = value.trim_end_matches('.').to_ascii_lowercase();
                self.answered.get_or_insert(tidy);
            }
            "registrar" | "registrar name" | "sponsoring registrar" => {
                found.registrar.get_or_insert(value);
            }
            "creation date" | "created" | "created on" | "registered" | "registration time" => {
                found.created = found.created.or(time(&value));
            }
            "registry expiry date"
            | "expiry date"
            | "expires"
            | "expiration date"
            | "paid-till"
            | "expiration time" => found.expires = found.expires.or(time(&value)),
            "updated date" | "changed" | "last updated" | "modified" | "last modified" => {
                found.changed = found.changed.or(time(&value));
            }
            "domain status" | "status" | "state" if found.statuses.len() < MOST => {
                let status = value.split(" http").next().unwrap_or(&value).to_lowercase();
                self.free |= matches!(status.as_str(), "free" | "available");
                found.statuses.push(status);
            }
            "name server" | "nserver" | "nameserver" | "name servers"
                if found.name_servers.len() < MOST =>
            {
                let server = value.split_whitespace().next().unwrap_or_default();
                let tidy = server.trim_end_matches('.').to_ascii_lowercase();
                found.name_servers.push(tidy);
            }
            "registrar abuse contact email" => self.abuse().email = Some(value),
            "registrar abuse contact phone" => self.abuse().telephone = Some(value),
            "refer" | "whois" | "registry whois server" => {
                self.elsewhere = Some(value.to_lowercase());
            }
            _ => {}
        }
    }

    fn abuse(&mut self) -> &mut AbuseContact {
        self.found.abuse_contact.get_or_insert_default()
    }

    fn conclude(self, text: &str, name: &str) -> Said {
        let beginning: String = text.chars().take(NEGATIVE_WITHIN).collect();
        let says = |any: &[&str]| {
            let low = beginning.to_lowercase();
            any.iter().any(|said| low.contains(said))
        };
        let found = &self.found;
        let held = !found.name_servers.is_empty()
            || !found.statuses.is_empty()
            || found.registrar.is_some()
            || found.created.is_some();
        match self.answered {
            Some(other) if other != name => Said::OtherName(short(&other)),
            Some(_) if self.free => Said::Nothing,
            Some(_) if held => Said::Registration(Box::new(self.found)),
            _ if says(&LIMITED) => Said::Refused,
            _ if says(&NEGATIVE) => Said::Nothing,
            Some(_) => Said::Garbage,
            None => match self
                .elsewhere
                .filter(|server| domain::check(server).is_ok())
            {
                Some(server) => Said::Elsewhere(server),
                None => Said::Garbage,
            },
        }
    }
}

/// What registries say of a name that they don't have; looked for near the beginning, before any text of terms.
const NEGATIVE: [&str; 9] = [
    "no match",
    "not found",
    "no data found",
    "no entries found",
    "no object found",
    "not registered",
    "nothing found",
    "does not exist",
    "status: free",
];
const LIMITED: [&str; 5] = [
    "limit exceeded",
    "quota exceeded",
    "too many requests",
    "query rate",
    "access denied",
];
const NEGATIVE_WITHIN: usize = 2_000;
/// Bytes of an answer, its lines, and values of one key.
const LIMIT: u64 = 256 << 10;
const LINES: usize = 2_000;
const MOST: usize = 32;
const REFERRALS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_read_without_its_persons() {
        let text = "% terms: not found here\r\ndomain:       SHOP.IO\r\nRegistrar: Some Registrar\r\n\
            Registrant Name: Nguyen Van A\r\nRegistrant Email: a@b.example\r\nCreation Date: 2020-01-02T00:00:00Z\r\n\
            Domain Status: clientHold https://icann.org/epp#clientHold\r\nName Server: NS1.SHOP.IO. 1.2.3.4\r\n\
            Registrar Abuse Contact Email: abuse@registrar.example\r\n";
        let Said::Registration(found) = read(text, "shop.io") else {
            panic!("{:?}", read(text, "shop.io"));
        };
        assert_eq!(found.statuses, ["clienthold"]);
        assert_eq!(found.name_servers, ["ns1.shop.io"]);
        assert_eq!(found.created, Some(1_577_923_200));
        let kept = serde_json::to_string(&found).unwrap();
        assert!(
            kept.contains("abuse@registrar") && !kept.contains("Nguyen") && !kept.contains("a@b")
        );
        assert_eq!(
            read(text, "other.io"),
            Said::OtherName("shop.io".to_owned())
        );
    }

    #[test]
    fn what_is_not_a_registration_is_told_apart() {
        assert_eq!(read("No match for SHOP.IO\n", "shop.io"), Said::Nothing);
        assert_eq!(
            read("Domain: shop.io\nStatus: free\n", "shop.io"),
            Said::Nothing
        );
        assert_eq!(read("WHOIS LIMIT EXCEEDED\n", "shop.io"), Said::Refused);
        assert_eq!(read("hello\u{1}\n", "shop.io"), Said::Garbage);
        assert_eq!(
            read("refer: whois.nic.io\n", "shop.io"),
            Said::Elsewhere("whois.nic.io".to_owned())
        );
        assert_eq!(read("refer: 127.0.0.1\n", "shop.io"), Said::Garbage);
    }
}
