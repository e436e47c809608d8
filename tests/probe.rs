//! `blockfeed probe` against the real things: resolvers with rendered files, with the test entry and
//! without; nftables with the rendered sets, in a network of its own; an HTTP server as a
//! marketplace's endpoint. What can't be told is tried as much as what can.

#[allow(dead_code, reason = "the formats' tests use the rest")]
#[path = "formats/dns.rs"]
mod dns;
mod peers;

use blockfeed::{
    canon::Origin,
    entries::{FeedName, Set},
    feed::formats::{Format, Listing, Meta},
};
use serde_json::Value;
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

/// Exit code and what was printed, as JSON.
fn probe(arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_blockfeed"))
        .args(["probe", "--json"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{errors}"));
    (output.status.code().unwrap_or(-1), value)
}

#[track_caller]
fn expect(arguments: &[&str], code: i32, why: &str) -> Value {
    let (exit, value) = probe(arguments);
    let verdict = ["enforced", "not_enforced", "cant_tell"][usize::try_from(code).unwrap()];
    assert_eq!(exit, code, "{arguments:?}: {value:#}");
    assert_eq!(value["verdict"], verdict, "{value:#}");
    let said = value["probes"][0]["why"].as_str().unwrap_or_default();
    assert!(said.contains(why), "{why:?} isn't in {said:?}");
    value
}

/// A feed rendered for a tool.
fn rendered(dir: &Path, format: Format, feed: FeedName, entries: &[&str]) -> PathBuf {
    let measure = if feed == FeedName::domains() {
        "block_domain"
    } else {
        "block_ip"
    };
    let mut lines = vec![format!("D 2026-000001 {measure} 1821744000")];
    lines.extend(entries.iter().map(|entry| format!("E {entry} 2026-000001")));
    let mut set = Set::new(feed.kind());
    set.apply_lines([].into_iter(), lines.iter().map(String::as_str))
        .unwrap();
    let origin = Origin::new("blocklist.example/399/v1").unwrap();
    let digest = set.digest(&origin, &feed);
    let file = dir.join(format!("{feed}.{format}"));
    let meta = Meta {
        origin,
        feed,
        serial: 3,
        time: 1_790_000_031,
        digest,
    };
    let mut bytes = Vec::new();
    Listing::whole(&set)
        .render(format, &meta, &mut bytes)
        .unwrap();
    fs::write(&file, bytes).unwrap();
    file
}

/// What a made name server answers.
#[derive(Clone, Copy)]
enum World {
    /// As the Internet: nothing below `.example`, in the root zone's name; an address for all else.
    Internet,
    /// The same, but in no zone's name: a forwarder that strips the SOA record.
    Stripped,
    /// Nothing for any name, in no zone's name.
    Void,
    /// 0.0.0.0 and :: for every name.
    Null,
}

/// Answers until the process ends; the port.
fn serve(world: World) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if let Some(reply) = reply(world, &buffer[..length]) {
                // Who asked may be gone.
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    port
}

fn reply(world: World, query: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    while *query.get(at)? != 0 {
        at += 1 + usize::from(query[at]);
    }
    let is_v6 = query.get(at + 2)? == &28;
    let mut reply = query.get(..at + 5)?.to_vec();
    let reserved = reply[..at].to_ascii_lowercase().ends_with(b"\x07example");
    reply[2] = 0x81;
    reply[6..12].fill(0);
    match world {
        World::Void => reply[3] = 0x83,
        World::Stripped if reserved => reply[3] = 0x83,
        World::Internet if reserved => {
            reply[3] = 0x83;
            reply[9] = 1;
            // The root's SOA: owner ., type 6, class IN, a TTL, 22 bytes of two roots and five numbers.
            reply.extend_from_slice(b"\x00\x00\x06\x00\x01\x00\x00\x00\x05\x00\x16\x00\x00");
            reply.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 5]);
        }
        World::Internet | World::Stripped | World::Null => {
            reply[3] = 0x80;
            reply[7] = 1;
            let (kind, length, byte) = if is_v6 { (28, 16, 0x26) } else { (1, 4, 198) };
            let byte = if matches!(world, World::Null) {
                0
            } else {
                byte
            };
            reply.extend_from_slice(&[0xC0, 12, 0, kind, 0, 1, 0, 0, 0, 5, 0, length]);
            reply.extend(std::iter::repeat_n(byte, usize::from(length)));
        }
    }
    Some(reply)
}

