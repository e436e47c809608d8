//! A resolver that says what it is told, over UDP and TCP.

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{
        Name, RData, Record,
        rdata::{A, CNAME, NS, SOA},
    },
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
};

pub use hickory_resolver::proto::rr::RecordType as Type;

/// What a question gets.
#[derive(Clone, Copy)]
pub enum Said {
    Servers(&'static [&'static str]),
    Addresses(&'static [&'static str]),
    /// With the flag by which a validating resolver vouches (AD).
    VouchedAddress(&'static str),
    /// The zone's own record, with that flag.
    Vouched,
    Alias(&'static str, &'static str),
    /// An address, in the name of another.
    OfAnother(&'static str),
    /// NXDOMAIN, says this zone.
    NoName(&'static str),
    NoNameOfNobody,
    NoData(&'static str),
    Code(ResponseCode),
    /// Fails where signatures are checked, and answers where they aren't.
    Bogus,
    Silence,
    /// Bytes that are no message.
    Noise,
}

/// Serves on a free port.
pub async fn serve(say: impl Fn(&str, Type) -> Said + Send + Sync + 'static) -> SocketAddr {
    let say = Arc::new(say);
    // The same port for both; another process may be quicker at the second.
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let own = udp.local_addr().unwrap();
    let by_udp = say.clone();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        while let Ok((length, from)) = udp.recv_from(&mut buffer).await {
            if let Some(bytes) = answer(&buffer[..length], by_udp.as_ref()) {
                _ = udp.send_to(&bytes, from).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let say = say.clone();
            tokio::spawn(async move {
                loop {
                    let length = stream.read_u16().await.ok()?;
                    let mut question = vec![0; length.into()];
                    stream.read_exact(&mut question).await.ok()?;
                    let Some(bytes) = answer(&question, say.as_ref()) else {
                        std::future::pending::<()>().await;
                        return None::<()>;
                    };
                    stream.write_u16(bytes.len() as u16).await.ok()?;
                    stream.write_all(&bytes).await.ok()?;
                }
            });
        }
    });
    own
}

fn answer(question: &[u8], say: &(impl Fn(&str, Type) -> Said + ?Sized)) -> Option<Vec<u8>> {
    let question = Message::from_vec(question).ok()?;
    let asked = question.queries.first()?.clone();
    let name = asked.name().to_ascii().trim_end_matches('.').to_lowercase();
    let mut reply = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    reply.metadata.recursion_available = true;
    reply.metadata.recursion_desired = true;
    let own = |data| Record::from_rdata(asked.name().clone(), 60, data);
    let address = |text: &str| RData::A(A(text.parse::<Ipv4Addr>().unwrap()));
    match say(&name, asked.query_type()) {
        Said::Silence => return None,
        Said::Noise => return Some(vec![0xAB; 40]),
        Said::Servers(all) => {
            for server in all {
                reply.add_answer(own(RData::NS(NS(full(server)))));
            }
        }
        Said::Addresses(all) => {
            for text in all {
                reply.add_answer(own(address(text)));
            }
        }
        Said::VouchedAddress(text) => {
            reply.metadata.authentic_data = true;
            reply.add_answer(own(address(text)));
        }
        Said::Vouched => {
            reply.metadata.authentic_data = true;
            reply.add_answer(own(soa()));
        }
        Said::Alias(target, text) => {
            reply.add_answer(own(RData::CNAME(CNAME(full(target)))));
            reply.add_answer(Record::from_rdata(full(target), 60, address(text)));
        }
        Said::OfAnother(text) => {
            reply.add_answer(Record::from_rdata(
                full("another.example"),
                60,
                address(text),
            ));
        }
        Said::NoName(zone) => {
            reply.metadata.response_code = ResponseCode::NXDomain;
            reply.add_authority(Record::from_rdata(full(zone), 60, soa()));
        }
        Said::NoNameOfNobody => reply.metadata.response_code = ResponseCode::NXDomain,
        Said::NoData(zone) => {
            reply.add_authority(Record::from_rdata(full(zone), 60, soa()));
        }
        Said::Code(code) => reply.metadata.response_code = code,
        Said::Bogus if question.metadata.checking_disabled => {
            reply.add_answer(own(address("203.0.113.7")));
        }
        Said::Bogus => reply.metadata.response_code = ResponseCode::ServFail,
    }
    reply.add_query(asked.clone());
    reply.to_vec().ok()
}

fn full(name: &str) -> Name {
    Name::from_ascii(format!("{name}.")).unwrap()
}

fn soa() -> RData {
    RData::SOA(SOA::new(
        full("ns.example"),
        full("x.example"),
        1,
        60,
        60,
        60,
        60,
    ))
}
