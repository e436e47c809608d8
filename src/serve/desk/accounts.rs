//! Accounts and their journal, for the operator and the auditor. Accounts are made, reset and given
//! roles at the command line, by a senior officer's signature; here they can be locked at once.

use super::{gate::Staff, own::role_name};
use crate::{
    accounts::{Account, Change, Entry, Name, Role, Verified},
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
    accounts: Vec<(Account, String)>,
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

pub(super) async fn list(State(site): State<Site>, visitor: Visitor, staff: Staff) -> Answer {
    let accounts = site.accounts(|accounts, _| accounts.accounts()).await?;
    let with_roles = accounts.into_iter().map(|account| {
        let roles: Vec<&str> = account
            .roles
            .iter()
            .map(|r| role_name(&visitor, *r))
            .collect();
        let roles = roles.join(", ");
        (account, roles)
    });
    let page = AccountsPage {
        shell: staff.shell(&site, &visitor, visitor.lang.t("desk.accounts.title")),
        accounts: with_roles.collect(),
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
