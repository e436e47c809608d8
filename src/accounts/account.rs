//! An account: a person of a unit, with what they may do at the desk.

use super::{Accounts, Enrolment, Error, Event, journal::Told, totp::Codes};
use crate::{
    canon::OfficerId,
    store::{Durability, Write},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};
use utoipa::ToSchema;

/// The private table of accounts, by name.
pub(super) const ACCOUNTS: &str = "accounts";

/// What somebody may do at the desk. Which route wants which is `serve`'s table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[schema(as = AccountRole)]
pub enum Role {
    /// Sends submissions and tips of an association or a brand.
    Reporter,
    /// Checks, prepares and proposes.
    Officer,
    /// Is the second officer.
    Approver,
    /// Approves what is bulk or passes a rule.
    Senior,
    /// Sees every unit's work and deadlines.
    Coordinator,
    /// Reads everything, journals too, and changes nothing.
    Auditor,
    /// Keeps accounts and subscribers; sees no case.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Reporter,
        Self::Officer,
        Self::Approver,
        Self::Senior,
        Self::Coordinator,
        Self::Auditor,
        Self::Operator,
    ];

    /// The word as it is kept and typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reporter => "reporter",
            Self::Officer => "officer",
            Self::Approver => "approver",
            Self::Senior => "senior",
            Self::Coordinator => "coordinator",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no role {text:?}; there are {all}")
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody signs in as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = AccountName, value_type = String, pattern = "^[a-z][a-z0-9._-]{1,63}$")]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Reads a name as typed.
    pub fn new(text: &str) -> Result<Self, Error> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if begins && (2..=64).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Name(text.chars().take(80).collect()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    pub name: Name,
    /// As in `lists/units.toml`.
    pub unit: String,
    pub roles: BTreeSet<Role>,
    /// Whom the person signs as; the key is theirs and the trust document names it.
    pub officer: Option<OfficerId>,
    /// Unix seconds.
    pub created: u64,
    pub locked: bool,
    /// Whether the person has chosen a password and set up the codes.
    pub enrolled: bool,
    /// Until when the enrolment link is good, Unix seconds.
    pub link_until: Option<u64>,
    /// Who the person is at the identity provider.
    pub subject: Option<String>,
}

/// What a new account is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    pub name: Name,
    pub unit: String,
    pub roles: BTreeSet<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<OfficerId>,
}

/// What the operator may do to an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
#[schema(as = AccountChange)]
pub enum Change {
    /// Nobody signs in with it, and every session of it ends.
    Lock,
    Unlock,
    /// Password and codes are forgotten, sessions end; a new link sets them up.
    Reset,
    /// Other roles; sessions end.
    Roles(BTreeSet<Role>),
    /// The subject of the identity provider that is this person; an empty one is none.
    Link(String),
}

/// A row of the private table.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) unit: String,
    pub(super) roles: BTreeSet<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) officer: Option<OfficerId>,
    pub(super) created: u64,
    #[serde(default)]
    pub(super) locked: bool,
    /// The PHC text; none until the person has chosen one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) codes: Option<Codes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<super::enrolment::Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// Sessions of an older one are over.
    #[serde(default)]
    pub(super) epoch: u64,
}

impl Record {
    pub(super) fn view(&self, name: &Name) -> Account {
        Account {
            name: name.clone(),
            unit: self.unit.clone(),
            roles: self.roles.clone(),
            officer: self.officer.clone(),
            created: self.created,
            locked: self.locked,
            enrolled: self.password.is_some() && self.codes.is_some(),
            link_until: self.link.as_ref().map(|link| link.until),
            subject: self.subject.clone(),
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::record(ACCOUNTS))
    }
}

impl Accounts {
    /// Makes an account, and the link by which its person chooses a password. `by` is who asked.
    pub fn new_account(&self, new: NewAccount, by: &str, now: u64) -> Result<Enrolment, Error> {
        let filled = !new.unit.trim().is_empty() && new.unit.len() <= 200;
        if !filled || new.roles.is_empty() {
            return Err(Error::Invalid {
                what: "the account",
                why: "it has a unit, as in lists/units.toml, and at least one role".into(),
            });
        }
        let mut tail = self.writing();
        if self.record(&new.name)?.is_some() {
            return Err(Error::Taken(new.name.to_string()));
        }
        if let Some(officer) = &new.officer
            && let Some(other) = self.signs_as(officer)?
        {
            return Err(Error::Invalid {
                what: "the officer",
                why: format!("{other} signs as {officer} already: one person, one account"),
            });
        }
        let mut record = Record {
            unit: new.unit,
            roles: new.roles,
            officer: new.officer,
            created: now,
            locked: false,
            password: None,
            codes: None,
            link: None,
            subject: None,
            epoch: 0,
        };
        let enrolment =
            record.begin_enrolment(&new.name, &self.inner.key, self.config().link, now)?;
        let told = Told::of(Event::Created, &new.name).by(by);
        self.save(&mut tail, &new.name, &record, told, now)?;
        Ok(enrolment)
    }