/// A resolver that loads a rendered file: its name, the format, and its configuration for a port, a
/// name server to ask, the directory and the file.
type Loads = (&'static str, Format, fn(u16, u16, &str, &str) -> String);

const RESOLVERS: [Loads; 5] = [
    ("unbound", Format::Unbound, |port, upstream, dir, file| {
        unbound(
            "iterator",
            &format!("include: \"{file}\""),
            port,
            upstream,
            dir,
        )
    }),
    ("unbound", Format::Rpz, |port, upstream, dir, file| {
        let zone = format!("rpz:\n  name: domains.blockfeed\n  zonefile: \"{file}\"");
        unbound("respip iterator", &zone, port, upstream, dir)
    }),
    ("named", Format::Rpz, |port, upstream, dir, file| {
        format!(
            "options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
             pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only;\n\
             forwarders {{ 127.0.0.1 port {upstream}; }};\n\
             response-policy {{ zone \"rpz.blockfeed\"; }} qname-wait-recurse no; }};\ncontrols {{ }};\n\
             zone \"rpz.blockfeed\" {{ type primary; file \"{file}\"; allow-query {{ none; }}; }};\n"
        )
    }),
    ("dnsmasq", Format::Dnsmasq, |port, upstream, _, file| {
        dnsmasq(port, upstream) + &format!("conf-file={file}\n")
    }),
    ("dnsmasq", Format::Hosts, |port, upstream, _, file| {
        dnsmasq(port, upstream) + &format!("addn-hosts={file}\n")
    }),
];

fn unbound(modules: &str, more: &str, port: u16, upstream: u16, dir: &str) -> String {
    format!(
        "server:\n  interface: 127.0.0.1@{port}\n  do-ip6: no\n  username: \"\"\n  chroot: \"\"\n  directory: \"{dir}\"\n  \
         pidfile: \"\"\n  use-syslog: no\n  do-not-query-localhost: no\n  num-threads: 1\n  module-config: \"{modules}\"\n\
         {more}\nforward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{upstream}\n\
         remote-control:\n  control-enable: no\n"
    )
}

fn dnsmasq(port: u16, upstream: u16) -> String {
    format!(
        "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\npid-file\nuser=\nlog-facility=-\n\
         server=127.0.0.1#{upstream}\n"
    )
}

/// A resolver on a port of its own, and its place.
fn start(
    dir: &Path,
    name: &str,
    conf: impl Fn(u16, u16) -> String,
) -> Option<(peers::Running, String)> {
    let tool = peers::tool(name)?;
    let program = peers::program(&tool, dir);
    let port = peers::free_port();
    let file = dir.join("conf");
    fs::write(&file, conf(port, serve(World::Internet))).unwrap();
    let mut command = Command::new(program);
    let foreground: &[&str] = match name {
        "named" => &["-g", "-c"],
        "dnsmasq" => &["-k", "-C"],
        _ => &["-d", "-c"],
    };
    command.args(foreground).arg(file).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let running = peers::Running::start(&mut command);
    let up = dns::ask(port, "up.example.com", dns::A);
    up.unwrap_or_else(|| panic!("{name} doesn't answer"));
    Some((running, format!("127.0.0.1:{port}")))
}

const TEST: &str = "test.blockfeed.example +";

#[test]
fn a_resolver_is_seen_to_enforce_or_not() {
    for (name, format, conf) in RESOLVERS {
        // A hosts file can't say what is below a name.
        let (subtree, why) = match format {
            Format::Hosts => (1, "below.test.blockfeed.example"),
            _ => (0, "what isn't listed isn't"),
        };
        let cases: [(&[&str], i32, &str); 3] = [
            (
                &["shop.example.com +"],
                1,
                "for test.blockfeed.example the zone above it",
            ),
            (&["shop.example.com +", TEST], subtree, why),
            (
                &["test.blockfeed.example ="],
                1,
                "below.test.blockfeed.example",
            ),
        ];
        for (entries, code, why) in cases {
            let dir = tempfile::tempdir().unwrap();
            let file = rendered(dir.path(), format, FeedName::domains(), entries);
            let (file, path) = (file.display().to_string(), dir.path().display().to_string());
            let started = start(dir.path(), name, |port, upstream| {
                conf(port, upstream, &path, &file)
            });
            let Some((_running, place)) = started else {
                peers::skip(&format!("what {name} enforces"), name);
                break;
            };
            println!("{name} {format} {entries:?}");
            let value = expect(&["--resolver", &place], code, why);
            assert_eq!(
                value["probes"][0]["answers"].as_array().map(Vec::len),
                Some(6)
            );
            if !entries.contains(&TEST) {
                continue;
            }
            // A control that has addresses changes nothing.
            let control = ["--resolver", &place, "--control-name", "www.example.com"];
            expect(&control, code, why);
            let redirected = ["--resolver", &place, "--expect", "redirect=203.0.113.9"];
            expect(&redirected, 1, "");
        }
    }
}

#[test]
fn a_notice_host_is_a_block_where_it_is_expected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let more = "  local-zone: test.blockfeed.example redirect\n  local-data: \"test.blockfeed.example A 203.0.113.9\"";
    let started = start(dir.path(), "unbound", |port, upstream| {
        unbound("iterator", more, port, upstream, &path)
    });
    let Some((_running, place)) = started else {
        return peers::skip("the answer of a notice host", "unbound");
    };
    let with = |address: &str| {
        let expected = format!("redirect={address}");
        probe(&["--resolver", &place, "--expect", &expected]).0
    };
    assert_eq!(with("203.0.113.9"), 0);
    assert_eq!(with("203.0.113.8"), 1);
    expect(&["--resolver", &place], 1, "--expect redirect=");
}

#[test]
fn what_answers_alike_for_every_name_proves_nothing() {
    for world in [World::Stripped, World::Void, World::Null] {
        let place = format!("127.0.0.1:{}", serve(world));
        expect(&["--resolver", &place], 2, "is answered in the same way");
        // A control that resolves doesn't make a block of it.
        let control = ["--resolver", &place, "--control-name", "www.example.com"];
        expect(&control, 2, "is answered in the same way");
    }
    let internet = format!("127.0.0.1:{}", serve(World::Internet));
    expect(
        &["--resolver", &internet],
        1,
        "as for any name that doesn't exist",
    );
    let nobody = format!("127.0.0.1:{}", peers::free_port());
    expect(&["--resolver", &nobody], 2, "wasn't answered");
    // The worst of several.
    let (code, value) = probe(&["--resolver", &nobody, "--resolver", &internet]);
    assert_eq!(
        (code, value["probes"].as_array().map(Vec::len)),
        (1, Some(2))
    );
}

/// A shop by its paths; the base URL.
fn marketplace() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let status = match path {
                "/wrong/4711" => 404,
                path if path.ends_with("4711") => 200,
                "/missing/0" | "/wrong/0" => 404,
                "/gone/0" | "/sellers?id=0&full=1" => 410,
                "/law/0" => 451,
                "/shut/0" => 403,
                "/moved/0" => 302,
                "/broken/0" => 500,
                _ => 200,
            };
            // The client may close first.
            let _ = write!(
                stream,
                "HTTP/1.1 {status} Status\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
            );
        }
    });
    base
}

