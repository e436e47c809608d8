//! The socket in the data directory by which a running authority is asked for a copy of its
//! database: RocksDB lets one process in, and that one makes the copy.
//!
//! The socket's mode is 0600: whoever may connect may read the data directory as well. One line
//! goes each way: `checkpoint LF`, then `ok <directory> LF` or `error <sentence> LF`. The copy lives as
//! long as the connection; what a crash leaves is swept at the next start.

use super::Error;
use crate::store::{self, Store};
use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The end of a connection by which a copy is kept.
pub(super) struct Copy {
    /// The database's copy.
    pub(super) dir: PathBuf,
    _held: UnixStream,
}

/// Answers at the socket until the process ends or the log is closed. A path that is too long for a socket is an
/// error: backups are then taken while the authority stands still.
pub fn listen(data: &Path, store: &Arc<Store>) -> Result<(), Error> {
    sweep(data)?;
    let path = data.join(SOCKET);
    // The store's lock says that no other authority is here: what lies there is a dead one's.
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io(&path)(e)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(Error::io(&path))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(Error::io(&path))?;
    let (store, data) = (Arc::downgrade(store), data.to_owned());
    let serve = move || {
        for stream in listener.incoming() {
            let (store, data) = (store.clone(), data.clone());
            match stream {
                Ok(stream) => drop(std::thread::spawn(move || answer(stream, &store, &data))),
                // No descriptor is left, say: the next one may be taken.
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    };
    std::thread::Builder::new()
        .name("control".into())
        .spawn(serve)
        .map_err(Error::io(&path))?;
    Ok(())
}

/// Asks the authority of a data directory for a copy; none where none runs.
pub(super) fn ask(data: &Path) -> Result<Option<Copy>, Error> {
    let path = data.join(SOCKET);
    let refused = |why: String| Error::Asked(data.display().to_string(), why);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(e) => return Err(refused(e.to_string())),
    };
    let mut line = String::new();
    let asked = stream
        .write_all(b"checkpoint\n")
        .and_then(|()| BufReader::new(&stream).read_line(&mut line));
    asked.map_err(|e| refused(e.to_string()))?;
    match line.trim_end().split_once(' ') {
        Some(("ok", dir)) => Ok(Some(Copy {
            dir: dir.into(),
            _held: stream,
        })),
        Some(("error", why)) => Err(refused(why.into())),
        _ => Err(refused("it closed the connection".into())),
    }
}

/// One connection.
fn answer(mut stream: UnixStream, store: &Weak<Store>, data: &Path) {
    let asked = || -> io::Result<String> {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        Ok(line)
    };
    if !asked().is_ok_and(|line| line == "checkpoint\n") {
        let _ = stream.write_all(b"error only `checkpoint` is answered here\n");
        return;
    }
    let dir = data.join(format!(
        "{PREFIX}{}",
        NUMBER.fetch_add(1, Ordering::Relaxed)
    ));
    let said = match make(store, &dir) {
        Ok(db) => format!("ok {}\n", db.display()),
        Err(why) => format!("error {why}\n"),
    };
    // Whoever asked may have gone; then the copy goes, too.
    if stream.write_all(said.as_bytes()).is_ok() && stream.set_read_timeout(None).is_ok() {
        let mut rest = String::new();
        let _ = BufReader::new(&stream).read_line(&mut rest);
    }
    let _ = fs::remove_dir_all(&dir);
}

fn make(store: &Weak<Store>, dir: &Path) -> Result<PathBuf, Error> {
    let stopping = || Error::Asked(dir.display().to_string(), "it is stopping".into());
    // Held for the copy alone: the log closes when the last handle is gone.
    let store = store.upgrade().ok_or_else(stopping)?;
    copy_of(&store, dir)
}

/// A copy of an open database in `dir`, which is made.
pub(super) fn copy_of(store: &Store, dir: &Path) -> Result<PathBuf, Error> {
    store::files::create_dir_synced(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(Error::io(dir))?;
    let db = std::path::absolute(dir.join("db")).map_err(Error::io(dir))?;
    store.checkpoint(&db)?;
    Ok(db)
}

/// Removes the copies that a crash left.
fn sweep(data: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(data).map_err(Error::io(data))? {
        let entry = entry.map_err(Error::io(data))?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            fs::remove_dir_all(entry.path()).map_err(Error::io(&entry.path()))?;
        }
    }
    Ok(())
}

/// The socket's name in the data directory.
const SOCKET: &str = "control";
/// Start of the names of copies that are being packed.
pub(super) const PREFIX: &str = ".backup-";

static NUMBER: AtomicU64 = AtomicU64::new(0);
