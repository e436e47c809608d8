//! `blockfeed demo`, as `make run` starts it: it ends by itself with --once, goes on where it
//! stopped, names a taken port, and ends with 0 on Ctrl-C.

mod peers;

use peers::Running;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

fn demo(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command
        .arg("demo")
        .arg("--data")
        .arg(data)
        .args(["--metrics", "127.0.0.1:0", "--dns", "127.0.0.1:0"])
        .args(more);
    command
}

fn once(data: &Path) -> Value {
    let Output {
        status,
        stdout,
        stderr,
    } = demo(data, &["--once", "--json", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(
        status.success(),
        "{status}: {}",
        String::from_utf8_lossy(&stderr)
    );
    serde_json::from_slice(&stdout).unwrap()
}

#[test]
fn it_tells_the_whole_story_and_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let first = once(dir.path());
    let number = |figures: &Value, key: &str| figures[key].as_u64().unwrap();
    assert_eq!(first["first_run"], true);
    let skipped = 4;
    let judged = number(&first, "accepted") + number(&first, "merged") + number(&first, "refused");
    assert_eq!(number(&first, "lines"), judged + skipped);
    assert!(number(&first, "accepted") > 1000 && number(&first, "refused") > 10);
    assert!(
        number(&first, "agent_entries") > number(&first, "accepted") - number(&first, "sealed")
    );
    let resolver = ["unbound", "named"]
        .into_iter()
        .any(|name| peers::tool(name).is_some());
    let asked = first["asked"].as_str().unwrap();
    assert_eq!(asked.contains(" on 127.0.0.1:"), resolver, "{asked}");
    assert_eq!(first["blocked"].as_array().unwrap().len(), 3);
    assert_eq!(first["tampered"], "file");
    assert_eq!(first["audit_leaves"], 8);
    let second = once(dir.path());
    assert_eq!(second["first_run"], false);
    assert_ne!(second["decision"], first["decision"]);
    assert!(number(&second, "already_in_force") > 1000 && number(&second, "proposed") < 10);
    assert_ne!(second["revoked"], first["revoked"]);
    assert_eq!(second["audit_leaves"], 12);
}

#[test]
fn it_serves_until_it_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = demo(dir.path(), &["--listen", &address]).output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&taken.local_addr().unwrap().port().to_string())
            && error.contains("--listen"),
        "{error}"
    );

    let mut command = demo(dir.path(), &["--listen", "127.0.0.1:0"]);
    let mut running = Running::start(command.stdout(Stdio::piped()));
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let url = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| Some(line.strip_prefix("  HTTP")?.trim().to_owned()));
    let url = url.expect("it never served");
    let program = env!("CARGO_BIN_EXE_blockfeed");
    let audit = Command::new(program)
        .args(["audit", &url])
        .output()
        .unwrap();
    assert!(audit.status.success(), "{audit:?}");
    let interrupt = format!("kill -INT {}", running.0.id());
    assert!(
        Command::new("sh")
            .args(["-c", &interrupt])
            .status()
            .unwrap()
            .success()
    );
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    // The next three commands stand there with full paths.
    assert_eq!(
        rest.iter().filter(|line| line.contains(program)).count(),
        3,
        "{rest:?}"
    );
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut left = String::new();
    if let Some(mut errors) = running.0.stderr.take() {
        errors.read_to_string(&mut left).unwrap();
    }
    assert_eq!(left, "");
}
