//! `blockfeed serve` as a process, with settings of the test's own.

use crate::{
    cli_world::{PASSPHRASE, text},
    peers::{self, Running},
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A running authority and where it says things.
pub struct Serving {
    pub process: Running,
    /// What it printed of its addresses.
    pub said: Value,
    pub log: PathBuf,
}

impl Serving {
    /// With a settings file and its own ports.
    pub fn with_file(file: &Path, data: &Path) -> Self {
        Self::start(
            &["env", &format!("BLOCKFEED_CONFIG={}", file.display())],
            data,
            &[],
        )
    }

    /// `before`: what stands before the program's own command line, such as a shell that sets limits.
    pub fn start(before: &[&str], data: &Path, set: &[String]) -> Self {
        let program = env!("CARGO_BIN_EXE_blockfeed");
        let mut command = match before.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        let local = ["--listen", "--metrics", "--dns"].map(|flag| [flag, "127.0.0.1:0"]);
        command
            .arg("serve")
            .args(local.concat())
            .args(["--json", "--data", text(data)]);
        for pair in set {
            command.args(["--set", pair]);
        }
        let log = data.with_extension("operation.log");
        let stderr = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        command
            .env("BLOCKFEED_PASSPHRASE", PASSPHRASE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut process = Running::start(&mut command);
        // One document, printed over several lines.
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let mut document = String::new();
        let said = loop {
            match lines.next() {
                Some(line) => document.push_str(&line.unwrap()),
                None => panic!("it never served: {}", fs::read_to_string(&log).unwrap()),
            }
            if let Ok(said) = serde_json::from_str(&document) {
                break said;
            }
        };
        Self { process, said, log }
    }

    pub fn at(&self, listener: &str) -> String {
        self.said[listener].as_str().unwrap_or_default().to_owned()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at("listen"))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, name: &str) {
        signal(self.process.0.id(), name);
    }

    /// The value of a metric with its labels, as it is written.
    pub fn metric(&self, name: &str) -> Option<f64> {
        metric(&self.metrics(), name)
    }

    pub fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.at("metrics"));
        String::from_utf8(curl(&["-s", &url])).unwrap()
    }
}

pub fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// What curl prints.
pub fn curl(arguments: &[&str]) -> Vec<u8> {
    let tool = peers::tool("curl").expect("curl");
    let done = Command::new(tool)
        .args(["--max-time", "60"])
        .args(arguments)
        .output()
        .unwrap();
    done.stdout
}

/// Status, headers and body of a plain GET.
pub fn get(url: &str, headers: &[&str]) -> (u16, String) {
    let mut arguments = vec!["-s", "-i"];
    for header in headers {
        arguments.extend(["-H", header]);
    }
    arguments.push(url);
    let text = String::from_utf8_lossy(&curl(&arguments)).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.unwrap_or_default(), text)
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "it never came: {what}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
