//! Knot Resolver: the files that the agent keeps, looked at again when they are replaced.

use crate::{
    peers,
    program::Program,
    world::{Asked, PATIENCE, World},
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What an operator writes; of README. One file of everything.
fn whole(files: &Path) -> String {
    format!(
        "policy.add(policy.rpz(policy.DENY, '{}', true))\n",
        files.join("blockfeed.rpz").display()
    )
}

/// The same by levels: what passes goes on to the rules behind.
fn levels(files: &Path) -> String {
    format!(
        "local rules = {{}}\n\
         for _, level in ipairs({{ 'block', 'allow', 'base' }}) do\n  \
           rules[#rules + 1] = policy.rpz(policy.DENY, '{}/' .. level .. '.rpz', true)\n\
         end\n\
         policy.add(function (req, query)\n  \
           for _, rule in ipairs(rules) do\n    \
             local action = rule(req, query)\n    \
             if action == policy.PASS then return nil end\n    \
             if action then return action end\n  \
           end\n\
         end)\n",
        files.display()
    )
}

fn conf(port: u16, upstream: u16, rules: &str) -> String {
    format!(
        "net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})\nnet.ipv6 = false\ntrust_anchors.remove('.')\n\
         modules = {{ 'policy' }}\ncache.size = 10 * MB\n{rules}\
         policy.add(policy.all(policy.FORWARD('127.0.0.1@{upstream}')))\n"
    )
}

#[test]
fn knot_resolver_follows_the_file() {
    follows(
        "Knot Resolver on the agent's file",
        0x33c0_ffee_1234_9871,
        4,
        whole,
    );
}

#[test]
fn knot_resolver_follows_the_levels() {
    follows(
        "Knot Resolver on the levels' files",
        0x5ca1_ab1e_0dd5_eed5,
        9,
        levels,
    );
}

fn follows(what: &str, seed: u64, steps: usize, rules: fn(&Path) -> String) {
    let Some(tool) = peers::tool("kresd") else {
        return peers::skip(what, "kresd");
    };
    let Some(lua) = peers::data("usr/share/lua/5.1/cqueues.lua") else {
        return peers::skip(what, "lua-cqueues");
    };
    let port = peers::free_port();
    let mut world = World::start(seed, &[]);
    let began = Instant::now();
    let files = ["blockfeed", "block", "allow", "base"];
    let files: Vec<PathBuf> = files
        .iter()
        .map(|f| world.files.join(format!("{f}.rpz")))
        .collect();
    while !files.iter().all(|file| file.exists()) {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = conf(port, world.upstream.port, &rules(&world.files));
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
    let asked = kresd.follows(&mut world, steps, 400, Duration::from_secs(1));
    println!("{what}: {asked} names, none answered wrongly");
    world.end();
    kresd.agrees(&mut world, 200);
}
