//! Servers on loopback that answer as they are told: well, badly, too much or not at all. They end with the test.

pub mod dns;
pub mod http;
pub mod whois;
