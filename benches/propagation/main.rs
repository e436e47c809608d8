//! From an approval to a resolver's NXDOMAIN, and from a revocation to its answer, with a million
//! names listed (`targets.md`, "From approved to enforced"). Half of the revoked names are of the
//! base. In the same run: BIND as a tuned primary with everything in one zone.
//!
//! `cargo bench --bench propagation -- [bind|unbound|pdns|kresd|peer|empty …] [NAMES] [TRIALS]`

mod ask;
#[path = "../../tests/house/mod.rs"]
mod house;
#[path = "../scale/names.rs"]
mod names;
#[path = "../../tests/peers/mod.rs"]
mod peers;
mod primary;
#[path = "../../tests/interop/program.rs"]
mod program;
mod resolvers;
#[path = "../transfer/signed.rs"]
mod signed;
mod world;

use ask::{Asker, Upstream};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use world::World;

/// What `signed` signs with.
mod zone_world {
    pub use crate::world::SECRET;
}

/// The zone of the peer's primary.
const ZONE: &str = "rpz.blockfeed";

/// Times by what was tried.
struct Figures {
    what: &'static str,
    times: Vec<Duration>,
    never: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().filter_map(|a| a.parse::<usize>().ok());
    let count = numbers.next().unwrap_or(1_000_000);
    let trials = numbers.next().unwrap_or(50);
    let words = ["bind", "unbound", "pdns", "kresd", "peer", "empty"];
    let chosen: Vec<&str> = words
        .into_iter()
        .filter(|w| arguments.iter().any(|a| a == w))
        .collect();
    let is_wanted = |word: &str| chosen.is_empty() || chosen.contains(&word);
    println!("{count} names, {trials} trials of each kind, milliseconds\n");
    let listed = names::realistic(count, 7);
    if ["bind", "unbound", "pdns", "kresd"]
        .into_iter()
        .any(is_wanted)
    {
        ours(&listed, trials, &is_wanted);
    }
    if is_wanted("empty") {
        empty(trials);
    }
    if is_wanted("peer") {
        peer(&listed, trials);
    }
    println!("\n{PUBLISHED}");
}

fn head(of: &str) {
    println!("\n| {of} | trials | p50 | p99 | never |\n|---|---|---|---|---|");
}

/// The resolvers on our zones, one after the other.
fn ours(listed: &[String], trials: usize, is_wanted: &dyn Fn(&str) -> bool) {
    let upstream = Upstream::start();
    let [bind, unbound, pdns, behind, kresd] = [(); 5].map(|()| peers::free_port());
    let mut world = World::start(listed.to_vec(), &[bind], &[unbound]);
    let files = tempfile::tempdir().unwrap();
    let agent = (is_wanted("unbound") || is_wanted("kresd"))
        .then(|| world.follow(Some(behind), Some(files.path().to_owned())));
    // A name below another that is listed stays blocked when it is taken back itself.
    let all: HashSet<&str> = listed.iter().map(String::as_str).collect();
    let is_open = |name: &&String| {
        let above = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
        !above.into_iter().any(|parent| all.contains(parent))
    };
    let spare = listed.iter().step_by(listed.len() / 2000 + 1).skip(1);
    let mut spare = spare.filter(is_open).cloned();
    let mut run =
        |what: &str, port: u16, resolver: Option<resolvers::Resolver>, gap: u64, trials| {
            let Some(_resolver) = resolver else {
                return println!("\nleft out: {what}");
            };
            let mut asker = Asker::new(port);
            settle(&world, &mut asker);
            head(what);
            for figures in trials_of(&world, &mut asker, trials, gap, &mut spare) {
                figures.print();
            }
        };
    if is_wanted("bind") {
        let resolver = resolvers::bind_on_levels(bind, upstream.port, world.primary);
        run("BIND, from the authority", bind, resolver, 30, trials);
    }
    if is_wanted("unbound") {
        let resolver = resolvers::unbound_on_levels(unbound, upstream.port, world.primary);
        run(
            "Unbound, from the authority by its address",
            unbound,
            resolver,
            30,
            trials,
        );
        let resolver =
            agent.and_then(|agent| resolvers::unbound_on_levels(behind, upstream.port, agent));
        run("Unbound, from the agent", behind, resolver, 30, trials);
    }
    if is_wanted("kresd") {
        let files =
            ["block", "allow", "base"].map(|level| files.path().join(format!("{level}.rpz")));
        let began = Instant::now();
        while !files.iter().all(|file| file.exists()) && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
        }
        let files: Vec<&std::path::Path> = files.iter().map(|f| f.as_path()).collect();
        let resolver = resolvers::kresd(kresd, upstream.port, &files);
        run(
            "Knot Resolver, from the agent's files",
            kresd,
            resolver,
            30,
            trials,
        );
    }
    if is_wanted("pdns") {
        let resolver = resolvers::pdns(pdns, upstream.port, world.primary);
        run(
            "PowerDNS Recursor, polling each second",
            pdns,
            resolver,
            1000,
            trials,
        );
    }
}

/// BIND and Unbound on zones whose base is empty.
fn empty(trials: usize) {
    let upstream = Upstream::start();
    let [bind, unbound] = [(); 2].map(|()| peers::free_port());
    let world = World::start(Vec::new(), &[bind], &[unbound]);
    for (what, port, start) in [
        (
            "BIND, empty base",
            bind,
            resolvers::bind_on_levels as fn(u16, u16, u16) -> _,
        ),
        ("Unbound, empty base", unbound, resolvers::unbound_on_levels),
    ] {
        let Some(_resolver) = start(port, upstream.port, world.primary) else {
            println!("\nleft out: {what}");
            continue;
        };
        let mut asker = Asker::new(port);
        settle(&world, &mut asker);
        head(what);
        for figures in trials_of(&world, &mut asker, trials, 30, &mut std::iter::empty()) {
            figures.print();
        }
    }
}

