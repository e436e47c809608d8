//! The sample settings start as they are; only their places and ports are the test's.

use crate::{
    cli_world::{World, text},
    peers::{self, Running},
    serving::{Serving, get, until},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn sample(name: &str, dir: &Path) -> PathBuf {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/config");
    let text = fs::read_to_string(deploy.join(name)).unwrap();
    // The package's folders become the test's own.
    let text = text.replace(
        "/var/lib/blockfeed-agent",
        &format!("{}/agent", dir.display()),
    );
    let text = text.replace("/var/lib/blockfeed", &format!("{}/data", dir.display()));
    let text = text.replace("127.0.0.1:5398", "127.0.0.1:0");
    let at = dir.join(name);
    fs::write(&at, text).unwrap();
    at
}

#[test]
fn the_samples_start_as_they_are() {
    if peers::tool("curl").is_none() {
        return peers::skip("sample settings", "curl");
    }
    let world = World::begin().stopped();
    let authority = sample("blockfeed.toml", world.dir.path());
    let set = Serving::with_file(&authority, &world.data());
    assert_eq!(get(&format!("{}/readyz", set.url()), &[]).0, 200);
    // Structured lines, as the sample has them.
    let log = set.log();
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let _: serde_json::Value = serde_json::from_str(line).unwrap();
    }

    let settings = sample("agent.toml", world.dir.path());
    let (out, port) = (world.dir.path().join("agent.log"), peers::free_port());
    let log = fs::File::create(&out).unwrap();
    let mut agent = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    agent.args([
        "agent",
        "run",
        "--config",
        text(&settings),
        "--metrics",
        &format!("127.0.0.1:{port}"),
    ]);
    agent.args(["--set", "agent.poll_seconds=1"]);
    // The sample's genesis is nobody's: it runs, takes nothing and says why.
    let mut agent = Running::start(
        agent
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null()),
    );
    until("the agent's word", || {
        assert!(
            agent.0.try_wait().unwrap().is_none(),
            "{}",
            fs::read_to_string(&out).unwrap()
        );
        !fs::read_to_string(&out).unwrap().is_empty()
    });
    assert!(!world.dir.path().join("agent/blockfeed.rpz").exists());
}

#[test]
fn completions_and_manual_pages_are_of_this_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let made = crate::cli_world::run(&["man", text(dir.path())]);
    assert!(made.status.success(), "{made:?}");
    let page = fs::read_to_string(dir.path().join("blockfeed-serve.1")).unwrap();
    assert!(page.contains("tls\\-listen"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let made = crate::cli_world::run(&["completions", shell]);
        let script = String::from_utf8(made.stdout).unwrap();
        assert!(script.contains("doctor"), "{shell}: {script}");
    }
}
