//! A mirror follows a real authority, hands on only what it verified, and is read by agents and
//! auditors in the authority's place: from its own HTTP, from nginx, from a bucket.

mod cli_world;
mod peers;

use cli_world::{GROUNDS, TERMS, World, json, run, terminate, text};
use peers::Running;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

fn decide(world: &World, name: &str) -> String {
    world.decide("o-0042", &[&["propose", name], TERMS, GROUNDS])
}

/// One look of a mirror in `to`; taken whatever it says.
fn look(to: &Path, sources: &[&str]) -> Output {
    let mut arguments = vec![
        "mirror",
        "--once",
        "--json",
        "--trust-on-first-use",
        "--to",
        text(to),
    ];
    sources
        .iter()
        .for_each(|source| arguments.extend(["--source", source]));
    run(&arguments)
}

fn round(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"))
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-r").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

fn audit(source: &str) {
    let audited = run(&["audit", source, "--json"]);
    assert_eq!(json(audited)["holds"], true, "{source}");
}

/// A mirror that runs, and where it serves.
fn mirror(to: &Path, source: &str, more: &[(&str, String)]) -> (Running, String) {
    let log = to.with_extension("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    command
        .args([
            "mirror",
            "--trust-on-first-use",
            "--listen",
            "127.0.0.1:0",
            "--set",
            "mirror.poll_seconds=1",
        ])
        .args(["--source", source, "--to", text(to)])
        .envs(more.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut running = Running::start(&mut command);
    let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let mut file = fs::File::create(log).unwrap();
    let url = loop {
        let line = lines.next().expect("the mirror never served").unwrap();
        writeln!(file, "{line}").unwrap();
        if let Some(url) = line.strip_prefix("serving ") {
            break url.to_owned();
        }
    };
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = writeln!(file, "{line}");
        }
    });
    (running, url)
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what} didn't come"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn size_of(public: &Path) -> u64 {
    let note = fs::read_to_string(public.join("log/checkpoint")).unwrap_or_default();
    note.lines().nth(1).map_or(0, |line| line.parse().unwrap())
}

/// An agent's one round at these sources, in order.
fn agent(state: &Path, sources: &[&str]) -> Value {
    let out = format!("domains:txt:{}", text(&state.with_extension("txt")));
    let mut arguments = vec![
        "agent",
        "once",
        "--json",
        "--trust-on-first-use",
        "--state",
        text(state),
        "--output",
        &out,
    ];
    sources
        .iter()
        .for_each(|source| arguments.extend(["--source", source]));
    let output = run(&arguments);
    round(&output)
}

#[test]
fn a_mirror_follows_and_stands_in_for_the_authority() {
    let world = World::begin();
    decide(&world, "one.example");
    let to = world.dir.path().join("mirror");
    let unpinned = run(&[
        "mirror",
        "--once",
        "--source",
        &world.url,
        "--to",
        text(&to),
    ]);
    assert!(String::from_utf8_lossy(&unpinned.stderr).contains("session"));
    let other = run(&[
        "mirror",
        "--once",
        "--source",
        &world.url,
        "--to",
        text(&to),
        "--session",
        "0011223344556677",
    ]);
    assert!(!other.status.success() && !to.join("log").exists());
    let first = look(&to, &[&world.url]);
    assert!(first.status.success(), "{first:?}");
    assert_eq!(round(&first)["size"], 4);
    audit(text(&to));
    let (running, url) = mirror(&to, &world.url, &[]);
    let state = world.dir.path().join("isp");
    assert_eq!(agent(&state, &[&url])["feeds"]["domains"]["entries"], 1);
    for n in 0..6 {
        let name = format!("more{n}.example");
        decide(&world, &name);
    }
    let id = decide(&world, "last.example");
    world.decide("o-0042", &[&["revoke", &id], GROUNDS]);
    wait_for("the last decision", || {
        size_of(&to) == size_of(&world.data().join("public"))
    });
    audit(&url);
    audit(text(&to));
    // The authority is gone: its readers go on at the mirror.
    let World { dir, serving, .. } = world;
    terminate(serving);
    let report = agent(&state, &[&url]);
    assert_eq!(report["feeds"]["domains"]["entries"], 7, "{report}");
    terminate(running);
    // What lies in the folder is folded at the next start, and mended from another mirror.
    let copied = dir.path().join("copied");
    copy(&to, &copied);
    let bundle = to.join("log/tile/0/000.p");
    let newest = fs::read_dir(&bundle)
        .unwrap()
        .last()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&newest, b"x").unwrap();
    let mended = look(&to, &[text(&copied)]);
    assert!(mended.status.success(), "{mended:?}");
    audit(text(&to));
}