/// Waits until the resolver has the base and a name that is listed now, and is quiet.
fn settle(world: &World, asker: &mut Asker) {
    let name = format!("ready{}.example", world.house.next_id());
    world.approve(&world.listing(&name));
    for last in [Some(&name), world.names.last()].into_iter().flatten() {
        asker
            .until(last, true, true)
            .expect("the resolver never blocks what is listed");
    }
    std::thread::sleep(Duration::from_secs(3));
}

/// Lists a name and takes it, or one of the base, back, again and again: in cache and not.
fn trials_of(
    world: &World,
    asker: &mut Asker,
    trials: usize,
    gap: u64,
    bases: &mut dyn Iterator<Item = String>,
) -> Vec<Figures> {
    let mut all = Vec::new();
    for (fresh, words) in [
        (false, ["approved, in cache", "revoked, asked before"]),
        (true, ["approved, not in cache", "revoked, never asked"]),
    ] {
        let [mut approved, mut revoked] = words.map(Figures::new);
        for n in 0..trials {
            let name = format!("n{n}-{}.example", world.house.next_id());
            if !fresh {
                asker.until(&name, false, false);
            }
            let ready = world.listing(&name);
            approved.add(timed(asker, &name, (true, fresh), || world.approve(&ready)));
            pause(gap, n);
            let of_base = (n % 2 == 1)
                .then(|| Some((world.base.clone()?, bases.next()?)))
                .flatten();
            let (decision, name) = of_base.unwrap_or((ready.id, name));
            if !fresh {
                asker.until(&name, true, false);
            }
            let ready = world.revocation(&decision, &name);
            revoked.add(timed(asker, &name, (false, fresh), || {
                world.approve(&ready)
            }));
            pause(gap, n + trials);
        }
        all.extend([approved, revoked]);
    }
    all
}

/// A while that differs from time to time, so that no poll keeps step with it.
fn pause(gap: u64, n: usize) {
    let of = (n as u64).wrapping_mul(6_364_136_223_846_793_005) >> 33;
    std::thread::sleep(Duration::from_millis(10 + of % gap));
}

/// The time from an act to the answer that follows from it.
fn timed(
    asker: &mut Asker,
    name: &str,
    (blocked, fresh): (bool, bool),
    act: impl FnOnce(),
) -> Option<Duration> {
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| asker.until(name, blocked, fresh));
        let began = Instant::now();
        act();
        let turned = asking.join().unwrap();
        turned.map(|at| at.saturating_duration_since(began))
    })
}

/// BIND as the primary of one zone: BIND behind it five times, Unbound as often as ours.
fn peer(listed: &[String], trials: usize) {
    let upstream = Upstream::start();
    let [bind, unbound] = [(); 2].map(|()| peers::free_port());
    let Some(primary) = primary::start(listed, &[bind, unbound]) else {
        return println!("\nleft out: BIND as a primary");
    };
    let from = primary.at.port();
    let unbound_on_it = || resolvers::unbound(unbound, upstream.port, from, &[ZONE]);
    let bind_on_it = || {
        resolvers::bind(
            bind,
            upstream.port,
            from,
            &[(ZONE, "min-update-interval 0")],
        )
    };
    let last = &listed[listed.len() - 1];
    for (what, port, trials, start) in [
        (
            "Unbound behind BIND, one zone",
            unbound,
            trials,
            &unbound_on_it as &dyn Fn() -> Option<resolvers::Resolver>,
        ),
        ("BIND behind BIND, one zone", bind, 5, &bind_on_it),
    ] {
        let Some(_resolver) = start() else {
            println!("\nleft out: {what}");
            continue;
        };
        let mut asker = Asker::new(port);
        asker
            .until(last, true, true)
            .expect("the resolver never blocks what is listed");
        std::thread::sleep(Duration::from_secs(3));
        head(what);
        let [mut approved, mut revoked] =
            ["added, not in cache", "removed, never asked"].map(Figures::new);
        for n in 0..trials {
            let names = [format!("p{n}-{port}.example")];
            for (add, figures) in [(true, &mut approved), (false, &mut revoked)] {
                let act = || signed::update(primary.at, &names, add);
                figures.add(timed(&mut asker, &names[0], (add, true), act));
                pause(30, n);
            }
        }
        approved.print();
        revoked.print();
    }
}

impl Figures {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            times: Vec::new(),
            never: 0,
        }
    }

    fn add(&mut self, time: Option<Duration>) {
        match time {
            Some(time) => self.times.push(time),
            None => self.never += 1,
        }
    }

    fn print(mut self) {
        self.times.sort();
        let of = |share: f64| {
            let at = ((self.times.len() as f64 * share).ceil() as usize).saturating_sub(1);
            self.times
                .get(at)
                .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        println!(
            "| {} | {} | {:.1} | {:.1} | {} |",
            self.what,
            self.times.len() + self.never,
            of(0.5),
            of(0.99),
            self.never
        );
    }
}

/// What others published or what was measured of them before, not in this run.
const PUBLISHED: &str = "\
Not of this run (targets.md): ioc2rpz, update to IXFR: 8.9 to 61.8 s, a removal not within 100 s.
To reach: BIND 1/200 of one zone and at most 1.1 of an empty base; Unbound half of a tuned BIND's, and its
own floor (9.3 ms) and 2 ms; PowerDNS its interval and 50 ms; Knot Resolver a twentieth of 9.4 s.";
