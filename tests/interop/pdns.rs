//! PowerDNS Recursor on the authority's own zones: TSIG, by polling.

use crate::{
    peers,
    program::Program,
    world::{Asked, KEY, SECRET, World},
};
use std::{fs, time::Duration};

/// What an operator writes; of README.
fn lua(zones: u16) -> String {
    let zone = |name: &str| {
        format!(
            "rpzPrimary(\"127.0.0.1:{zones}\", \"{name}.blockfeed\", {{tsigname=\"{KEY}\", tsigalgo=\"hmac-sha256\", \
             tsigsecret=\"{SECRET}\", refresh=1, axfrTimeout=600, dumpFile=\"{name}.rpz\", seedFile=\"{name}.rpz\"}})\n"
        )
    };
    ["block", "allow", "base", "net"].map(zone).concat()
}

fn conf(dir: &str, port: u16, upstream: u16) -> String {
    format!(
        "local-address=127.0.0.1\nlocal-port={port}\nconfig-dir={dir}\nsocket-dir={dir}\nlua-config-file={dir}/rpz.lua\n\
         forward-zones-recurse=.=127.0.0.1:{upstream}\ndnssec=off\ndaemon=no\ndisable-syslog=yes\nwrite-pid=no\n\
         setuid=\nsetgid=\nthreads=1\nmax-cache-ttl=1\nmax-negative-ttl=1\ndisable-packetcache=yes\nloglevel=6\n\
         local-address=127.0.0.1\nquery-local-address=127.0.0.1\ndont-query=\n"
    )
}

#[test]
fn pdns_recursor_follows_by_tsig() {
    let Some(tool) = peers::tool("pdns_recursor") else {
        return peers::skip(
            "PowerDNS Recursor on the authority's zones",
            "pdns_recursor",
        );
    };
    let port = peers::free_port();
    let mut world = World::start(0x9a3f_00d7_e12c_4421, &[]);
    let dir = Program::folder();
    let place = dir.path().display().to_string();
    fs::write(dir.path().join("rpz.lua"), lua(world.primary.port())).unwrap();
    let text = conf(&place, port, world.upstream.port);
    let folder = format!("--config-dir={place}");
    let program = Program::start(&tool, dir, ("recursor.conf", &text), &[&folder], &[]);
    let pdns = Asked {
        port,
        name: "PowerDNS Recursor",
    };
    pdns.wait("inside.lawful.example", true);
    let asked = pdns.follows(&mut world, 6, 500, Duration::from_secs(4));
    assert!(!pdns.blocks("outside.lawful.example"));
    let log = program.log();
    assert!(log.contains("RPZ"), "{log}");
    println!("PowerDNS Recursor: {asked} names, none answered wrongly");
    world.silence();
    pdns.agrees(&mut world, 200);
}
