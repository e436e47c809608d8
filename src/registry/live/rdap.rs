//! RDAP (RFC 9082, 9083): a name's registration from the registry's own server, by the bootstrap file.
//!
//! The answer is foreign: bounded, and of use only if it is about the very name that was asked for. Of its entities only the
//! registrar's name and its abuse role are read.

use std::time::Duration;

use icann_rdap_common::prelude::{Domain, Entity};
use url::Url;

use super::{fault, of_fetch, within};
use crate::{
    fetch::outside::{Get, Outside},
    registry::{
        Day,
        facts::{AbuseContact, Fault, FaultKind, Registration, Source, Sourced},
    },
};

/// Asks RDAP servers.
#[derive(Clone, Debug)]
pub struct Rdap {
    outside: Outside,
    time: Duration,
}

impl Rdap {
    pub fn new(outside: Outside, time: Duration) -> Rdap {
        Rdap { outside, time }
    }

    /// The registration of `name`, a registrable domain, by the server at `base`.
    pub async fn ask(&self, base: &Url, name: &str, now: u64) -> Sourced<Registration> {
        let source = Source::Rdap {
            url: base.to_string(),
        };
        within(source, now, self.time, self.registration(base, name)).await
    }

    async fn registration(&self, base: &Url, name: &str) -> Result<Option<Registration>, Fault> {
        let url = base
            .join(&format!("domain/{name}"))
            .map_err(|e| fault(FaultKind::Unreachable, format!("{base}: {e}")))?;
        let get = Get {
            accept: "application/rdap+json, application/json;q=0.9",
            limit: LIMIT,
            redirects: REDIRECTS,
            deadline: self.time,
        };
        let answer = self.outside.get(&url, get).await;
        let answer = answer.map_err(|e| of_fetch(&e))?;
        match answer.status {
            200 => read(&answer.bytes, name)
                .map(Some)
                .map_err(|(kind, what)| fault(kind, format!("{url}: {what}"))),
            404 => Ok(None),
            401 | 403 | 429 => Err(fault(
                FaultKind::Refused,
                format!(
                    "{url}: the server won't answer ({}); ask later, or by hand",
                    answer.status
                ),
            )),
            status => Err(fault(
                FaultKind::Unreachable,
                format!("{url}: the server answered {status}"),
            )),
        }
    }
}

/// Reads an answer about `name`.
pub(super) fn read(bytes: &[u8], name: &str) -> Result<Registration, (FaultKind, String)> {
    let garbage = |what: String| (FaultKind::Garbage, what);
    let domain: Domain = serde_json::from_slice(bytes)
        .map_err(|e| garbage(format!("the answer is no RDAP domain: {e}")))?;
    if domain.object_common.object_class_name != "domain" {
        return Err(garbage(
            "the answer is about something else than a domain".to_owned(),
        ));
    }
    let Some(answered) = &domain.ldh_name else {
        return Err(garbage("the answer says no name".to_owned()));
    };
    if tidy(answered) != name {
        let shown: String = answered.chars().take(80).collect();
        let what = format!("the answer is about {shown:?}, not about {name}");
        return Err((FaultKind::OtherName, what));
    }
    let common = &domain.object_common;
    let entities = common.entities.as_deref().unwrap_or_default();
    let registrar = entities
        .iter()
        .find(|entity| entity.is_entity_role("registrar"));
    let statuses = common.status.as_ref().map(|all| all.vec().as_slice());
    let servers = domain.nameservers.as_deref().unwrap_or_default();
    Ok(Registration {
        name: name.to_owned(),
        registered: true,
        registrar: registrar.and_then(label),
        created: event(&domain, "registration"),
        expires: event(&domain, "expiration"),
        changed: event(&domain, "last changed"),
        statuses: statuses
            .unwrap_or_default()
            .iter()
            .take(MOST)
            .map(|status| short(&status.to_lowercase()))
            .collect(),
        name_servers: servers
            .iter()
            .filter_map(|server| server.ldh_name.as_deref())
            .take(MOST)
            .map(|server| short(&tidy(server)))
            .collect(),
        abuse_contact: registrar.and_then(abuse),
    })
}

/// The name of a registrar, which is a company.
fn label(registrar: &Entity) -> Option<String> {
    let contact = registrar.contact()?;
    let name = contact.organization_name().or(contact.full_name())?;
    Some(short(name)).filter(|name| !name.is_empty())
}

/// The abuse role below a registrar.
fn abuse(registrar: &Entity) -> Option<AbuseContact> {
    let below = registrar.object_common.entities.as_deref()?;
    let role = below.iter().find(|entity| entity.is_entity_role("abuse"))?;
    let contact = role.contact()?;
    let found = AbuseContact {
        email: contact.email().map(|email| short(email.email())),
        telephone: contact
            .voice_phone()
            .or(contact.phone())
            .map(|p| short(p.phone())),
    };
    Some(found).filter(|found| *found != AbuseContact::default())
}

/// Unix seconds of an event of the domain itself.
fn event(domain: &Domain, action: &str) -> Option<u64> {
    let events = domain.object_common.events.as_deref()?;
    let found = events.iter().find(|event| {
        event
            .event_action()
            .is_some_and(|a| a.eq_ignore_ascii_case(action))
    })?;
    time(found.event_date()?)
}

/// Unix seconds of a date and time (RFC 3339), or of a date's beginning.
pub(super) fn time(text: &str) -> Option<u64> {
    let day = Day::parse(text.get(..10)?).ok()?.unix()?;
    let Some(clock) = text.get(11..19) else {
        return Some(day);
    };
    let mut fields = clock.split(':').map(str::parse::<u64>);
    let (hours, minutes, seconds) = (
        fields.next()?.ok()?,
        fields.next()?.ok()?,
        fields.next()?.ok()?,
    );
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let local = day + hours * 3600 + minutes * 60 + seconds;
    local.checked_add_signed(-offset(text.get(19..).unwrap_or_default()))
}

/// Seconds east of UTC; the fraction before it is passed over.
fn offset(rest: &str) -> i64 {
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let (sign, digits) = match (zone.strip_prefix('+'), zone.strip_prefix('-')) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return 0,
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds = |text: &str, each: i64| text.parse::<i64>().map_or(0, |n| n.clamp(0, 59) * each);
    sign * (seconds(hours, 3600) + seconds(minutes, 60))
}

/// A name as it is compared: lower case, no dot at the end.
fn tidy(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A foreign text as it is kept: one line, of bounded length.
pub(super) fn short(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(LONGEST).collect::<String>().trim().to_owned()
}

/// Bytes of an answer.
const LIMIT: u64 = 1 << 20;
const REDIRECTS: u8 = 3;
/// The most statuses and name servers that are kept, and the most characters of each text.
const MOST: usize = 32;
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_zone() {
        for (text, want) in [
            ("1970-01-02T00:00:01Z", Some(86_401)),
            ("2005-08-02T14:16:36Z", Some(1_122_992_196)),
            ("2005-08-02T21:16:36.881923+07:00", Some(1_122_992_196)),
            ("2005-08-02T09:16:36-05:00", Some(1_122_992_196)),
            ("2005-08-02", Some(1_122_940_800)),
            ("2005-08-02T99:16:36Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(time(text), want, "{text}");
        }
    }
}
