//! What tests need from the machine: other people's tools, the shared data, free ports, children
//! that don't outlive their test.
//!
//! A test that can't run says so by [`skip`]; `make test` prints those lines with their count, and
//! `REQUIRE_ALL=1` makes each a failure. A missing `../shared` is no skip.

// Each test program compiles its own copy and uses some of it.
#![allow(dead_code)]

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command},
};

/// The program `name`: as `make test` unpacked it, as it is installed, or `None`.
pub fn tool(name: &str) -> Option<PathBuf> {
    let unpacked = unpacked().map(|dir| dir.join("starters"));
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let mut places = unpacked.into_iter().chain(installed);
    places.find_map(|dir| Some(dir.join(name)).filter(|file| is_program(file)))
}

/// A tool that may read `dir`: itself, or a copy in there. Debian's AppArmor profiles bind a system
/// path to system directories; a copy elsewhere reads the test's.
pub fn program(tool: &Path, dir: &Path) -> PathBuf {
    if !tool.starts_with("/usr/sbin") {
        return tool.to_owned();
    }
    // By another process: what this one has open for writing, a child that another test forks right
    // now has open too until it executes, and the kernel starts no program that is open for writing.
    let copy = dir.join("program");
    let done = Command::new("cp").arg(tool).arg(&copy).status().unwrap();
    assert!(done.success(), "cp: {done}");
    copy
}

/// A file or directory that a package brings, such as `usr/share/gocode`: unpacked, installed, or
/// `None`.
pub fn data(path: &str) -> Option<PathBuf> {
    let places = unpacked().into_iter().chain([PathBuf::from("/")]);
    places
        .map(|dir| dir.join(path.trim_start_matches('/')))
        .find(|file| file.exists())
}

/// A command for a tool that asks the kernel about the network, such as `nft -c`: in a network of
/// its own, where it may without being root; as it is, where the machine gives none.
pub fn in_own_network(tool: &Path) -> Command {
    let mut own = Command::new("unshare");
    own.args(["--map-root-user", "--net"]);
    let may = Command::new("unshare")
        .args(["--map-root-user", "--net", "true"])
        .output()
        .is_ok_and(|run| run.status.success());
    if !may {
        return Command::new(tool);
    }
    own.arg(tool);
    own
}

/// Says that `what` wasn't tested because `missing` isn't there. The test returns afterwards.
///
/// # Panics
/// With `REQUIRE_ALL=1`.
pub fn skip(what: &str, missing: &str) {
    let line = format!("SKIPPED {what}: {missing} is missing");
    println!("{line}");
    if let Some(list) = env::var_os("BLOCKFEED_SKIPS") {
        let list = fs::OpenOptions::new().append(true).create(true).open(list);
        // One write a line: tests that run side by side don't mix theirs.
        list.unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }
    assert!(env::var("REQUIRE_ALL").as_deref() != Ok("1"), "{line}");
}

/// The shared data: `BLOCKFEED_SHARED`, or `../shared` beside the sources, or `None`.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let dir = env::var_os("BLOCKFEED_SHARED").map_or(beside, PathBuf::from);
    dir.is_dir().then_some(dir)
}

/// A TCP port of 127.0.0.1 that was free a moment ago. Another process may take it before the
/// test does: prefer port 0 where the program can say which it got.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A program that is killed, and waited for, when its test ends in whatever way.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Running {
        let child = command.spawn();
        Running(child.unwrap_or_else(|e| panic!("{command:?} doesn't start: {e}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn unpacked() -> Option<PathBuf> {
    env::var_os("BLOCKFEED_PEERS").map(PathBuf::from)
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
