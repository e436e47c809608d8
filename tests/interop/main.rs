//! Real resolvers on the agent's zones: each takes them whole and then by increments, and blocks what the set says, name
//! for name, through histories of nested names, compactions and outages (design: DNS).
//!
//! Each resolver runs on a free port of 127.0.0.1, forwards to an upstream in this process that has every name, and ends
//! with its test. Their settings here are those of the README.

#[path = "../formats/dns.rs"]
#[allow(dead_code, reason = "the formats' tests use the rest")]
mod dns;
#[path = "../house/mod.rs"]
mod house;
#[path = "../office/mod.rs"]
mod office;
#[path = "../peers/mod.rs"]
mod peers;

mod bind;
mod history;
mod kresd;
mod pdns;
mod program;
mod records;
mod unbound;
mod world;
