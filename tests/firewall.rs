//! The agent and the kernel: what is listed is dropped by real nftables and routed into a black hole by a real BIRD, in
//! a network of its own; whatever goes wrong, the last good set stays and the next round mends it (design: The agent).

mod agent_world;
mod forge;
mod peers;

use agent_world::{END, World, once, output, well};
use blockfeed::agent::{Agent, Config, OutputOutcome, Report};
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Set where a test runs in a network of its own.
const INSIDE: &str = "FIREWALL_INSIDE";

/// Runs the named test again in a network of its own, with the tools on the path; whether this is that run.
fn inside(test: &str, tools: &[&str]) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == test) {
        return true;
    }
    let what = "the firewall";
    let Some(tools) = tools
        .iter()
        .map(|name| peers::tool(name))
        .collect::<Option<Vec<_>>>()
    else {
        peers::skip(what, &tools.join(" or "));
        return false;
    };
    let own = ["--map-root-user", "--net"];
    let may = Command::new("unshare")
        .args(own)
        .arg(&tools[0])
        .args(["link", "show", "lo"])
        .output();
    if !may.is_ok_and(|run| run.status.success()) {
        peers::skip(what, "a network namespace");
        return false;
    }
    let folders: Vec<&Path> = tools.iter().filter_map(|tool| tool.parent()).collect();
    let before = std::env::var_os("PATH").unwrap_or_default();
    let path = folders
        .into_iter()
        .map(PathBuf::from)
        .chain(std::env::split_paths(&before));
    let done = Command::new("unshare")
        .args(own)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, test)
        .env("PATH", std::env::join_paths(path).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Runs a command, which succeeds; what it printed.
#[track_caller]
fn run(words: &[&str]) -> String {
    let done = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words:?}: {said}{errors}");
    said
}

fn nft(rules: &str) -> String {
    run(&["nft", rules])
}

/// The addresses of this network, with something that listens at each.
fn listeners(addresses: &[&str]) -> Vec<TcpListener> {
    run(&["ip", "link", "set", "lo", "up"]);
    let listen = |address: &&str| {
        let length = if address.contains(':') { 128 } else { 32 };
        run(&[
            "ip",
            "addr",
            "add",
            &format!("{address}/{length}"),
            "dev",
            "lo",
            if length == 128 { "nodad" } else { "scope" },
            if length == 128 {
                "noprefixroute"
            } else {
                "global"
            },
        ]);
        TcpListener::bind((*address, 80)).unwrap()
    };
    addresses.iter().map(listen).collect()
}

/// Whether packets come through to an address.
fn passes(address: &str) -> bool {
    let place = SocketAddr::new(address.parse().unwrap(), 80);
    TcpStream::connect_timeout(&place, Duration::from_millis(400)).is_ok()
}

fn config(world: &World, format: &str) -> Config {
    let mut config = world.config("isp");
    let path = world
        .dir
        .path()
        .join("isp")
        .join(format!("networks.{format}"));
    config.outputs = vec![output("networks", format, &path)];
    config.outputs[0].nft = format == "nft";
    config.outputs[0].bird = format == "bird";
    config
}

fn outcome(report: &Report) -> (OutputOutcome, &str) {
    (report.outputs[0].outcome, &report.outputs[0].message)
}

/// What an operator writes beside the agent's table; the second one is somebody else's.
const RULES: &str = "
table inet blockfeed {
  chain output {
    type filter hook output priority filter; policy accept;
    ip daddr @v4 counter drop
    ip6 daddr @v6 counter drop
  }
}
table inet other {
  set v4 { type ipv4_addr; elements = { 198.51.100.99 }; }
  chain output {
    type filter hook output priority filter; policy accept;
    ip daddr @v4 counter drop
  }
}";

#[tokio::test]
async fn nftables_drops_what_is_listed_and_nothing_else() {
    if !inside(
        "nftables_drops_what_is_listed_and_nothing_else",
        &["ip", "nft"],
    ) {
        return;
    }
    let listed = ["203.0.113.254", "192.0.2.7", "2001:db8:399::254"];
    let others = ["198.51.100.7", "192.0.2.8", "2001:db8:7::1"];
    let _held = listeners(&[listed, others].concat());
    let mut world = World::new();
    let lines = |lines: &[&str]| lines.iter().map(|line| format!("net:{line}")).collect();
    let first = world.list_lines(lines(&["203.0.113.0/24", "2001:db8:399::/48"]), END, false);
    world.list_lines(lines(&["192.0.2.7/32", "203.0.113.128/25"]), END, false);
    let config = config(&world, "nft");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    // The sets are there; the rules are the operator's.
    nft(RULES);
    let expect = |blocked: &[&str]| {
        for address in listed.iter().chain(&others) {
            assert_eq!(!passes(address), blocked.contains(address), "{address}");
        }
    };
    expect(&listed);
    let chain = nft("list chain inet blockfeed output");
    let dropped = chain
        .lines()
        .filter(|line| line.contains("drop") && !line.contains("packets 0 "));
    assert_eq!(
        dropped.count(),
        2,
        "packets of both versions were dropped: {chain}"
    );
    let other = nft("list table inet other");
    // What somebody changes is seen at the next round, and mended.
    for harm in [
        "flush set inet blockfeed v4",
        "delete element inet blockfeed v6 { 2001:db8:399::/48 }",
        "add element inet blockfeed v4 { 198.51.100.0/24 }",
    ] {
        nft(harm);
        let report = well(&mut agent).await;
        assert_eq!(outcome(&report).0, OutputOutcome::Written, "{harm}");
        expect(&listed);
    }
    assert_eq!(outcome(&well(&mut agent).await).0, OutputOutcome::Unchanged);
    assert_eq!(
        nft("list table inet other"),
        other,
        "nobody else's table is touched"
    );
    // A restart of the agent changes nothing; after one of the machine the sets come back.
    drop(agent);
    let mut agent = world.agent(&config);
    assert_eq!(outcome(&well(&mut agent).await).0, OutputOutcome::Unchanged);
    nft("flush ruleset");
    well(&mut agent).await;
    nft(RULES);
    expect(&listed);
    // What can't be loaded leaves the kernel as it was, and is told.
    world.pass(60);
    world.revoke(&first);
    nft(
        "flush chain inet blockfeed output; delete set inet blockfeed v6; add set inet blockfeed v6 { type ipv4_addr; }",
    );
    let report = once(&mut agent).await;
    assert_eq!(outcome(&report).0, OutputOutcome::NotLoaded);
    assert!(report.has_alarm("output"), "{report}");
    assert!(nft("list set inet blockfeed v4").contains("203.0.113.0/24"));
    nft("delete table inet blockfeed");
    well(&mut agent).await;
    nft("delete table inet other");
    nft(RULES);
    // The other decision holds half of the network.
    expect(&["203.0.113.254", "192.0.2.7"]);
    spared(&world, &config, agent).await;
}

