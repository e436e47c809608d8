//! The gate of the desk: who asks, whether they may, and, where something is written, whether it
//! was their own page that sent it (a token of the session, and the browser's own word).

use super::access::{self, Who};
use crate::{
    accounts::{Error, Event, Secret, Session, csrf_token, same},
    canon::OfficerId,
    serve::{
        limits::Peer,
        pages::{
            form::Form,
            shell::{NavItem, Person, Shell},
            show::see_other,
            visitor::{Visitor, cookie},
        },
        problem::{Answer, Problem},
        site::Site,
    },
    trust::Officer,
};
use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, FromRequestParts, MatchedPath, Multipart, Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cookie::{Cookie, SameSite};
use url::form_urlencoded::byte_serialize;

/// Whoever is signed in.
#[derive(Clone)]
pub(in crate::serve) struct Staff {
    pub(in crate::serve) session: Session,
    pub(in crate::serve) id: Secret,
    pub(in crate::serve) csrf: String,
    pub(in crate::serve) address: String,
}

/// What a page of ours sent.
#[derive(Clone)]
pub(in crate::serve) struct Posted {
    pub(in crate::serve) form: Form,
    /// The file that came with it.
    pub(in crate::serve) file: Option<Sent>,
}

/// A file that was sent.
#[derive(Clone)]
pub(in crate::serve) struct Sent {
    pub(in crate::serve) name: String,
    pub(in crate::serve) bytes: Bytes,
}

/// Where a request comes from, for the journal and the delays.
#[derive(Clone)]
pub(in crate::serve) struct Address(pub(in crate::serve) String);

/// Wraps every route of the desk.
pub(super) async fn gate(State(site): State<Site>, request: Request, next: Next) -> Response {
    match enter(&site, request).await {
        Ok(Entered::Passes(request)) => next.run(*request).await,
        Ok(Entered::Elsewhere(answer)) => *answer,
        Err(problem) => problem.into_response(),
    }
}

enum Entered {
    Passes(Box<Request>),
    Elsewhere(Box<Response>),
}

async fn enter(site: &Site, request: Request) -> Answer<Entered> {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let row = access::of(request.method().as_str(), path);
    let row = row.ok_or_else(|| forbidden("this route is open to nobody"))?;
    let (mut parts, body) = request.into_parts();
    let writes = parts.method == Method::POST;
    if writes {
        own_page(&parts.headers)?;
    }
    let address = address(&parts);
    let visitor = Visitor::of(&parts.headers, &parts.uri);
    let staff = signed_in(site, &parts.headers, &address).await?;
    let staff = match (staff, row.who) {
        (staff, Who::Anybody) => staff,
        (None, _) if writes => return Err(Error::NoSession.into()),
        (None, _) => {
            let back: String = byte_serialize(visitor.path.as_bytes()).collect();
            let to = see_other(&format!("/desk/sign-in?next={back}"))?;
            return Ok(Entered::Elsewhere(Box::new(to)));
        }
        (Some(staff), who) if !who.may(&staff.session.account.roles) => {
            let (name, what) = (staff.session.account.name.clone(), visitor.path.clone());
            let noted = site.accounts(move |accounts, now| {
                accounts.note(Event::Refused, &name, &address, &what, now)
            });
            noted.await?;
            return Err(forbidden("the roles of this account don't open it"));
        }
        (Some(staff), Who::Fresh(_)) if !staff.session.fresh => {
            let to = see_other("/desk/confirm")?;
            return Ok(Entered::Elsewhere(Box::new(to)));
        }
        (staff, _) => staff,
    };
    parts.extensions.insert(Address(address));
    let request = if writes {
        let posted = posted(&visitor, &parts, body, row.bytes).await?;
        // A form of somebody who isn't signed in has no token; where it came from was asked above.
        if let Some(staff) = staff.as_ref().filter(|_| row.who != Who::Anybody)
            && !same(posted.form.value("csrf"), &staff.csrf)
        {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "other_session",
                "the form isn't of this session: load the page again and send it anew",
            ));
        }
        parts.extensions.insert(posted);
        Request::from_parts(parts, Body::empty())
    } else {
        Request::from_parts(parts, body)
    };
    let mut request = request;
    if let Some(staff) = staff {
        request.extensions_mut().insert(staff);
    }
    Ok(Entered::Passes(Box::new(request)))
}

