//! Asks one resolver for the test name, for a name below it and for its sibling, which no feed lists
//! (design: Access; the answers are those of the rendered formats).
//!
//! The test name is reserved (RFC 2606), so a resolver that enforces nothing answers NXDOMAIN too.
//! The two are told apart by who says so: a name that doesn't exist comes with the SOA record of
//! the zone that says it, a block with none or with that of the policy zone. What strips that
//! record strips it from the sibling's answer as well, and then nothing is concluded: the sibling is
//! always asked, beside whatever control the caller names.

use super::{Error, Finding, PATIENCE, Shown, Verdict};
use crate::subject::cover;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{RData, RecordType},
    },
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// The names that are asked for.
#[derive(Clone, Debug)]
pub struct Names {
    /// Listed with everything below it.
    pub test: String,
    /// One name below.
    pub below: String,
    /// Beside the test name, and not listed: it shows what a name gets that just doesn't exist.
    pub unlisted: String,
    /// The caller's own: not listed, and resolves.
    pub control: Option<String>,
}

impl Names {
    /// The names around the test name, and perhaps a control.
    pub fn around(test: &str, control: Option<&str>) -> Names {
        Names {
            test: test.to_owned(),
            below: format!("below.{test}"),
            unlisted: format!("unlisted.{}", cover::parent(test).unwrap_or(test)),
            control: control.map(|name| name.trim_end_matches('.').to_lowercase()),
        }
    }
}

/// Asks `server`, and it alone. With `notice` a block is a redirect to one of these addresses.
///
/// # Errors
/// For a name that can't be asked for. A resolver that doesn't answer is a finding.
pub async fn probe(server: SocketAddr, names: &Names, notice: &[IpAddr]) -> Result<Finding, Error> {
    let client = client(server)?;
    let (test, below, unlisted) = tokio::try_join!(
        ask(&client, "test", &names.test),
        ask(&client, "below", &names.below),
        ask(&client, "unlisted", &names.unlisted),
    )?;
    let control = match &names.control {
        Some(name) => Some(ask(&client, "control", name).await?),
        None => None,
    };
    let (verdict, why) = judge(&test, &below, &unlisted, control.as_ref(), notice);
    let answers = [Some(&test), Some(&below), Some(&unlisted), control.as_ref()];
    Ok(Finding {
        probe: "resolver",
        place: server.to_string(),
        verdict,
        why,
        answers: answers
            .into_iter()
            .flatten()
            .flat_map(Asked::shown)
            .collect(),
    })
}

/// What came back for one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Addresses(Vec<IpAddr>),
    /// No such name, or a name without addresses; with the zone whose SOA came along.
    Nothing {
        no_such_name: bool,
        zone: Option<String>,
    },
    /// No answer, or a failure.
    Silence(String),
}

/// Who an answer comes from, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// A policy: a null address, or nothing in no zone's name.
    Policy,
    /// A policy that sends to the notice host.
    Notice,
    /// A zone above the name, which says that there is nothing.
    Zone,
    /// An address of the name's own.
    Real,
    None,
}

/// A name with its answers for A and for AAAA.
struct Asked {
    role: &'static str,
    name: String,
    answers: [Answer; 2],
}

impl Asked {
    fn voices(&self, notice: &[IpAddr]) -> [Voice; 2] {
        let [v4, v6] = &self.answers;
        [v4.voice(&self.name, notice), v6.voice(&self.name, notice)]
    }

    /// Whether nothing in the answers tells this name from the other.
    fn is_answered_like(&self, other: &Asked) -> bool {
        let mut both = self.answers.iter().zip(&other.answers);
        both.all(|(own, others)| match (own, others) {
            (Answer::Nothing { .. }, Answer::Nothing { .. }) => {
                own.voice(&self.name, &[]) == others.voice(&other.name, &[])
                    && own.no_such_name() == others.no_such_name()
            }
            _ => own == others,
        })
    }

    fn shown(&self) -> Vec<Shown> {
        let types = ["A", "AAAA"].into_iter().zip(&self.answers);
        let shown = types.map(|(kind, answer)| Shown {
            role: self.role,
            asked: format!("{} {kind}", self.name),
            answer: answer.to_string(),
        });
        shown.collect()
    }
}

impl Answer {
    fn no_such_name(&self) -> bool {
        matches!(self, Answer::Nothing { no_such_name, .. } if *no_such_name)
    }

    fn voice(&self, name: &str, notice: &[IpAddr]) -> Voice {
        match self {
            Answer::Addresses(all) if all.iter().all(|a| notice.contains(a)) => Voice::Notice,
            Answer::Addresses(all) if all.iter().all(IpAddr::is_unspecified) => Voice::Policy,
            Answer::Addresses(_) => Voice::Real,
            Answer::Nothing { zone, .. } => {
                // A zone made of the very name is how some resolvers write a block.
                let above = zone.as_deref().is_some_and(|zone| {
                    zone.is_empty() || zone != name && cover::is_within(zone, name)
                });
                if above { Voice::Zone } else { Voice::Policy }
            }
            Answer::Silence(_) => Voice::None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Addresses(all) => {
                let words: Vec<_> = all.iter().map(IpAddr::to_string).collect();
                f.write_str(&words.join(" "))
            }
            Answer::Nothing { no_such_name, zone } => {
                let what = if *no_such_name { "NXDOMAIN" } else { "NODATA" };
                match zone.as_deref() {
                    None => write!(f, "{what}, in no zone's name"),
                    Some("") => write!(f, "{what}, says the root zone"),
                    Some(zone) => write!(f, "{what}, says the zone {zone}"),
                }
            }
            Answer::Silence(why) => f.write_str(why),
        }
    }
}

