//! Subscribers and tokens by the command line: through a running authority, and at the machine.

mod cli_world;
mod peers;

use cli_world::{World, json, refused, run, serve, terminate, text};
use std::fs;

/// What is answered to a request with a token.
fn asked(world: &World, token: &str, path: &str) -> String {
    use std::io::{Read, Write};
    let host = world.url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let request = format!("{head}Authorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn subscribers_by_the_command_line() {
    let world = World::begin();
    let feed = ["--feed", "sellers/shopee.vn"];
    let added = json(world.as_officer("o-0017", &[&["subscriber", "add", "shopee"], &feed]));
    assert_eq!(added["feeds"][0], "sellers/shopee.vn");
    let made = json(world.as_officer("o-0017", &[&["subscriber", "token", "shopee"]]));
    let (first, id) = (
        made["secret"].as_str().unwrap(),
        made["id"].as_str().unwrap(),
    );
    let path = "/api/v1/changes?feed=sellers/shopee.vn";
    assert!(asked(&world, first, path).starts_with("HTTP/1.1 200"));
    // o-0007 has no role propose.
    let why = refused(&world.as_officer("o-0007", &[&["subscriber", "token", "shopee"]]));
    assert!(why.contains("propose"), "{why}");
    let while_it_runs = run(&[
        "subscriber",
        "token",
        "shopee",
        "--data",
        text(&world.data()),
    ]);
    refused(&while_it_runs);
    let revoke = ["subscriber", "revoke", "shopee", id];
    json(world.as_officer("o-0017", &[&revoke]));
    assert!(asked(&world, first, path).starts_with("HTTP/1.1 401"));

    // At the machine, while none runs.
    let World { dir, serving, .. } = world;
    terminate(serving);
    let folder = dir.path().join("data");
    let data = text(&folder);
    let offline = |arguments: &[&str]| run(&[arguments, &["--data", data, "--json"]].concat());
    let feeds = ["--feed", "domains", "--feed", "sellers/shopee.vn"];
    json(offline(
        &[&["subscriber", "change", "shopee"], &feeds[..]].concat(),
    ));
    let made = json(offline(&[
        "subscriber",
        "token",
        "shopee",
        "--expires",
        "+90d",
    ]));
    let second = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(made["feeds"][0], "domains");
    json(offline(&[
        "subscriber",
        "add",
        "isp-one",
        "--feed",
        "domains",
    ]));
    refused(&offline(&["subscriber", "token", "nobody"]));
    let nowhere = dir.path().join("nowhere");
    let lost = run(&["subscriber", "token", "shopee", "--data", text(&nowhere)]);
    refused(&lost);
    assert!(
        fs::metadata(&nowhere).is_err(),
        "a mistyped directory isn't made"
    );

    let (serving, url) = serve(&folder);
    let world = World { dir, url, serving };
    assert!(asked(&world, &second, path).starts_with("HTTP/1.1 200"));
    assert!(asked(&world, first, path).starts_with("HTTP/1.1 401"));
    let status = json(world.as_officer("o-0007", &[&["subscriber", "status"]]));
    let names: Vec<&str> = status["subscribers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["isp-one", "shopee"]);
    let one = json(world.as_officer("o-0007", &[&["subscriber", "status", "shopee"]]));
    assert_eq!(one["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(one["feeds"]["sellers/shopee.vn"]["waiting"], 0);
}
