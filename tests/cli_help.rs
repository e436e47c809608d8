//! Every verb explains itself: a sentence, its flags, an example.

use std::process::Command;

fn help(verb: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    let output = command.args(verb).arg("--help").output().unwrap();
    assert!(output.status.success(), "{verb:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The verbs below one, as its help lists them.
fn below(help: &str) -> Vec<String> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = commands.take_while(|line| line.starts_with("  "));
    // A sentence that goes on in the next line is indented further.
    let first = listed.filter(|line| !line.starts_with("    "));
    let names = first.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_verb_has_an_example() {
    let mut waiting = vec![Vec::new()];
    let mut seen = Vec::new();
    while let Some(verb) = waiting.pop() {
        let text = help(&verb);
        let name = verb.join(" ");
        assert!(
            text.contains("Example"),
            "blockfeed {name} --help has no example:\n{text}"
        );
        assert!(
            text.contains(&format!("blockfeed {name}")),
            "the example of {name} is of another verb"
        );
        for next in below(&text) {
            waiting.push([verb.clone(), vec![next]].concat());
        }
        seen.push(name);
    }
    for verb in [
        "init",
        "serve",
        "officer new",
        "trust show",
        "trust draft",
        "trust sign",
        "trust verify",
        "trust submit",
        "propose",
        "approve",
        "withdraw",
        "amend",
        "stay",
        "revoke",
        "check",
        "lookup",
        "show",
        "list",
        "agent once",
        "agent run",
        "agent plan",
        "audit",
        "probe",
        "subscriber add",
        "subscriber change",
        "subscriber token",
        "subscriber revoke",
        "subscriber status",
        "config",
        "doctor",
        "completions",
        "man",
        "demo",
    ] {
        assert!(
            seen.iter().any(|name| name == verb),
            "there is no verb {verb}: {seen:?}"
        );
    }
}

#[test]
fn a_wrong_command_line_is_2_and_a_failure_1() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_blockfeed"))
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(run(&["porpose"]).0, Some(2));
    assert_eq!(run(&["check", "shop.example.vn"]).0, Some(0));
    assert_eq!(
        run(&["check", "shop.example.vn", "facebook.com"]).0,
        Some(1)
    );
    let (code, error) = run(&["check", "--explain", "public_sufix"]);
    assert!(
        code == Some(1) && error.contains("\"public_suffix\""),
        "{error}"
    );
    let (code, error) = run(&["lookup", "shop.example.vn"]);
    assert!(
        code == Some(1) && error.contains("BLOCKFEED_OFFICER_SERVER"),
        "{error}"
    );
    let (code, error) = run(&[
        "serve",
        "--data",
        "/nowhere",
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ]);
    assert!(
        code == Some(1) && error.contains("blockfeed init"),
        "{error}"
    );
}
