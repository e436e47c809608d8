//! Real resolvers with the rendered files: what is listed is blocked, what isn't listed resolves.
//!
//! Each runs on a free port of 127.0.0.1, forwards to an upstream in this process, and ends with its test.

use super::dns::{A, AAAA, TXT, Upstream, ask};
use super::*;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Names and whether the `domains` of the fixture block them.
const CASES: [(&str, bool); 36] = [
    ("sub.example.vn", true),
    ("a.sub.example.vn", true),
    ("b.a.sub.example.vn", true),
    ("xsub.example.vn", false),
    ("sib.example.vn", false),
    ("example.vn", false),
    ("sub.example.com", false),
    ("only.example.com", true),
    ("child.only.example.com", false),
    ("b.child.only.example.com", false),
    ("lonely.example.com", false),
    ("example.com", false),
    ("open.example.com", true),
    ("c.open.example.com", false),
    ("deeper.open.example.com", false),
    ("alone.deeper.open.example.com", true),
    ("c.alone.deeper.open.example.com", false),
    ("deep.open.example.com", true),
    ("z.deep.open.example.com", true),
    ("nested.example.net", true),
    ("y.nested.example.net", true),
    ("z.y.nested.example.net", true),
    ("x.y.nested.example.net", true),
    ("z.x.y.nested.example.net", true),
    ("w.nested.example.net", true),
    ("z.w.nested.example.net", true),
    ("example.net", false),
    ("same.example.org", true),
    ("a.same.example.org", true),
    ("twice.example.org", true),
    ("a.twice.example.org", true),
    ("example.org", false),
    ("under_score.example.vn", true),
    ("a.under_score.example.vn", true),
    ("24h.example.vn", true),
    ("4h.example.vn", false),
];

/// Addresses behind names, and whether the `networks` of the fixture block them.
const BY_ADDRESS: [(&str, u16, bool); 5] = [
    ("inside.example.vn", A, true),
    ("inside.example.vn", AAAA, true),
    ("run.example.vn", AAAA, true),
    ("outside.example.vn", A, false),
    ("outside.example.vn", AAAA, false),
];

/// A resolver on a port, its directory, and what it said.
struct Resolver {
    _running: peers::Running,
    dir: tempfile::TempDir,
    port: u16,
}

