//! Unbound: by address, from the agent beside it.

use crate::{
    peers,
    program::Program,
    world::{Asked, World},
};
use std::time::Duration;

/// What an operator writes; of README.
fn conf(dir: &str, port: u16, upstream: u16, zones: u16) -> String {
    let zone = |name: &str| {
        format!(
            "rpz:\n  name: {name}.blockfeed\n  primary: 127.0.0.1@{zones}\n  zonefile: \"{name}.zone\"\n"
        )
    };
    let zones: String = ["block", "allow", "base", "net"].map(zone).concat();
    format!(
        "server:\n  interface: 127.0.0.1@{port}\n  do-ip6: no\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  \
         directory: \"{dir}\"\n  pidfile: \"\"\n  use-syslog: no\n  num-threads: 1\n  verbosity: 2\n  \
         module-config: \"respip validator iterator\"\n  do-not-query-localhost: no\n{zones}\
         forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@{upstream}\nremote-control:\n  control-enable: no\n"
    )
}

#[test]
fn unbound_follows_by_its_address() {
    let Some(tool) = peers::tool("unbound") else {
        return peers::skip("Unbound on the agent's zones", "unbound");
    };
    let port = peers::free_port();
    let mut world = World::start(0x77ab_3f1d_0a0b_5511, &[port]);
    let dir = Program::folder();
    let text = conf(
        &dir.path().display().to_string(),
        port,
        world.upstream.port,
        world.zones.port(),
    );
    let _program = Program::start(
        &tool,
        dir,
        ("unbound.conf", &text),
        &["-d", "-c", "unbound.conf"],
        &[],
    );
    let unbound = Asked {
        port,
        name: "Unbound",
    };
    unbound.wait("inside.lawful.example", true);
    let asked = unbound.follows(&mut world, 9, 400, Duration::from_secs(3));
    assert!(!unbound.blocks("outside.lawful.example"));
    println!("Unbound: {asked} names, none answered wrongly");
    world.end();
    unbound.agrees(&mut world, 200);
    // The agent comes back and its sources are gone: the zones are the same, by serial and content.
    world.cut_off();
    world.begin();
    unbound.agrees_for(&mut world, Duration::from_secs(3));
}
