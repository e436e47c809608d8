//! Settings as a user meets them: file, environment, `--set`, and what a slip of the pen says.

use serde_json::Value;
use std::{
    fs,
    process::{Command, Output},
};

fn blockfeed(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command.args(arguments).envs(variables.iter().copied());
    command.output().unwrap()
}

#[test]
fn what_is_said_later_counts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("blockfeed.toml");
    fs::write(&file, "[log]\npoll = 11\nheartbeat = 12\nbatch = 13\n").unwrap();
    let file = file.to_str().unwrap();
    let set = [
        "config",
        "--json",
        "--config",
        file,
        "--set",
        "log.batch=33",
    ];
    let output = blockfeed(
        &set,
        &[
            ("BLOCKFEED_LOG_HEARTBEAT", "22"),
            ("BLOCKFEED_LOG_BATCH", "23"),
        ],
    );
    assert!(output.status.success(), "{output:?}");
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&all["log.poll"], &all["log.heartbeat"], &all["log.batch"]),
        (&11.into(), &22.into(), &33.into())
    );
    // The file may be named by a variable, and every room's keys are there.
    let output = blockfeed(&["config", "--json"], &[("BLOCKFEED_CONFIG", file)]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["log.poll"], 11);
    for key in [
        "serve.listen",
        "agent.state",
        "agent.trust.genesis",
        "fetch.total_seconds",
        "officer.id",
    ] {
        assert!(all.get(key).is_some(), "{key}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("blockfeed.toml");
    fs::write(
        &file,
        "[serve]\nlisten = \"127.0.0.1:1\"\nmetrisc = \"127.0.0.1:2\"\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for (arguments, variables, words) in [
        (
            &["config", "--config", file][..],
            &[][..],
            &["line 3", "metrisc", "\"metrics\""][..],
        ),
        (
            &["config", "--set", "serve.listn=x"],
            &[],
            &["serve.listn", "\"serve.listen\""],
        ),
        (
            &["config"],
            &[("BLOCKFEED_SERVE_LISTN", "x")],
            &["BLOCKFEED_SERVE_LISTEN"],
        ),
        (
            &["config"],
            &[("BLOCKFEED_SERVE_LISTEN", "x")],
            &["BLOCKFEED_SERVE_LISTEN", "serve.listen"],
        ),
        (
            &["config", "--config", "/nowhere/x.toml"],
            &[],
            &["/nowhere/x.toml", "--config"],
        ),
    ] {
        let output = blockfeed(arguments, variables);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(
            words.iter().all(|word| error.contains(word)),
            "{arguments:?}: {error}"
        );
    }
}
