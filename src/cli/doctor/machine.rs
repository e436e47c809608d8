//! The machine: disk, descriptors, ports, certificates, the resolver.

use super::Finding;
use crate::{
    cli::{host, when},
    config::Config,
    log,
    registry::live::Dns,
    tls::{Certificate, Files},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    time::Duration,
};

/// Days before its end at which a certificate is told of, and is wrong.
const SOON: u64 = 21;
const TOO_SOON: u64 = 7;

const DAY: u64 = 86_400;

/// How long a neighbour may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![disk(config), descriptors(config)];
    findings.push(port("HTTP", config.serve.listen, "serve.listen"));
    let pairs = [
        (
            "HTTP",
            config.serve.tls_listen,
            &config.serve.tls_certificate,
            &config.serve.tls_key,
        ),
        (
            "DNS",
            config.transfer.tls_listen,
            &config.transfer.tls_certificate,
            &config.transfer.tls_key,
        ),
    ];
    for (what, listen, certificate, key) in pairs {
        if listen.is_some() {
            findings.push(pair(what, certificate, key));
        }
    }
    findings.push(database());
    findings
}

/// The version that this program was built for, beside the library's own word where it is shared.
fn database() -> Finding {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let shared = maps.lines().find_map(|line| {
        line.split_whitespace()
            .last()
            .filter(|p| p.contains("librocksdb"))
    });
    match shared {
        None => Finding::well("RocksDB", "built into the program"),
        Some(path) if path.contains("librocksdb.so.7.") => Finding::well("RocksDB", path),
        Some(path) => Finding::wrong(
            "RocksDB",
            format!("{path} isn't the version 7.8 that this program was built for"),
            "Install Debian 12's librocksdb7.8, or a build of the program for this system.",
        ),
    }
}

fn disk(config: &Config) -> Finding {
    let check = "disk";
    let at = if config.log.data.exists() {
        config.log.data.clone()
    } else {
        PathBuf::from(".")
    };
    let Some(free) = log::free(&at) else {
        return Finding::note(check, "the system doesn't say how much is free", "");
    };
    let mib = free >> 20;
    let found = format!("{mib} MiB free on the disk of {}", at.display());
    let remedy = format!(
        "Make room. Below {} MiB new decisions are refused, below a quarter of that those that unblock.",
        config.log.reserve >> 20
    );
    if free < config.log.reserve {
        Finding::wrong(check, found, remedy)
    } else if free < config.log.reserve.saturating_mul(4) {
        Finding::note(check, found, remedy)
    } else {
        Finding::well(check, found)
    }
}

fn descriptors(config: &Config) -> Finding {
    let check = "descriptors";
    let most = host::raise_descriptors();
    let wanted = config.serve.connections as u64 + host::OWN_DESCRIPTORS;
    if most >= wanted {
        return Finding::well(check, format!("{most} may be open"));
    }
    Finding::note(
        check,
        format!(
            "{most} may be open; {} connections need {wanted}",
            config.serve.connections
        ),
        "Raise LimitNOFILE in the unit (ulimit -Hn here); until then fewer connections are taken.",
    )
}

/// Either nobody listens there and it can be had, or an authority answers.
fn port(what: &'static str, at: SocketAddr, setting: &str) -> Finding {
    match TcpListener::bind(at) {
        Ok(_) => Finding::note(
            what,
            format!("nobody listens on {at}"),
            "Is the server to run here? systemctl status blockfeed",
        ),
        Err(error) if error.kind() == ErrorKind::AddrInUse => match ready(at) {
            Ok(text) if text.contains(" 200 ") => {
                Finding::well(what, format!("{at} answers that it is ready"))
            }
            Ok(text) => Finding::wrong(
                what,
                format!("{at} answers: {}", text.lines().last().unwrap_or_default()),
                "The answer says why; deploy/RUNBOOK.md says what to do.",
            ),
            Err(error) => Finding::wrong(
                what,
                format!("{at} is taken by a program that doesn't answer: {error}"),
                format!("Is it another one (ss -tlnp)? Choose another address: {setting}."),
            ),
        },
        Err(error) => Finding::wrong(
            what,
            format!("{at} can't be had: {error}"),
            format!("Choose an address of this machine and a port from 1024 on: {setting}."),
        ),
    }
}

fn ready(at: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = Vec::new();
    stream.take(1 << 16).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn pair(what: &str, certificate: &Option<PathBuf>, key: &Option<PathBuf>) -> Finding {
    let check = "certificate";
    let (Some(certificate), Some(key)) = (certificate, key) else {
        let remedy = "Name both files: tls_certificate and tls_key, beside tls_listen.";
        return Finding::wrong(check, format!("{what} over TLS has none"), remedy);
    };
    let files = Files {
        certificate: certificate.clone(),
        key: key.clone(),
    };
    let opened = match Certificate::open("doctor", files) {
        Ok(opened) => opened,
        Err(error) => {
            let remedy = "The server keeps the pair before; a start refuses this one.";
            return Finding::wrong(check, error.to_string(), remedy);
        }
    };
    let left = opened.not_after().saturating_sub(when::now()) / DAY;
    let found = format!("{} holds {left} days more", certificate.display());
    let remedy = "Renew it. The server takes the new files by itself within ten seconds.";
    match left {
        0..TOO_SOON => Finding::wrong(check, found, remedy),
        TOO_SOON..SOON => Finding::note(check, found, remedy),
        _ => Finding::well(check, found),
    }
}

/// Whether the resolver that live checks ask answers at all.
pub(super) async fn resolver(config: &Config) -> Finding {
    let check = "resolver";
    if config.registry.offline {
        return Finding::well(check, "not asked: registry.offline");
    }
    let remedy =
        "Checks go on without live facts, which they say. Name another: registry.resolver.";
    let dns = match Dns::new(config.registry.resolver, PATIENCE) {
        Ok(dns) => dns,
        Err(why) => return Finding::note(check, why, remedy),
    };
    match tokio::time::timeout(PATIENCE, dns.alive()).await {
        Ok(Ok(())) => Finding::well(check, "it answers"),
        Ok(Err(why)) => Finding::note(check, why, remedy),
        Err(_) => Finding::note(check, "it doesn't answer within three seconds", remedy),
    }
}
