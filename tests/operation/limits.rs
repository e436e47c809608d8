//! A wrong clock, a slow disk, no memory, no DNS: what is decided for each in deploy/RUNBOOK.md, seen on a real process.

use crate::{
    cli_world::{GROUNDS, PASSPHRASE, TERMS, World, json, run, terminate, text},
    disk::decide,
    peers,
    serving::{Serving, get},
};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// What stands before a command that sees another time.
fn at(offset: &str) -> Vec<String> {
    [
        "env",
        &format!("FAKETIME={offset}"),
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        &format!("LD_PRELOAD={FAKETIME}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

/// An officer's command, as JSON; what it said where it failed.
fn officer(
    before: &[String],
    world: &World,
    serving: &Serving,
    officer: &str,
    arguments: &[&str],
) -> Result<Value, String> {
    let key = world.data().join("keys").join(format!("{officer}.pem"));
    let url = serving.url();
    let mut command = Command::new(&before[0]);
    command
        .args(&before[1..])
        .arg(env!("CARGO_BIN_EXE_blockfeed"))
        .args(arguments);
    command.args([
        "--server",
        &url,
        "--officer",
        officer,
        "--key-file",
        text(&key),
        "--json",
    ]);
    let output = command
        .env("BLOCKFEED_PASSPHRASE", PASSPHRASE)
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A decision by officers whose clocks show this; gives the time of its leaf.
fn decide_at(
    clock: &[String],
    world: &World,
    serving: &Serving,
    subject: &str,
) -> Result<u64, String> {
    decide_by(clock, world, serving, "o-0042", &[subject])
}

/// The same by an approver, of whatever is proposed.
fn decide_by(
    clock: &[String],
    world: &World,
    serving: &Serving,
    approver: &str,
    what: &[&str],
) -> Result<u64, String> {
    let propose = [&["propose"][..], what, TERMS, GROUNDS].concat();
    let made = officer(clock, world, serving, "o-0017", &propose)?;
    let field = |name: &str| made[name].as_str().unwrap();
    let approve = [
        "approve",
        field("id"),
        "--yes",
        "--expect",
        field("body_sha256"),
    ];
    let done = officer(clock, world, serving, approver, &approve)?;
    Ok(done["committed"]["time"].as_u64().unwrap())
}

/// One round of an agent; gives its report, whatever it says.
fn agent(world: &World, serving: &Serving) -> Value {
    let file = |name: &str| text(&world.dir.path().join(name)).to_owned();
    let (state, output) = (file("agent"), format!("domains:txt:{}", file("list")));
    let round = [
        "agent",
        "once",
        "--trust-on-first-use",
        "--json",
        "--state",
        &state,
        "--output",
        &output,
    ];
    let round = run(&[&round[..], &["--source", &serving.url()]].concat());
    serde_json::from_slice(&round.stdout).unwrap()
}

fn audited(source: &str) {
    assert_eq!(json(run(&["audit", source, "--json"]))["holds"], true);
}

fn listed(serving: &Serving, name: &str) -> bool {
    get(&format!("{}/api/v1/lookup?q={name}", serving.url()), &[])
        .1
        .contains("\"listed\":true")
}

#[test]
fn a_clock_that_was_an_hour_ahead_is_told_of_and_the_log_never_goes_back() {
    if !Path::new(FAKETIME).exists() {
        return peers::skip("a wrong clock", "faketime");
    }
    let world = World::begin().stopped();
    let (ahead, right) = (at("+3600"), vec!["env".to_owned()]);
    let before: Vec<&str> = ahead.iter().map(String::as_str).collect();
    let serving = Serving::start(&before, &world.data(), &[]);
    // Officers whose clocks are right are told that one of the two isn't.
    let refused = decide_at(&right, &world, &serving, "first.example.vn").unwrap_err();
    assert!(refused.contains("from the clock here"), "{refused}");
    let then = decide_at(&ahead, &world, &serving, "second.example.vn").unwrap();
    let told = agent(&world, &serving);
    assert_eq!(told["alarms"][0]["code"], "clock", "{told}");
    terminate(serving.process);

    let serving = Serving::start(&[], &world.data(), &[]);
    let now = decide_at(&right, &world, &serving, "third.example.vn").unwrap();
    assert_eq!(
        now, then,
        "the log waits until the clock has passed its time"
    );
    let told = agent(&world, &serving);
    assert_eq!(told["alarms"].as_array().map(Vec::len), Some(0), "{told}");
    assert_eq!(told["feeds"]["domains"]["entries"], 2, "{told}");
    audited(&serving.url());
}

#[test]
fn on_a_slow_disk_decisions_wait_and_reading_goes_on() {
    let Some(strace) = peers::tool("strace") else {
        return peers::skip("a slow disk", "strace");
    };
    let world = World::begin().stopped();
    // Each synced write takes half a second more; there are several to a commit.
    let slow = [
        text(&strace),
        // The program is our child then, and strace ends with it.
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=fdatasync,fsync:delay_enter=500000",
    ];
    let serving = Serving::start(&slow, &world.data(), &[]);
    let answered = std::thread::scope(|scope| {
        let deciding = scope.spawn(|| decide(&world, &serving, "slow.example.vn"));
        let mut answered = 0;
        while !deciding.is_finished() {
            assert_eq!(
                get(&format!("{}/feeds/domains/manifest", serving.url()), &[]).0,
                200
            );
            answered += 1;
        }
        deciding.join().unwrap().unwrap();
        answered
    });
    assert!(answered > 5, "{answered} reads while a decision waited");
    let seconds = serving.metric("blockfeed_log_commit_seconds_sum").unwrap();
    assert!(seconds > 1.0, "the commit waited {seconds} s only");
    assert!(listed(&serving, "slow.example.vn"));
}

#[test]
fn without_memory_it_ends_and_a_restart_finds_what_was_acknowledged() {
    let Some(prlimit) = peers::tool("prlimit") else {
        return peers::skip("no memory", "util-linux");
    };
    let world = World::begin().stopped();
    let mut serving = Serving::start(&[], &world.data(), &[]);
    decide(&world, &serving, "first.example.vn").unwrap();
    let process = serving.process.0.id().to_string();
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let held: u64 = held
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    let most = format!("--data={}", (held << 10) + (8 << 20));
    let limited = Command::new(prlimit)
        .args(["--pid", &process, &most])
        .status();
    assert!(limited.unwrap().success());
    let mut acknowledged = vec!["first.example.vn".to_owned()];
    let (list, right) = (world.dir.path().join("many.txt"), ["env".to_owned()]);
    let mut said = String::new();
    for round in 0..20 {
        let name = |n: u32| format!("a-shop-of-the-list-{n}.round-{round}.example");
        let names: String = (0..30_000).map(|n| name(n) + "\n").collect();
        fs::write(&list, names).unwrap();
        let what = ["--bulk", "--file", text(&list)];
        match decide_by(&right, &world, &serving, "o-0007", &what) {
            Ok(_) => acknowledged.push(name(29_999)),
            Err(why) => said = why,
        }
        if serving.process.0.try_wait().unwrap().is_some() {
            break;
        }
    }
    let ended = serving.process.0.try_wait().unwrap();
    assert!(
        ended.is_some_and(|status| !status.success()),
        "it never ran out: {ended:?}, {said}"
    );
    let serving = Serving::start(&[], &world.data(), &[]);
    for name in &acknowledged {
        assert!(listed(&serving, name), "{name} was acknowledged");
    }
    decide(&world, &serving, "after.example.vn").unwrap();
    audited(&serving.url());
    terminate(serving.process);
}

#[test]
fn without_dns_checks_say_so_and_the_log_goes_on() {
    let world = World::begin().stopped();
    // Nobody answers there.
    let nowhere = format!("registry.resolver=127.0.0.1:{}", peers::free_port());
    let serving = Serving::start(&[], &world.data(), std::slice::from_ref(&nowhere));
    let checked = run(&["check", "shop.example.vn", "--set", &nowhere]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success() && said.contains("source_failed"),
        "{said}"
    );
    decide(&world, &serving, "shop.example.vn").unwrap();
    assert!(listed(&serving, "shop.example.vn"));
}
