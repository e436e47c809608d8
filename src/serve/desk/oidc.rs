//! Signing in through an identity provider: OpenID Connect's authorization code flow with PKCE,
//! `state` and `nonce`. What waits for the answer lies in the browser's own cookie for ten minutes,
//! so that an answer which another browser began is refused and the server keeps nothing.
//!
//! The provider says who somebody is; which account that is, and what it may do, is said here.

use super::{
    gate::{Address, forbidden, local_cookie, shown_session},
    sign_in::with_session,
};
use crate::{
    accounts::{Error, Oidc, same},
    fetch::{self, Read, Source},
    serve::{
        pages::visitor::cookie,
        problem::{Answer, Problem},
        site::Site,
    },
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
    response::IntoResponse,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
};
use serde::Deserialize;

type Provider = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The most bytes of an answer of the provider.
const MOST: u64 = 1 << 20;

#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

/// Sends the browser to the provider.
pub(super) async fn start(State(site): State<Site>, headers: HeaderMap) -> Answer {
    let provider = provider(&site.config.accounts.oidc).await?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = provider
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("profile".into()))
        .set_pkce_challenge(challenge)
        .url();
    let waits = [state.secret().as_str(), nonce.secret(), verifier.secret()].join(".");
    let waits = local_cookie(&headers, "bf-oidc", &waits, 600);
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| Problem::internal(&e));
    let headers = [
        (header::LOCATION, value(url.as_str())?),
        (header::SET_COOKIE, value(&waits)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Takes the provider's answer.
pub(super) async fn back(
    State(site): State<Site>,
    headers: HeaderMap,
    Address(address): Address,
    Query(asked): Query<Back>,
) -> Answer {
    let waits = cookie(&headers, "__Host-bf-oidc").or_else(|| cookie(&headers, "bf-oidc"));
    let waits = waits.unwrap_or_default();
    let mut fields = waits.split('.').map(str::to_owned);
    let (Some(state), Some(nonce), Some(verifier)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(forbidden("this browser began no sign-in, or too long ago"));
    };
    if state.is_empty() || !same(&state, &asked.state) {
        return Err(forbidden(
            "the answer belongs to another sign-in; begin again",
        ));
    }
    if let Some(error) = asked.error {
        return Err(forbidden(&format!(
            "the identity provider refused: {error}"
        )));
    }
    let subject = subject(&site.config.accounts.oidc, asked.code, nonce, verifier).await?;
    let before = shown_session(&headers);
    let opened = site.accounts(move |accounts, now| {
        accounts.sign_in_elsewhere(&subject, before.as_ref(), &address, now)
    });
    let mut answer = with_session(&headers, &opened.await?, "/desk")?;
    let done = local_cookie(&headers, "bf-oidc", "", 0);
    let done = HeaderValue::from_str(&done).map_err(|e| Problem::internal(&e))?;
    answer.headers_mut().append(header::SET_COOKIE, done);
    Ok(answer)
}

/// Exchanges the code, and verifies the token's signature, issuer, audience, time and nonce.
async fn subject(oidc: &Oidc, code: String, nonce: String, verifier: String) -> Answer<String> {
    let provider = provider(oidc).await?;
    let request = provider
        .exchange_code(AuthorizationCode::new(code))
        .map_err(unavailable)?;
    let tokens = request
        .set_pkce_verifier(PkceCodeVerifier::new(verifier))
        .request_async(&send)
        .await
        .map_err(|e| refused(&e))?;
    let token = tokens
        .id_token()
        .ok_or_else(|| forbidden("the provider gave no ID token"))?;
    let claims = token.claims(&provider.id_token_verifier(), &Nonce::new(nonce));
    let claims = claims.map_err(|e| refused(&e))?;
    Ok(claims.subject().as_str().to_owned())
}

async fn provider(oidc: &Oidc) -> Answer<Provider> {
    let issuer = oidc.issuer.clone().ok_or_else(|| {
        Problem::missing("no identity provider is set here: sign in with name and password")
    })?;
    let issuer = IssuerUrl::new(issuer).map_err(unavailable)?;
    let found = CoreProviderMetadata::discover_async(issuer, &send).await;
    let secret = match &oidc.secret_file {
        Some(file) => {
            let text = tokio::fs::read_to_string(file).await.map_err(unavailable)?;
            Some(ClientSecret::new(text.trim().to_owned()))
        }
        None => None,
    };
    let client = ClientId::new(oidc.client.clone());
    let provider = CoreClient::from_provider_metadata(found.map_err(unavailable)?, client, secret);
    let back = RedirectUrl::new(oidc.redirect.clone()).map_err(unavailable)?;
    Ok(provider.set_redirect_uri(back))
}

/// One request to the provider, within the bounds of every read from others.
async fn send(request: HttpRequest) -> Result<HttpResponse, fetch::Error> {
    let (parts, body) = request.into_parts();
    let url = parts.uri.to_string();
    let (base, last) = url.rsplit_once('/').unwrap_or((url.as_str(), ""));
    let source = Source::parse(base)?;
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let read = Read::new(last, MOST).authorized(text(header::AUTHORIZATION));
    let answer = if parts.method == Method::GET {
        source.ask(read).await?
    } else {
        let kind = text(header::CONTENT_TYPE).unwrap_or("application/x-www-form-urlencoded");
        source.send(read, body.into(), kind).await?
    };
    let mut response = Response::new(answer.bytes.to_vec());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let kind = answer
        .content_type
        .and_then(|kind| HeaderValue::from_str(&kind).ok());
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Ok(response)
}

fn unavailable(error: impl std::fmt::Display) -> Problem {
    tracing::warn!(%error, "the identity provider");
    Problem::unavailable(
        "the identity provider can't be asked now; the operator finds why in the log",
    )
}

fn refused(error: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%error, "the identity provider's answer");
    Error::Wrong.into()
}
