//! Enrolment: by a link that is good once, a person chooses a password and sets up the codes.

use super::{Accounts, Error, Event, Name, Secret, account::Record, journal::Told, totp::Codes};
use crate::{canon::Base64, seal::Key};
use serde::{Deserialize, Serialize};

/// What the link is kept as.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    sha256: Base64,
    pub(super) until: u64,
    pub(super) codes: Codes,
}

/// A link that was made: the one time that its token is seen.
#[derive(Debug, Clone)]
pub struct Enrolment {
    pub name: Name,
    pub token: Secret,
    /// Unix seconds.
    pub until: u64,
}

impl Record {
    /// A new link; any older one is void.
    pub(super) fn begin_enrolment(
        &mut self,
        name: &Name,
        key: &Key,
        span: u64,
        now: u64,
    ) -> Result<Enrolment, Error> {
        let token = Secret::draw()?;
        let until = now + span;
        self.link = Some(Link {
            sha256: Base64(token.hash().to_vec()),
            until,
            codes: Codes::draw(name, key)?,
        });
        Ok(Enrolment {
            name: name.clone(),
            token,
            until,
        })
    }
}

impl Accounts {
    /// Whose link it is, and the URL of the codes that the telephone is to take in.
    pub fn enrolling(&self, token: &Secret, now: u64) -> Result<(Name, String), Error> {
        let (name, record) = self.of_link(token, now)?;
        let link = record.link.ok_or(Error::Link)?;
        let url = link.codes.url(&name, &self.inner.key)?;
        Ok((name, url))
    }

    /// Takes the password and a first code; the link is used up.
    pub fn enrol(
        &self,
        token: &Secret,
        password: &str,
        code: &str,
        address: &str,
        now: u64,
    ) -> Result<Name, Error> {
        let (name, _) = self.of_link(token, now)?;
        super::password::check(password, &name)?;
        let hash = self.inner.hasher.hash(password)?;
        let mut tail = self.writing();
        // Again under the lock: two at once would both have passed above.
        let (name, mut record) = self.of_link(token, now)?;
        let mut codes = record.link.take().ok_or(Error::Link)?.codes;
        if !codes.take(code, &name, &self.inner.key, now)? {
            return Err(Error::Code);
        }
        record.password = Some(hash);
        record.codes = Some(codes);
        record.epoch += 1;
        let told = Told::of(Event::Enrolled, &name).from(address);
        self.save(&mut tail, &name, &record, told, now)?;
        Ok(name)
    }

    fn of_link(&self, token: &Secret, now: u64) -> Result<(Name, Record), Error> {
        let hash = token.hash();
        let fits = |record: &Record| {
            let link = record.link.as_ref();
            link.is_some_and(|link| link.until > now && link.sha256[..] == hash)
        };
        let found = self.rows()?.into_iter().find(|(_, record)| fits(record));
        found.filter(|(_, r)| !r.locked).ok_or(Error::Link)
    }
}
