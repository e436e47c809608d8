//! Making a tool load its file: the command, its answer, and the last file that it took.

use super::{Error, OutputConfig, disk::parent};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

/// Bytes of a tool's answer that are kept.
const ANSWER: usize = 64 << 20;

/// Runs an output's command and waits for its success; nothing to run is a success.
pub(super) async fn run(config: &OutputConfig, within: Duration) -> Result<(), String> {
    let command = config.command();
    let Some((program, _)) = command.split_first() else {
        return Ok(());
    };
    let began = Instant::now();
    let said = ask(&command, within).await?;
    if config.bird {
        took(&String::from_utf8_lossy(&said))?;
    }
    tracing::info!(program, ms = began.elapsed().as_millis() as u64, "loaded");
    Ok(())
}

/// Runs a command without a shell, within a time, and gives what it printed; an error where it
/// doesn't succeed.
pub(super) async fn ask(command: &[String], within: Duration) -> Result<Vec<u8>, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(Vec::new());
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("{program} can't be run: {e}"))?;
    // The child is killed when the wait is given up.
    let ended = tokio::time::timeout(within, child.wait_with_output()).await;
    let Ok(ended) = ended else {
        return Err(format!("{program} took longer than {} s", within.as_secs()));
    };
    let ended = ended.map_err(|e| format!("{program}: {e}"))?;
    if !ended.status.success() {
        // birdc says on its standard output what is wrong.
        let said = [ended.stderr, ended.stdout].concat();
        let said = shortened(&String::from_utf8_lossy(&said));
        return Err(format!("{program} ended with {}: {said}", ended.status));
    }
    if ended.stdout.len() > ANSWER {
        return Err(format!("{program} printed {} bytes", ended.stdout.len()));
    }
    Ok(ended.stdout)
}

/// Whether BIRD took its files: what birdc says last, however it ends.
fn took(said: &str) -> Result<(), String> {
    let answer = said.lines().map(str::trim).filter(|line| !line.is_empty());
    match answer.clone().next_back() {
        Some(last) if last.starts_with("Reconfigur") => Ok(()),
        _ => {
            let answer: Vec<&str> = answer.collect();
            Err(format!("BIRD: {}", shortened(&answer.join("; "))))
        }
    }
}

/// Keeps the file beside its place, under a name that no pattern of an include finds.
pub(super) fn keep(path: &Path) -> Result<(), Error> {
    let kept = kept(path);
    // A link, not a copy: the file itself is replaced by a rename and stays as it is.
    replace(path, &kept).map_err(|e| Error::disk("keep beside its place", path, e))
}

/// Puts the kept file back. Whether there is one.
pub(super) fn restore(path: &Path) -> io::Result<bool> {
    let kept = kept(path);
    if !kept.exists() {
        return Ok(false);
    }
    replace(&kept, path)?;
    Ok(true)
}

/// Makes `to` the same file as `from`; at no moment is there none.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let aside = beside(to, "link");
    match fs::remove_file(&aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::hard_link(from, &aside)?;
    fs::rename(&aside, to)?;
    fs::File::open(parent(to))?.sync_all()
}

fn kept(path: &Path) -> PathBuf {
    beside(path, "good")
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{what}"))
}

fn shortened(said: &str) -> String {
    said.trim().chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_birdc_says_is_read() {
        let head = "BIRD 2.0.12 ready.\nReading configuration from /etc/bird/bird.conf\n";
        for last in ["Reconfigured\n", "Reconfiguration in progress\n\n"] {
            assert!(took(&format!("{head}{last}")).is_ok());
        }
        let refused = took(&format!(
            "{head}/etc/bird/blockfeed.conf:7:3 syntax error\n"
        ));
        assert!(refused.unwrap_err().contains(":7:3 syntax error"));
        assert!(took("").is_err());
    }

    #[test]
    fn the_file_that_was_taken_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blockfeed.conf");
        assert!(!restore(&path).unwrap());
        fs::write(&path, "good").unwrap();
        keep(&path).unwrap();
        keep(&path).unwrap();
        for _ in 0..2 {
            let aside = dir.path().join("aside");
            fs::write(&aside, "bad").unwrap();
            fs::rename(&aside, &path).unwrap();
            assert!(restore(&path).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), "good");
        }
    }
}