impl Resolver {
    /// Writes `conf` and starts the program with `args`, in a directory of its own.
    fn start(tool: &Path, conf: impl Fn(&Path, u16) -> String, args: &[&str]) -> Resolver {
        let dir = tempfile::tempdir().unwrap();
        let port = peers::free_port();
        let file = dir.path().join("conf");
        fs::write(&file, conf(dir.path(), port)).unwrap();
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new(peers::program(tool, dir.path()));
        command.args(args).arg(&file).current_dir(dir.path());
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Resolver {
            _running: peers::Running::start(&mut command),
            dir,
            port,
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn expect(&self, name: &str, kind: u16, blocked: bool) {
        let answer = ask(self.port, name, kind);
        let answer = answer.unwrap_or_else(|| panic!("no answer for {name}:\n{}", self.log()));
        let as_expected = match blocked {
            true => answer.is_blocked(),
            false => answer.is_open(),
        };
        let listed = if blocked { "listed" } else { "not listed" };
        assert!(
            as_expected,
            "{name} {kind} is {listed}: {answer:?}\n{}",
            self.log()
        );
    }

    fn expect_cases(&self) {
        for (name, blocked) in CASES {
            for kind in [A, AAAA, TXT] {
                self.expect(name, kind, blocked);
            }
        }
    }
}

fn unbound_conf(dir: &Path, port: u16, upstream: u16, modules: &str, more: &str) -> String {
    format!(
        "server:\n  interface: 127.0.0.1@{port}\n  do-ip6: no\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  \
         directory: \"{}\"\n  pidfile: \"\"\n  use-syslog: no\n  do-not-query-localhost: no\n  num-threads: 1\n  \
         module-config: \"{modules}\"\n{more}\nforward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{upstream}\n\
         remote-control:\n  control-enable: no\n",
        dir.display()
    )
}

fn named_conf(dir: &Path, port: u16, upstream: u16, zones: &[(&str, &Path)]) -> String {
    let policy: String = zones
        .iter()
        .map(|(z, _)| format!("zone \"{z}\"; "))
        .collect();
    let zones: String = zones
        .iter()
        .map(|(zone, file)| {
            format!(
                "zone \"{zone}\" {{ type primary; file \"{}\"; allow-query {{ none; }}; }};\n",
                file.display()
            )
        })
        .collect();
    format!(
        "options {{ directory \"{}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only;\n\
         forwarders {{ 127.0.0.1 port {upstream}; }}; response-policy {{ {policy} }} qname-wait-recurse no break-dnssec yes;\n\
         }};\ncontrols {{ }};\n{zones}",
        dir.display()
    )
}

#[test]
fn unbound_answers_by_its_own_file() {
    let Some(tool) = peers::tool("unbound") else {
        return peers::skip("Unbound's answers", "unbound");
    };
    let upstream = Upstream::start();
    let conf = |dir: &Path, port| {
        let file = tools::write(dir, Format::Unbound, domains());
        let include = format!("include: \"{}\"", file.display());
        unbound_conf(dir, port, upstream.port, "iterator", &include)
    };
    Resolver::start(&tool, conf, &["-d", "-c"]).expect_cases();
}

#[test]
fn unbound_answers_by_the_zones() {
    let Some(tool) = peers::tool("unbound") else {
        return peers::skip("Unbound's answers by the zones", "unbound");
    };
    let upstream = Upstream::start();
    let conf = |dir: &Path, port| {
        let zone = |name, case: (FeedName, Set)| {
            let file = tools::write(dir, Format::Rpz, case);
            format!("rpz:\n  name: {name}\n  zonefile: \"{}\"\n", file.display())
        };
        let zones = zone("domains.blockfeed", domains()) + &zone("networks.blockfeed", networks());
        unbound_conf(dir, port, upstream.port, "respip iterator", &zones)
    };
    let resolver = Resolver::start(&tool, conf, &["-d", "-c"]);
    resolver.expect_cases();
    for (name, kind, blocked) in BY_ADDRESS {
        resolver.expect(name, kind, blocked);
    }
}

#[test]
fn named_answers_by_the_zones() {
    let Some(tool) = peers::tool("named") else {
        return peers::skip("BIND's answers", "named");
    };
    let upstream = Upstream::start();
    let conf = |dir: &Path, port| {
        let domains = tools::write(dir, Format::Rpz, domains());
        let networks = tools::write(dir, Format::Rpz, networks());
        let zones = [
            ("domains.blockfeed", &*domains),
            ("networks.blockfeed", &*networks),
        ];
        named_conf(dir, port, upstream.port, &zones)
    };
    let resolver = Resolver::start(&tool, conf, &["-g", "-c"]);
    resolver.expect_cases();
    for (name, kind, blocked) in BY_ADDRESS {
        resolver.expect(name, kind, blocked);
    }
    let log = resolver.log();
    for complaint in ["invalid rpz", "not the canonical", "ignoring out-of-zone"] {
        assert!(!log.contains(complaint), "{log}");
    }
}

#[test]
fn dnsmasq_answers_by_its_own_file() {
    let Some(tool) = peers::tool("dnsmasq") else {
        return peers::skip("dnsmasq's answers", "dnsmasq");
    };
    let upstream = Upstream::start();
    let conf = |dir: &Path, port| {
        let file = tools::write(dir, Format::Dnsmasq, domains());
        dnsmasq_conf(port, upstream.port) + &format!("conf-file={}\n", file.display())
    };
    Resolver::start(&tool, conf, &["-k", "-C"]).expect_cases();
}

#[test]
fn dnsmasq_answers_by_the_hosts_file() {
    let Some(tool) = peers::tool("dnsmasq") else {
        return peers::skip("the hosts file's answers", "dnsmasq");
    };
    let upstream = Upstream::start();
    let conf = |dir: &Path, port| {
        let file = tools::write(dir, Format::Hosts, domains());
        dnsmasq_conf(port, upstream.port) + &format!("addn-hosts={}\n", file.display())
    };
    let resolver = Resolver::start(&tool, conf, &["-k", "-C"]);
    let (_, set) = domains();
    for (name, _) in CASES {
        // A hosts file says names alone.
        let listed = !set.entries_of(name).is_empty();
        resolver.expect(name, A, listed);
        resolver.expect(name, AAAA, listed);
    }
}

fn dnsmasq_conf(port: u16, upstream: u16) -> String {
    format!(
        "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\npid-file\nuser=\nlog-facility=-\n\
         server=127.0.0.1#{upstream}\n"
    )
}
