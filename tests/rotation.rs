//! Keys and tokens take each other's place while subscribers go on: neither an agent nor a
//! marketplace changes anything on its side.

mod cli_world;
mod peers;

use cli_world::{GROUNDS, TERMS, World, json, run, serve, terminate, text};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

/// A world, its subscribers, and the version of the trust document.
struct Story {
    world: World,
    version: u64,
    entries: u64,
    /// The marketplace's: the secret, its id.
    token: (String, String),
    cursor: u64,
}

#[test]
fn subscribers_go_on_through_every_rotation() {
    let mut story = Story::begin();
    story.all_go_on("at the start");
    for which in ["log", "feed"] {
        let old = story.online_key(which);
        let (file, new) = story.new_key(which);
        story.trust(&[&format!("--{which}-key"), &new]);
        story.all_go_on(&format!("{which}: the new key is named, the old one signs"));
        fs::rename(file, story.world.data().join(format!("keys/{which}.pem"))).unwrap();
        story.restart();
        story.all_go_on(&format!(
            "{which}: the new key signs, the old one is named still"
        ));
        story.trust(&["--remove-online-key", &old]);
        story.all_go_on(&format!("{which}: the old one is named no more"));
    }
    // Who slept through all of it, and who begins now.
    for name in ["sleeper", "newcomer"] {
        assert_eq!(story.agent(name)["entries"], story.entries, "{name}");
    }
    // A token: the second is issued, both work, the first is taken back.
    let first = std::mem::take(&mut story.token);
    story.token = story.issue();
    story.all_go_on("the second token");
    let second = std::mem::replace(&mut story.token, first);
    story.all_go_on("the first one still");
    let (_, id) = std::mem::replace(&mut story.token, second);
    json(
        story
            .world
            .as_officer("o-0017", &[&["subscriber", "revoke", "shopee", &id]]),
    );
    story.all_go_on("the second alone");
    let audit = json(run(&["audit", &story.world.url, "--json"]));
    assert_eq!(
        (&audit["holds"], &audit["report"]["trust_version"]),
        (&true.into(), &5.into())
    );
    terminate(story.world.serving);
}

impl Story {
    fn begin() -> Self {
        let mut story = Self {
            world: World::begin(),
            version: 1,
            entries: 0,
            token: Default::default(),
            cursor: 0,
        };
        let added = ["subscriber", "add", "shopee", "--feed", "sellers/shopee.vn"];
        json(story.world.as_officer("o-0017", &[&added]));
        story.token = story.issue();
        story.agent("sleeper");
        story
    }

    fn issue(&self) -> (String, String) {
        let made = json(
            self.world
                .as_officer("o-0017", &[&["subscriber", "token", "shopee"]]),
        );
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        (text("secret"), text("id"))
    }

    /// A name and a seller are listed, and both subscribers learn of them as they always do.
    fn all_go_on(&mut self, when: &str) {
        self.entries += 1;
        let (name, seller) = (
            format!("d{}.example", self.entries),
            format!("seller:shopee.vn/{}", 1000 + self.entries),
        );
        self.world
            .decide("o-0042", &[&["propose", &name], TERMS, GROUNDS]);
        self.world
            .decide("o-0042", &[&["propose", &seller], TERMS, GROUNDS]);
        let feed = self.agent("isp");
        assert_eq!(feed["entries"], self.entries, "{when}: {feed}");
        assert_eq!(feed["current"], true, "{when}: {feed}");
        let path = format!(
            "/api/v1/changes?feed=sellers/shopee.vn&since={}",
            self.cursor
        );
        let changes = self.asked(&path);
        assert!(changes.to_string().contains(&seller), "{when}: {changes}");
        self.cursor = changes["serial"].as_u64().unwrap();
    }

    /// One round of an agent that was set up once. Gives its feed of domains.
    fn agent(&self, name: &str) -> Value {
        let state = self.world.dir.path().join(name);
        let out = format!("domains:txt:{}", text(&state.with_extension("txt")));
        let arguments = [
            "agent",
            "once",
            "--json",
            "--trust-on-first-use",
            "--source",
            &self.world.url,
            "--output",
            &out,
            "--state",
            text(&state),
        ];
        json(run(&arguments))["feeds"]["domains"].clone()
    }

    fn asked(&self, path: &str) -> Value {
        use std::io::{Read as _, Write as _};
        let host = self.world.url.trim_start_matches("http://");
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let token = &self.token.0;
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    /// The newest log or feed key that the document names, base64.
    fn online_key(&self, which: &str) -> String {
        let shown = json(run(&[
            "trust",
            "show",
            "--server",
            &self.world.url,
            "--json",
        ]));
        let keys = shown[which]
            .as_array()
            .or_else(|| shown["document"][which].as_array());
        let keys = keys.unwrap_or_else(|| panic!("{shown}"));
        keys.last().unwrap()["public"].as_str().unwrap().to_owned()
    }

    /// A new key's file, and its public half.
    fn new_key(&self, which: &str) -> (PathBuf, String) {
        let file = self.world.dir.path().join(format!("{which}.pem"));
        let made = json(run(&[
            "officer",
            "new",
            "--officer",
            "o-0001",
            "--unit",
            "moit",
            "--role",
            "propose",
            "--out",
            text(&file),
        ]));
        let public = made["o-0001"]["keys"]["k1"]["public"].as_str().unwrap();
        (file, public.to_owned())
    }

    /// The next trust document: drafted with this change, signed by two root keys, put in force.
    fn trust(&mut self, change: &[&str]) {
        self.version += 1;
        let draft = self
            .world
            .dir
            .path()
            .join(format!("trust-{}.json", self.version));
        let server = ["--server", &self.world.url, "--json"];
        json(run(&[
            &["trust", "draft", "--out", text(&draft)],
            change,
            &server,
        ]
        .concat()));
        for root in ["a", "b"] {
            let key = self.world.data().join(format!("keys/root-{root}.pem"));
            json(run(&[
                "trust",
                "sign",
                text(&draft),
                "--root",
                root,
                "--key-file",
                text(&key),
                "--json",
            ]));
        }
        json(run(
            &[&["trust", "submit", text(&draft)], &server[..]].concat()
        ));
    }

    /// The authority begins again.
    fn restart(&mut self) {
        let running = &mut self.world.serving.0;
        let told = Command::new("kill")
            .args(["-TERM", &running.id().to_string()])
            .status();
        assert!(told.unwrap().success() && running.wait().unwrap().success());
        (self.world.serving, self.world.url) = serve(&self.world.data());
    }
}