/// A never-block list that spares everything that is listed: the last set stays, since it can't be meant.
async fn spared(world: &World, config: &Config, agent: Agent) {
    drop(agent);
    let never = world.dir.path().join("never");
    fs::write(&never, "192.0.2.0/24\n203.0.113.0/24\n").unwrap();
    let config = Config {
        never_block: Some(never),
        ..config.clone()
    };
    let report = once(&mut world.agent(&config)).await;
    assert_eq!(outcome(&report).0, OutputOutcome::Refused);
    assert!(!passes("192.0.2.7") && passes("192.0.2.8"));
}

/// BIRD in the foreground, with its control socket in a folder.
fn bird(dir: &Path) -> peers::Running {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut command = Command::new("bird");
    command.args([
        "-f",
        "-c",
        &path("bird.conf"),
        "-s",
        &path("bird.ctl"),
        "-P",
        &path("bird.pid"),
    ]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let running = peers::Running::start(&mut command);
    let began = Instant::now();
    while !dir.join("bird.ctl").exists() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "BIRD doesn't start"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

#[tokio::test]
async fn bird_routes_what_is_listed_into_a_black_hole() {
    if !inside(
        "bird_routes_what_is_listed_into_a_black_hole",
        &["ip", "bird", "birdc"],
    ) {
        return;
    }
    run(&["ip", "link", "set", "lo", "up"]);
    let mut world = World::new();
    let lines = |lines: &[&str]| lines.iter().map(|line| format!("net:{line}")).collect();
    let first = world.list_lines(lines(&["203.0.113.0/24", "2001:db8:399::/48"]), END, false);
    world.list_lines(lines(&["198.51.100.0/25", "198.51.100.128/26"]), END, false);
    let dir = world.dir.path().join("isp");
    let mut config = config(&world, "bird");
    let file = config.outputs[0].path.clone();
    config.outputs[0].bird_socket = Some(dir.join("bird.ctl"));
    let mut agent = world.agent(&config);
    // BIRD isn't there: that is told, and tried again.
    let report = once(&mut agent).await;
    assert_eq!(outcome(&report).0, OutputOutcome::NotLoaded, "{report}");
    let conf = |more: &str| {
        let text = format!(
            "router id 192.0.2.1;\nprotocol device {{ }}\n\
             protocol kernel {{ ipv4 {{ export all; }}; }}\nprotocol kernel {{ ipv6 {{ export all; }}; }}\n\
             include \"{}\";\n{more}",
            file.display()
        );
        fs::write(dir.join("bird.conf"), text).unwrap();
    };
    conf("");
    let _bird = bird(&dir);
    assert_eq!(outcome(&well(&mut agent).await).0, OutputOutcome::Written);
    let socket = dir.join("bird.ctl").display().to_string();
    let routes = || run(&["birdc", "-s", &socket, "show", "route", "all"]);
    let shown = routes();
    for net in [
        "203.0.113.0/24",
        "198.51.100.0/25",
        "198.51.100.128/26",
        "2001:db8:399::/48",
    ] {
        let block = shown
            .split(net)
            .nth(1)
            .unwrap_or_else(|| panic!("{net}: {shown}"));
        let block: Vec<&str> = block.lines().take(3).collect();
        assert!(block[0].contains("blackhole"), "{net}: {shown}");
        assert!(block.join("\n").contains("(65535,666)"), "{net}: {shown}");
    }
    wait(
        || run(&["ip", "route"]).contains("blackhole 203.0.113.0/24"),
        "the kernel's table",
    );
    // A configuration that BIRD refuses: the last file that it took is back, and it goes on with it.
    let good = fs::read(&file).unwrap();
    world.pass(60);
    world.revoke(&first);
    conf("nonsense;\n");
    for _ in 0..2 {
        let report = once(&mut agent).await;
        let (outcome, message) = outcome(&report);
        assert_eq!(outcome, OutputOutcome::NotLoaded);
        assert!(
            message.contains("syntax error") && message.contains("back in place"),
            "{message}"
        );
        assert!(report.has_alarm("output"));
        assert_eq!(fs::read(&file).unwrap(), good);
        assert!(routes().contains("203.0.113.0/24"));
    }
    conf("");
    well(&mut agent).await;
    wait(
        || !routes().contains("203.0.113.0/24"),
        "the route is withdrawn",
    );
    assert!(routes().contains("198.51.100.0/25"));
    wait(
        || !run(&["ip", "route"]).contains("203.0.113.0/24"),
        "the kernel's table",
    );
}

fn wait(done: impl Fn() -> bool, what: &str) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
