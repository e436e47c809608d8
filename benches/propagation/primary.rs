//! BIND as a tuned primary of one zone with everything, the way an ISP's feed is made without levels.

use crate::{
    ZONE, peers,
    program::Program,
    world::{KEY, SECRET},
};
use std::{fmt::Write as _, fs, net::SocketAddr};

/// The primary at work.
pub struct Primary {
    pub at: SocketAddr,
    _program: Program,
}

/// Serves the names, each with its wildcard; tells these ports of changes at once.
pub fn start(names: &[String], notify: &[u16]) -> Option<Primary> {
    let tool = peers::tool("named")?;
    let dir = Program::folder();
    let port = peers::free_port();
    let place = dir.path().display().to_string();
    let mut text = format!(
        "$ORIGIN {ZONE}.\n$TTL 60\n@ SOA localhost. nobody.invalid. 1 60 60 2592000 60\n@ NS localhost.\n"
    );
    for name in names {
        writeln!(text, "{name} CNAME .\n*.{name} CNAME .").unwrap();
    }
    fs::write(dir.path().join("zone"), text).unwrap();
    let told: String = notify
        .iter()
        .map(|port| format!("127.0.0.1 port {port}; "))
        .collect();
    let conf = format!(
        "key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         options {{ directory \"{place}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion no; dnssec-validation no; allow-transfer {{ any; }};\n\
         notify explicit; notify-delay 0; notify-rate 1000; startup-notify-rate 1000; serial-query-rate 1000;\n\
         also-notify {{ {told} }}; provide-ixfr yes; max-journal-size unlimited; max-ixfr-ratio unlimited; transfers-out 100; }};\n\
         controls {{ }};\n\
         zone \"{ZONE}\" {{ type primary; file \"zone\"; check-names ignore; allow-update {{ key {KEY}; }}; }};\n"
    );
    let args = ["-g", "-n", "2", "-c", "named.conf"];
    let program = Program::start(&tool, dir, ("named.conf", &conf), &args, &[]);
    Some(Primary {
        at: SocketAddr::from(([127, 0, 0, 1], port)),
        _program: program,
    })
}
