//! A real Redis on a socket of its own, holding the names in one set.

use crate::tools;
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Ends with its value.
pub struct Redis {
    server: Child,
    socket: PathBuf,
    _dir: tempfile::TempDir,
}

/// One connection.
pub struct Line(UnixStream);

impl Redis {
    /// Starts it and fills it; none where it isn't installed.
    pub fn start(names: &[String]) -> Option<Self> {
        let program = tools::tool("redis-server")?;
        let dir = tempfile::tempdir().ok()?;
        let socket = dir.path().join("redis.sock");
        let server = Command::new(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Self {
            server,
            socket,
            _dir: dir,
        };
        (0..100).find(|_| {
            std::thread::sleep(Duration::from_millis(50));
            UnixStream::connect(&redis.socket).is_ok()
        })?;
        let mut line = redis.connect();
        names
            .chunks(1000)
            .for_each(|chunk| _ = line.send(Line::command("SADD", chunk).as_bytes(), chunk.len()));
        Some(redis)
    }

    pub fn connect(&self) -> Line {
        Line(UnixStream::connect(&self.socket).unwrap())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Line {
    /// A command a name.
    pub fn command(command: &str, names: &[String]) -> String {
        let one = |n: &String| {
            let (c, l) = (command.len(), n.len());
            format!("*3\r\n${c}\r\n{command}\r\n$1\r\nd\r\n${l}\r\n{n}\r\n")
        };
        names.iter().map(one).collect()
    }

    /// Sends commands for so many names, half of which are there.
    pub fn ask(&mut self, commands: &[u8], names: usize) {
        assert_eq!(self.send(commands, names), names / 2);
    }

    /// Sends commands in one write, and counts the answers `:1`.
    fn send(&mut self, commands: &[u8], names: usize) -> usize {
        self.0.write_all(commands).unwrap();
        // `:0\r\n` or `:1\r\n` a name.
        let mut answers = vec![0; names * 4];
        self.0.read_exact(&mut answers).unwrap();
        answers.chunks(4).filter(|a| a[1] == b'1').count()
    }
}
