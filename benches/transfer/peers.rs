//! The peers: Knot DNS, NSD and BIND as primaries of the same zone, with the same key.

/// The tests' world of zones looks for its programs here.
pub use crate::tools::tool;
use crate::{ZONE, tools, zone_world::SECRET};
use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A peer that was started, or what is missing.
pub type Started = Result<(&'static str, Child, SocketAddr), String>;

/// The zone as text, by the rules that ours follows.
pub fn write_zone(names: &[String], serial: u32, path: &Path) {
    let mut text = format!(
        "$ORIGIN {ZONE}.\n$TTL 60\n@ SOA localhost. nobody.invalid. {serial} 60 60 2592000 60\n@ NS localhost.\n"
    );
    for name in names {
        writeln!(text, "{name} CNAME .\n*.{name} CNAME .").unwrap();
    }
    fs::write(path, text).unwrap();
}

pub fn knot(dir: &Path, zone: &Path) -> Started {
    let program = tool("knotd").ok_or("Knot DNS")?;
    let port = tools::free_port();
    let home = made(dir, "knot");
    let text = format!(
        "server:\n  listen: 127.0.0.1@{port}\n  rundir: {home}\n  tcp-workers: 2\n\
         database:\n  storage: {home}\n\
         key:\n  - id: k256\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
         acl:\n  - id: all\n    key: k256\n    action: [transfer, update]\n\
         zone:\n  - domain: {ZONE}\n    file: {}\n    acl: all\n    semantic-checks: off\n    zonefile-sync: -1\n    zonefile-load: difference\n    journal-content: changes\n",
        zone.display()
    );
    let config = format!("{home}/knot.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.args(["-c", &config]);
    Ok(("Knot DNS", start(command, &home), at(port)))
}

pub fn nsd(dir: &Path, zone: &Path) -> Started {
    let program = tool("nsd").ok_or("NSD")?;
    let port = tools::free_port();
    let home = made(dir, "nsd");
    let text = format!(
        "server:\n  ip-address: 127.0.0.1@{port}\n  port: {port}\n  server-count: 2\n  username: \"\"\n  chroot: \"\"\n\
         \x20 database: \"\"\n  pidfile: \"{home}/pid\"\n  zonesdir: \"{home}\"\n  xfrdfile: \"{home}/xfrd\"\n  xfrdir: \"{home}\"\n\
         \x20 zonelistfile: \"{home}/list\"\n  tcp-count: 100\n  tcp-timeout: 120\n\
         remote-control:\n  control-enable: no\n\
         key:\n  name: \"k256\"\n  algorithm: hmac-sha256\n  secret: \"{SECRET}\"\n\
         zone:\n  name: \"{ZONE}\"\n  zonefile: \"{}\"\n  provide-xfr: 127.0.0.1 k256\n  store-ixfr: yes\n  create-ixfr: yes\n  ixfr-size: 200000000\n",
        zone.display()
    );
    let config = format!("{home}/nsd.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.args(["-d", "-c", &config]);
    Ok(("NSD", start(command, &home), at(port)))
}

pub fn named(dir: &Path, zone: &Path) -> Started {
    let program = tool("named").ok_or("BIND")?;
    let port = tools::free_port();
    let home = made(dir, "named");
    let program = tools::program(&program, Path::new(&home));
    let text = format!(
        "options {{ directory \"{home}\"; pid-file \"{home}/pid\"; session-keyfile \"{home}/session\";\n\
         listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; provide-ixfr yes; max-journal-size unlimited; max-ixfr-ratio unlimited; }};\n\
         controls {{ }};\n\
         key \"k256.\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         zone \"{ZONE}\" {{ type primary; file \"{}\"; check-names ignore; allow-transfer {{ key k256.; }}; allow-update {{ key k256.; }}; notify no; }};\n",
        zone.display()
    );
    let config = format!("{home}/named.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.args(["-f", "-n", "2", "-c", &config]);
    Ok(("BIND", start(command, &home), at(port)))
}

fn start(mut command: Command, home: &str) -> Child {
    let log = fs::File::create(format!("{home}/log")).unwrap();
    let too = log.try_clone().unwrap();
    let command = command.stdin(Stdio::null()).stdout(log).stderr(too);
    command.spawn().unwrap()
}

fn made(dir: &Path, name: &str) -> String {
    let home = dir.join(name);
    fs::create_dir(&home).unwrap();
    home.display().to_string()
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
