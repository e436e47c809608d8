//! The whole way by real processes: init, serve, propose a real list, approve, agent, look-up,
//! revocation, stay, trust document, subscriber, audit of the folder and of the URL.

mod cli_world;
mod peers;

use cli_world::{GROUNDS, TERMS, World, json, refused, run, serve, terminate, text};
use std::{fs, path::Path, process::Output};

#[test]
fn from_a_real_list_to_a_block_and_back() {
    let world = World::begin();
    let large = a_real_list(&world);
    let id = two_officers(&world);
    an_agent(&world, &id);
    let revoked = freed_again(&world, &id);
    amended_and_withdrawn(&world, &large);
    let shown = json(run(&["show", &id, "--server", &world.url, "--json"]));
    assert_eq!(shown["history"][0]["id"], *revoked);
    the_agent_follows(&world);
    trust_and_subscribers(&world);
    audits(world);
}

/// Proposes the sample as it is; every line has its row in the result.
fn a_real_list(world: &World) -> String {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chongluadao-sample.txt");
    let result = world.dir.path().join("result.csv");
    let file = [
        "propose",
        "--bulk",
        "--file",
        text(&list),
        "--result",
        text(&result),
    ];
    let large = world.decide("o-0007", &[&file, TERMS, GROUNDS]);
    let rows = fs::read_to_string(&result).unwrap().lines().count();
    assert_eq!(rows, 1 + fs::read_to_string(&list).unwrap().lines().count());
    large
}

/// One officer alone, another body than expected, and nobody to ask get nothing through.
fn two_officers(world: &World) -> String {
    let shop = [
        "propose",
        "shop.example.vn",
        "a.shop.example.vn",
        "203.0.113.0/25",
    ];
    let proposed = json(world.as_officer("o-0017", &[&shop, TERMS, GROUNDS]));
    let id = proposed["id"].as_str().unwrap().to_owned();
    assert_eq!(proposed["counts"]["merged"], 1);
    assert!(
        !world
            .as_officer("o-0017", &[&["approve", &id, "--yes"]])
            .status
            .success()
    );
    let wrong = world.as_officer(
        "o-0042",
        &[&["approve", &id, "--yes", "--expect", &"0".repeat(64)]],
    );
    assert!(refused(&wrong).contains("expected"));
    let asked = world.as_officer("o-0042", &[&["approve", &id]]);
    assert!(refused(&asked).contains("--yes"));
    let open = json(world.as_officer("o-0042", &[&["approve"]]));
    assert!(
        open["proposals"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["id"] == *id)
    );
    json(world.as_officer("o-0042", &[&["approve", &id, "--yes"]]));
    id
}

/// Look-up at the authority, the agent's files, look-up in its folder.
fn an_agent(world: &World, id: &str) {
    assert_eq!(world.lookup("https://WWW.shop.example.vn/")["listed"], true);
    assert_eq!(world.lookup("203.0.113.7")["holds"][0]["decision"], *id);
    assert_eq!(world.lookup("lawful.example.vn")["listed"], false);
    let report = world.agent();
    assert_eq!(report["feeds"]["networks"]["entries"], 1);
    let domains = fs::read_to_string(world.dir.path().join("d.txt")).unwrap();
    assert!(domains.lines().any(|line| line == "shop.example.vn"));
    let state = world.dir.path().join("agent");
    let held = json(run(&[
        "lookup",
        "x.shop.example.vn",
        "--state",
        text(&state),
        "--json",
    ]));
    assert_eq!(held["holds"][0]["decision"], *id);
}

/// A revocation frees a name, and what still covers a narrower one is said.
fn freed_again(world: &World, id: &str) -> String {
    let narrow = world.decide(
        "o-0042",
        &[&["propose", "b.shop.example.vn"], TERMS, GROUNDS],
    );
    let error = refused(&world.as_officer("o-0017", &[&["revoke", "c.shop.example.vn"], GROUNDS]));
    assert!(error.contains(id), "{error}");
    let revoked = world.decide("o-0042", &[&["revoke", "shop.example.vn"], GROUNDS]);
    assert_eq!(world.lookup("www.shop.example.vn")["listed"], false);
    assert_eq!(
        world.lookup("b.shop.example.vn")["holds"][0]["decision"],
        *narrow
    );
    let stayed = json(world.as_officer(
        "o-0017",
        &[&["stay", "b.shop.example.vn", "--appeal", "KN-1"], GROUNDS],
    ));
    assert_eq!(stayed["status"], "committed");
    assert_eq!(world.lookup("b.shop.example.vn")["listed"], false);
    revoked
}

