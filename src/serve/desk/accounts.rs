//! Accounts and their journal, for the operator and the auditor. Accounts are made, reset and given
//! roles at the command line, by a senior officer's signature; here they can be locked at once.

use super::{gate::Staff, own::role_name, words};
use crate::{
    accounts::{Account, Change, Entry, Event, Name, Role, Verified},
    serve::{
        pages::{
            parts::Tone,
            shell::Shell,
            show::{see_other, show_private},
            visitor::Visitor,
        },
        problem::Answer,
        site::Site,
    },
};
use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::Deserialize;

/// Entries of a page.
const ENTRIES: usize = 100;

#[derive(Template)]
#[template(path = "desk/accounts.html")]
struct AccountsPage {
    shell: Shell,
    /// Each with its unit and its roles in words.
    accounts: Vec<(Account, String, String)>,
    operates: bool,
}

#[derive(Template)]
#[template(path = "desk/journal.html")]
struct JournalPage {
    shell: Shell,
    entries: Vec<Entry>,
    verified: Verified,
    older: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    before: Option<u64>,
}

impl JournalPage {
    fn event(&self, event: &Event) -> &'static str {
        self.shell.t(match event {
            Event::Created => "desk.event.created",
            Event::Enrolled => "desk.event.enrolled",
            Event::SignedIn => "desk.event.signed_in",
            Event::SignedInElsewhere => "desk.event.signed_in_elsewhere",
            Event::SignInFailed => "desk.event.sign_in_failed",
            Event::SignInDelayed => "desk.event.sign_in_delayed",
            Event::Confirmed => "desk.event.confirmed",
            Event::ConfirmFailed => "desk.event.confirm_failed",
            Event::SignedOut => "desk.event.signed_out",
            Event::SignedOutEverywhere => "desk.event.signed_out_everywhere",
            Event::Locked => "desk.event.locked",
            Event::Unlocked => "desk.event.unlocked",
            Event::Reset => "desk.event.reset",
            Event::Roles => "desk.event.roles",
            Event::Linked => "desk.event.linked",
            Event::Refused => "desk.event.refused",
            Event::PasskeyShown => "desk.event.passkey_shown",
        })
    }
}

pub(super) async fn list(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let accounts = site.accounts(|accounts, _| accounts.accounts()).await?;
    let in_words = accounts.into_iter().map(|account| {
        let roles: Vec<&str> = account
            .roles
            .iter()
            .map(|r| role_name(&visitor, *r))
            .collect();
        let (unit, roles) = (
            words::unit(&site, visitor.lang, &account.unit),
            roles.join(", "),
        );
        (account, unit, roles)
    });
    let page = AccountsPage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.accounts.title")),
        accounts: in_words.collect(),
        operates: staff.has(Role::Operator),
    };
    show_private(StatusCode::OK, &page)
}

pub(super) async fn lock(
    State(site): State<Site>,
    staff: Staff,
    Path(name): Path<String>,
) -> Answer {
    change(&site, &staff, &name, Change::Lock).await
}

pub(super) async fn unlock(
    State(site): State<Site>,
    staff: Staff,
    Path(name): Path<String>,
) -> Answer {
    change(&site, &staff, &name, Change::Unlock).await
}

async fn change(site: &Site, staff: &Staff, name: &str, change: Change) -> Answer {
    let (name, by) = (Name::new(name)?, staff.account().to_owned());
    site.accounts(move |accounts, now| accounts.change_account(&name, change, &by, now))
        .await?;
    see_other("/desk/accounts")
}

pub(super) async fn journal(
    State(site): State<Site>,
    visitor: Visitor,
    staff: Staff,
    Query(asked): Query<Asked>,
) -> Answer {
    let found = site.accounts(move |accounts, _| {
        let journal = accounts.journal(asked.before, ENTRIES)?;
        Ok((journal.entries, accounts.verify_journal()?))
    });
    let (entries, verified) = found.await?;
    let older = entries
        .last()
        .map(|entry| entry.number)
        .filter(|number| *number > 0);
    let page = JournalPage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.journal.title")),
        entries,
        verified,
        older,
    };
    show_private(StatusCode::OK, &page)
}
