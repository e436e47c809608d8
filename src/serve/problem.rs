//! The one map from errors to status codes, and the problem documents they become (RFC 9457).

use crate::{accounts, casework, decision::Refusal};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// An error as its reader sees it.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
    /// Seconds, for `Retry-After`.
    after: Option<u64>,
}

/// A problem document, as the API's description has it.
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it describes what a problem is written as")]
pub(super) struct Document {
    /// `urn:blockfeed:problem:<code>`
    r#type: String,
    title: String,
    status: u16,
    /// A sentence: what, why, what to do.
    detail: String,
    /// What programs may rely on.
    code: String,
    /// What could be asked instead.
    offer: Option<String>,
}

/// The result of a handler.
pub(super) type Answer<T = Response> = Result<T, Problem>;

impl Problem {
    /// A problem with a code that scripts rely on and a sentence that teaches.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            more: Map::new(),
            after: None,
        }
    }

    /// What was asked can't be understood.
    pub(super) fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is nothing under this path.
    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// A fault of the server's own; its reader learns no more than that.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something failed here; the operator finds it in the log under the request's id",
        )
    }

    /// The server can't now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).after(5)
    }

    /// Says when to ask again, seconds.
    pub(super) fn after(mut self, seconds: u64) -> Self {
        self.after = Some(seconds);
        self
    }

    /// Status, code and sentence, for whoever shows them in another form.
    pub(super) fn told(&self) -> (StatusCode, &'static str, &str) {
        (self.status, self.code, &self.detail)
    }

    /// Adds a field.
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.more.insert(field.to_owned(), value.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // For `pages::problems`, which shows it to a browser as a page.
        let told = self.clone();
        let mut document = self.more;
        document.insert(
            "type".into(),
            json!(format!("urn:blockfeed:problem:{}", self.code)),
        );
        let title = self.status.canonical_reason().unwrap_or("Error");
        document.insert("title".into(), json!(title));
        document.insert("status".into(), json!(self.status.as_u16()));
        document.insert("detail".into(), json!(self.detail));
        document.insert("code".into(), json!(self.code));
        let body = Value::Object(document).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let value = HeaderValue::from_static;
        headers.insert(header::CONTENT_TYPE, value("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, value("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, value("Bearer, Blockfeed"));
        }
        if let Some(seconds) = self.after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(told);
        response
    }
}

impl From<casework::Error> for Problem {
    fn from(error: casework::Error) -> Self {
        use casework::Error as E;
        let status = match &error {
            E::Malformed { .. } | E::PartNotNamed(_) => StatusCode::BAD_REQUEST,
            E::NoProposal(_)
            | E::NoDecision(_)
            | E::NoFeed(_)
            | E::NoSubscriber(_)
            | E::NoToken(..)
            | E::NoPart { .. }
            | E::NoCase(_)
            | E::NoSerial { .. } => StatusCode::NOT_FOUND,
            E::CaseErased(_) => StatusCode::GONE,
            E::IdTaken(_)
            | E::Withdrawn(_)
            | E::Expired(_)
            | E::BeingApproved(_)
            | E::AlreadyCommitted(..)
            | E::InForce(..)
            | E::SubscriberTaken(_)
            | E::KeyReused
            | E::KeyBusy
            | E::TooSoon(..)
            | E::TooManyTokens(_) => StatusCode::CONFLICT,
            E::Refused(refusal) => of_refusal(refusal),
            E::Unauthorised(_) | E::Replayed | E::Token(_) => StatusCode::UNAUTHORIZED,
            E::Forbidden { .. }
            | E::Scope { .. }
            | E::NotProposed(_)
            | E::UnknownSubscriber(_)
            | E::ReceiptSignature(_) => StatusCode::FORBIDDEN,
            E::NotAlone
            | E::Invalid { .. }
            | E::NotHeld(_)
            | E::TooMany(_)
            | E::NotItsFeed(..)
            | E::PartMissing(_)
            | E::Text { .. }
            | E::NotOpened(_)
            | E::Guard(_)
            | E::Query { .. }
            | E::Receipt(_) => StatusCode::UNPROCESSABLE_ENTITY,
            E::Stopping | E::NoGuard | E::ReadOnly(_) | E::Unsettled(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            E::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
            E::Log(_)
            | E::Store(_)
            | E::Feed(_)
            | E::Record { .. }
            | E::Random(_)
            | E::Keys(_)
            | E::Seal(_)
            | E::Metrics(_) => {
                return Self::internal(&error);
            }
        };
        let problem = Self::new(status, error.code(), error.to_string());
        match error {
            E::Stopping => problem.after(5),
            E::NoRoom(_) | E::ReadOnly(_) | E::Unsettled(_) => problem.after(60),
            E::KeyBusy => problem.after(1),
            E::TooSoon(_, wait) => problem.after(wait),
            E::Query {
                offer: Some(offer), ..
            } => problem.with("offer", offer),
            _ => problem,
        }
    }
}

impl From<accounts::Error> for Problem {
    fn from(error: accounts::Error) -> Self {
        use accounts::Error as E;
        let status = match &error {
            E::NoAccount(_) => StatusCode::NOT_FOUND,
            E::Taken(_) => StatusCode::CONFLICT,
            E::Name(_) | E::Invalid { .. } | E::Weak(_) | E::Code => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            E::Wrong | E::NoSession => StatusCode::UNAUTHORIZED,
            E::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            E::Locked | E::NoLink(_) => StatusCode::FORBIDDEN,
            E::Link => StatusCode::GONE,
            E::Random(_) | E::Hash(_) | E::Seal(_) | E::Store(_) | E::Record { .. } => {
                return Self::internal(&error);
            }
        };
        let problem = Self::new(status, error.code(), error.to_string());
        match error {
            E::Wait(seconds) => problem.after(seconds),
            _ => problem,
        }
    }
}

fn of_refusal(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::SameOfficer(_)
        | Refusal::CommandLine
        | Refusal::Approvals { .. }
        | Refusal::UnknownOfficer(_)
        | Refusal::UnknownKey { .. }
        | Refusal::Role { .. }
        | Refusal::Signature { .. }
        | Refusal::Trust(_) => StatusCode::FORBIDDEN,
        Refusal::IdUsed(_) | Refusal::SubmitBy { .. } | Refusal::EndedTarget(_) => {
            StatusCode::CONFLICT
        }
        Refusal::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Canonical(_) | Refusal::Unknown { .. } | Refusal::Body(_) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