async fn signed_in(site: &Site, headers: &HeaderMap, address: &str) -> Answer<Option<Staff>> {
    let Some(id) = shown_session(headers) else {
        return Ok(None);
    };
    let of = id.clone();
    let found = site.accounts(move |accounts, now| match accounts.session(&of, now) {
        Err(Error::NoSession) => Ok(None),
        found => found.map(Some),
    });
    Ok(found.await?.map(|session| Staff {
        session,
        csrf: csrf_token(&id),
        id,
        address: address.to_owned(),
    }))
}

/// The session that a browser shows, whether it lives or not.
pub(super) fn shown_session(headers: &HeaderMap) -> Option<Secret> {
    cookie(headers, cookie_name(headers)).and_then(|text| Secret::shown(&text))
}

/// A write comes from a page of this very site: the browser says so, and no page can say it in its
/// place. Without either header nobody's browser sent it.
fn own_page(headers: &HeaderMap) -> Answer<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let host = text("host");
    let origin = text("origin").map(|origin| origin.split_once("://").map(|(_, host)| host));
    let own = match origin {
        Some(origin) => origin.is_some() && origin == host,
        None => text("sec-fetch-site").is_some(),
    };
    if site && own {
        return Ok(());
    }
    Err(forbidden(
        "it was sent from another site's page; a proxy before this server must hand on the header Host as it came",
    ))
}

async fn posted(visitor: &Visitor, parts: &Parts, body: Body, most: usize) -> Answer<Posted> {
    let bytes = to_bytes(body, most).await.map_err(|_| {
        let why = format!("it has more than {most} bytes, the most that is taken here");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why)
    })?;
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/form-data") {
        return Ok(Posted {
            form: Form::decode(visitor.lang, &bytes),
            file: None,
        });
    }
    let mut request = Request::new(Body::from(bytes));
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        kind.parse().map_err(|e| Problem::internal(&e))?,
    );
    request
        .extensions_mut()
        .insert(axum::extract::DefaultBodyLimit::disable());
    let broken = |e: &dyn std::fmt::Display| Problem::bad("multipart", e.to_string());
    let mut fields = Multipart::from_request(request, &())
        .await
        .map_err(|e| broken(&e))?;
    let mut posted = Posted {
        form: Form::blank(visitor.lang),
        file: None,
    };
    while let Some(field) = fields.next_field().await.map_err(|e| broken(&e))? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|e| broken(&e))?;
        match file {
            Some(_) if bytes.is_empty() => {}
            Some(name) => posted.file = Some(Sent { name, bytes }),
            None => posted.form.add(&name, &String::from_utf8_lossy(&bytes)),
        }
    }
    Ok(posted)
}

fn address(parts: &Parts) -> String {
    let peer = parts.extensions.get::<Peer>();
    peer.map_or_else(|| "unknown".to_owned(), |peer| peer.0.to_string())
}

/// On this very machine a browser may speak plain HTTP, where no cookie can have the prefix.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn cookie_name(headers: &HeaderMap) -> &'static str {
    if is_local(headers) { "bf" } else { "__Host-bf" }
}

/// The cookie of a session; none takes it away.
pub(super) fn session_cookie(headers: &HeaderMap, session: Option<&Secret>) -> String {
    match session {
        Some(id) => cookie_of(headers, "bf", id.as_str(), None),
        None => local_cookie(headers, "bf", "", 0),
    }
}

/// A cookie of ours for so many seconds.
pub(super) fn local_cookie(headers: &HeaderMap, name: &str, value: &str, seconds: i64) -> String {
    cookie_of(headers, name, value, Some(seconds))
}

