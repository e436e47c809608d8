//! Schemathesis, which knows nothing but the API's own description, against an authority that
//! serves: for nobody, a token, a sandbox token and an officer who signs each request, no request
//! that it can think of breaks anything, and every answer is one that is described.
//!
//! `SCHEMATHESIS_EXAMPLES=1000 cargo test --test schemathesis` is a long run.

mod house;
mod peers;

use blockfeed::{canon::DecisionId, trust::Role};
use house::{House, ListOptions, ORIGIN, Officer, Options, Proposal};
use serde_json::{Value, json};
use std::{collections::BTreeMap, env, fs, path::Path, process::Command, thread};
use tempfile::TempDir;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Requests made up for each operation, where the environment doesn't say.
const EXAMPLES: &str = "8";

/// Operations whose bodies hold signatures: nothing that is made up is good.
const SIGNED: [&str; 4] = [
    "POST /api/v1/proposals",
    "POST /api/v1/proposals/{id}/approvals",
    "POST /api/v1/receipts",
    "POST /api/v1/trust",
];

/// An authority with something in every table.
struct World {
    house: House,
    token: String,
    sandbox: String,
    known: Value,
    /// Where the runs stand, with a file `seen`: a line an answer, method, path as it is
    /// described, status.
    dir: TempDir,
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
    world.covered();
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
        options.log = |log| log.least_between_compactions = 0;
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
        let open = house.next_id();
        let open = Proposal::list(open, &["seller:shopee.vn/1003"], &ListOptions::default());
        let withdrawn = DecisionId::new("2025-000001").unwrap();
        let withdrawn = Proposal::list(withdrawn, &["domain:b.example +"], &ListOptions::default());
        for (proposal, officer) in [(&open, Officer::First), (&withdrawn, Officer::Both)] {
            let approval = house.sign(&proposal.body, officer, Role::Propose);
            assert_eq!(house.propose(proposal, &approval).status, 201);
        }
        let feeds = ["sellers/shopee.vn", "accounts/facebook", "domains"];
        let token = house.reader("shopee", &feeds);
        let (sandbox, _) = house.token("shopee", &json!({ "sandbox": true }));
        house.subscriber("lazada", &["sellers/lazada.vn"]);
        let (_, other) = house.token("lazada", &json!({}));
        let account = json!({ "name": "clerk", "unit": "moit.e-commerce", "roles": ["reporter"] });
        let account = serde_json::to_vec(&account).unwrap();
        let made = house.signed(Officer::Both, "POST", "/api/v1/accounts", &account);
        assert_eq!(made.status, 201);
        let revocation = "/api/v1/subscribers/{name}/tokens/{id}/revocation";
        let part = blockfeed::tlog::Hash::of(&open.parts[0]);
        let known = json!({
            "id": [listed, ended, revoked, open.id, withdrawn.id, "2026-999999"],
            "name": ["shopee", "lazada"],
            "/api/v1/accounts/{name} name": ["clerk"],
            "/api/v1/proposals/{id}/parts/{sha256} id": [open.id],
            "/api/v1/proposals/{id}/withdrawal id": [withdrawn.id],
            "/api/v1/decisions/{id}/erasure id": [ended, listed],
            (format!("{revocation} name")): ["lazada"],
            (format!("{revocation} id")): [other],
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
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Every operation was done by somebody and not only refused, but for those that need more than
    /// can be made up.
    fn covered(&self) {
        let seen = fs::read_to_string(self.dir.path().join("seen")).unwrap();
        let document = self.house.get("/api/openapi.json").json();
        let mut refused = Vec::new();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in operations.as_object().unwrap().keys() {
                let operation = format!("{} {path}", method.to_uppercase());
                let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
                let lines = seen.lines().filter_map(|line| line.rsplit_once(' '));
                for (_, status) in lines.filter(|(of, _)| *of == operation) {
                    *statuses.entry(status).or_default() += 1;
                }
                println!("{operation}: {statuses:?}");
                if !statuses.keys().any(|status| status.starts_with('2')) {
                    refused.push(operation);
                }
            }
        }
        println!("{} requests", seen.lines().count());
        assert_eq!(refused, SIGNED);
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
            .env("BLOCKFEED_SEEN", self.dir.path().join("seen"))
            .current_dir(self.dir.path());
        if let Some(token) = token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        if let Some(officer) = officer {
            command.env("BLOCKFEED_OFFICER", officer.to_string());
        }
        command
    }
}
