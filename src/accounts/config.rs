//! What the operator may set about signing in.

use serde::{Deserialize, Serialize};

/// Sessions, delays, and an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Seconds without a request after which a session ends.
    pub idle: u64,
    /// Seconds after which a session ends however busy it is.
    pub longest: u64,
    /// Seconds after signing in for which a sensitive step asks for no password.
    pub fresh: u64,
    /// Seconds for which an enrolment link is good.
    pub link: u64,
    /// Failures in a row after which an account, or an address, has to wait.
    pub failures: u32,
    /// The longest wait, seconds; it doubles with each failure up to here.
    pub longest_wait: u64,
    /// The identity provider, where officers sign in elsewhere.
    pub oidc: Oidc,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// Its issuer, such as `https://sso.example.vn`; without it there is none.
    pub issuer: Option<String>,
    /// Who we are there.
    pub client: String,
    /// A file that holds the client's secret; none for a public client.
    pub secret_file: Option<std::path::PathBuf>,
    /// Where the provider sends people back to: `https://<this site>/desk/oidc/back`.
    pub redirect: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            idle: 30 * 60,
            longest: 12 * 3600,
            fresh: 10 * 60,
            link: 72 * 3600,
            failures: 5,
            longest_wait: 15 * 60,
            oidc: Oidc::default(),
        }
    }
}
