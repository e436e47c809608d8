//! `blockfeed completions` and `blockfeed man`: what a package brings beside the program, made
//! from the command line's own description.

use super::{Cli, Error, Output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;
use std::{fs, path::PathBuf};

/// Print completions for a shell: bash, zsh, fish, elvish, powershell
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed completions bash > /usr/share/bash-completion/completions/blockfeed")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write the manual pages of all verbs into a folder
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// The folder; it is made if it isn't there
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl CompletionsArgs {
    pub fn run(self, out: Output) -> Result<(), Error> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "blockfeed", &mut text);
        let text = String::from_utf8_lossy(&text);
        out.data(&json!({ "shell": self.shell.to_string(), "script": text }))?;
        out.line(text.trim_end())
    }
}

impl ManArgs {
    pub fn run(self, out: Output) -> Result<(), Error> {
        let at = &self.directory;
        fs::create_dir_all(at).map_err(Error::io(at))?;
        clap_mangen::generate_to(Cli::command(), at).map_err(Error::io(at))?;
        let pages = fs::read_dir(at).map_err(Error::io(at))?.count();
        out.data(&json!({ "directory": at, "pages": pages }))?;
        out.line(format!("{pages} pages in {}", at.display()))
    }
}
