//! A backup of a running authority, the loss of its machine, and what is put back: everything
//! acknowledged is there, an older copy never goes on, and what isn't whole is refused.

mod cli_world;
mod peers;

use cli_world::{GROUNDS, TERMS, World, json, refused, run, serve, terminate, text};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Proposes one name, and has it approved.
fn decide(world: &World, name: &str) -> String {
    world.decide("o-0042", &[&["propose", name], TERMS, GROUNDS])
}

fn backup(world: &World, to: &Path) -> serde_json::Value {
    let data = world.data();
    let settings = data.join("blockfeed.toml");
    json(run(&[
        "backup",
        "--config",
        text(&settings),
        "--to",
        text(to),
        "--with-keys",
        "--json",
    ]))
}

/// The machine is lost: its authority is killed, its directory is what another place has of it.
fn lose(mut world: World) -> (tempfile::TempDir, PathBuf, String) {
    world.serving.0.kill().unwrap();
    world.serving.0.wait().unwrap();
    let old = world.dir.path().join("old");
    fs::rename(world.data(), &old).unwrap();
    (world.dir, old, world.url)
}

/// Serves what was put back in `data`, with the officers' keys that they hold themselves.
fn again(dir: tempfile::TempDir, old: &Path) -> World {
    let data = dir.path().join("data");
    for entry in fs::read_dir(old.join("keys")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if text(&path).contains("/o-") {
            fs::copy(&path, data.join("keys").join(name)).unwrap();
        }
    }
    let (serving, url) = serve(&data);
    World { dir, url, serving }
}

fn restore(backup: &Path, data: &Path, more: &[&str]) -> std::process::Output {
    let what = ["restore", text(backup), "--data", text(data), "--json"];
    run(&[&what, more].concat())
}

fn is_listed(world: &World, name: &str) -> bool {
    !world.lookup(name)["holds"].as_array().unwrap().is_empty()
}

#[test]
fn what_was_acknowledged_after_the_backup_comes_back() {
    let world = World::begin();
    decide(&world, "before.example");
    let mode = fs::metadata(world.data().join("control")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let [folder, archive] = ["b", "b.tar.zst"].map(|name| world.dir.path().join(name));
    let made = backup(&world, &folder);
    assert_eq!(made["size"], 4);
    decide(&world, "between.example");
    assert_eq!(backup(&world, &archive)["size"], 6);
    assert!(!fs::read_dir(world.data()).unwrap().any(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".backup-")
    }));
    let third = decide(&world, "after.example");
    let followed = world.agent();
    let seen = world.dir.path().join("seen");
    fs::write(&seen, world.get("log/checkpoint")).unwrap();
    let (dir, old, _) = lose(world);
    let (public, data) = (old.join("public"), dir.path().join("data"));

    let why = refused(&restore(&archive, &data, &[]));
    assert!(why.contains("--tail-from") && !data.exists(), "{why}");
    let why = refused(&restore(&archive, &data, &["--published", text(&public)]));
    assert!(
        why.contains("ends at size 6") && why.contains("shows 8"),
        "{why}"
    );
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    let restored = json(restore(&archive, &data, &["--tail-from", text(&public)]));
    assert_eq!(
        (&restored["backup_size"], &restored["size"]),
        (&6.into(), &8.into())
    );
    assert_eq!(restored["recovered"], serde_json::json!([third]));
    let why = refused(&restore(&folder, &data, &["--tail-from", text(&public)]));
    assert!(why.contains("isn't empty"), "{why}");

    let world = again(dir, &old);
    for name in ["before.example", "between.example", "after.example"] {
        assert!(is_listed(&world, name), "{name}");
    }
    let audited = run(&[
        "audit",
        &world.url,
        "--seen",
        text(&seen),
        "--session",
        restored["session"].as_str().unwrap(),
    ]);
    assert!(json_holds(&audited));
    decide(&world, "new.example");
    let goes_on = world.agent();
    assert_eq!(
        followed["feeds"]["domains"]["serial"],
        goes_on["feeds"]["domains"]["from"]
    );
    assert_eq!(goes_on["feeds"]["domains"]["entries"], 4);
    terminate(world.serving);
}

fn json_holds(output: &std::process::Output) -> bool {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).contains("everything holds")
}

#[test]
fn an_older_copy_never_goes_on() {
    let world = World::begin();
    let folder = world.dir.path().join("b");
    backup(&world, &folder);
    decide(&world, "lost.example");
    let (dir, old, _) = lose(world);
    let data = dir.path().join("data");
    json(restore(&folder, &data, &["--nothing-newer"]));
    // It was wrong: a mirror shows more. The start finds out and takes it up.
    let settings = data.join("blockfeed.toml");
    let named = format!("mirrors = [{:?}]\n", text(&old.join("public")));
    let written = fs::read_to_string(&settings)
        .unwrap()
        .replace("[log]\n", &format!("[log]\n{named}"));
    fs::write(&settings, written).unwrap();
    let world = again(dir, &old);
    assert!(is_listed(&world, "lost.example"));
    terminate(world.serving);
    // A database that was put back beside a newer high-water mark and newer published files.
    let data = old.with_file_name("data");
    fs::remove_dir_all(data.join("db")).unwrap();
    fs::create_dir(data.join("db")).unwrap();
    for entry in fs::read_dir(folder.join("db")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, data.join("db").join(path.file_name().unwrap())).unwrap();
    }
    let (serving, url) = serve(&data);
    let held = json(run(&["lookup", "lost.example", "--server", &url, "--json"]));
    assert_eq!(held["holds"].as_array().unwrap().len(), 1);
    terminate(serving);
}

