//! Running it for years: certificates that change, proxies, disks that are full, descriptors that
//! run out, what the log may not say, and that alerts rest on metrics that exist. Real processes,
//! real clients.

#[path = "../cli_world/mod.rs"]
mod cli_world;
#[path = "../peers/mod.rs"]
mod peers;

mod alerts;
mod disk;
mod doctor;
mod limits;
mod logs;
mod proxy;
mod samples;
mod serving;
mod tls;