fn amended_and_withdrawn(world: &World, large: &str) {
    let amend = ["amend", large, "--not-after", "+200d"];
    world.decide("o-0042", &[&amend, GROUNDS]);
    let late = ["propose", "late.example.vn"];
    let proposed = json(world.as_officer("o-0017", &[&late, TERMS, GROUNDS]));
    let id = proposed["id"].as_str().unwrap();
    json(world.as_officer("o-0017", &[&["withdraw", id]]));
    let approved = world.as_officer("o-0042", &[&["approve", id, "--yes"]]);
    assert!(refused(&approved).contains("withdrawn"));
}

/// The agent's file and folder say what the authority says.
fn the_agent_follows(world: &World) {
    world.agent();
    let domains = fs::read_to_string(world.dir.path().join("d.txt")).unwrap();
    assert!(!domains.contains("shop.example.vn"), "{domains}");
    let state = world.dir.path().join("agent");
    let now = json(run(&["list", "--server", &world.url, "--json"]));
    let enforced = json(run(&["list", "--state", text(&state), "--json"]));
    assert_eq!(now["entries"], enforced["entries"]);
}

/// Puts a second version of the trust document in force, with one officer more, and registers a
/// subscriber under that officer's key.
fn trust_and_subscribers(world: &World) {
    let (dir, keys) = (world.dir.path().display(), world.data().join("keys"));
    let server = format!("--server {} --json", world.url);
    let made = words(
        "officer new --officer o-0051 --unit moit --role propose --out",
        &format!("{dir}/o.pem"),
    );
    assert!(made.status.success(), "{made:?}");
    fs::write(world.dir.path().join("o.json"), made.stdout).unwrap();
    json(words(
        &format!("trust draft --officers {dir}/o.json --out {dir}/trust-2.json"),
        &server,
    ));
    let sign = |name: &str| {
        let key = format!(
            "--root {name} --key-file {}/root-{name}.pem --json",
            keys.display()
        );
        json(words(&format!("trust sign {dir}/trust-2.json"), &key))
    };
    let submit = format!("trust submit {dir}/trust-2.json");
    sign("a");
    assert!(refused(&words(&submit, &server)).contains("1 of the 2"));
    sign("c");
    json(words(&submit, &server));
    assert_eq!(json(words("trust show", &server))["version"], 2);
    let who = format!("{server} --officer o-0051 --key-file {dir}/o.pem");
    let public = "PeOiVI8+kV1XqX+9VG9OUFr5+sGLukmyXdKkv0Yxau4=";
    json(words(&format!("subscriber add isp-one {public}"), &who));
    let status = json(words("subscriber status", &who));
    assert_eq!(status["subscribers"][0]["name"], "isp-one");
}

/// The folder and the URL pass; so does the log after a restart; a changed byte doesn't.
fn audits(world: World) {
    let public = world.data().join("public");
    for place in [&world.url, text(&public)] {
        let audit = json(run(&["audit", place, "--json"]));
        assert_eq!(audit["holds"], true);
        assert_eq!(audit["report"]["trust_version"], 2);
    }
    let World { dir, serving, .. } = world;
    terminate(serving);
    let (serving, url) = serve(&dir.path().join("data"));
    assert_eq!(json(run(&["audit", &url, "--json"]))["holds"], true);
    terminate(serving);
    let checkpoint = public.join("log/checkpoint");
    let note = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, note.replacen("story", "stori", 1)).unwrap();
    refused(&run(&["audit", text(&public)]));
}

/// Runs a command line that is written as words.
fn words(command: &str, more: &str) -> Output {
    let line = format!("{command} {more}");
    run(&line.split(' ').collect::<Vec<_>>())
}