#[test]
fn an_endpoint_shows_the_test_seller_or_does_not() {
    let base = marketplace();
    let ask = |path: &str, more: &[&str], code: i32, why: &str| {
        let url = format!("{base}{path}");
        let first = ["--endpoint", &url, "--subject", "seller:shopee.vn/0"];
        expect(&[&first, more].concat(), code, why);
    };
    ask("/gone/{id}", &[], 0, "gone");
    ask("/law/{id}", &[], 0, "gone");
    ask("/sellers?id={id}&full=1", &[], 0, "gone");
    ask("/missing/{id}", &[], 0, "a wrong URL gives 404 too");
    ask(
        "/missing/{id}",
        &["--control-id", "4711"],
        0,
        "while the control is shown",
    );
    ask(
        "/wrong/{id}",
        &["--control-id", "4711"],
        2,
        "the control isn't shown either",
    );
    ask("/shown/{id}", &[], 1, "is shown");
    ask("/shut/{id}", &[], 2, "everybody");
    ask("/moved/{id}", &[], 2, "elsewhere");
    ask("/broken/{id}", &[], 2, "500");
    let nobody = format!("http://127.0.0.1:{}/{{id}}", peers::free_port());
    let subject = ["--subject", "seller:tiki.vn/blockfeed-test"];
    expect(
        &[&["--endpoint", &*nobody], &subject[..]].concat(),
        2,
        "doesn't answer",
    );
}