/// The verdict, by the gravest that the answers show.
fn judge(
    test: &Asked,
    below: &Asked,
    unlisted: &Asked,
    control: Option<&Asked>,
    notice: &[IpAddr],
) -> (Verdict, String) {
    let listed = [test, below];
    if let Some(found) = unblocked(listed, notice) {
        return found;
    }
    if listed.iter().any(|asked| asked.is_answered_like(unlisted)) {
        let why = format!(
            "{}, which nobody listed, is answered in the same way: this resolver does that to every name that doesn't \
             exist, and the test name is one. Ask a resolver that says which zone an NXDOMAIN comes from, or let a block \
             lead to a notice host",
            unlisted.name
        );
        return (Verdict::CantTell, why);
    }
    if let Some(why) = doubt(control.unwrap_or(unlisted), notice) {
        return (Verdict::CantTell, why);
    }
    let noticed = |asked: &Asked| asked.voices(notice).contains(&Voice::Notice);
    if !notice.is_empty() && !listed.into_iter().all(noticed) {
        let why = "blocked, but not by the redirect that was expected: whoever asks sees no notice";
        return (Verdict::NotEnforced, why.to_owned());
    }
    let why = "the test name and the name below it are blocked, what isn't listed isn't";
    (Verdict::Enforced, why.to_owned())
}

/// What the listed names themselves show, where no policy speaks for one of them.
fn unblocked(listed: [&Asked; 2], notice: &[IpAddr]) -> Option<(Verdict, String)> {
    let with = |voice| {
        let mut all = listed.into_iter();
        all.find(|asked| asked.voices(notice).contains(&voice))
    };
    if let Some(asked) = with(Voice::Real) {
        let why = format!(
            "{} has an address here. Is the feed's file loaded, and the resolver reloaded since? If the address is your \
             notice host's, say so with --expect redirect=ADDRESS",
            asked.name
        );
        return Some((Verdict::NotEnforced, why));
    }
    if let Some(asked) = with(Voice::Zone) {
        let why = format!(
            "for {} the zone above it answers, as for any name that doesn't exist: no list was asked. Is the feed's \
             file loaded, and the resolver reloaded since?",
            asked.name
        );
        return Some((Verdict::NotEnforced, why));
    }
    let asked = with(Voice::None)?;
    let why = format!(
        "{} wasn't answered. Does a resolver listen there, and may it be asked from here?",
        asked.name
    );
    Some((Verdict::CantTell, why))
}

/// Why nothing can be concluded, by a name that isn't listed: it must resolve, or be said by its
/// zone not to exist.
fn doubt(control: &Asked, notice: &[IpAddr]) -> Option<String> {
    let voices = control.voices(notice);
    let name = &control.name;
    if voices.contains(&Voice::Real) || voices.contains(&Voice::Zone) {
        return None;
    }
    Some(match voices.contains(&Voice::None) {
        true => format!(
            "{name}, which nobody listed, isn't answered, so it can't be seen whether other names resolve. Name one \
             that does with --control-name"
        ),
        false => format!(
            "{name}, which nobody listed, is blocked too. Name one that resolves with --control-name"
        ),
    })
}

async fn ask(client: &TokioResolver, role: &'static str, name: &str) -> Result<Asked, Error> {
    if crate::subject::domain::check(name).is_err() {
        return Err(Error::Name(name.to_owned()));
    }
    let (v4, v6) = tokio::join!(
        ask_for(client, name, RecordType::A),
        ask_for(client, name, RecordType::AAAA)
    );
    Ok(Asked {
        role,
        name: name.to_owned(),
        answers: [v4, v6],
    })
}

async fn ask_for(client: &TokioResolver, name: &str, kind: RecordType) -> Answer {
    let lookup = client.lookup(format!("{name}."), kind);
    // Twice: an answer that is cut over UDP is asked for again over TCP.
    match tokio::time::timeout(PATIENCE * 2, lookup).await {
        Err(_) => Answer::Silence("no answer".to_owned()),
        Ok(Ok(found)) => {
            let addresses: Vec<IpAddr> = found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::A(address) => Some(address.0.into()),
                    RData::AAAA(address) => Some(address.0.into()),
                    _ => None,
                })
                .collect();
            match addresses.is_empty() {
                true => Answer::Silence("an answer without an address".to_owned()),
                false => Answer::Addresses(addresses),
            }
        }
        Ok(Err(NetError::Dns(DnsError::NoRecordsFound(nothing)))) => Answer::Nothing {
            no_such_name: nothing.response_code == ResponseCode::NXDomain,
            zone: nothing.soa.map(|soa| {
                let zone = soa.name.to_ascii().to_lowercase();
                zone.trim_end_matches('.').to_owned()
            }),
        },
        Ok(Err(NetError::Dns(DnsError::ResponseCode(code)))) => Answer::Silence(code.to_string()),
        Ok(Err(error)) => Answer::Silence(format!("no answer: {error}")),
    }
}

/// A client of this server alone, without memory.
fn client(server: SocketAddr) -> Result<TokioResolver, Error> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.into());
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.cache_size = 0;
    options.timeout = PATIENCE;
    options.attempts = 0;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build().map_err(|e| Error::Client(e.to_string()))
}
