//! The live DNS: delegation, addresses, wildcard, parking, DNSSEC status, as one resolver says it.
//!
//! A resolver can lie: some answer for names that don't exist, and one that enforces a blocklist denies names that do. So a
//! name that can't exist is asked along, and a denial counts only when it comes in the name of a zone above the name.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::{Message, MessageType, OpCode, Query, ResponseCode},
        rr::{Name, RData, RecordType},
    },
    system_conf::read_system_conf,
};
use tokio::net::UdpSocket;

use super::{fault, within};
use crate::{
    registry::{
        facts::{Delegation, Dnssec, Fault, FaultKind, Source, Sourced},
        lists::{Names, Sought},
    },
    subject::cover,
};

/// Asks one resolver.
#[derive(Clone)]
pub struct Dns {
    resolver: TokioResolver,
    server: SocketAddr,
    time: Duration,
}

/// What came back for one name and type.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Servers(Vec<String>),
    Addresses(Vec<IpAddr>),
    /// A zone above says that there is no such name.
    NoName,
    /// A zone above, or the name's own, says that there is no such record.
    NoData,
}

impl Dns {
    /// A client of this resolver, or of the first one of the system.
    ///
    /// # Errors
    /// A sentence, where the system has none or the client can't be made.
    pub fn new(server: Option<SocketAddr>, time: Duration) -> Result<Dns, String> {
        let server = match server {
            Some(server) => server,
            None => system()?,
        };
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let one = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![one]);
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = time / 3;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = builder
            .build()
            .map_err(|e| format!("no DNS client can be made: {e}"))?;
        Ok(Dns {
            resolver,
            server,
            time,
        })
    }

    /// Whether the resolver answers at all: it is asked for the servers of `vn`.
    ///
    /// # Errors
    /// A sentence.
    pub async fn alive(&self) -> Result<(), String> {
        let asked = self.lookup("vn", RecordType::NS).await;
        asked.map(drop).map_err(|fault| fault.detail)
    }

    /// What the DNS says of `name`, whose registrable domain is `registrable`.
    pub async fn ask(
        &self,
        name: &str,
        registrable: &str,
        parking: &Names,
        now: u64,
    ) -> Sourced<Delegation> {
        let source = Source::Resolver {
            address: self.server.to_string(),
        };
        let asking = self.delegation(name, registrable, parking);
        within(source, now, self.time, asking).await
    }

    async fn delegation(
        &self,
        name: &str,
        registrable: &str,
        parking: &Names,
    ) -> Result<Option<Delegation>, Fault> {
        // Not below `.invalid`: a client may answer for that by itself.
        let nowhere = format!("{}.{}", random()?, random()?);
        let below = format!("{}.{name}", random()?);
        let (canary, servers, v4, v6, wild, dnssec) = tokio::join!(
            self.lookup(&nowhere, RecordType::A),
            self.lookup(registrable, RecordType::NS),
            self.lookup(name, RecordType::A),
            self.lookup(name, RecordType::AAAA),
            self.lookup(&below, RecordType::A),
            self.dnssec(name),
        );
        if let Answer::Addresses(_) = canary? {
            let what =
                "it has addresses for a name that can't exist; ask through a resolver that doesn't";
            return Err(self.lies(what));
        }
        // The validating resolver hides what doesn't hold, so nothing else can be known of such a name.
        if dnssec == Dnssec::Bogus {
            return Ok(Some(Delegation {
                delegated: true,
                dnssec,
                ..Delegation::default()
            }));
        }
        let mut found = Delegation {
            wildcard: matches!(wild?, Answer::Addresses(_)),
            dnssec,
            ..Delegation::default()
        };
        for answer in [v4?, v6?] {
            if let Answer::Addresses(addresses) = answer {
                found.addresses.extend(addresses);
            }
        }
        match servers? {
            Answer::Servers(servers) => {
                found.delegated = true;
                found.name_servers = servers;
            }
            Answer::NoName if found.addresses.is_empty() => return Ok(None),
            Answer::NoName => {
                return Err(self.lies("it has addresses below a domain that it says doesn't exist"));
            }
            Answer::NoData | Answer::Addresses(_) => {}
        }
        found.parked = parked(&found.name_servers, parking);
        Ok(Some(found))
    }

    async fn lookup(&self, name: &str, kind: RecordType) -> Result<Answer, Fault> {
        match self.resolver.lookup(format!("{name}."), kind).await {
            Ok(found) => self.records(name, kind, found.message()),
            Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => {
                let missing = match nothing.response_code {
                    ResponseCode::NXDomain => true,
                    ResponseCode::NoError => false,
                    code => return Err(self.code(name, code)),
                };
                let zone = nothing.soa.map(|soa| tidy(&soa.name));
                self.denial(name, missing, zone.as_deref())
            }
            Err(NetError::Dns(DnsError::ResponseCode(code))) => Err(self.code(name, code)),
            Err(NetError::Timeout) => Err(fault(
                FaultKind::Timeout,
                format!("resolver {}: no answer for {name}", self.server),
            )),
            Err(error) => Err(fault(
                FaultKind::Unreachable,
                format!("resolver {}: {name}: {error}", self.server),
            )),
        }
    }

    /// The records of an answer that belong to the name, or to what its aliases lead to.
    fn records(&self, name: &str, kind: RecordType, message: &Message) -> Result<Answer, Fault> {
        let mut chain = vec![name.to_owned()];
        for record in &message.answers {
            if let RData::CNAME(target) = &record.data
                && chain.contains(&tidy(&record.name))
            {
                chain.push(tidy(&target.0));
            }
        }
        let of = message
            .answers
            .iter()
            .filter(|record| chain.contains(&tidy(&record.name)));
        let (mut servers, mut addresses) = (Vec::new(), Vec::new());
        for record in of.take(MOST) {
            match &record.data {
                RData::NS(server) => servers.push(tidy(&server.0)),
                RData::A(address) => addresses.push(IpAddr::V4(address.0)),
                RData::AAAA(address) => addresses.push(IpAddr::V6(address.0)),
                _ => {}
            }
        }
        match kind {
            RecordType::NS if !servers.is_empty() => {
                servers.sort();
                Ok(Answer::Servers(servers))
            }
            RecordType::A | RecordType::AAAA if !addresses.is_empty() => {
                Ok(Answer::Addresses(addresses))
            }
            _ if message.answers.iter().any(|r| r.record_type() == kind) => Err(fault(
                FaultKind::OtherName,
                format!(
                    "resolver {}: asked for {name}, it answers for another name",
                    self.server
                ),
            )),
            _ => Ok(Answer::NoData),
        }
    }

    /// A denial, if a zone above the name makes it. Without one it is the resolver's own policy, and says nothing.
    fn denial(&self, name: &str, missing: bool, zone: Option<&str>) -> Result<Answer, Fault> {
        match zone {
            Some(zone) if zone.is_empty() || cover::is_within(zone, name) => {
                Ok(if missing { Answer::NoName } else { Answer::NoData })
            }
            _ => Err(self.lies(&format!(
                "it denies {name} in no zone's name, as a blocklist does; ask through a resolver that enforces none"
            ))),
        }
    }

    fn code(&self, name: &str, code: ResponseCode) -> Fault {
        let kind = match code {
            ResponseCode::Refused | ResponseCode::NotAuth => FaultKind::Refused,
            ResponseCode::ServFail => FaultKind::Unreachable,
            _ => FaultKind::Garbage,
        };
        fault(kind, format!("resolver {}: {name}: {code}", self.server))
    }

    fn lies(&self, what: &str) -> Fault {
        fault(
            FaultKind::Garbage,
            format!("resolver {}: {what}", self.server),
        )
    }

    /// Whether the resolver, being one that validates, vouches for the name.
    async fn dnssec(&self, name: &str) -> Dnssec {
        let root = self.flags(".", RecordType::SOA, false);
        let (root, own) = tokio::join!(root, self.flags(name, RecordType::A, false));
        match own {
            Some((ResponseCode::NoError | ResponseCode::NXDomain, true)) => Dnssec::Secure,
            // A resolver that doesn't vouch for the root vouches for nothing.
            Some((ResponseCode::NoError | ResponseCode::NXDomain, false)) => match root {
                Some((_, true)) => Dnssec::Insecure,
                _ => Dnssec::NotChecked,
            },
            Some((ResponseCode::ServFail, _)) => {
                match self.flags(name, RecordType::A, true).await {
                    Some((ResponseCode::NoError, _)) => Dnssec::Bogus,
                    _ => Dnssec::NotChecked,
                }
            }
            _ => Dnssec::NotChecked,
        }
    }

    /// The response code and the AD flag of an answer to a question that asks for that flag (RFC 6840, section 5.7), or
    /// that lets go unchecked (CD).
    async fn flags(
        &self,
        name: &str,
        kind: RecordType,
        unchecked: bool,
    ) -> Option<(ResponseCode, bool)> {
        let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.'))).ok()?;
        let mut id = [0; 2];
        getrandom::fill(&mut id).ok()?;
        let mut question = Message::new(u16::from_be_bytes(id), MessageType::Query, OpCode::Query);
        question.metadata.recursion_desired = true;
        question.metadata.authentic_data = true;
        question.metadata.checking_disabled = unchecked;
        question.add_query(Query::query(name, kind));
        let any: IpAddr = match self.server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).await.ok()?;
        socket.connect(self.server).await.ok()?;
        socket.send(&question.to_vec().ok()?).await.ok()?;
        let mut buffer = vec![0; 4096];
        let answer = async {
            loop {
                let length = socket.recv(&mut buffer).await.ok()?;
                let answer = Message::from_vec(buffer.get(..length)?).ok();
                let ours = answer.filter(|a| {
                    a.metadata.id == question.metadata.id && a.queries == question.queries
                });
                if let Some(answer) = ours {
                    return Some((
                        answer.metadata.response_code,
                        answer.metadata.authentic_data,
                    ));
                }
            }
        };
        tokio::time::timeout(self.time / 3, answer).await.ok()?
    }
}

/// The first resolver of the system.
fn system() -> Result<SocketAddr, String> {
    let (config, _) = read_system_conf()
        .map_err(|e| format!("the system names no resolver ({e}); set registry.resolver"))?;
    let first = config.name_servers().first();
    first
        .map(|server| SocketAddr::new(server.ip, 53))
        .ok_or_else(|| "the system names no resolver; set registry.resolver".to_owned())
}

/// The row of the list that a name server lies in.
fn parked(servers: &[String], parking: &Names) -> Option<String> {
    let names = servers.iter().flat_map(|server| cover::ancestors(server));
    let found = names
        .filter_map(|name| parking.find(&Sought::new(name)))
        .min();
    let row = parking.row(found?)?;
    Some(format!(
        "lists/{} line {}: {}",
        parking.head.file, row.line, row.name
    ))
}

fn tidy(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

/// A label that nobody has.
fn random() -> Result<String, Fault> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)
        .map_err(|e| fault(FaultKind::Unreachable, format!("no random label: {e}")))?;
    Ok(format!("x{}", hex::encode(bytes)))
}

/// The most records of one answer.
const MOST: usize = 64;