#[test]
fn a_probe_that_makes_no_sense_says_what_would() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
        let output = command.arg("probe").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    for (arguments, code, says) in [
        (&[][..], 2, "--resolver"),
        (&["--resolver", "resolver.example"], 2, "192.0.2.53"),
        (
            &["--resolver", "127.0.0.1", "--expect", "203.0.113.9"],
            2,
            "redirect=",
        ),
        (&["--endpoint", "https://shopee.vn/shops"], 1, "{id}"),
        (&["--endpoint", "ftp://shopee.vn/{id}"], 1, "https://"),
        (&["--endpoint", "https://shop.example/{id}"], 1, "--subject"),
        (
            &[
                "--endpoint",
                "http://127.0.0.1/{id}/",
                "--subject",
                "seller:shopee.vn/0",
            ],
            1,
            "slash",
        ),
        (
            &[
                "--endpoint",
                "https://shopee.vn/{id}",
                "--subject",
                "seller:shopee.vn/5",
            ],
            1,
            "set aside",
        ),
        (
            &["--resolver", "127.0.0.1", "--control-name", "no name"],
            1,
            "no name",
        ),
    ] {
        let (exit, text) = run(arguments);
        assert_eq!(exit, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(says), "{says:?} isn't in {text}");
    }
}

/// Probes before and after the rendered sets are loaded with a rule that drops, in a network where
/// something listens at the test addresses and at two that aren't listed.
const FIREWALL: &str = r#"
import json, socket, subprocess, sys
blockfeed, nft, feed, rules = sys.argv[1:]
held = []
for address in ["203.0.113.254", "198.51.100.7", "2001:db8:399::254", "2001:db8:7::1"]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((address, 80))
    listener.listen(16)
    held.append(listener)
def probe(*arguments):
    done = subprocess.run([blockfeed, "probe", "--json", "--firewall", *arguments], capture_output=True, text=True)
    print(done.returncode, json.loads(done.stdout)["probes"][0]["why"], flush=True)
targets = ["--target", "203.0.113.254:80", "--target", "[2001:db8:399::254]:80"]
v4, v6 = ["--control", "198.51.100.7:80"], ["--control", "[2001:db8:7::1]:80"]
probe(*targets, *v4, *v6)
probe()
subprocess.run([nft, "-f", feed], check=True)
probe(*targets, *v4, *v6)
subprocess.run([nft, "-f", rules], check=True)
probe(*targets, *v4, *v6)
probe(*targets, *v4)
probe(*targets, *v4, "--control", "[2001:db8:399::254]:80")
probe(*v4, *v6)
probe("--target", "198.51.100.7:81", *v4)
probe(*targets, "--target", "198.51.100.7:80", *v4, *v6)
"#;

#[test]
fn a_firewall_is_seen_to_enforce_or_not() {
    let what = "what a firewall enforces";
    let [Some(nft), Some(ip), Some(python)] = ["nft", "ip", "python3"].map(peers::tool) else {
        return peers::skip(what, "nft, ip or python3");
    };
    let own = ["--map-root-user", "--net"];
    let may = Command::new("unshare")
        .args(own)
        .arg(&nft)
        .args(["list", "ruleset"])
        .output();
    if !may.is_ok_and(|run| run.status.success()) {
        return peers::skip(what, "a network namespace");
    }
    let dir = tempfile::tempdir().unwrap();
    let entries = ["203.0.113.254/32 =", "2001:db8:399::254/128 ="];
    let feed = rendered(dir.path(), Format::Nft, FeedName::networks(), &entries);
    let rules = dir.path().join("rules.nft");
    let chain = "table inet blockfeed {\n chain output {\n  type filter hook output priority filter; policy accept;\n  \
                 ip daddr @v4 counter drop\n  ip6 daddr @v6 counter drop\n }\n}\n";
    fs::write(&rules, chain).unwrap();
    let script = "ip=$1; shift; \"$ip\" link set lo up; for a in 203.0.113.254/32 198.51.100.7/32 2001:db8:399::254/128 \
                  2001:db8:7::1/128; do \"$ip\" addr add $a dev lo; done; python=$1; shift; exec \"$python\" -c \"$@\"";
    let output = Command::new("unshare")
        .args(own)
        .args(["sh", "-ec", script, "sh"])
        .args([&ip, &python])
        .args([FIREWALL, env!("CARGO_BIN_EXE_blockfeed")])
        .args([&nft, &feed, &rules])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let expected = [
        "1 203.0.113.254:80 can be reached",
        // The set-aside addresses answer in this network, which shows that nothing blocks them.
        "1 203.0.113.254:80 can be reached",
        // Sets without a rule block nothing.
        "1 203.0.113.254:80 can be reached",
        "0 what listens at the listed address can't be reached",
        "2 without a control it can't be seen whether any IPv6",
        "2 the control [2001:db8:399::254]:80 can't be reached either",
        "2 203.0.113.254:80 is set aside for tests and nobody routes it",
        "2 198.51.100.7:81 refuses by a reset",
        "1 198.51.100.7:80 can be reached",
    ];
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.starts_with(expected),
            "{expected:?} isn't how {line:?} begins\n{said}"
        );
    }
}
