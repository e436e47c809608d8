//! Signing in: name, password and code in one step, so that a wrong one of them tells nothing of
//! the others; the same again before a sensitive step.

use super::{Accounts, Error, Event, Name, Opened, Secret, account::Record, journal::Told, lock};

/// What somebody shows.
#[derive(Clone)]
pub struct Credentials {
    pub name: String,
    pub password: String,
    pub code: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials of {:?}", self.name)
    }
}

impl Accounts {
    /// Opens a session. `before` is the session that the browser had, which ends.
    pub fn sign_in(
        &self,
        shown: &Credentials,
        before: Option<&Secret>,
        address: &str,
        now: u64,
    ) -> Result<Opened, Error> {
        let verified = self.verify(shown, Event::SignInFailed, address, now)?;
        let opened = self.admit(verified, Event::SignedIn, false, address, now)?;
        if let Some(before) = before {
            self.replace(before)?;
        }
        Ok(opened)
    }

    /// Shows password and code again, before a sensitive step: the session goes on under a new id.
    pub fn confirm(
        &self,
        id: &Secret,
        password: &str,
        code: &str,
        address: &str,
        now: u64,
    ) -> Result<Opened, Error> {
        let session = self.session(id, now)?;
        let shown = Credentials {
            name: session.account.name.to_string(),
            password: password.to_owned(),
            code: code.to_owned(),
        };
        let verified = self.verify(&shown, Event::ConfirmFailed, address, now)?;
        let opened = self.admit(verified, Event::Confirmed, false, address, now)?;
        self.replace(id)?;
        Ok(opened)
    }

    /// Opens a session for whoever the identity provider says it is.
    pub fn sign_in_elsewhere(
        &self,
        subject: &str,
        before: Option<&Secret>,
        address: &str,
        now: u64,
    ) -> Result<Opened, Error> {
        let mut rows = self.rows()?.into_iter();
        let found = rows.find(|(_, record)| record.subject.as_deref() == Some(subject));
        let Some((name, record)) = found else {
            let told = Told::typed(Event::SignInFailed, subject).from(address);
            self.tell(
                &mut self.writing(),
                told,
                now,
                &[],
                crate::store::Durability::Buffered,
            )?;
            return Err(Error::NoLink(subject.to_owned()));
        };
        if record.locked {
            return Err(Error::Locked);
        }
        let opened = self.admit((name, record), Event::SignedInElsewhere, true, address, now)?;
        if let Some(before) = before {
            self.replace(before)?;
        }
        Ok(opened)
    }

    fn admit(
        &self,
        (name, record): (Name, Record),
        event: Event,
        elsewhere: bool,
        address: &str,
        now: u64,
    ) -> Result<Opened, Error> {
        let told = Told::of(event, &name).from(address);
        let mut tail = self.writing();
        // Whoever was locked or reset since isn't let in.
        let current = self.known(&name)?;
        if current.epoch != record.epoch || current.locked {
            return Err(Error::Wrong);
        }
        self.open_session(&mut tail, &name, &current, told, elsewhere, now)
    }

    /// Verifies all three. Name, password and code are wrong in the same words and the same time.
    fn verify(
        &self,
        shown: &Credentials,
        failure: Event,
        address: &str,
        now: u64,
    ) -> Result<(Name, Record), Error> {
        let keys = [account_key(&shown.name), format!("address {address}")];
        self.wait(&keys, &shown.name, address, now)?;
        let name = Name::new(&shown.name).ok();
        let record = match &name {
            Some(name) => self.record(name)?,
            None => None,
        };
        let kept = record.as_ref().and_then(|r| r.password.as_deref());
        let right = self.inner.hasher.verify(&shown.password, kept)?;
        if let (Some(name), Some(_), true) = (name, record, right)
            && let Some(record) = self.take_code(&name, &shown.code, now)?
        {
            let mut delays = lock(&self.inner.delays);
            keys.iter().for_each(|key| delays.clear(key));
            return Ok((name, record));
        }
        let (free, longest) = (self.config().failures, self.config().longest_wait);
        let mut delays = lock(&self.inner.delays);
        delays.fail(&keys[0], free, longest, now);
        // An office shares an address: it has more failures free than a person.
        delays.fail(&keys[1], free.saturating_mul(4), longest, now);
        drop(delays);
        let told = Told::typed(failure, &shown.name).from(address);
        self.tell(
            &mut self.writing(),
            told,
            now,
            &[],
            crate::store::Durability::Buffered,
        )?;
        Err(Error::Wrong)
    }

    /// Takes the code under the lock and keeps that it was taken, so that of two requests with the
    /// same code one passes.
    fn take_code(&self, name: &Name, code: &str, now: u64) -> Result<Option<Record>, Error> {
        let _writing = self.writing();
        let Some(mut record) = self.record(name)?.filter(|r| !r.locked) else {
            return Ok(None);
        };
        let Some(codes) = &mut record.codes else {
            return Ok(None);
        };
        match codes.take(code, name, &self.inner.key, now) {
            Ok(true) => {}
            // Sealed under another key: told when the accounts were opened.
            Ok(false) | Err(Error::Seal(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let value = record.to_bytes()?;
        let key = name.as_str().as_bytes();
        let table = super::account::ACCOUNTS;
        self.store()
            .put(table, key, &value, crate::store::Durability::Synced)?;
        Ok(Some(record))
    }

    fn wait(&self, keys: &[String], name: &str, address: &str, now: u64) -> Result<(), Error> {
        let wait = {
            let delays = lock(&self.inner.delays);
            keys.iter().filter_map(|key| delays.wait(key, now)).max()
        };
        let Some(seconds) = wait else {
            return Ok(());
        };
        let told = Told::typed(Event::SignInDelayed, name).from(address);
        self.tell(
            &mut self.writing(),
            told,
            now,
            &[],
            crate::store::Durability::Buffered,
        )?;
        Err(Error::Wait(seconds))
    }
}

/// Under which failures of an account are counted, whether there is one or not.
pub(super) fn account_key(name: &str) -> String {
    format!("account {}", name.chars().take(80).collect::<String>())
}