/// `Lax`, so that a link in a message leads to a page and not to the sign-in; what writes is a
/// `POST`, with which no other site's page brings it.
fn cookie_of(headers: &HeaderMap, name: &str, value: &str, seconds: Option<i64>) -> String {
    let local = is_local(headers);
    let name = if local {
        name.to_owned()
    } else {
        format!("__Host-{name}")
    };
    let mut made = Cookie::new(name, value.to_owned());
    made.set_path("/");
    made.set_http_only(true);
    made.set_secure(!local);
    made.set_same_site(SameSite::Lax);
    if let Some(seconds) = seconds {
        made.set_max_age(cookie::time::Duration::seconds(seconds));
    }
    made.to_string()
}

pub(super) fn forbidden(why: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", why)
}

/// Whoever is signed in can't sign a decision.
pub(super) fn no_officer() -> Problem {
    let why = "this account signs as no officer of the trust document in force";
    Problem::new(StatusCode::FORBIDDEN, "unknown_officer", why)
}

impl Staff {
    pub(in crate::serve) fn account(&self) -> &str {
        self.session.account.name.as_str()
    }

    pub(in crate::serve) fn has(&self, role: crate::accounts::Role) -> bool {
        self.session.account.roles.contains(&role)
    }

    fn sees_cases(&self) -> bool {
        use crate::accounts::Role;
        let roles = [
            Role::Officer,
            Role::Approver,
            Role::Senior,
            Role::Coordinator,
            Role::Auditor,
        ];
        roles.into_iter().any(|role| self.has(role))
    }

    /// The frame of a page of the desk.
    pub(in crate::serve) fn shell(
        &self,
        site: &Site,
        visitor: &Visitor,
        title: impl Into<String>,
    ) -> Shell {
        use crate::accounts::Role;
        let lang = visitor.lang;
        let places = [
            ("/desk", lang.t("desk.nav.queue"), true),
            (
                "/desk/papers/new",
                lang.t("desk.nav.propose"),
                self.has(Role::Officer),
            ),
            (
                "/desk/act/stay",
                lang.t("desk.nav.stay"),
                self.has(Role::Officer),
            ),
            (
                "/desk/act/revoke",
                lang.t("desk.nav.revoke"),
                self.has(Role::Officer),
            ),
            ("/desk/cases", lang.t("desk_case.title"), self.sees_cases()),
            (
                "/desk/subscribers",
                lang.t("acted.title"),
                self.sees_cases(),
            ),
            ("/desk/search", lang.t("desk.nav.search"), true),
            (
                "/desk/accounts",
                lang.t("desk.nav.accounts"),
                self.has(Role::Operator) || self.has(Role::Auditor),
            ),
            ("/desk/account", lang.t("desk.nav.own"), true),
        ];
        let path = visitor.path.split('?').next().unwrap_or_default();
        let nav = places
            .into_iter()
            .filter(|(_, _, shown)| *shown)
            .map(|(href, label, _)| NavItem {
                href,
                label,
                current: path == href,
            });
        let account = &self.session.account;
        let unit = super::words::unit(site, lang, &account.unit);
        let person = Person {
            name: account.name.to_string(),
            unit,
        };
        Shell::framed(visitor, title, nav.collect()).signed_in(person, self.csrf.clone())
    }

    /// Whom the person signs as, as the trust document in force has them.
    pub(in crate::serve) fn officer(&self, site: &Site) -> Option<(OfficerId, Officer)> {
        let id = self.session.account.officer.clone()?;
        let officer = site
            .casework
            .authority()
            .ledger()
            .trust()
            .officers
            .get(&id)
            .cloned()?;
        Some((id, officer))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let staff = parts.extensions.get::<Self>().cloned();
        staff.ok_or_else(|| Error::NoSession.into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Posted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let posted = parts.extensions.get::<Self>().cloned();
        posted.ok_or_else(|| forbidden("the gate has seen no form"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let address = parts.extensions.get::<Self>().cloned();
        Ok(address.unwrap_or_else(|| Self("unknown".to_owned())))
    }
}
