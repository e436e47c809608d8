//! A disk that is full and descriptors that run out: nothing acknowledged is lost, reading goes
//! on, and the start anew finds what it should.

use crate::{
    cli_world::{GROUNDS, TERMS, World, json, run, terminate, text},
    peers,
    serving::{Serving, get, until},
};
use serde_json::Value;
use std::{
    fs,
    net::TcpStream,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    process::Output,
};

fn propose(subject: &str) -> Vec<&str> {
    [&["propose", subject][..], TERMS, GROUNDS].concat()
}

/// A world whose authority is `serving`, in another view of the file system perhaps.
fn as_officer(world: &World, serving: &Serving, officer: &str, arguments: &[&str]) -> Output {
    let key = world.data().join("keys").join(format!("{officer}.pem"));
    let url = serving.url();
    let who = [
        "--server",
        &url,
        "--officer",
        officer,
        "--key-file",
        text(&key),
        "--json",
    ];
    run(&[arguments, &who[..]].concat())
}

pub fn decide(world: &World, serving: &Serving, subject: &str) -> Result<String, String> {
    let failed = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let proposed = as_officer(world, serving, "o-0017", &propose(subject));
    if !proposed.status.success() {
        return Err(failed(&proposed));
    }
    let proposed: Value = serde_json::from_slice(&proposed.stdout).unwrap();
    let (id, body) = (
        proposed["id"].as_str().unwrap(),
        proposed["body_sha256"].as_str().unwrap(),
    );
    let approve = ["approve", id, "--yes", "--expect", body];
    let approved = as_officer(world, serving, "o-0042", &approve);
    approved
        .status
        .success()
        .then(|| id.to_owned())
        .ok_or_else(|| failed(&approved))
}

/// A copy of the data on a small disk, that only the server and those who look through it see.
struct Small<'a> {
    world: &'a World,
    mount: PathBuf,
    shell: String,
}

impl<'a> Small<'a> {
    fn new(world: &'a World, megabytes: u32) -> Option<Self> {
        let mount = world.dir.path().join("small");
        fs::create_dir_all(&mount).unwrap();
        let may = std::process::Command::new("unshare")
            .args([
                "--map-root-user",
                "--mount",
                "mount",
                "-t",
                "tmpfs",
                "tmpfs",
                text(&mount),
            ])
            .output()
            .is_ok_and(|run| run.status.success());
        let (data, at) = (world.data(), &mount);
        let shell = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs {at} && cp -r {data} {at}/data && exec \"$0\" \"$@\"",
            at = at.display(),
            data = data.display()
        );
        may.then_some(Self {
            world,
            mount,
            shell,
        })
    }

    fn start(&self, set: &[String]) -> Serving {
        let before = [
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-ec",
            &self.shell,
        ];
        Serving::start(&before, &self.mount.join("data"), set)
    }

    /// The small disk, as the server sees it.
    fn seen_by(&self, serving: &Serving) -> PathBuf {
        let path = self.mount.strip_prefix("/").unwrap();
        Path::new("/proc")
            .join(serving.process.0.id().to_string())
            .join("root")
            .join(path)
    }

    /// Takes the data back to where the next copy is made from.
    fn bring_home(&self, serving: &Serving) {
        let data = self.world.data();
        fs::remove_dir_all(&data).unwrap();
        let from = self.seen_by(serving).join("data");
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(from)
            .arg(&data)
            .status();
        assert!(copied.unwrap().success());
    }
}

/// Writes until nothing more fits.
fn fill(ballast: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(ballast).unwrap();
    for block in [1 << 20, 4096, 1] {
        let bytes = vec![0x5a; block];
        while file.write_all(&bytes).is_ok() {}
    }
}