#[test]
fn a_lying_mirror_is_skipped_and_an_old_one_moves_nobody_back() {
    let world = World::begin();
    decide(&world, "one.example");
    let public = world.data().join("public");
    let [old, liar, to] = ["old", "liar", "to"].map(|name| world.dir.path().join(name));
    copy(&public, &old);
    decide(&world, "two.example");
    copy(&public, &liar);
    // It withholds the second decision's name: one byte of what came, with everything else true.
    let delta = fs::read_dir(liar.join("feeds/domains/delta")).unwrap();
    let delta = delta.map(|e| e.unwrap().path()).next().unwrap();
    let mut bytes = fs::read(&delta).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&delta, &bytes).unwrap();
    for file in fs::read_dir(liar.join("feeds/domains/snapshot")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let dead = format!("http://127.0.0.1:{}", peers::free_port());
    let sources = [&dead, text(&liar), text(&old), &world.url];

    // Mirrors: the liar is told of, the newest that holds is taken, the old one no more.
    let begun = look(&to, &[&dead, text(&liar), &world.url]);
    let told = round(&begun);
    assert_eq!(
        (told["source"].as_str(), &told["size"]),
        (Some(&*world.url), &6.into())
    );
    assert_eq!(told["faults"].as_array().unwrap().len(), 2);
    assert!(!begun.status.success(), "a liar is an alarm");
    let aged = look(&to, &[text(&old)]);
    assert!(round(&aged)["source"].is_null() && round(&aged)["size"] == 6);
    audit(text(&to));

    // Agents: the same, whether they hold something already or begin.
    for (n, before) in [None, Some(&world.url)].into_iter().enumerate() {
        let state = world.dir.path().join(format!("isp{n}"));
        if let Some(before) = before {
            agent(&state, &[before]);
        }
        let report = agent(&state, &sources);
        assert_eq!(report["feeds"]["domains"]["entries"], 2, "{report}");
        assert_eq!(report["feeds"]["domains"]["current"], true);
        let faults = report["faults"].as_array().unwrap();
        assert!(
            faults.iter().any(|f| f["code"] == "unreachable"),
            "{report}"
        );
        if before.is_none() {
            let alarms = report["alarms"].as_array().unwrap();
            assert!(alarms.iter().any(|a| a["code"] == "file"), "{report}");
        }
        let list = fs::read_to_string(state.with_extension("txt")).unwrap();
        assert!(list.contains("two.example"));
        let behind = agent(&state, &[text(&old)]);
        assert_eq!(behind["feeds"]["domains"]["entries"], 2, "{behind}");
        assert!(
            behind["faults"]
                .as_array()
                .unwrap()
                .iter()
                .any(|f| f["code"] == "rollback")
        );
    }
}

