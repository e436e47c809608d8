//! A resolver's process, in a folder of its own.

use crate::peers;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A program at work. It is killed when this is dropped.
pub struct Program {
    _running: peers::Running,
    dir: TempDir,
}

impl Program {
    /// A folder for a program to be.
    pub fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Writes the settings under a name and starts the program in the folder.
    pub fn start(
        tool: &Path,
        dir: TempDir,
        (name, text): (&str, &str),
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        fs::write(dir.path().join(name), text).unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new(peers::program(tool, dir.path()));
        command
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        command.envs(environment.iter().copied());
        Self {
            _running: peers::Running::start(&mut command),
            dir,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(6000);
            eprintln!("the resolver said: …{}", log.get(from..).unwrap_or(&log));
        }
    }
}
