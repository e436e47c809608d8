//! Keys in encrypted files and the passphrases that open them.
//!
//! A passphrase comes from a file, from `BLOCKFEED_PASSPHRASE`, or from the terminal with its echo
//! off; never from an argument, which every user of the machine could read.

use super::{Error, output};
use crate::trust;
use ed25519_dalek::SigningKey;
use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, Stdio},
};
use zeroize::Zeroizing;

/// A passphrase; wiped when it is dropped.
pub type Passphrase = Zeroizing<String>;

/// A new Ed25519 key from the system's randomness.
pub fn new_key() -> Result<SigningKey, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut())
        .map_err(|e| Error::said(format!("the system gives no randomness: {e}")))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Encrypts a key into a file that only its owner reads; never over an existing one.
pub fn write_key(path: &Path, key: &SigningKey, passphrase: &Passphrase) -> Result<(), Error> {
    let pem = Zeroizing::new(trust::encrypt_key(key, passphrase.as_bytes())?);
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Error::said(format!(
                "{} is there already, and a key is never written over: move it away or name another file",
                path.display()
            )),
            _ => Error::io(path)(e),
        })?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(Error::io(path))
}

/// Opens an encrypted key file.
pub fn read_key(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Error> {
    let pem = Zeroizing::new(fs::read_to_string(path).map_err(Error::io(path))?);
    trust::open_key(&pem, passphrase.as_bytes())
        .map_err(|e| Error::said(format!("{}: {e}", path.display())))
}

/// The passphrase of an existing key.
pub fn passphrase(file: Option<&Path>, what: &str) -> Result<Passphrase, Error> {
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None => ask(&format!("Passphrase of {what}: ")),
    }
}

/// The passphrase of a key to be made; asked for twice.
pub fn new_passphrase(file: Option<&Path>, what: &str) -> Result<Passphrase, Error> {
    let passphrase = match given(file)? {
        Some(passphrase) => passphrase,
        None => {
            let first = ask(&format!("New passphrase of {what}: "))?;
            if *ask("The same again: ")? != *first {
                return Err(Error::said(
                    "the two passphrases differ; nothing was written",
                ));
            }
            first
        }
    };
    if passphrase.chars().count() < SHORTEST {
        return Err(Error::said(format!(
            "a passphrase has at least {SHORTEST} characters: whoever gets the file tries short ones first"
        )));
    }
    Ok(passphrase)
}

fn given(file: Option<&Path>) -> Result<Option<Passphrase>, Error> {
    if let Some(path) = file {
        let text = Zeroizing::new(fs::read_to_string(path).map_err(Error::io(path))?);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        return Ok(Some(Zeroizing::new(line.to_owned())));
    }
    match std::env::var(VARIABLE) {
        Ok(passphrase) => Ok(Some(Zeroizing::new(passphrase))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(_) => Err(Error::said(format!("{VARIABLE} isn't UTF-8"))),
    }
}

fn ask(prompt: &str) -> Result<Passphrase, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::said(format!(
            "a passphrase is needed and nobody can be asked here: name a file with --passphrase-file, or set {VARIABLE}"
        )));
    }
    output::note(prompt.trim_end());
    // Without stty the passphrase can be seen while it is typed; that is said and not hidden.
    let quiet = echo(false);
    if !quiet {
        output::note("(what you type can be seen: stty isn't there)");
    }
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().read_line(&mut line);
    if quiet {
        echo(true);
    }
    read.map_err(Error::io("standard input"))?;
    Ok(Zeroizing::new(
        line.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn echo(on: bool) -> bool {
    Command::new("stty")
        .arg(if on { "echo" } else { "-echo" })
        .stdin(Stdio::inherit())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

const VARIABLE: &str = "BLOCKFEED_PASSPHRASE";
const SHORTEST: usize = 8;