#[test]
fn reading_goes_on_when_the_disk_is_full() {
    let world = World::begin();
    let world = world.stopped();
    let Some(small) = Small::new(&world, 160) else {
        return peers::skip("a full disk", "unshare with a mount of its own");
    };
    let set = ["log.reserve=0", "log.heartbeat=5"].map(str::to_owned);
    let serving = small.start(&set);
    let first = decide(&world, &serving, "first.example.vn").unwrap();
    let ballast = small.seen_by(&serving).join("ballast");
    fill(&ballast);
    // Whatever is tried first meets the disk: a refusal, never an acknowledgement.
    let refused = decide(&world, &serving, "second.example.vn").unwrap_err();
    println!("on a full disk: {refused}");
    until("read-only", || {
        serving.metric("blockfeed_log_read_only") == Some(1.0)
    });
    let (status, text) = get(&format!("{}/readyz", serving.url()), &[]);
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("read_only"), "{text}");
    for path in [
        "healthz",
        "log/checkpoint",
        "feeds/domains/manifest",
        "feeds/domains.rpz",
        "api/v1/log",
        "api/v1/lookup?q=first.example.vn",
    ] {
        let (status, text) = get(&format!("{}/{path}", serving.url()), &[]);
        assert_eq!(status, 200, "{path}: {text}");
    }
    let again = decide(&world, &serving, "second.example.vn").unwrap_err();
    assert!(again.contains("read_only"), "{again}");

    // There is room again: the process ends by itself, to be started anew.
    let home = small.seen_by(&serving);
    let keep = fs::File::open(&home).unwrap();
    fs::remove_file(&ballast).unwrap();
    let mut serving = serving;
    until("the end", || {
        serving.process.0.try_wait().unwrap().is_some()
    });
    assert_eq!(
        serving.process.0.wait().unwrap().code(),
        Some(74),
        "{}",
        serving.log()
    );
    // The disk is held by its open folder; what stands on it is what the next start finds.
    let held = PathBuf::from(format!("/proc/self/fd/{}", keep.as_raw_fd()));
    let data = world.data();
    fs::remove_dir_all(&data).unwrap();
    copy(&held.join("data"), &data);
    let serving = Serving::start(&[], &data, &set);
    let found = json(run(&[
        "lookup",
        "first.example.vn",
        "--server",
        &serving.url(),
        "--json",
    ]));
    assert!(found.to_string().contains(&first), "{found}");
    decide(&world, &serving, "third.example.vn").unwrap();
    let audit = run(&["audit", &serving.url()]);
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
}

/// Copies a folder with this process's own view.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let at = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &at);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), at).unwrap();
        }
    }
}

#[test]
fn below_the_reserve_new_decisions_are_refused_and_unblocking_goes_on() {
    let world = World::begin().stopped();
    let Some(small) = Small::new(&world, 160) else {
        return peers::skip(
            "a disk that is nearly full",
            "unshare with a mount of its own",
        );
    };
    let serving = small.start(&["log.reserve=0".to_owned()]);
    let id = decide(&world, &serving, "first.example.vn").unwrap();
    small.bring_home(&serving);
    drop(serving);
    // 160 MB in all, some 95 free: less than the reserve, more than a quarter of it.
    let serving = small.start(&["log.reserve=200000000".to_owned()]);
    let refused = decide(&world, &serving, "second.example.vn").unwrap_err();
    assert!(refused.contains("no_room"), "{refused}");
    let stay = [&["stay", "first.example.vn"][..], GROUNDS].concat();
    let stayed = as_officer(&world, &serving, "o-0017", &stay);
    assert!(
        stayed.status.success(),
        "{id}: {}",
        String::from_utf8_lossy(&stayed.stderr)
    );
    assert_eq!(serving.metric("blockfeed_log_read_only"), Some(0.0));
}

#[test]
fn the_log_goes_on_when_connections_take_every_descriptor() {
    let world = World::begin().stopped();
    let set = ["log.heartbeat=1", "serve.address_connections=0"].map(str::to_owned);
    let before = ["sh", "-ec", "ulimit -n 300; exec \"$0\" \"$@\""];
    let serving = Serving::start(&before, &world.data(), &set);
    let address = serving.at("listen");
    let held: Vec<TcpStream> = (0..500)
        .filter_map(|_| TcpStream::connect(&address).ok())
        .collect();
    assert!(held.len() > 200);
    let signed = || {
        serving
            .metric("blockfeed_manifest_timestamp_seconds")
            .unwrap()
    };
    let (before, mut beats) = (signed(), 0);
    until("three heartbeats", || {
        std::thread::sleep(std::time::Duration::from_millis(900));
        beats += u32::from(signed() > before + f64::from(beats));
        beats >= 3
    });
    assert_eq!(serving.metric("blockfeed_log_read_only"), Some(0.0));
    let open = serving
        .metric("blockfeed_process_open_descriptors")
        .unwrap();
    assert!(open <= 300.0);
    drop(held);
    decide(&world, &serving, "after.example.vn").unwrap();
    terminate(serving.process);
}
