//! Subscribers with their tokens, and requests that show them.

use super::{House, Officer, http::Answer};
use serde_json::{Value, json};

impl House {
    /// An officer's request with a JSON body.
    #[track_caller]
    pub fn order(&self, path: &str, body: &Value) -> Answer {
        self.signed(Officer::First, "POST", path, body.to_string().as_bytes())
    }

    /// Registers a subscriber.
    pub fn subscriber(&self, name: &str, feeds: &[&str]) {
        let new = json!({ "name": name, "feeds": feeds });
        let answer = self.order("/api/v1/subscribers", &new);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// A new token of a subscriber: the secret and its id.
    pub fn token(&self, name: &str, order: &Value) -> (String, String) {
        let path = format!("/api/v1/subscribers/{name}/tokens");
        let answer = self.order(&path, order);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made = answer.json();
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        assert_eq!(text("secret").len(), 46);
        (text("secret"), text("id"))
    }

    /// A subscriber with one token for all its feeds.
    pub fn reader(&self, name: &str, feeds: &[&str]) -> String {
        self.subscriber(name, feeds);
        self.token(name, &json!({})).0
    }

    pub fn get_by(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.get_with(path, &[("authorization", &bearer)])
    }

    pub fn post_by(&self, token: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }
}
