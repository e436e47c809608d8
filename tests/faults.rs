//! Nothing lost: system calls of the write path fail or kill, and power goes. After each restart
//! every acknowledged decision is there once, none half, and the audit of all that was published
//! passes.
//!
//! As root, the whole of it:
//!
//! ```text
//! FAULTS=all cargo test --test faults system_call -- --nocapture      every call × EIO, ENOSPC, kill
//! FAULTS=fdatasync cargo test --test faults system_call -- --nocapture   the same of one call
//! POWER_CUTS=100 cargo test --test faults power -- --nocapture        ext4 on a loop device, cut without a flush
//! ```
//!
//! `make test` runs a sample of each, the second where it may mount a loop device.

mod office;
mod peers;
mod writing;

use blockfeed::log::Config;
use office::{Fallible, Office};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use writing::check;

/// The child. Without the variable there is nothing to do.
#[test]
fn writer() -> Fallible<()> {
    writing::write()
}

/// What writes, or makes names, on the way from a decision to its acknowledgement.
const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "openat",
    "rename",
    "mkdir",
    "unlink",
    "ftruncate",
    "fallocate",
    "sync_file_range",
    "close",
    "link",
    "fcntl",
];
const FAULTS: &[(&str, &str)] = &[
    ("EIO", "error=EIO"),
    ("ENOSPC", "error=ENOSPC"),
    ("kill", "signal=KILL"),
];
/// Which of a thread's calls fails: the first ones, then wider apart.
const WHENS: &[u32] = &[1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
/// After so many decisions the fault isn't waited for any longer.
const ENOUGH: &str = "30";

#[test]
fn whichever_system_call_fails_nothing_acknowledged_is_lost() -> Fallible<()> {
    let Some(strace) = peers::tool("strace") else {
        peers::skip("failing system calls", "strace");
        return Ok(());
    };
    let asked = std::env::var("FAULTS").unwrap_or_default();
    let (mut runs, mut ended, mut acknowledged) = (0, 0, 0);
    for (c, call) in CALLS.iter().enumerate() {
        let all = asked == "all" || asked == *call;
        if !all && !asked.is_empty() {
            continue;
        }
        let (mut of_call, mut ended_of_call) = (0, 0);
        for (f, (name, fault)) in FAULTS.iter().enumerate() {
            let dir = tempfile::tempdir()?;
            Office::new()?.init(&Config::at(dir.path()))?;
            let mut known = BTreeSet::new();
            for (w, when) in WHENS.iter().enumerate() {
                // The sample goes through calls, faults and places side by side.
                if !all && (c > 5 || w % 5 != (c + f) % 5 || (c + f) % 3 != 0) {
                    continue;
                }
                let inject = format!("inject={call}:{fault}:when={when}");
                let enough = format!("{}={ENOUGH}", writing::ENOUGH);
                let before = [
                    "env",
                    &enough,
                    strace.to_str().ok_or("path")?,
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    &inject,
                ];
                let before: Vec<String> = before.iter().map(ToString::to_string).collect();
                let (heard, by_itself) = until_it_ends(dir.path(), &before)?;
                for id in heard {
                    assert!(known.insert(id.clone()), "{call} {name} {when}: {id} twice");
                }
                check(dir.path(), &known).map_err(|e| format!("{call} {name} {when}: {e}"))?;
                of_call += 1;
                ended_of_call += usize::from(by_itself);
            }
            acknowledged += known.len();
        }
        if of_call > 0 {
            println!("{call:16} {of_call:4} runs, the fault ended {ended_of_call} of them");
        }
        runs += of_call;
        ended += ended_of_call;
    }
    println!(
        "{runs} runs, {ended} ended by the fault; {acknowledged} decisions acknowledged, none lost, none doubled, none half"
    );
    assert!(ended > 0, "no fault was ever met");
    Ok(())
}

/// Runs a writer of so many decisions behind `before`; gives what it acknowledged, and whether it
/// was ended by the fault.
fn until_it_ends(dir: &Path, before: &[String]) -> Fallible<(Vec<String>, bool)> {
    let (mut child, acknowledged) = writing::writer(dir, before)?;
    let reader = std::thread::spawn(move || acknowledged.collect::<Vec<_>>());
    let began = Instant::now();
    let failed = loop {
        if let Some(ended) = child.0.try_wait()? {
            break !ended.success();
        }
        if began.elapsed() > PATIENCE {
            break false;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    child.end();
    Ok((reader.join().map_err(|_| "the reader failed")?, failed))
}

#[test]
fn when_power_goes_nothing_acknowledged_is_lost() -> Fallible<()> {
    let asked = std::env::var("POWER_CUTS").ok();
    let cuts: u32 = asked.as_deref().unwrap_or("2").parse()?;
    let Some(disk) = Disk::new()? else {
        assert!(
            asked.is_none(),
            "no loop device can be mounted here: be root"
        );
        println!("not run: no loop device can be mounted here");
        return Ok(());
    };
    let (mut cut, mut acknowledged, mut refused) = (0, 0, 0);
    while cut < cuts {
        // A log is given up after some cuts: each check folds it from its first leaf.
        let data = disk.at.join(format!("data-{cut}"));
        Office::new()?.init(&Config::at(&data))?;
        let mut known = BTreeSet::new();
        for _ in 0..CUTS_A_LOG.min(cuts - cut) {
            let after = Duration::from_micros(u64::from(cut) * 7919 % 150_000);
            for id in disk.write_and_cut(&data, after)? {
                assert!(known.insert(id.clone()), "{id} was acknowledged twice");
            }
            cut += 1;
            match check(&data, &known) {
                Ok(()) => {}
                // Known to be refused rather than guessed at, with a sentence that says what to do.
                Err(e) if e.to_string().contains("Restore") => {
                    println!("after cut {cut} the start refuses: {e}");
                    refused += 1;
                    break;
                }
                Err(e) => return Err(format!("after cut {cut}: {e}").into()),
            }
        }
        acknowledged += known.len();
        fs::remove_dir_all(&data)?;
    }
    println!(
        "{cut} power cuts, {acknowledged} decisions acknowledged, none lost, none doubled, none half; {refused} starts refused with the sentence"
    );
    Ok(())
}

/// An ext4 file system in a file, mounted as long as this lives.
struct Disk {
    image: PathBuf,
    at: PathBuf,
    _dir: tempfile::TempDir,
}

impl Disk {
    /// None where the machine gives none.
    fn new() -> Fallible<Option<Self>> {
        let dir = tempfile::tempdir()?;
        let (image, at) = (dir.path().join("image"), dir.path().join("at"));
        fs::create_dir(&at)?;
        fs::File::create(&image)?.set_len(512 << 20)?;
        let made = Command::new("mkfs.ext4")
            .arg("-q")
            .arg("-F")
            .arg(&image)
            .output();
        let disk = Self {
            image,
            at,
            _dir: dir,
        };
        let is_there = made.is_ok_and(|made| made.status.success()) && disk.mount().is_ok();
        Ok(is_there.then_some(disk))
    }

    fn mount(&self) -> Fallible<()> {
        done(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(&self.image)
                .arg(&self.at),
        )
    }

    fn unmount(&self) -> Fallible<()> {
        let mut tries = 50;
        // Until the killed writer's files are closed.
        while let Err(e) = done(Command::new("umount").arg(&self.at)) {
            tries -= 1;
            if tries == 0 {
                return Err(e);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Runs a writer, cuts the power some time after its first acknowledgement, and mounts again.
    fn write_and_cut(&self, data: &Path, after: Duration) -> Fallible<Vec<String>> {
        let (mut child, mut acknowledged) = writing::writer(data, &[])?;
        let mut heard: Vec<String> = acknowledged.next().into_iter().collect();
        let reader = std::thread::spawn(move || acknowledged.collect::<Vec<_>>());
        std::thread::sleep(after);
        // FS_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH: from now on nothing reaches the disk,
        // the journal's last pages neither.
        let cut = "import fcntl,os,struct,sys; \
                   fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))";
        done(Command::new("python3").args(["-c", cut]).arg(&self.at))?;
        child.end();
        heard.extend(reader.join().map_err(|_| "the reader failed")?);
        self.unmount()?;
        self.mount()?;
        Ok(heard)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(e) = self.unmount() {
            println!("{}: {e}", self.at.display());
        }
    }
}

fn done(command: &mut Command) -> Fallible<()> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// How long a writer of `ENOUGH` decisions may take.
const PATIENCE: Duration = Duration::from_secs(40);
const CUTS_A_LOG: u32 = 25;
