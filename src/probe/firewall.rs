//! Tries TCP to the test addresses and to controls that no feed lists (design: Access).
//!
//! A packet that is dropped and a packet that nobody routes look the same. The list's own test
//! addresses are documentation addresses, which nobody routes: with those alone a connection shows
//! that nothing is enforced, and silence shows nothing. Enforcement is concluded only for a target
//! of which the caller says that something listens there.

use super::{Finding, PATIENCE, Shown, Verdict};
use std::{fmt, io, net::SocketAddr};
use tokio::net::TcpStream;

/// Addresses that the feed lists, each with a TCP port.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Of the lists; nobody says that anything listens there.
    SetAside(Vec<SocketAddr>),
    /// Of the caller, who says that something listens there.
    Answering(Vec<SocketAddr>),
}

/// Tries them all at once, and the controls: addresses of the same ways that aren't listed.
pub async fn probe(targets: &Targets, controls: &[SocketAddr]) -> Finding {
    let (Targets::SetAside(listed) | Targets::Answering(listed)) = targets;
    let (listed, controls) = tokio::join!(try_all(listed), try_all(controls));
    let answering = matches!(targets, Targets::Answering(_));
    let (verdict, why) = judge(&listed, answering, &controls);
    let shown = |role: &'static str, tries: &[Try]| {
        let shown = tries.iter().map(move |tried| Shown {
            role,
            asked: format!("{} tcp", tried.address),
            answer: tried.end.to_string(),
        });
        shown.collect::<Vec<_>>()
    };
    Finding {
        probe: "firewall",
        place: "the way from here".to_owned(),
        verdict,
        why,
        answers: [shown("test", &listed), shown("control", &controls)].concat(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Try {
    address: SocketAddr,
    end: End,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Connected,
    Refused,
    Silence,
    Failed(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Connected => f.write_str("connected"),
            End::Refused => f.write_str("refused by a reset"),
            End::Silence => write!(f, "silence for {} s", PATIENCE.as_secs()),
            End::Failed(why) => f.write_str(why),
        }
    }
}

fn judge(listed: &[Try], answering: bool, controls: &[Try]) -> (Verdict, String) {
    if let Some(open) = listed.iter().find(|tried| tried.end == End::Connected) {
        let why = format!(
            "{} can be reached. Are the sets loaded (nft list set inet blockfeed v4), and does a rule drop what is in them?",
            open.address
        );
        return (Verdict::NotEnforced, why);
    }
    let why = listed
        .iter()
        .find_map(|tried| doubt(tried, answering, controls));
    match why {
        Some(why) => (Verdict::CantTell, why),
        None => (
            Verdict::Enforced,
            "what listens at the listed address can't be reached, the control can".to_owned(),
        ),
    }
}

/// Why a connection that didn't come about shows nothing.
fn doubt(tried: &Try, answering: bool, controls: &[Try]) -> Option<String> {
    let address = tried.address;
    if !answering {
        return Some(format!(
            "{address} is set aside for tests and nobody routes it: it is silent with the list and without. Give that \
             address to a machine behind the firewall, let something listen there, and name it with --target ADDRESS:PORT"
        ));
    }
    let v4 = address.is_ipv4();
    let mut alike = controls.iter().filter(|c| c.address.is_ipv4() == v4);
    if !alike.clone().any(|control| control.end == End::Connected) {
        let family = if v4 { "IPv4" } else { "IPv6" };
        return Some(match alike.next() {
            None => format!(
                "without a control it can't be seen whether any {family} address is reached from here. Name one that \
                 isn't listed with --control ADDRESS:PORT"
            ),
            Some(control) => format!(
                "the control {} can't be reached either, so it may be the way and not the list. Name an {family} \
                 address that answers with --control",
                control.address
            ),
        });
    }
    match &tried.end {
        End::Silence => None,
        End::Refused => Some(format!(
            "{address} refuses by a reset: a firewall that rejects does that, and so does a machine on which nothing \
             listens. Look at the rule's counter"
        )),
        End::Failed(why) => Some(format!("{address} can't be tried from here: {why}")),
        End::Connected => None,
    }
}

async fn try_all(addresses: &[SocketAddr]) -> Vec<Try> {
    let tries = addresses.iter().map(|address| {
        let address = *address;
        tokio::spawn(async move { reach(address).await })
    });
    let tries: Vec<_> = tries.collect();
    let mut ends = Vec::new();
    for (address, tried) in addresses.iter().zip(tries) {
        let end = tried.await.unwrap_or_else(|e| End::Failed(e.to_string()));
        ends.push(Try {
            address: *address,
            end,
        });
    }
    ends
}

async fn reach(address: SocketAddr) -> End {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Err(_) => End::Silence,
        Ok(Ok(_)) => End::Connected,
        Ok(Err(error)) => match error.kind() {
            io::ErrorKind::ConnectionRefused => End::Refused,
            io::ErrorKind::TimedOut => End::Silence,
            _ => End::Failed(error.to_string()),
        },
    }
}
