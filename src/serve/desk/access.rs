//! Who may use which route of the desk: one table, from which the gate decides and a test asks every
//! role for every route. A route that isn't in it is closed.

use crate::accounts::Role;

/// A route and who may use it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    pub who: Who,
    /// The most bytes of what is sent.
    pub bytes: usize,
}

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever isn't signed in, too.
    Anybody,
    /// Whoever has one of these roles.
    Roles(&'static [Role]),
    /// The same, if password and code were shown lately.
    Fresh(&'static [Role]),
}

use Role::{Approver, Auditor, Coordinator, Officer, Operator, Reporter, Senior};
use Who::{Anybody, Fresh, Roles};

/// Whoever is signed in.
const STAFF: Who = Roles(&Role::ALL);
/// Whoever decides.
const DECIDES: Who = Roles(&[Officer, Approver, Senior]);
/// Whoever sees what is decided.
const SEES: Who = Roles(&[Officer, Approver, Senior, Coordinator, Auditor]);
/// Whoever takes a call or a letter.
const ENTERS: Who = Roles(&[Reporter, Officer, Approver, Senior, Coordinator]);
/// Whoever may know who brought a case.
const ENTITLED: Who = Roles(&[Senior, Coordinator]);
/// Whoever gives a case to another unit.
const HANDS: Who = Roles(&[Officer, Senior, Coordinator]);
/// Whoever prepares and proposes.
const PREPARES: Who = Roles(&[Officer]);
/// Whoever is second.
const SECOND: Who = Roles(&[Approver, Senior]);
/// Whoever keeps accounts, or looks how they are kept.
const KEEPS: Who = Roles(&[Operator, Auditor]);

const SMALL: usize = 256 * 1024;
/// A list of a million names, or a spreadsheet of it.
const LARGE: usize = 32 << 20;

/// The table.
pub const ROUTES: &[Route] = &[
    get("/desk", STAFF),
    get("/desk/sign-in", Anybody),
    post("/desk/sign-in", Anybody),
    post("/desk/sign-out", STAFF),
    post("/desk/sign-out-everywhere", STAFF),
    get("/desk/confirm", STAFF),
    post("/desk/confirm", STAFF),
    get("/desk/enrol/{token}", Anybody),
    post("/desk/enrol/{token}", Anybody),
    get("/desk/oidc/start", Anybody),
    get("/desk/oidc/back", Anybody),
    get("/desk/account", STAFF),
    post("/desk/passkey", Fresh(&[Officer, Approver, Senior])),
    get("/desk/accounts", KEEPS),
    post("/desk/accounts/{name}/lock", Fresh(&[Operator])),
    post("/desk/accounts/{name}/unlock", Fresh(&[Operator])),
    get("/desk/journal", KEEPS),
    get("/desk/papers/new", PREPARES),
    large("/desk/papers/new", PREPARES),
    get("/desk/papers/{id}", PREPARES),
    get("/desk/papers/{id}/edit", PREPARES),
    large("/desk/papers/{id}/edit", PREPARES),
    post("/desk/papers/{id}/drop", PREPARES),
    get("/desk/papers/{id}/result/{format}", PREPARES),
    post("/desk/papers/{id}/sign", PREPARES),
    get("/desk/act/{what}", PREPARES),
    post("/desk/act/{what}", PREPARES),
    get("/desk/proposals/{id}", SEES),
    get("/desk/proposals/{id}/list", SEES),
    post("/desk/proposals/{id}/approve", SECOND),
    post("/desk/proposals/{id}/reject", DECIDES),
    get("/desk/cases", SEES),
    get("/desk/cases/new", ENTERS),
    post("/desk/cases/new", ENTERS),
    get("/desk/cases/{id}", SEES),
    post("/desk/cases/{id}/note", DECIDES),
    post("/desk/cases/{id}/link", DECIDES),
    post("/desk/cases/{id}/state", DECIDES),
    post("/desk/cases/{id}/unit", HANDS),
    post("/desk/cases/{id}/informant", ENTITLED),
    post("/desk/cases/{id}/erase", Fresh(&[Senior, Coordinator])),
    get("/desk/subscribers", SEES),
    get("/desk/subscribers/{name}/letter", SEES),
    get("/desk/search", STAFF),
    get("/desk/decisions/{id}", SEES),
];

const fn get(path: &'static str, who: Who) -> Route {
    Route {
        method: "GET",
        path,
        who,
        bytes: 0,
    }
}

const fn post(path: &'static str, who: Who) -> Route {
    Route {
        method: "POST",
        path,
        who,
        bytes: SMALL,
    }
}

const fn large(path: &'static str, who: Who) -> Route {
    Route {
        method: "POST",
        path,
        who,
        bytes: LARGE,
    }
}

impl Who {
    /// Whether somebody with these roles may.
    pub fn may(self, roles: &std::collections::BTreeSet<Role>) -> bool {
        match self {
            Self::Anybody => true,
            Self::Roles(some) | Self::Fresh(some) => some.iter().any(|role| roles.contains(role)),
        }
    }
}

/// The row of a route.
pub(super) fn of(method: &str, path: &str) -> Option<&'static Route> {
    let method = if method == "HEAD" { "GET" } else { method };
    ROUTES.iter().find(|r| r.method == method && r.path == path)
}
