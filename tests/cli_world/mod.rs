//! A data directory made by `init`, an authority serving it as a process of its own, officers with
//! their keys: the story of the command line, for the tests that tell one.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

use crate::peers::Running;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

pub const PASSPHRASE: &str = "a passphrase of the test";
pub const TERMS: &[&str] = &[
    "--category",
    "counterfeit",
    "--head",
    "counterfeit",
    "--goods",
    "cosmetics",
    "--method",
    "fake_brand_site",
    "--not-after",
    "+180d",
];
pub const GROUNDS: &[&str] = &[
    "--basis-authority",
    "moit.e-commerce",
    "--basis-number",
    "12/QĐ-TMĐT",
    "--reasons",
    "Sells counterfeit goods",
];

/// A data directory, the authority in it, and the ways to speak to both.
pub struct World {
    pub dir: tempfile::TempDir,
    pub url: String,
    pub serving: Running,
}

impl World {
    pub fn begin() -> World {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let made = run(&[
            "init",
            "--origin",
            "story.example/1",
            "--demo-officers",
            "--json",
            "--data",
            text(&data),
        ]);
        let made = json(made);
        assert_eq!(made["session"].as_str().unwrap().len(), 16);
        let again = run(&["init", "--origin", "story.example/1", "--data", text(&data)]);
        assert!(!again.status.success());
        let (serving, url) = serve(&data);
        World { dir, url, serving }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn as_officer(&self, officer: &str, arguments: &[&[&str]]) -> Output {
        let key = self.data().join("keys").join(format!("{officer}.pem"));
        let who = [
            "--server",
            &self.url,
            "--officer",
            officer,
            "--key-file",
            text(&key),
            "--json",
        ];
        run(&[&arguments.concat()[..], &who[..]].concat())
    }

    /// Proposes and approves; gives the decision's id.
    pub fn decide(&self, second: &str, arguments: &[&[&str]]) -> String {
        let proposed = json(self.as_officer("o-0017", arguments));
        let id = proposed["id"].as_str().unwrap().to_owned();
        let body = proposed["body_sha256"].as_str().unwrap();
        let approved =
            json(self.as_officer(second, &[&["approve", &id, "--yes", "--expect", body]]));
        assert_eq!(approved["status"], "committed");
        id
    }

    pub fn lookup(&self, subject: &str) -> Value {
        json(run(&["lookup", subject, "--server", &self.url, "--json"]))
    }

    /// The body of what is served under a path.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let host = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        answer.split_off(body)
    }

    pub fn agent(&self) -> Value {
        let out = |file: &str| text(&self.dir.path().join(file)).to_owned();
        let outputs = [
            format!("domains:txt:{}", out("d.txt")),
            format!("networks:cidr:{}", out("n.txt")),
        ];
        json(run(&[
            "agent",
            "once",
            "--json",
            "--trust-on-first-use",
            "--source",
            &self.url,
            "--state",
            &out("agent"),
            "--output",
            &outputs[0],
            "--output",
            &outputs[1],
        ]))
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command
        .args(arguments)
        .env("BLOCKFEED_PASSPHRASE", PASSPHRASE)
        .stdin(Stdio::null());
    command.output().unwrap()
}

pub fn json(output: Output) -> Value {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn serve(data: &Path) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--dns",
        "127.0.0.1:0",
        "--config",
    ]);
    command
        .arg(data.join("blockfeed.toml"))
        .env("BLOCKFEED_PASSPHRASE", PASSPHRASE);
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(data.with_extension("log"))
        .unwrap();
    let mut serving = Running::start(command.stdout(Stdio::piped()).stderr(log));
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line
        .split_whitespace()
        .nth(1)
        .expect("it never served")
        .to_owned();
    (serving, url)
}

pub fn terminate(mut serving: Running) {
    let command = format!("kill -TERM {}", serving.0.id());
    assert!(
        Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(serving.0.wait().unwrap().code(), Some(0));
}

impl World {
    /// The same with its authority ended, for tests that start their own.
    pub fn stopped(mut self) -> World {
        let mut idle = Command::new("sleep");
        let idle = Running::start(idle.arg("86400").stdin(Stdio::null()));
        terminate(std::mem::replace(&mut self.serving, idle));
        self
    }
}
