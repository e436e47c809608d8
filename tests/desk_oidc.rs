//! Signing in through an identity provider: npm's oidc-provider, run by node, with its own discovery,
//! keys, PKCE and ID tokens.

mod desk_world;
mod house;
mod peers;

use desk_world::invite;
use house::{
    House, Officer, Options,
    http::{Answer, send},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
};

/// A browser's cookies and redirects, for one place.
struct Browser {
    at: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn get(&mut self, path: &str) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let cookies = cookies.join("; ");
        let headers = [("cookie", cookies.as_str()), ("accept", "text/html")];
        let raw = send(self.at, "GET", path, &headers, &[]);
        for set in &raw.cookies {
            let pair = set.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        raw
    }
}

#[test]
fn an_officer_signs_in_through_the_identity_provider() {
    let (Some(node), Some(folder)) = (peers::tool("node"), peers::data("oidc/node_modules")) else {
        return peers::skip(
            "signing in through an identity provider",
            "node and npm's oidc-provider",
        );
    };
    let (ours, theirs) = (peers::free_port(), peers::free_port());
    let redirect = format!("http://127.0.0.1:{ours}/desk/oidc/back");
    let script = house::root().join("tests/verifiers/oidc/provider.mjs");
    let mut command = Command::new(node);
    command.arg(script).arg(folder.parent().unwrap());
    command.args([&theirs.to_string(), &redirect, "248289761001"]);
    let mut provider = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = BufReader::new(provider.stdout.take().unwrap());
    let provider = peers::Running(provider);
    while !said.contains("listening") {
        said.clear();
        assert!(
            out.read_line(&mut said).unwrap() > 0,
            "the provider didn't begin"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "a secret that both know\n").unwrap();
    let mut options = Options::default();
    options.serve.listen = SocketAddr::from(([127, 0, 0, 1], ours));
    options.serve.accounts.oidc.issuer = Some(format!("http://127.0.0.1:{theirs}"));
    options.serve.accounts.oidc.client = "blockfeed".into();
    options.serve.accounts.oidc.secret_file = Some(secret);
    options.serve.accounts.oidc.redirect = redirect;
    let house = House::with(options);
    invite(&house, "thu.ha", "moit.e-commerce", &["officer"], None);

    // Nobody is who isn't linked.
    let (answer, _) = through(&house, theirs);
    assert_eq!(answer.status, 403, "{}", answer.text());
    let link = json!({ "link": "248289761001" }).to_string();
    let linked = house.signed(
        Officer::Second,
        "POST",
        "/api/v1/accounts/thu.ha",
        link.as_bytes(),
    );
    assert_eq!(linked.status, 200, "{}", linked.text());
    let (answer, mut browser) = through(&house, theirs);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), "/desk");
    let desk = browser.get("/desk");
    assert_eq!(desk.status, 200);
    assert!(desk.text().contains("thu.ha"));

    // An answer that another browser began, and one that was used.
    let path = begun(&house, theirs).1;
    let mut other = Browser {
        at: house.address(),
        cookies: BTreeMap::new(),
    };
    assert_eq!(other.get(&path).status, 403);
    drop(provider);
}

/// Begins at the desk and goes through the provider; the path that it sends back to.
fn begun(house: &House, theirs: u16) -> (Browser, String) {
    let mut browser = Browser {
        at: house.address(),
        cookies: BTreeMap::new(),
    };
    let mut elsewhere = Browser {
        at: SocketAddr::from(([127, 0, 0, 1], theirs)),
        cookies: BTreeMap::new(),
    };
    let answer = browser.get("/desk/oidc/start");
    assert_eq!(answer.status, 303, "{}", answer.text());
    let mut to = answer.header("location").to_owned();
    assert!(
        to.contains("code_challenge_method=S256") && to.contains("nonce="),
        "{to}"
    );
    for _ in 0..12 {
        let url = url::Url::parse(&to).unwrap_or_else(|_| {
            let base = format!("http://127.0.0.1:{theirs}/");
            url::Url::parse(&base).unwrap().join(&to).unwrap()
        });
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        if url.path() == "/desk/oidc/back" {
            return (browser, path);
        }
        let answer = elsewhere.get(&path);
        assert!(
            matches!(answer.status, 302 | 303),
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        to = answer.header("location").to_owned();
    }
    panic!("the provider never sends back");
}

fn through(house: &House, theirs: u16) -> (Answer, Browser) {
    let (mut browser, path) = begun(house, theirs);
    let answer = browser.get(&path);
    (answer, browser)
}
