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
    // The package's folders become the test's own, its ports whatever is free.
    let mut text = text;
    for folder in ["agent", "mirror"] {
        let own = format!("{}/{folder}", dir.display());
        text = text.replace(&format!("/var/lib/blockfeed-{folder}"), &own);
    }
    text = text.replace("/var/lib/blockfeed", &format!("{}/data", dir.display()));
    for port in ["5398", "8400", "9397"] {
        text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:0");
    }
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

    let port = peers::free_port();
    let agent = [
        "agent",
        "run",
        "--metrics",
        &format!("127.0.0.1:{port}"),
        "--set",
        "agent.poll_seconds=1",
    ];
    runs_and_takes_nothing("agent.toml", &agent, world.dir.path());
    assert!(!world.dir.path().join("agent/blockfeed.rpz").exists());
    let source = format!("mirror.sources=[\"{}\"]", set.url());
    runs_and_takes_nothing(
        "mirror.toml",
        &["mirror", "--set", &source],
        world.dir.path(),
    );
    assert!(!world.dir.path().join("mirror/log").exists());
}

/// The sample's genesis is nobody's: whoever starts with it runs on, takes nothing and says why.
fn runs_and_takes_nothing(name: &str, arguments: &[&str], dir: &Path) {
    let settings = sample(name, dir);
    let out = settings.with_extension("log");
    let log = fs::File::create(&out).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command.args(arguments).args(["--config", text(&settings)]);
    let mut process = Running::start(
        command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null()),
    );
    let said = || fs::read_to_string(&out).unwrap();
    until("its word", || {
        assert!(process.0.try_wait().unwrap().is_none(), "{}", said());
        ["WARN", "ERROR", "FAULT"]
            .iter()
            .any(|word| said().contains(word))
    });
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
