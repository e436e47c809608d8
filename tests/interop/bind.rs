//! BIND: TSIG and NOTIFY.

use crate::{
    peers,
    program::Program,
    world::{Asked, KEY, SECRET, World},
};
use std::time::Duration;

/// What an operator writes; of README.
fn conf(dir: &str, port: u16, upstream: u16, zones: u16) -> String {
    let zone = |name: &str| {
        format!(
            "zone \"{name}.blockfeed\" {{ type secondary; file \"{name}.db\"; masterfile-format raw; \
             primaries {{ 127.0.0.1 port {zones} key {KEY}; }}; allow-query {{ none; }}; allow-notify {{ key {KEY}; }}; }};\n"
        )
    };
    let zones: String = ["block", "allow", "base", "net"].map(zone).concat();
    format!(
        "key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only;\n\
         forwarders {{ 127.0.0.1 port {upstream}; }}; min-refresh-time 1; min-retry-time 1;\n\
         response-policy {{ zone \"block.blockfeed\" min-update-interval 0; zone \"allow.blockfeed\" min-update-interval 0;\n\
         zone \"base.blockfeed\"; zone \"net.blockfeed\" min-update-interval 0; }}\n\
         qname-wait-recurse no nsip-wait-recurse no break-dnssec yes;\n}};\ncontrols {{ }};\n{zones}"
    )
}

#[test]
fn bind_follows_by_tsig_and_notify() {
    let Some(tool) = peers::tool("named") else {
        return peers::skip("BIND on the agent's zones", "named");
    };
    let port = peers::free_port();
    let mut world = World::start(0x1d0f_11ab_90e3_7725, &[port]);
    let dir = Program::folder();
    let text = conf(
        &dir.path().display().to_string(),
        port,
        world.upstream.port,
        world.zones.port(),
    );
    let program = Program::start(
        &tool,
        dir,
        ("named.conf", &text),
        &["-g", "-c", "named.conf"],
        &[],
    );
    let bind = Asked { port, name: "BIND" };
    bind.wait("inside.lawful.example", true);
    let asked = bind.follows(&mut world, 12, 400, Duration::from_secs(3));
    assert!(!bind.blocks("outside.lawful.example"));
    // Increments leave a journal; the base has moved, too.
    for zone in ["block", "allow"] {
        assert!(
            program.path(&format!("{zone}.db.jnl")).exists(),
            "{}",
            program.log()
        );
    }
    println!("BIND: {asked} names, none answered wrongly");
    world.end();
    bind.agrees(&mut world, 200);
    // The agent comes back without a network, and has the same zones; then with one, and goes on.
    world.cut_off();
    world.begin();
    bind.agrees(&mut world, 200);
}
