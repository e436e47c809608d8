//! Subscribers and tokens at the authority, as an officer's client asks for them.

use super::{Error, desk::Officer, server::Server};
use serde_json::Value;

impl Server {
    /// The subscribers and what each has applied.
    pub async fn subscribers(&self, officer: &Officer) -> Result<Value, Error> {
        let path = "api/v1/subscribers";
        let authorization = self.authorization(officer, "GET", path, b"").await?;
        self.get(path, &[], Some(&authorization)).await
    }

    /// One subscriber and where it stands.
    pub async fn subscriber(&self, name: &str, officer: &Officer) -> Result<Value, Error> {
        let path = format!("api/v1/subscribers/{}", segment(name)?);
        let authorization = self.authorization(officer, "GET", &path, b"").await?;
        self.get(&path, &[], Some(&authorization)).await
    }

    /// Registers a subscriber.
    pub async fn add_subscriber(&self, new: &Value, officer: &Officer) -> Result<Value, Error> {
        self.signed("api/v1/subscribers", new, officer).await
    }

    /// Changes a subscriber.
    pub async fn change_subscriber(
        &self,
        name: &str,
        change: &Value,
        officer: &Officer,
    ) -> Result<Value, Error> {
        let path = format!("api/v1/subscribers/{}", segment(name)?);
        self.signed(&path, change, officer).await
    }

    /// Makes a token for a subscriber.
    pub async fn issue_token(
        &self,
        name: &str,
        order: &Value,
        officer: &Officer,
    ) -> Result<Value, Error> {
        let path = format!("api/v1/subscribers/{}/tokens", segment(name)?);
        self.signed(&path, order, officer).await
    }

    /// Ends a token.
    pub async fn revoke_token(
        &self,
        name: &str,
        id: &str,
        officer: &Officer,
    ) -> Result<Value, Error> {
        let (name, id) = (segment(name)?, segment(id)?);
        let path = format!("api/v1/subscribers/{name}/tokens/{id}/revocation");
        self.signed(&path, &serde_json::json!({}), officer).await
    }
}

/// A name as one step of a path.
fn segment(name: &str) -> Result<&str, Error> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(Error::said(format!(
            "{name:?} is no name of a subscriber or token: these are made of a-z 0-9 -"
        )));
    }
    Ok(name)
}