#[test]
fn what_is_not_whole_or_not_this_log_is_refused() {
    let world = World::begin();
    decide(&world, "one.example");
    let folder = world.dir.path().join("b");
    let archive = world.dir.path().join("b.tar.zst");
    backup(&world, &folder);
    backup(&world, &archive);
    let why = refused(&run(&[
        "backup",
        "--data",
        text(&world.data()),
        "--to",
        text(&folder),
    ]));
    assert!(why.contains("exists already"), "{why}");
    decide(&world, "two.example");
    let (dir, old, _) = lose(world);
    let data = dir.path().join("data");
    let public = old.join("public");

    // A backup that was cut short, one with another byte, one that lacks its manifest.
    let bytes = fs::read(&archive).unwrap();
    let cut = dir.path().join("cut.tar.zst");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let why = refused(&restore(&cut, &data, &["--tail-from", text(&public)]));
    assert!(why.contains("no whole backup"), "{why}");
    let settings = folder.join("blockfeed.toml");
    let kept = fs::read(&settings).unwrap();
    fs::write(&settings, [&kept, &b"#"[..]].concat()).unwrap();
    let why = refused(&restore(&folder, &data, &["--tail-from", text(&public)]));
    assert!(why.contains("blockfeed.toml has other bytes"), "{why}");
    fs::write(&settings, kept).unwrap();
    fs::rename(folder.join("backup.json"), dir.path().join("m")).unwrap();
    let why = refused(&restore(&folder, &data, &["--tail-from", text(&public)]));
    assert!(why.contains("backup.json is missing"), "{why}");
    fs::rename(dir.path().join("m"), folder.join("backup.json")).unwrap();

    // A published folder with one flipped byte in the lost tail: nothing of it stays.
    let bundle = fs::read_dir(public.join("log/tile/entries")).unwrap();
    let newest = bundle
        .map(|e| e.unwrap().path())
        .find(|p| p.is_dir())
        .unwrap()
        .join("6");
    let right = fs::read(&newest).unwrap();
    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    fs::write(&newest, wrong).unwrap();
    let why = refused(&restore(&folder, &data, &["--tail-from", text(&public)]));
    assert!(why.contains("can't be taken up"), "{why}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    fs::write(&newest, right).unwrap();
    // Another log under the same name.
    let other = World::begin();
    let why = refused(&restore(&folder, &data, &["--tail-from", &other.url]));
    assert!(why.contains("can't be taken up"), "{why}");
    json(restore(&folder, &data, &["--tail-from", text(&public)]));
    // While nobody serves, a backup is taken all the same.
    let still = dir.path().join("still");
    let made = json(run(&[
        "backup",
        "--data",
        text(&data),
        "--to",
        text(&still),
        "--json",
    ]));
    assert_eq!((&made["size"], &made["keys"]), (&6.into(), &false.into()));
}

/// A data directory of each release is kept as its own backup made it: this program opens it,
/// the audit passes, and it goes on. Made with this passphrase; expires in thirty years.
#[test]
fn what_an_earlier_release_left_opens_and_goes_on() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/upgrade");
    let mut releases = 0;
    for release in fs::read_dir(kept).unwrap() {
        let release = release.unwrap().path();
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let made = json(restore(
            &release.join("backup.tar.zst"),
            &data,
            &["--nothing-newer"],
        ));
        assert_eq!((&made["size"], &made["keys"]), (&10.into(), &true.into()));
        for officer in ["o-0017.pem", "o-0042.pem"] {
            fs::copy(release.join(officer), data.join("keys").join(officer)).unwrap();
        }
        let (serving, url) = serve(&data);
        let world = World { dir, url, serving };
        let session = made["session"].as_str().unwrap();
        let audit = || json(run(&["audit", &world.url, "--json", "--session", session]));
        let before = audit();
        assert_eq!(before["report"]["decisions"]["list"], 3);
        assert_eq!(before["report"]["decisions"]["revoke"], 1);
        // What was private: a proposal that waits, an opening, a subscriber.
        let approve = ["approve", "2026-000005", "--yes"];
        let approved = json(world.as_officer("o-0042", &[&approve]));
        assert_eq!(approved["status"], "committed");
        assert!(is_listed(&world, "pending.example"));
        let subscribers = json(world.as_officer("o-0017", &[&["subscriber", "status"]]));
        assert_eq!(subscribers["subscribers"][0]["name"], "isp-one");
        decide(&world, "newer.example");
        assert!(is_listed(&world, "newer.example"));
        let after = audit();
        assert_eq!(after["report"]["decisions"]["list"], 5);
        assert_eq!(after["report"]["session"], before["report"]["session"]);
        terminate(world.serving);
        releases += 1;
    }
    assert!(releases > 0);
}
