//! Standard output and standard error, so that a closed pipe ends quietly and scripts get JSON.

use super::Error;
use serde::Serialize;
use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// How a verb prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// One JSON document on standard output instead of sentences.
    pub json: bool,
}

impl Output {
    /// A line for people; left out where JSON is wanted.
    pub fn line(self, text: impl AsRef<str>) -> Result<(), Error> {
        if self.json {
            return Ok(());
        }
        print(text.as_ref())
    }

    /// The data, where JSON is wanted.
    pub fn data(self, data: &impl Serialize) -> Result<(), Error> {
        if !self.json {
            return Ok(());
        }
        print(&pretty(data)?)
    }

    /// Asks for a yes on the terminal. Without one nobody can be asked, and the answer is no.
    pub fn confirm(self, question: &str, flag: &str) -> Result<(), Error> {
        if !io::stdin().is_terminal() {
            return Err(Error::said(format!(
                "{question} Nobody can be asked here; {flag} answers yes"
            )));
        }
        tell(&format!("{question} [y/N] "), false);
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(Error::io("standard input"))?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" | "c" | "có" => Ok(()),
            _ => Err(Error::said("nothing was done")),
        }
    }
}

/// A document as JSON for people and scripts.
pub fn pretty(data: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(data)
        .map_err(|e| Error::said(format!("not writable as JSON: {e}")))
}

/// One line on standard output.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        // Whoever read has read enough (`blockfeed list | head`).
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Error::Shown),
        done => done.map_err(Error::io("standard output")),
    }
}

/// A line on standard error.
pub fn note(text: &str) {
    tell(text, true);
}

fn tell(text: &str, end: bool) {
    let mut err = io::stderr().lock();
    // Nothing is left to tell anybody if this fails.
    let _ = if end {
        writeln!(err, "{text}")
    } else {
        write!(err, "{text}").and_then(|()| err.flush())
    };
}

/// Progress of long work on standard error: over itself on a terminal, else a line every few
/// seconds, and nothing at all for what is quick.
pub struct Progress {
    began: Instant,
    told: Instant,
    terminal: bool,
    shown: bool,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            told: Instant::now(),
            terminal: io::stderr().is_terminal(),
            shown: false,
        }
    }

    /// Tells how far the work has come, if it is time to.
    pub fn tell(&mut self, text: &str) {
        let pause = if self.terminal { TERMINAL } else { LINES };
        if self.told.elapsed() < pause || self.began.elapsed() < QUICK {
            return;
        }
        self.told = Instant::now();
        if self.terminal {
            tell(&format!("\r\u{1b}[K{text}"), false);
            self.shown = true;
        } else {
            tell(text, true);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            tell("\r\u{1b}[K", false);
        }
    }
}

const QUICK: Duration = Duration::from_millis(500);
const TERMINAL: Duration = Duration::from_millis(100);
const LINES: Duration = Duration::from_secs(5);
