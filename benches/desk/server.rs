//! The server as a process of its own: `blockfeed serve` on the data directory that was made.

use crate::{peers::Running, wire::Browser};
use blockfeed::trust;
use std::{
    fmt, fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

pub const PASSPHRASE: &str = "a passphrase of the benchmark";

pub struct Server {
    running: Running,
    pub address: SocketAddr,
    /// From the start of the process until `/readyz` says so.
    pub start: Duration,
}

/// Resident memory, MiB.
pub struct Memory {
    pub now: u64,
    pub peak: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB, peak {} MiB", self.now, self.peak)
    }
}

impl Server {
    pub fn start(data: &Path) -> Self {
        let (port, metrics) = (crate::peers::free_port(), crate::peers::free_port());
        let config = data.join("blockfeed.toml");
        // All officers of the benchmark come from one address.
        let text = format!(
            "[log]\ndata = {data:?}\n[serve]\nlisten = \"127.0.0.1:{port}\"\nmetrics = \"127.0.0.1:{metrics}\"\naddress_rate = 0\naddress_connections = 0\n[transfer]\nserve = false\n"
        );
        fs::write(&config, text).unwrap();
        let began = Instant::now();
        let running = Running::start(
            Command::new(env!("CARGO_BIN_EXE_blockfeed"))
                .arg("serve")
                .arg("--config")
                .arg(&config)
                .env("BLOCKFEED_PASSPHRASE", PASSPHRASE)
                .stdin(Stdio::null())
                .stdout(Stdio::null()),
        );
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let ready = || {
            TcpStream::connect(address).is_ok()
                && Browser::open(address, "").get("/readyz").status == 200
        };
        while !ready() {
            assert!(began.elapsed().as_secs() < 600, "the server isn't ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self {
            running,
            address,
            start: began.elapsed(),
        }
    }

    pub fn memory(&self) -> Memory {
        let file = format!("/proc/{}/status", self.running.0.id());
        let status = fs::read_to_string(file).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or(0) / 1024
        };
        Memory {
            now: of("VmRSS:"),
            peak: of("VmHWM:"),
        }
    }
}

/// How long it takes to open the two key files, which the start does.
pub fn scrypt() -> Duration {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let pem = trust::encrypt_key(&key, PASSPHRASE.as_bytes()).unwrap();
    let began = Instant::now();
    for _ in 0..2 {
        trust::open_key(&pem, PASSPHRASE.as_bytes()).unwrap();
    }
    began.elapsed()
}
