//! The resolvers with the settings of the README, each on a free port of loopback.

use crate::{
    peers,
    program::Program,
    world::{KEY, SECRET},
};
use std::{fmt::Write as _, path::Path};

/// A resolver at work.
pub struct Resolver(#[allow(dead_code, reason = "it runs as long as this lives")] Program);

/// The zones in their order.
const LEVELS: [&str; 4] = ["block", "allow", "base", "net"];

/// BIND with policy zones of a primary. `zones`: their names, each with its update interval.
pub fn bind(port: u16, upstream: u16, primary: u16, zones: &[(&str, &str)]) -> Option<Resolver> {
    let tool = peers::tool("named")?;
    let dir = Program::folder();
    let place = dir.path().display().to_string();
    let (mut policy, mut taken) = (String::new(), String::new());
    for (name, interval) in zones {
        write!(policy, "zone \"{name}\" {interval} log no; ").unwrap();
        writeln!(
            taken,
            "zone \"{name}\" {{ type secondary; file \"{name}.db\"; masterfile-format raw; \
             primaries {{ 127.0.0.1 port {primary} key {KEY}; }}; allow-query {{ none; }}; \
             allow-notify {{ key {KEY}; 127.0.0.1; }}; }};"
        )
        .unwrap();
    }
    let text = format!(
        "key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         options {{ directory \"{place}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only; notify no;\n\
         forwarders {{ 127.0.0.1 port {upstream}; }}; serial-query-rate 1000; max-journal-size unlimited; max-ixfr-ratio unlimited;\n\
         response-policy {{ {policy} }} qname-wait-recurse no nsip-wait-recurse no break-dnssec yes;\n\
         }};\ncontrols {{ }};\n{taken}"
    );
    let args = ["-g", "-n", "2", "-c", "named.conf"];
    let program = Program::start(&tool, dir, ("named.conf", &text), &args, &[]);
    Some(Resolver(program))
}

/// BIND on the levels.
pub fn bind_on_levels(port: u16, upstream: u16, primary: u16) -> Option<Resolver> {
    let now = "min-update-interval 0";
    let zones = [
        ("block.blockfeed", now),
        ("allow.blockfeed", now),
        ("base.blockfeed", ""),
        ("net.blockfeed", ""),
    ];
    bind(port, upstream, primary, &zones)
}

/// Unbound on some zones of a primary.
pub fn unbound(port: u16, upstream: u16, primary: u16, zones: &[&str]) -> Option<Resolver> {
    let tool = peers::tool("unbound")?;
    let dir = Program::folder();
    let zone = |name: &&str| {
        format!("rpz:\n  name: {name}\n  primary: 127.0.0.1@{primary}\n  allow-notify: 127.0.0.1\n")
    };
    let zones: String = zones.iter().map(zone).collect();
    let text = format!(
        "server:\n  interface: 127.0.0.1@{port}\n  do-ip6: no\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  \
         directory: \"{}\"\n  pidfile: \"\"\n  use-syslog: no\n  num-threads: 1\n  \
         module-config: \"respip validator iterator\"\n  do-not-query-localhost: no\n{zones}\
         forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{upstream}\nremote-control:\n  control-enable: no\n",
        dir.path().display()
    );
    let args = ["-d", "-c", "unbound.conf"];
    let program = Program::start(&tool, dir, ("unbound.conf", &text), &args, &[]);
    Some(Resolver(program))
}

/// Unbound on the levels.
pub fn unbound_on_levels(port: u16, upstream: u16, primary: u16) -> Option<Resolver> {
    let names = LEVELS.map(|level| format!("{level}.blockfeed"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    unbound(port, upstream, primary, &names)
}

/// PowerDNS Recursor on the levels: it looks every second, and keeps no packets.
pub fn pdns(port: u16, upstream: u16, primary: u16) -> Option<Resolver> {
    let tool = peers::tool("pdns_recursor")?;
    let dir = Program::folder();
    let place = dir.path().display().to_string();
    let zone = |name: &str| {
        format!(
            "rpzPrimary(\"127.0.0.1:{primary}\", \"{name}.blockfeed\", {{tsigname=\"{KEY}\", tsigalgo=\"hmac-sha256\", \
             tsigsecret=\"{SECRET}\", refresh=1, axfrTimeout=600}})\n"
        )
    };
    let lua: String = LEVELS.map(zone).concat();
    std::fs::write(dir.path().join("rpz.lua"), lua).unwrap();
    let text = format!(
        "local-address=127.0.0.1\nlocal-port={port}\nconfig-dir={place}\nsocket-dir={place}\nlua-config-file={place}/rpz.lua\n\
         forward-zones-recurse=.=127.0.0.1:{upstream}\ndnssec=off\ndaemon=no\ndisable-syslog=yes\nwrite-pid=no\n\
         setuid=\nsetgid=\nthreads=1\ndisable-packetcache=yes\nquery-local-address=127.0.0.1\ndont-query=\n"
    );
    let folder = format!("--config-dir={place}");
    let program = Program::start(&tool, dir, ("recursor.conf", &text), &[&folder], &[]);
    Some(Resolver(program))
}

/// Knot Resolver on files, in their order; what passes goes on to the rules behind.
pub fn kresd(port: u16, upstream: u16, files: &[&Path]) -> Option<Resolver> {
    let tool = peers::tool("kresd")?;
    let lua = peers::data("usr/share/lua/5.1/cqueues.lua")?;
    let rules: String = files
        .iter()
        .map(|file| {
            format!(
                "rules[#rules + 1] = policy.rpz(policy.DENY, '{}', true)\n",
                file.display()
            )
        })
        .collect();
    let text = format!(
        "net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})\nnet.ipv6 = false\ntrust_anchors.remove('.')\n\
         modules = {{ 'policy' }}\ncache.size = 1000 * MB\n\
         local rules = {{}}\n{rules}\
         policy.add(function (req, query)\n  for _, rule in ipairs(rules) do\n    local action = rule(req, query)\n    \
         if action == policy.PASS then return nil end\n    if action then return action end\n  end\nend)\n\
         policy.add(policy.all(policy.FORWARD('127.0.0.1@{upstream}')))\n"
    );
    let shared = lua.parent()?.display().to_string();
    let native = lua.ancestors().nth(4)?.join("lib/x86_64-linux-gnu/lua/5.1");
    let paths = [
        ("LUA_PATH", format!("{shared}/?.lua;;")),
        ("LUA_CPATH", format!("{}/?.so;;", native.display())),
    ];
    let paths: Vec<(&str, &str)> = paths.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let args = ["-n", "-c", "kresd.conf"];
    let program = Program::start(
        &tool,
        Program::folder(),
        ("kresd.conf", &text),
        &args,
        &paths,
    );
    Some(Resolver(program))
}