/// nginx with the sample of `deploy/nginx`, over a folder and a mirror.
fn nginx(program: &Path, dir: &Path, folder: &Path, mirror: &str) -> (Running, String) {
    let sample = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nginx/blockfeed.conf"),
    )
    .unwrap();
    let port = peers::free_port();
    let server = sample
        .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
        .replace("/srv/blockfeed;", &format!("{};", text(folder)))
        .replace("http://127.0.0.1:8400", mirror);
    let at = text(dir);
    let whole = format!(
        "daemon off; pid {at}/nginx.pid; error_log {at}/nginx-error.log; worker_processes 1;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p;\n\
         fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n{server} }}\n"
    );
    // A worker that root starts is nobody, who may not read a test's folder.
    let user = match Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
        true => "user root;\n",
        false => "",
    };
    let settings = dir.join("nginx.conf");
    fs::write(&settings, format!("{user}{whole}")).unwrap();
    let mut command = Command::new(program);
    command.args([
        "-p",
        at,
        "-e",
        &format!("{at}/nginx-error.log"),
        "-c",
        text(&settings),
    ]);
    let running = Running::start(command.stdout(Stdio::null()).stderr(Stdio::inherit()));
    wait_for("nginx", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, format!("http://127.0.0.1:{port}"))
}

/// Status line and headers of an answer, in lower case.
fn head(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    String::from_utf8_lossy(&answer[..end]).to_lowercase()
}

fn a_file_below(dir: &Path) -> PathBuf {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    let first = entries.remove(0);
    if first.is_dir() {
        a_file_below(&first)
    } else {
        first
    }
}

#[test]
fn nginx_serves_a_mirror_with_the_right_caching() {
    let Some(program) = peers::tool("nginx") else {
        return peers::skip("nginx before a mirror", "nginx");
    };
    let world = World::begin();
    decide(&world, "one.example");
    let to = world.dir.path().join("mirror");
    let (running, mirrored) = mirror(&to, &world.url, &[]);
    wait_for("the first copy", || size_of(&to) == 4);
    let (web, url) = nginx(&program, world.dir.path(), &to, &mirrored);
    audit(&url);
    let state = world.dir.path().join("isp");
    assert_eq!(agent(&state, &[&url])["feeds"]["domains"]["entries"], 1);
    let path = |below: &str| {
        let file = a_file_below(&to.join(below));
        text(file.strip_prefix(&to).unwrap()).to_owned()
    };
    for (path, cache, media) in [
        ("log/checkpoint".to_owned(), "no-cache", "text/plain"),
        (
            "feeds/domains/manifest".to_owned(),
            "no-cache",
            "text/plain",
        ),
        (
            path("feeds/domains/snapshot"),
            "immutable",
            "application/zstd",
        ),
        (
            path("log/tile/entries"),
            "max-age=600",
            "application/octet-stream",
        ),
        (path("part"), "max-age=3600", "text/plain"),
    ] {
        let head = head(&url, &path);
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert!(
            head.contains(&format!("cache-control: {cache}")) || head.contains(cache),
            "{path}: {head}"
        );
        assert!(
            head.contains(&format!("content-type: {media}")) && head.contains("etag:"),
            "{path}: {head}"
        );
    }
    for path in [
        "",
        "feeds/",
        "log/../../etc/passwd",
        ".aside-1-1",
        "part/",
        "api/v1/log",
    ] {
        let head = head(&url, path);
        assert!(head.starts_with("http/1.1 40"), "{path}: {head}");
    }
    // A long poll waits at the mirror, and is answered by what is decided meanwhile.
    let asked = {
        let url = url.clone();
        std::thread::spawn(move || head(&url, "feeds/domains/manifest?after=4&wait=30"))
    };
    decide(&world, "two.example");
    assert!(asked.join().unwrap().starts_with("http/1.1 200"));
    // The mirror's process is away: the file stands in.
    terminate(running);
    let head = head(&url, "feeds/domains/manifest?after=4&wait=1");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    drop(web);
}

