//! Certificates: from files, renewed under load without a drop, a bad one kept out.

use crate::{
    cli_world::{World, text},
    peers::{self, Running},
    serving::{Serving, until},
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

const NAME: &str = "feed.test";

/// Makes a certificate that signs itself, under its own name beside the one in use.
fn certify(openssl: &Path, dir: &Path, name: &str) {
    let file = |suffix: &str| dir.join(format!("{name}.{suffix}"));
    let args = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -addext subjectAltName=DNS:{NAME}"
    );
    let done = Command::new(openssl)
        .args(args.split_whitespace())
        .args(["-keyout", text(&file("key")), "-out", text(&file("crt"))])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Puts a pair in the place of the one in use, the key first, each in one step.
fn install(dir: &Path, name: &str) {
    for suffix in ["key", "crt"] {
        let new = dir.join("new");
        fs::copy(dir.join(format!("{name}.{suffix}")), &new).unwrap();
        fs::rename(&new, dir.join(format!("used.{suffix}"))).unwrap();
    }
}

/// The common name of the certificate that a listener shows.
fn shown(openssl: &Path, address: &str, more: &[&str]) -> String {
    let mut asked = Command::new(openssl);
    asked
        .args(["s_client", "-connect", address, "-servername", NAME])
        .args(more);
    let done = asked
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let subject = text
        .lines()
        .find(|line| line.trim_start().starts_with("subject="));
    subject.map_or(String::new(), |s| {
        s.rsplit('=').next().unwrap().trim().to_owned()
    })
}

#[test]
fn certificates_change_under_load_and_nobody_is_dropped() {
    let (Some(openssl), Some(_)) = (peers::tool("openssl"), peers::tool("curl")) else {
        return peers::skip("certificates read anew", "openssl or curl");
    };
    let world = World::begin();
    let (dir, data) = (world.dir.path().to_owned(), world.data());
    crate::cli_world::terminate(world.serving);
    for name in ["first", "second", "third"] {
        certify(&openssl, &dir, name);
    }
    install(&dir, "first");
    let all = ["first", "second", "third"]
        .map(|name| fs::read_to_string(dir.join(format!("{name}.crt"))).unwrap());
    fs::write(dir.join("all.crt"), all.concat()).unwrap();
    let file = |name: &str| dir.join(name).display().to_string();
    let set = ["serve", "transfer"].map(|room| {
        [
            format!("{room}.tls_listen=127.0.0.1:0"),
            format!("{room}.tls_certificate={}", file("used.crt")),
            format!("{room}.tls_key={}", file("used.key")),
        ]
    });
    let serving = Serving::start(&[], &data, &set.concat());
    let (tls, xot) = (serving.at("tls"), serving.at("xot"));
    let port = tls.rsplit(':').next().unwrap();
    assert_eq!(shown(&openssl, &tls, &[]), "first");
    assert_eq!(shown(&openssl, &xot, &["-alpn", "dot"]), "first");

    // Clients that keep their connection, and one that makes a new one each time.
    let load =
        [("--http2", 500), ("--http1.1", 500), ("--http1.0", 400)].map(|(version, times)| {
            let url = format!("https://{NAME}:{port}/log/checkpoint?[1-{times}]");
            let resolve = format!("{NAME}:{port}:127.0.0.1");
            let out = dir.join(format!("load{version}"));
            let mut client = Command::new(peers::tool("curl").unwrap());
            client.args([
                "-s",
                version,
                "--cacert",
                &file("all.crt"),
                "--resolve",
                &resolve,
            ]);
            client.args([
                "-o",
                "/dev/null",
                "-w",
                "%{http_code} %{http_version} %{exitcode}\\n",
                "--rate",
                "2400/m",
            ]);
            // One transfer of each number.
            client.arg(&url);
            let stdout = fs::File::create(&out).unwrap();
            (Running::start(client.stdout(stdout)), out, version, times)
        });
    for name in ["second", "third", "second", "first", "third"] {
        std::thread::sleep(std::time::Duration::from_millis(700));
        install(&dir, name);
        serving.signal("HUP");
        until(name, || shown(&openssl, &tls, &[]) == name);
        until(name, || shown(&openssl, &xot, &["-alpn", "dot"]) == name);
    }
    for (mut client, out, version, times) in load {
        let status = client.0.wait().unwrap();
        assert!(status.success(), "{version}: {status}");
        let lines = fs::read_to_string(out).unwrap();
        // curl writes 1.0 as 1.
        let version_told = version.trim_start_matches("--http").trim_end_matches(".0");
        let want = format!("200 {version_told} 0");
        let good = lines.lines().filter(|line| *line == want).count();
        assert_eq!(good, times, "{version}: {lines}");
    }
    a_bad_pair_is_kept_out(&openssl, &dir, &serving, &tls);
    serving.signal("TERM");
    let mut process = serving.process;
    assert!(process.0.wait().unwrap().success());
}

fn a_bad_pair_is_kept_out(openssl: &Path, dir: &Path, serving: &Serving, tls: &str) {
    let failed = "blockfeed_tls_reload_failed{listener=\"http\"}";
    assert_eq!(serving.metric(failed), Some(0.0));
    // A key that belongs to another certificate, then no certificate at all: found without a signal.
    fs::copy(dir.join("first.key"), dir.join("used.key")).unwrap();
    until("the alarm", || serving.metric(failed) == Some(1.0));
    fs::write(dir.join("used.crt"), "nothing\n").unwrap();
    serving.signal("HUP");
    until("the line in the log", || {
        serving.log().contains("it holds no certificate")
    });
    assert!(serving.log().contains("are no pair"), "{}", serving.log());
    assert_eq!(shown(openssl, tls, &[]), "third");
    install(dir, "second");
    until("the repair", || shown(openssl, tls, &[]) == "second");
    assert_eq!(serving.metric(failed), Some(0.0));
    let ends = serving.metric("blockfeed_tls_certificate_not_after_seconds{listener=\"http\"}");
    assert!(ends.unwrap() > 1.7e9);
}

#[test]
fn tls_without_a_certificate_is_refused_with_the_setting() {
    let world = World::begin();
    let data = world.data();
    crate::cli_world::terminate(world.serving);
    let refused = crate::cli_world::run(&[
        "serve",
        "--data",
        text(&data),
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--dns",
        "127.0.0.1:0",
        "--tls-listen",
        "127.0.0.1:0",
    ]);
    assert!(crate::cli_world::refused(&refused).contains("serve.tls_certificate"));
}
