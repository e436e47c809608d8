//! A kill at any moment: between any two writes, in the middle of one, from outside.

mod agent_world;
mod forge;

use agent_world::{END, World, copy, files, many, names, once, source, well};
use blockfeed::{
    agent::{Agent, Config},
    entries::FeedName,
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn domains() -> FeedName {
    FeedName::domains()
}

/// A subscriber that holds an older state, and a publisher that has gone on: a revocation, a
/// stay, a list that the brake holds back.
async fn between_two_states(name: &str) -> (World, Config) {
    let mut world = World::new();
    let first = world.list(&many("a", 1200));
    let mut config = world.config(name);
    config.feeds.insert(FeedName::networks());
    well(&mut world.agent(&config)).await;
    world.pass(60);
    world.revoke_some(&first, &["a1.example"]);
    world.list_lines(vec!["net:203.0.113.0/24".into()], END, false);
    world.list(&many("b", 400));
    world.stay(&first, &["a2.example"]);
    (world, config)
}

#[tokio::test]
async fn a_stop_between_any_two_writes_leaves_the_state_before_or_after() {
    let (world, config) = between_two_states("isp").await;
    let home = config.state.parent().unwrap().to_owned();
    let before = names(&config.outputs[0].path);
    let in_force = world.in_force(&domains());
    let mut stops = 0;
    for steps in 0.. {
        assert!(steps < 100, "it never ends");
        let tried = tried(&world, &config, &home);
        let mut agent = world.agent(&tried);
        agent.allow_writes(steps);
        let ended = agent.once().await;
        drop(agent);
        let list = names(&tried.outputs[0].path);
        assert!(
            list == before || list.len() == 1198,
            "after {steps} writes: {}",
            list.len()
        );
        let mut agent = world.agent(&tried);
        let (_, set) = agent.verified(&domains()).unwrap();
        assert!(
            set.entries() == 1200 || set.entries() == 1598,
            "after {steps} writes"
        );
        let report = once(&mut agent).await;
        assert!(
            !report.has_alarm("damaged"),
            "after {steps} writes: {report}"
        );
        assert_eq!(names(&tried.outputs[0].path).len(), 1198);
        assert_eq!(report.feeds[&domains()].withheld.brake, 400);
        let (_, set) = agent.verified(&domains()).unwrap();
        let verified = set.sorted().into_iter().filter(|l| l.starts_with('E'));
        assert!(verified.eq(in_force.iter().map(String::as_str)));
        if ended.is_ok() {
            break;
        }
        stops += 1;
    }
    assert!(stops >= 7, "{stops} stops");
}

#[tokio::test]
async fn a_torn_or_lost_file_of_the_state_is_verified_anew() {
    let (world, config) = between_two_states("isp").await;
    once(&mut world.agent(&config)).await;
    let home = config.state.parent().unwrap().to_owned();
    let good = names(&config.outputs[0].path);
    for file in files(&config.state) {
        if file.ends_with("lock") {
            continue;
        }
        for cut in ["empty", "half", "flipped", "lost"] {
            let tried = tried(&world, &config, &home);
            let path = tried.state.join(&file);
            let bytes = fs::read(&path).unwrap();
            match cut {
                "empty" => fs::write(&path, b"").unwrap(),
                "half" => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                "lost" => fs::remove_file(&path).unwrap(),
                _ => {
                    let mut flipped = bytes.clone();
                    flipped[bytes.len() / 2] ^= 1;
                    fs::write(&path, flipped).unwrap();
                }
            }
            let what = format!("{} {cut}", file.display());
            let mut agent = world.agent(&tried);
            assert_eq!(
                names(&tried.outputs[0].path),
                good,
                "{what}: untouched by opening"
            );
            let report = once(&mut agent).await;
            assert!(report.feeds[&domains()].current, "{what}: {report}");
            let (_, set) = agent.verified(&domains()).unwrap();
            assert_eq!(set.entries(), 1598, "{what}");
            // What a person has to let pass waits on, as long as it is known.
            let name = file.display().to_string();
            if name != "state" && !name.contains("held-") {
                assert_eq!(report.feeds[&domains()].withheld.brake, 400, "{what}");
            }
            // The next start finds all in order.
            drop(agent);
            let report = once(&mut world.agent(&tried)).await;
            assert!(!report.has_alarm("damaged"), "{what}: {report}");
        }
    }
}

#[tokio::test]
async fn without_a_source_the_last_good_set_is_enforced_on() {
    let (world, config) = between_two_states("isp").await;
    let mut away = config.clone();
    away.sources = vec![source("http://127.0.0.1:9")];
    fs::remove_file(&config.outputs[0].path).unwrap();
    let report = once(&mut world.agent(&away)).await;
    assert!(report.has_alarm("unreachable"), "{report}");
    assert_eq!(
        names(&config.outputs[0].path).len(),
        1200,
        "written from what is held"
    );
    // The state is damaged and no source is there: nothing is known, nothing is touched.
    fs::write(config.state.join("state"), b"x").unwrap();
    let report = once(&mut world.agent(&away)).await;
    assert!(
        report.feeds.is_empty() && report.has_alarm("damaged"),
        "{report}"
    );
    assert_eq!(names(&config.outputs[0].path).len(), 1200);
}

#[tokio::test]
async fn deltas_grow_into_a_new_base() {
    let mut world = World::new();
    // Names that don't compress, so that the deltas weigh something.
    let noise = |run: u64, n: u64| -> Vec<String> {
        let name = |i: u64| blockfeed::tlog::Hash::of(format!("{run} {i}")).to_string();
        (0..n)
            .map(|i| format!("{}.example", &name(i)[..60]))
            .collect()
    };
    world.list_as(&noise(0, 5000), END, true);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let bases = || {
        let all = files(&config.state.join("feeds/domains"));
        let deltas = all
            .iter()
            .filter(|f| f.display().to_string().starts_with("delta"))
            .count();
        (all.len() - deltas, deltas)
    };
    assert_eq!(bases().0, 1);
    let mut most = 0;
    for run in 1..=16 {
        world.pass(1);
        world.list_as(&noise(run, 1500), END, true);
        well(&mut agent).await;
        assert_eq!(bases().0, 1);
        most = most.max(bases().1);
    }
    assert!(
        bases().1 < 12 && most > 2,
        "{:?} of at most {most}",
        bases()
    );
    drop(agent);
    let agent = world.agent(&config);
    assert_eq!(
        agent.enforced(&domains()).unwrap(),
        world.in_force(&domains())
    );
}

/// Runs an agent's loop in a process of its own, kills it again and again, and looks at what it
/// leaves each time.
#[tokio::test]
async fn kill_9_at_random_moments() {
    if std::env::var_os(CHILD).is_some() {
        return child().await;
    }
    let mut world = World::new();
    let base = world.list(&many("a", 3000));
    let config = world.config("isp");
    let list = config.outputs[0].path.clone();
    let text = toml::to_string(&config).unwrap();
    let file = world.dir.path().join("agent.toml");
    fs::write(&file, text).unwrap();
    let mut sizes: Vec<usize> = vec![3000];
    let mut random = 399_u64;
    for run in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill_9_at_random_moments", "--nocapture"])
            .env(CHILD, &file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let until = Instant::now() + Duration::from_millis(5 + (random >> 33) % 120);
        while Instant::now() < until {
            world.pass(1);
            world.revoke_some(&base, &[format!("a{}.example", sizes.len())]);
            sizes.push(sizes.last().unwrap() - 1);
            std::thread::sleep(Duration::from_millis(15));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if list.exists() {
            let held = names(&list).len();
            assert!(
                sizes.contains(&held),
                "run {run}: {held} names were never in force"
            );
        }
        let agent = world.agent(&config);
        if let Some((_, set)) = agent.verified(&domains()) {
            assert!(sizes.contains(&(set.entries() as usize)), "run {run}");
        }
    }
    let report = well(&mut world.agent(&config)).await;
    assert_eq!(report.head.unwrap().size, world.log.leaves.len() as u64);
    assert_eq!(names(&list).len(), *sizes.last().unwrap());
}

/// An agent that goes round as fast as it can, until it is killed.
async fn child() {
    let file = std::env::var_os(CHILD).unwrap();
    let text = fs::read_to_string(file).unwrap();
    let config: Config = toml::from_str(&text).unwrap();
    let mut agent = Agent::open(config, &prometheus::Registry::new()).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        let _ = agent.once().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A copy of a subscriber's home, to be ruined.
fn tried(world: &World, config: &Config, home: &Path) -> Config {
    let copied = world.dir.path().join("tried");
    let _ = fs::remove_dir_all(&copied);
    copy(home, &copied);
    let mut tried = config.clone();
    tried.state = copied.join("state");
    tried.outputs[0].path = copied.join("domains.txt");
    tried
}

fn kills() -> u64 {
    std::env::var("BLOCKFEED_KILLS").map_or(25, |n| n.parse().unwrap())
}

const CHILD: &str = "BLOCKFEED_TEST_AGENT";
