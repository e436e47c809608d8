//! Alert rules and the dashboard rest on metrics that authority and agent really export.

use crate::{
    cli_world::{GROUNDS, TERMS, World, text},
    peers::{self, Running},
    serving::{Serving, curl, get, metric, until},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(path)
}

/// The names of Blockfeed's metrics in a text; an alert's name begins with a capital.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("blockfeed_"))
        .map(str::to_owned)
        .collect()
}

/// What a scrape exports, histograms with their series.
fn exported(scrape: &str) -> BTreeSet<String> {
    let lines = scrape.lines().filter(|line| !line.starts_with('#'));
    let name = |line: &str| line.split(['{', ' ']).next().map(str::to_owned);
    lines.filter_map(name).collect()
}

/// A log with a decision, an agent that follows it, a certificate: what both processes export.
fn all_exported() -> Option<BTreeSet<String>> {
    let (Some(openssl), Some(_)) = (peers::tool("openssl"), peers::tool("curl")) else {
        peers::skip("alerts against metrics", "openssl or curl");
        return None;
    };
    let mut world = World::begin().stopped();
    let file = |name: &str| world.dir.path().join(name);
    let request =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=a";
    let mut made = Command::new(openssl);
    made.args(request.split(' '))
        .args(["-keyout", text(&file("k")), "-out", text(&file("c"))]);
    assert!(made.output().unwrap().status.success());
    let set = [
        "serve.tls_listen=127.0.0.1:0".to_owned(),
        format!("serve.tls_certificate={}", file("c").display()),
        format!("serve.tls_key={}", file("k").display()),
    ];
    let serving = Serving::start(&[], &world.data(), &set);
    world.url = serving.url();
    world.decide(
        "o-0042",
        &[&["propose", "listed.example.vn"], TERMS, GROUNDS],
    );
    assert_eq!(
        get(&format!("{}/feeds/domains/manifest", serving.url()), &[]).0,
        200
    );
    let port = peers::free_port();
    let metrics = format!("127.0.0.1:{port}");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    // A source that isn't there is a fault, and an alarm has a series while it stands.
    agent.args([
        "agent",
        "run",
        "--trust-on-first-use",
        "--source",
        &serving.url(),
    ]);
    agent.args([
        "--state",
        text(&file("agent")),
        "--metrics",
        &metrics,
        "--set",
        "agent.poll_seconds=1",
    ]);
    agent.args([
        "--output",
        &format!("domains:txt:{}", file("d.txt").display()),
    ]);
    agent.args([
        "--output",
        &format!("networks:cidr:{}", file("n.txt").display()),
    ]);
    // A list that would be empty is never written over a full one: the never-block file holds it back.
    fs::write(file("never"), "listed.example.vn\n").unwrap();
    agent.args(["--never-block", text(&file("never"))]);
    let _agent = Running::start(agent.stdout(Stdio::null()).stderr(Stdio::null()));
    let scrape = || String::from_utf8(curl(&["-s", &format!("http://{metrics}/metrics")])).unwrap();
    until("the agent's first round", || {
        scrape().contains("blockfeed_agent_serial")
    });
    let mirrored = mirror_figures(&world, &serving.url());
    Some(exported(&(serving.metrics() + &scrape() + &mirrored)))
}

/// What a mirror exports that has one source that is away and one that it takes.
fn mirror_figures(world: &World, source: &str) -> String {
    let metrics = format!("127.0.0.1:{}", peers::free_port());
    let away = format!("http://127.0.0.1:{}", peers::free_port());
    let mut mirror = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    mirror.args(["mirror", "--trust-on-first-use", "--source", &away]);
    mirror.args(["--source", source, "--metrics", &metrics]);
    mirror.args(["--to", text(&world.dir.path().join("mirror"))]);
    let _mirror = Running::start(mirror.stdout(Stdio::null()).stderr(Stdio::null()));
    let scrape = || String::from_utf8(curl(&["-s", &format!("http://{metrics}/metrics")])).unwrap();
    let size = || metric(&scrape(), "blockfeed_mirror_size");
    until("the mirror's first look", || {
        size().is_some_and(|size| size > 0.0)
    });
    scrape()
}

#[test]
fn alerts_and_panels_rest_on_metrics_that_exist() {
    let Some(exported) = all_exported() else {
        return;
    };
    let rules = fs::read_to_string(deploy("prometheus/blockfeed.rules.yml")).unwrap();
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(deploy("grafana/blockfeed.json")).unwrap())
            .unwrap();
    let mut wanted = names(&rules);
    let mut panels = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        let place = &panel["gridPos"];
        assert!(
            place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24,
            "{panel}"
        );
        for target in panel["targets"].as_array().into_iter().flatten() {
            let used = names(target["expr"].as_str().unwrap());
            assert!(!used.is_empty(), "{target}");
            wanted.extend(used);
            panels += 1;
        }
    }
    assert!(panels > 20);
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    // One stands only while an alarm does; its name is the agent's own.
    let source = include_str!("../../src/agent/metrics.rs");
    assert!(source.contains("\"alarm\""));
    wanted.remove("blockfeed_agent_alarm");
    let missing: Vec<_> = wanted.difference(&exported).collect();
    assert!(
        missing.is_empty(),
        "nobody exports {missing:?}: {exported:?}"
    );
}

#[test]
fn every_alert_says_what_to_do_and_is_tried() {
    let rules = fs::read_to_string(deploy("prometheus/blockfeed.rules.yml")).unwrap();
    let tests = fs::read_to_string(deploy("prometheus/blockfeed.rules.test.yml")).unwrap();
    let runbook = fs::read_to_string(deploy("RUNBOOK.md")).unwrap();
    let alerts: Vec<&str> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() >= 15);
    for alert in &alerts {
        assert!(
            tests.contains(&format!("alertname: {alert}\n        exp_alerts:")),
            "{alert} is never seen to fire"
        );
        assert!(
            runbook.contains(&format!("### {alert}\n")),
            "the runbook has nothing under {alert}"
        );
    }
    assert_eq!(rules.matches("runbook:").count(), alerts.len());
    let Some(promtool) = peers::tool("promtool") else {
        return peers::skip("alert rules", "promtool");
    };
    let done = Command::new(promtool)
        .args([
            "test",
            "rules",
            text(&deploy("prometheus/blockfeed.rules.test.yml")),
        ])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}
