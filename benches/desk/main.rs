//! The officers' desk at its size: a million entries in force, 100,000 cases, 100 officers at once, in
//! the server's own process. What is asked is a day's mix of pages and API calls, each officer
//! sending the next request as soon as the answer before is there. Then a list of 34,404 lines is
//! pasted and proposed. Prints tables (issue 6, "Scale").
//!
//! `cargo bench --bench desk -- [names=1000000] [cases=100000] [officers=100] [decisions=500] [seconds=30] [pause=0]`
//!
//! The names and cases are **synthetic**, made from fixed seeds; the pasted list is a real one where
//! `../shared` is there. Everything gets into the data directory by the program's own code. The
//! officers are threads of the benchmark, which share the machine's cores with the server.

#[path = "../../tests/desk_world/mod.rs"]
mod desk_world;
#[path = "../../tests/house/mod.rs"]
mod house;
mod load;
mod made;
#[path = "../scale/names.rs"]
mod names;
mod paste;
#[path = "../../tests/peers/mod.rs"]
mod peers;
mod server;
mod wire;

use std::time::Instant;

/// How large the run is.
pub struct Size {
    pub names: usize,
    pub cases: usize,
    pub officers: usize,
    /// Small decisions, beside the one that lists the names.
    pub decisions: usize,
    pub seconds: u64,
    /// Milliseconds that an officer reads a page.
    pub pause: u64,
}

impl Size {
    fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut size = Self {
            names: 1_000_000,
            cases: 100_000,
            officers: 100,
            decisions: 500,
            seconds: 30,
            pause: 0,
        };
        for argument in arguments {
            let Some((word, number)) = argument.split_once('=') else {
                continue;
            };
            let number: usize = number.parse().expect("a number after the =");
            match word {
                "names" => size.names = number,
                "cases" => size.cases = number,
                "officers" => size.officers = number,
                "decisions" => size.decisions = number,
                "seconds" => size.seconds = number as u64,
                "pause" => size.pause = number as u64,
                _ => panic!("{word}: there are names, cases, officers, decisions, seconds, pause"),
            }
        }
        size
    }
}

fn main() {
    let size = Size::of(std::env::args().skip(1));
    let world = made::World::make(&size);
    let server = server::Server::start(world.data());
    println!(
        "start with {} entries and {} cases, until it is ready: {:.2} s (of it the keys' scrypt, {:.2} s); memory {} MiB",
        size.names,
        size.cases,
        server.start.as_secs_f64(),
        server::scrypt().as_secs_f64(),
        server.memory().now,
    );
    load::run(&world, &server, &size);
    println!("server's memory: {}", server.memory());
    let began = Instant::now();
    paste::run(&world, &server);
    println!(
        "\nserver's memory after the list: {} ({:.0} s for it all)",
        server.memory(),
        began.elapsed().as_secs_f64()
    );
}
