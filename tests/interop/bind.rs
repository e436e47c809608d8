//! BIND on the authority's own zones: TSIG and NOTIFY; and through compactions with the intervals that it has by itself.

use crate::{
    peers,
    program::Program,
    world::{Asked, KEY, SECRET, World},
};
use std::time::Duration;

/// What an operator writes; of README. `interval`: of the base's updates; BIND's own is 60 s.
fn conf(dir: &str, port: u16, upstream: u16, from: &Primary, interval: &str) -> String {
    let Primary { zones, tls } = from;
    let over = if tls.is_empty() { "" } else { " tls feedtls" };
    let zone = |name: &str| {
        format!(
            "zone \"{name}.blockfeed\" {{ type secondary; file \"{name}.db\"; masterfile-format raw; \
             primaries {{ 127.0.0.1 port {zones} key {KEY}{over}; }}; allow-query {{ none; }}; allow-notify {{ key {KEY}; }}; }};\n"
        )
    };
    let zones: String = ["block", "allow", "base", "net"].map(zone).concat();
    format!(
        "{tls}key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
         options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         pid-file none; session-keyfile none; recursion yes; dnssec-validation no; forward only;\n\
         forwarders {{ 127.0.0.1 port {upstream}; }}; min-refresh-time 1; min-retry-time 1;\n\
         response-policy {{ zone \"block.blockfeed\" min-update-interval 0 log no;\n\
         zone \"allow.blockfeed\" min-update-interval 0 log no;\n\
         zone \"base.blockfeed\" {interval} log no; zone \"net.blockfeed\" min-update-interval 0; }}\n\
         qname-wait-recurse no nsip-wait-recurse no break-dnssec yes;\n}};\ncontrols {{ }};\n{zones}"
    )
}

/// Where zones are taken from; `tls`: the statement of XoT, if it is that.
struct Primary {
    zones: u16,
    tls: String,
}

impl Primary {
    fn plain(world: &World) -> Option<Self> {
        Some(Self {
            zones: world.primary.port(),
            tls: String::new(),
        })
    }

    fn over_tls(world: &World) -> Option<Self> {
        let ca = world.certificate.display();
        let tls = format!(
            "tls feedtls {{ ca-file \"{ca}\"; remote-hostname \"feed.test\"; protocols {{ TLSv1.3; }}; }};\n"
        );
        let zones = world.tls?.port();
        Some(Self { zones, tls })
    }
}

fn start(
    seed: u64,
    interval: &str,
    primary: fn(&World) -> Option<Primary>,
) -> Option<(World, Program, Asked)> {
    let Some(tool) = peers::tool("named") else {
        peers::skip("BIND on the authority's zones", "named");
        return None;
    };
    let port = peers::free_port();
    let world = World::start(seed, &[port]);
    let dir = Program::folder();
    let place = dir.path().display().to_string();
    let Some(from) = primary(&world) else {
        peers::skip("BIND over TLS", "openssl");
        return None;
    };
    let text = conf(&place, port, world.upstream.port, &from, interval);
    let args = ["-g", "-c", "named.conf"];
    let program = Program::start(&tool, dir, ("named.conf", &text), &args, &[]);
    let bind = Asked { port, name: "BIND" };
    bind.wait("inside.lawful.example", true);
    bind.wait("b0.mark.example", true);
    Some((world, program, bind))
}

#[test]
fn bind_follows_by_tsig_and_notify() {
    let Some((mut world, program, bind)) = start(
        0x1d0f_11ab_90e3_7725,
        "min-update-interval 0",
        Primary::plain,
    ) else {
        return;
    };
    let asked = bind.follows(&mut world, 9, 400, Duration::from_secs(2));
    assert!(!bind.blocks("outside.lawful.example"));
    // Increments leave a journal; the base has moved, too.
    for zone in ["block", "allow", "base"] {
        assert!(
            program.path(&format!("{zone}.db.jnl")).exists(),
            "{}",
            program.log()
        );
    }
    println!("BIND: {asked} names, none answered wrongly");
    world.silence();
    bind.agrees(&mut world, 200);
}

/// A base that takes up new names a minute late is no harm, as long as two compactions lie further apart.
#[test]
fn bind_is_right_through_compactions_with_its_own_intervals() {
    let Some((mut world, _program, bind)) = start(0x4e1c_77f0_0d15_b0b3, "", Primary::plain) else {
        return;
    };
    let mut asked = 0;
    for _ in 0..2 {
        let [comes, goes] = world.step();
        bind.wait(&comes, true);
        bind.wait(&goes, false);
    }
    world.compact();
    asked += bind.agrees_for(&mut world, Duration::from_secs(66));
    let [comes, goes] = world.step();
    bind.wait(&comes, true);
    bind.wait(&goes, false);
    world.compact();
    asked += bind.agrees_for(&mut world, Duration::from_secs(6));
    println!("BIND by its own intervals: {asked} names, none answered wrongly");
}

#[test]
fn bind_follows_over_tls() {
    let quick = "min-update-interval 0";
    let Some((mut world, program, bind)) = start(0x7e57_0a11_c0de_5a5a, quick, Primary::over_tls)
    else {
        return;
    };
    let asked = bind.follows(&mut world, 3, 300, Duration::from_secs(1));
    let taken = format!("#{}: Transfer status: success", world.tls.unwrap().port());
    assert!(program.log().contains(&taken), "{}", program.log());
    println!("BIND over TLS: {asked} names, none answered wrongly");
}