#[test]
fn a_bucket_is_kept_in_the_order_that_readers_need() {
    let Some(program) = peers::tool("moto_server") else {
        return peers::skip("a mirror into a bucket", "moto_server");
    };
    let world = World::begin();
    decide(&world, "one.example");
    let port = peers::free_port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let log = fs::File::create(world.dir.path().join("moto.log")).unwrap();
    let _bucket = Running::start(command.stdout(Stdio::null()).stderr(log));
    wait_for("the bucket's server", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    // Everybody may read what is published.
    let made = script(world.dir.path(), &endpoint, "make");
    assert!(made.status.success(), "{made:?}");
    let to = world.dir.path().join("mirror");
    let mirrored = |expected: u64| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
        let asked = [
            "mirror",
            "--once",
            "--json",
            "--trust-on-first-use",
            "--bucket",
            "s3://lists/399",
            "--source",
            &world.url,
        ];
        let output = command
            .args(asked)
            .args(["--to", text(&to)])
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(round(&output)["size"], expected);
        round(&output)["sent"].as_u64().unwrap()
    };
    assert!(mirrored(4) > 8);
    let public = format!("{endpoint}/lists/399");
    audit(&public);
    let state = world.dir.path().join("isp");
    assert_eq!(agent(&state, &[&public])["feeds"]["domains"]["entries"], 1);
    decide(&world, "two.example");
    let few = mirrored(6);
    audit(&public);
    assert_eq!(agent(&state, &[&public])["feeds"]["domains"]["entries"], 2);
    // A process that begins anew sends no immutable file again: checkpoint and manifests alone.
    assert_eq!(mirrored(6), 3, "after {few}");
    let listed = script(world.dir.path(), &endpoint, "list");
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let of = |key: &str| {
        let found = listed
            .iter()
            .find(|object| object["key"].as_str().unwrap().contains(key));
        found.unwrap_or_else(|| panic!("{key}: {listed:?}")).clone()
    };
    assert_eq!(of("log/checkpoint")["cache"], "no-cache");
    assert_eq!(of("feeds/domains/manifest")["cache"], "no-cache");
    assert_eq!(
        of("/snapshot/")["cache"],
        "public, max-age=31536000, immutable"
    );
    assert_eq!(of("/snapshot/")["media"], "application/zstd");
    assert_eq!(of("entries/")["cache"], "public, max-age=600");
    // Before it what it points to: by the server's own log of requests.
    let log = fs::read_to_string(world.dir.path().join("moto.log")).unwrap();
    let puts: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("\"PUT /lists/399/"))
        .collect();
    let last = |what: &str| puts.iter().rposition(|line| line.contains(what));
    let first = |what: &str| puts.iter().position(|line| line.contains(what)).unwrap();
    let before_second = &puts[..first("/manifest") + 2];
    let at = |what: &str| {
        before_second
            .iter()
            .rposition(|line| line.contains(what))
            .unwrap()
    };
    assert!(
        at("/part/") < first("/tile/") && at("/tile/") < first("/snapshot/"),
        "{puts:?}"
    );
    assert!(
        first("/snapshot/") < first("/checkpoint") && first("/checkpoint") < first("/manifest")
    );
    assert!(last("/checkpoint") < last("/manifest"));
}

/// The bucket's owner, by the library that everybody uses.
fn script(dir: &Path, endpoint: &str, verb: &str) -> Output {
    let text = r#"
import boto3, json, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                  aws_access_key_id="key", aws_secret_access_key="secret")
if sys.argv[2] == "make":
    s3.create_bucket(Bucket="lists")
    s3.put_bucket_policy(Bucket="lists", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lists/*"}]}))
else:
    keys = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="lists") for o in page["Contents"]]
    heads = [(k, s3.head_object(Bucket="lists", Key=k)) for k in keys]
    print(json.dumps([{"key": k, "cache": h.get("CacheControl"), "media": h.get("ContentType")} for k, h in heads]))
"#;
    let file = dir.join("owner.py");
    fs::write(&file, text).unwrap();
    let python = peers::tool("moto_python").unwrap();
    Command::new(python)
        .arg(file)
        .args([endpoint, verb])
        .output()
        .unwrap()
}
