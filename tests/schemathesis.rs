//! Schemathesis, which knows nothing but the API's own description, against an authority that
//! serves: for nobody, a token, a sandbox token and an officer who signs each request, no request
//! that it can think of breaks anything, and every answer is one that is described.
//!
//! `SCHEMATHESIS_EXAMPLES=1000 cargo test --test schemathesis` is a long run.

mod house;
mod peers;

use blockfeed::trust::Role;
use house::{House, ListOptions, ORIGIN, Officer, Options, Proposal};
use serde_json::{Value, json};
use std::{env, path::Path, process::Command, thread};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Requests made up for each operation, where the environment doesn't say.
const EXAMPLES: &str = "15";

/// An authority with something in every table.
struct World {
    house: House,
    token: String,
    sandbox: String,
    known: Value,
}

#[test]
fn every_answer_is_as_described() {
    let Some(program) = peers::tool("schemathesis") else {
        return peers::skip("the API's description", "schemathesis");
    };
    let world = World::new();
    let key: String = Officer::Both
        .key()
        .to_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let officer =
        json!({ "origin": ORIGIN, "officer": Officer::Both.id(), "key": "k1", "secret": key });
    let roles = [
        ("nobody", None, None),
        ("a token", Some(&world.token), None),
        ("a sandbox token", Some(&world.sandbox), None),
        ("an officer", None, Some(&officer)),
    ];
    let told: Vec<(&str, bool, String)> = thread::scope(|scope| {
        let runs = roles.map(|(name, token, officer)| {
            let mut command = world.command(&program, token, officer);
            scope.spawn(move || {
                let output = command.output().unwrap();
                let told = [output.stdout, output.stderr].concat();
                (
                    name,
                    output.status.success(),
                    String::from_utf8_lossy(&told).into_owned(),
                )
            })
        });
        runs.map(|run| run.join().unwrap()).into()
    });
    for (name, _, told) in &told {
        println!("--- {name}\n{told}");
    }
    let failed: Vec<&str> = told
        .iter()
        .filter(|(_, good, _)| !good)
        .map(|(name, ..)| *name)
        .collect();
    assert!(failed.is_empty(), "as {failed:?}");
    assert!(
        told.iter()
            .all(|(.., told)| told.contains("No issues found"))
    );
}

/// Of two parts of one object, none may forbid the other's fields: nothing would fit.
#[test]
fn what_is_made_of_parts_can_be_answered() {
    let house = House::new();
    let document = house.get("/api/openapi.json").json();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut joined = 0;
    for (name, schema) in schemas {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let named = part["$ref"].as_str().and_then(|r| r.rsplit('/').next());
            let part = named.map_or(part, |named| &schemas[named]);
            assert_ne!(part["additionalProperties"], false, "{name}");
            joined += 1;
        }
    }
    assert!(joined > 0);
}

impl World {
    fn new() -> Self {
        let mut options = Options::default();
        // What is asked here is no decent poller's pace; and nobody has the time to wait.
        options.serve.token_rate = 0;
        options.serve.address_rate = 0;
        options.serve.long_poll = 1;
        let house = House::with(options);
        let lines = [
            "seller:shopee.vn/1001",
            "account:facebook/some.page",
            "domain:shop.example +",
            "net:203.0.113.0/24",
        ];
        let listed = house.list(&lines, ListOptions::default());
        let ended = house.list(
            &["seller:shopee.vn/1002", "domain:old.example ="],
            ListOptions::default(),
        );
        let revoked = house.revoke(&ended, None);
        let open = Proposal::list(
            house.next_id(),
            &["seller:shopee.vn/1003"],
            &ListOptions::default(),
        );
        let approval = house.sign(&open.body, Officer::First, Role::Propose);
        assert_eq!(house.propose(&open, &approval).status, 201);
        let feeds = ["sellers/shopee.vn", "accounts/facebook", "domains"];
        let token = house.reader("shopee", &feeds);
        let (sandbox, _) = house.token("shopee", &json!({ "sandbox": true }));
        let part = blockfeed::tlog::Hash::of(&open.parts[0]);
        let known = json!({
            "id": [listed, ended, revoked, open.id, "2026-999999"],
            "name": ["shopee"],
            "sha256": [part],
            "feed": ["domains", "networks", "sellers/shopee.vn", "accounts/facebook", "sellers/tiki.vn"],
            "q": ["shop.example", "https://shopee.vn/shop/1001", "203.0.113.9"],
            "since": [0, 3, 5, 7, 9],
        });
        Self {
            house,
            token,
            sandbox,
            known,
        }
    }

    fn command(&self, program: &Path, token: Option<&String>, officer: Option<&Value>) -> Command {
        let examples = env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| EXAMPLES.into());
        let mut command = Command::new(program);
        command
            .args(["run", &format!("{}/api/openapi.json", self.house.url())])
            .args([
                "--checks",
                CHECKS,
                "--max-examples",
                &examples,
                "--seed",
                "399",
            ])
            .args([
                "--phases",
                "examples,coverage,fuzzing",
                "--continue-on-failure",
                "--no-color",
                "--warnings",
                "off",
            ])
            .env("PYTHONPATH", house::root().join("tests/schemathesis"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("BLOCKFEED_KNOWN", self.known.to_string())
            .current_dir(env::temp_dir());
        if let Some(token) = token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        if let Some(officer) = officer {
            command.env("BLOCKFEED_OFFICER", officer.to_string());
        }
        command
    }
}