    /// Changes an account; gives back the new link of a reset.
    pub fn change_account(
        &self,
        name: &Name,
        change: Change,
        by: &str,
        now: u64,
    ) -> Result<Option<Enrolment>, Error> {
        let mut tail = self.writing();
        let mut record = self.known(name)?;
        let mut enrolment = None;
        let event = match change {
            Change::Lock => {
                record.locked = true;
                record.epoch += 1;
                Event::Locked
            }
            Change::Unlock => {
                record.locked = false;
                super::lock(&self.inner.delays).clear(&super::sign_in::account_key(name.as_str()));
                Event::Unlocked
            }
            Change::Reset => {
                (record.password, record.codes) = (None, None);
                record.epoch += 1;
                enrolment =
                    Some(record.begin_enrolment(name, &self.inner.key, self.config().link, now)?);
                Event::Reset
            }
            Change::Roles(roles) => {
                record.roles = roles;
                record.epoch += 1;
                Event::Roles
            }
            Change::Link(subject) => {
                record.subject = Some(subject).filter(|subject| !subject.is_empty());
                Event::Linked
            }
        };
        let told = Told::of(event, name).by(by);
        self.save(&mut tail, name, &record, told, now)?;
        Ok(enrolment)
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.rows()?
            .into_iter()
            .map(|(name, record)| Ok(record.view(&name)))
            .collect()
    }

    /// One account.
    pub fn account(&self, name: &Name) -> Result<Account, Error> {
        Ok(self.known(name)?.view(name))
    }

    /// Seals what was kept in the clear before there was a key, and says whose codes can't be opened.
    pub(super) fn seal_codes(&self) -> Result<(), Error> {
        let key = &self.inner.key;
        let mut changed = Vec::new();
        for (name, mut record) in self.rows()? {
            let mut was_clear = false;
            let link = record.link.as_mut().map(|link| &mut link.codes);
            for codes in record.codes.as_mut().into_iter().chain(link) {
                was_clear |= codes.close(&name, key)?;
            }
            if was_clear {
                changed.push((name.as_str().as_bytes().to_vec(), record.to_bytes()?));
            }
            if record.codes.is_some_and(|codes| !codes.opens(&name, key)) {
                tracing::error!(%name, "the one-time codes aren't sealed under accounts.key: put the file back, or \
                    make a new link by `blockfeed account reset`");
            }
        }
        Ok(self.store().overwrite(ACCOUNTS, &changed)?)
    }

    pub(super) fn rows(&self) -> Result<Vec<(Name, Record)>, Error> {
        let mut rows = Vec::new();
        for row in self.store().scan(ACCOUNTS, b"")? {
            let (key, value) = row?;
            let name = Name::new(&String::from_utf8_lossy(&key))?;
            rows.push((name, read(&value)?));
        }
        Ok(rows)
    }

    fn signs_as(&self, officer: &OfficerId) -> Result<Option<Name>, Error> {
        let rows = self.rows()?;
        let mut of = rows
            .into_iter()
            .filter(|(_, r)| r.officer.as_ref() == Some(officer));
        Ok(of.next().map(|(name, _)| name))
    }

    pub(super) fn record(&self, name: &Name) -> Result<Option<Record>, Error> {
        let bytes = self.store().get(ACCOUNTS, name.as_str().as_bytes())?;
        bytes.map(|bytes| read(&bytes)).transpose()
    }

    pub(super) fn known(&self, name: &Name) -> Result<Record, Error> {
        self.record(name)?
            .ok_or_else(|| Error::NoAccount(name.to_string()))
    }

    /// Writes an account and what is told of it, in one step: a crash leaves both or neither.
    pub(super) fn save(
        &self,
        tail: &mut super::journal::Tail,
        name: &Name,
        record: &Record,
        told: Told,
        now: u64,
    ) -> Result<(), Error> {
        let value = record.to_bytes()?;
        let row = Write::Put {
            table: ACCOUNTS,
            key: name.as_str().as_bytes(),
            value: &value,
        };
        self.tell(tail, told, now, &[row], Durability::Synced)
    }
}

fn read(bytes: &[u8]) -> Result<Record, Error> {
    serde_json::from_slice(bytes).map_err(Error::record(ACCOUNTS))
}
