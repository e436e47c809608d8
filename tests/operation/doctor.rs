//! `blockfeed doctor` names what is wrong, and nothing where all is well.

use crate::{
    cli_world::{World, run, terminate, text},
    peers,
};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

fn found(data: &Path, set: &[&str]) -> (bool, Value) {
    let listen = format!("serve.listen=127.0.0.1:{}", peers::free_port());
    let mut arguments = vec![
        "doctor",
        "--json",
        "--data",
        text(data),
        "--set",
        "registry.offline=true",
        "--set",
        &listen,
    ];
    for pair in set {
        arguments.extend(["--set", pair]);
    }
    let done = run(&arguments);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    (done.status.success(), json)
}

fn wrong(json: &Value) -> Vec<&str> {
    let findings = json["findings"].as_array().unwrap();
    let wrong = findings.iter().filter(|f| f["grade"] == "wrong");
    let each = wrong.inspect(|f| assert_ne!(f["remedy"], "", "{f}"));
    each.map(|f| f["check"].as_str().unwrap()).collect()
}

#[test]
fn what_is_wrong_is_named_with_a_remedy() {
    let mut world = World::begin();
    let data = world.data();
    let at = world.url.trim_start_matches("http://").to_owned();
    let (well, json) = found(&data, &[&format!("serve.listen={at}")]);
    assert!(well, "{json:#}");
    let idle = World::begin();
    terminate(std::mem::replace(&mut world.serving, idle.serving));
    assert!(found(&data, &[]).0);

    let chmod = |path: &str, mode| {
        fs::set_permissions(data.join(path), fs::Permissions::from_mode(mode)).unwrap()
    };
    chmod("keys/log.pem", 0o644);
    assert_eq!(wrong(&found(&data, &[]).1), ["log key"]);
    chmod("keys/log.pem", 0o600);
    assert_eq!(
        wrong(&found(&data, &["log.reserve=9000000000000000"]).1),
        ["disk"]
    );

    let checkpoint = data.join("public/log/checkpoint");
    let kept = fs::read_to_string(&checkpoint).unwrap();
    let mut lines: Vec<&str> = kept.lines().collect();
    lines[1] = "999";
    fs::write(&checkpoint, lines.join("\n")).unwrap();
    let (well, json) = found(&data, &[]);
    assert_eq!((well, wrong(&json)), (false, vec!["high water"]));
    fs::write(&checkpoint, kept).unwrap();

    let manifest = data.join("public/feeds/domains/manifest");
    let kept = fs::read_to_string(&manifest).unwrap();
    for (time, check) in [("4000000000", "clock"), ("1700000000", "manifests")] {
        let of = |line: &str| match line.starts_with("time ") {
            true => format!("time {time}"),
            false => line.to_owned(),
        };
        let changed: Vec<String> = kept.lines().map(of).collect();
        fs::write(&manifest, changed.join("\n")).unwrap();
        assert_eq!(wrong(&found(&data, &[]).1), [check]);
    }
    fs::write(&manifest, kept).unwrap();
    let tls = [
        "serve.tls_listen=127.0.0.1:0",
        "serve.tls_certificate=/nowhere",
        "serve.tls_key=/nowhere",
    ];
    assert_eq!(wrong(&found(&data, &tls).1), ["certificate"]);
    assert!(found(&data, &[]).0);
}
