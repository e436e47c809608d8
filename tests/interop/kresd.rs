//! Knot Resolver: the file that the agent keeps, looked at again when it is replaced.

use crate::{
    peers,
    program::Program,
    world::{Asked, World},
};
use std::time::Duration;

/// What an operator writes; of README.
fn conf(port: u16, upstream: u16, file: &str) -> String {
    format!(
        "net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})\nnet.ipv6 = false\ntrust_anchors.remove('.')\n\
         modules = {{ 'policy' }}\ncache.size = 10 * MB\n\
         policy.add(policy.rpz(policy.DENY, '{file}', true))\n\
         policy.add(policy.all(policy.FORWARD('127.0.0.1@{upstream}')))\n"
    )
}

#[test]
fn knot_resolver_follows_the_file() {
    let what = "Knot Resolver on the agent's file";
    let Some(tool) = peers::tool("kresd") else {
        return peers::skip(what, "kresd");
    };
    let Some(lua) = peers::data("usr/share/lua/5.1/cqueues.lua") else {
        return peers::skip(what, "lua-cqueues");
    };
    let port = peers::free_port();
    let mut world = World::start(0x33c0_ffee_1234_9871, &[]);
    let began = std::time::Instant::now();
    while !world.file.exists() {
        assert!(began.elapsed() < crate::world::PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = conf(port, world.upstream.port, &world.file.display().to_string());
    let shared = lua.parent().unwrap().display().to_string();
    let native = lua
        .ancestors()
        .nth(4)
        .unwrap()
        .join("lib/x86_64-linux-gnu/lua/5.1");
    let environment = [
        ("LUA_PATH", format!("{shared}/?.lua;;")),
        ("LUA_CPATH", format!("{}/?.so;;", native.display())),
    ];
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let args = ["-n", "-c", "kresd.conf"];
    let _program = Program::start(
        &tool,
        Program::folder(),
        ("kresd.conf", &text),
        &args,
        &environment,
    );
    let kresd = Asked {
        port,
        name: "Knot Resolver",
    };
    let asked = kresd.follows(&mut world, 12, 400, Duration::from_secs(1));
    println!("Knot Resolver: {asked} names, none answered wrongly");
    world.end();
    kresd.agrees(&mut world, 200);
}
