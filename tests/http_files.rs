//! Published files over HTTP: headers, conditions, ranges, HEAD, the long poll, what isn't there.

mod house;

use blockfeed::{
    canon::Origin,
    entries::{BucketProof, FeedName},
    feed::{Manifest, paths},
    tlog::{self, Hash, TileId},
};
use house::{House, ListOptions, http};
use std::time::{Duration, Instant};

const FOR_EVER: &str = "public, max-age=31536000, immutable";

fn manifest(house: &House, feed: &FeedName) -> Manifest {
    let answer = house.get(&format!("/{}", paths::manifest(feed)));
    let keys = house.authority.ledger().trust().feed_keys();
    Manifest::open(&answer.body, &house.origin(), &keys).unwrap()
}

#[test]
fn every_file_comes_with_its_headers() {
    let house = House::new();
    house.list(
        &["domain:a.example +", "domain:b.example ="],
        ListOptions::default(),
    );
    let domains = FeedName::domains();
    let manifest = manifest(&house, &domains);
    let checkpoint = house.get("/log/checkpoint");
    let size = house.authority.current().size;
    let opened = tlog::open_checkpoint(
        &checkpoint.body,
        house.origin().as_str(),
        &house.authority.ledger().trust().log_keys(),
        &[],
        0,
    );
    assert_eq!(opened.unwrap().checkpoint.size, size);
    let snapshot = paths::snapshot(&domains, &manifest.snapshot.packed_sha256);
    let delta = paths::delta(&domains, &manifest.deltas[0].file.packed_sha256);
    let part = paths::part(&Hash::of("domain:a.example +\ndomain:b.example =\n"));
    let tile = format!("log/{}", TileId::parse("tile/0/000.p/4").unwrap().path());
    for (path, media, cache) in [
        ("log/checkpoint", "text/plain; charset=utf-8", "no-cache"),
        (
            "feeds/domains/manifest",
            "text/plain; charset=utf-8",
            "no-cache",
        ),
        (&snapshot, "application/zstd", FOR_EVER),
        (&delta, "application/zstd", FOR_EVER),
        (&part, "text/plain; charset=utf-8", FOR_EVER),
        (&tile, "application/octet-stream", "public, max-age=600"),
    ] {
        let path = format!("/{path}");
        let answer = house.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), media, "{path}");
        assert_eq!(answer.header("cache-control"), cache, "{path}");
        assert_eq!(answer.header("accept-ranges"), "bytes", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 10, "{path}: {tag}");
        assert_eq!(
            answer.body,
            std::fs::read(house.public().join(&path[1..])).unwrap(),
            "{path}"
        );
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("content-length"), length, "{path}");

        let head = house.head(&path);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), length, "{path}");
        assert_eq!(head.header("etag"), tag, "{path}");

        for list in [tag.clone(), format!("\"x\", W/{tag}"), "*".into()] {
            let known = house.get_with(&path, &[("if-none-match", &list)]);
            assert_eq!((known.status, known.body.len()), (304, 0), "{path} {list}");
            assert_eq!(known.header("etag"), tag, "{path}");
            assert_eq!(known.header("cache-control"), cache, "{path}");
        }
        assert_eq!(
            house
                .get_with(&path, &[("if-none-match", "\"other\"")])
                .status,
            200
        );
        ranges(&house, &path, &tag, &answer.body);
    }
}

fn ranges(house: &House, path: &str, tag: &str, body: &[u8]) {
    let whole = body.len();
    let last = whole - 1;
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=3-", 3, whole),
        ("bytes=-2", whole - 2, whole),
        ("bytes=1-999999999", 1, whole),
    ] {
        let part = house.get_with(path, &[("range", range)]);
        assert_eq!(part.status, 206, "{path} {range}");
        assert_eq!(part.body, &body[from..to], "{path} {range}");
        let said = format!("bytes {from}-{}/{whole}", to - 1);
        assert_eq!(part.header("content-range"), said, "{path} {range}");
    }
    let beyond = house.get_with(path, &[("range", &format!("bytes={}-", last + 1))]);
    beyond.refused(416, "range");
    assert_eq!(beyond.header("content-range"), format!("bytes */{whole}"));
    let same = [("range", "bytes=1-1"), ("if-range", tag)];
    assert_eq!(house.get_with(path, &same).status, 206, "{path}");
    let other = [("range", "bytes=1-1"), ("if-range", "\"other\"")];
    assert_eq!(house.get_with(path, &other).body, body, "{path}");
    assert_eq!(
        house.get_with(path, &[("range", "bytes=0-0,2-2")]).body,
        body,
        "{path}"
    );
}

#[test]
fn full_tiles_are_for_ever() {
    let house = House::new();
    let first = house.list(&["domain:a.example +"], ListOptions::default());
    let end = house::now() + 100 * 86_400;
    for n in 0..127 {
        house.amend(&first, end + n);
    }
    assert!(house.authority.current().size >= 256);
    for tile in ["0/000", "entries/000"] {
        let answer = house.get(&format!("/log/tile/{tile}"));
        assert_eq!(answer.status, 200, "{tile}");
        assert_eq!(answer.header("cache-control"), FOR_EVER, "{tile}");
    }
}

#[test]
fn nothing_but_what_is_published_is_served() {
    let house = House::new();
    let unknown = "0a".repeat(32);
    for path in [
        "/log",
        "/log/",
        "/log/tile/",
        "/log/tile/0/001",
        "/log/tile/0/000.p/0",
        "/log/tile/0/000.p/256",
        "/log/tile/0/0000",
        "/log/tile/00/000",
        "/log/tile/../checkpoint",
        "/log/tile/..%2f..%2f..%2fhigh-water",
        "/log/tile/0/..%2f..%2f..%2f..%2fhigh-water",
        "/log/../../high-water",
        "/part/",
        &format!("/part/{unknown}"),
        &format!("/part/{}", unknown.to_uppercase()),
        "/part/..%2f..%2fhigh-water",
        "/part/%2e%2e/%2e%2e/high-water",
        "/part/%00",
        "/feeds/",
        "/feeds/domains",
        "/feeds/other/manifest",
        "/feeds/sellers/..%2f..%2f..%2fhigh-water/manifest",
        "/feeds/../../high-water",
        &format!("/feeds/domains/snapshot/{unknown}.zst"),
        "/feeds/domains/snapshot/..%2f..%2f..%2f..%2fdb%2fCURRENT.zst",
        "/feeds/domains/delta/",
        "/high-water",
        "/db/CURRENT",
        "/api/v1/decisions/2026-000001",
        "/api/v1/decisions/..%2f..%2fx",
    ] {
        let answer = house.get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
    }
    house
        .send("PUT", "/log/checkpoint", &[], b"x")
        .refused(405, "method");
    house
        .get("/feeds/domains/manifest?after=x")
        .refused(400, "query");
    house
        .get("/feeds/domains/manifest?later=1")
        .refused(400, "query");
}

#[test]
fn an_erased_text_is_gone() {
    let house = House::new();
    let options = ListOptions {
        reasons: "Ông Nguyễn Văn A.\n".into(),
        ..ListOptions::default()
    };
    let sha256 = Hash::of(&options.reasons);
    let id = house.list(&["domain:a.example +"], options);
    let path = format!("/{}", paths::part(&sha256));
    assert_eq!(house.get(&path).status, 200);
    let decision = format!("/api/v1/decisions/{id}");
    assert_eq!(
        house.get(&decision).json()["texts"][0]["text"],
        "Ông Nguyễn Văn A.\n"
    );
    house.authority.store().erase_part(&sha256.0).unwrap();
    std::fs::remove_file(house.public().join(&path[1..])).unwrap();
    house.get(&path).refused(410, "erased");
    assert!(house.get(&decision).json()["texts"][0]["text"].is_null());
}

#[test]
fn a_long_poll_wakes_on_a_commit_and_ends_with_304() {
    let house = House::new();
    let serial = house
        .casework
        .feed(&FeedName::domains())
        .unwrap()
        .state
        .serial;
    let path = format!("/feeds/domains/manifest?after={serial}");
    assert_eq!(
        house.get("/feeds/domains/manifest?after=0&wait=5").status,
        200
    );
    assert_eq!(house.get(&path).status, 304);
    let began = Instant::now();
    let ended = house.get(&format!("{path}&wait=1"));
    assert_eq!((ended.status, ended.body.len()), (304, 0));
    assert!(!ended.header("etag").is_empty());
    assert!(
        (900..3000).contains(&began.elapsed().as_millis()),
        "{:?}",
        began.elapsed()
    );

    let address = house.address();
    let long = format!("{path}&wait=30");
    let polls: Vec<_> = (0..20)
        .map(|_| {
            let long = long.clone();
            std::thread::spawn(move || {
                (http::send(address, "GET", &long, &[], &[]), Instant::now())
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    // A change of another feed wakes none of them.
    house.list(&["net:203.0.113.0/24"], ListOptions::default());
    std::thread::sleep(Duration::from_millis(300));
    assert!(polls.iter().all(|poll| !poll.is_finished()));
    house.list(&["domain:a.example +"], ListOptions::default());
    let committed = Instant::now();
    for poll in polls {
        let (answer, at) = poll.join().unwrap();
        assert_eq!(answer.status, 200);
        assert!(at.saturating_duration_since(committed) < Duration::from_secs(1));
        let keys = house.authority.ledger().trust().feed_keys();
        let manifest = Manifest::open(&answer.body, &house.origin(), &keys).unwrap();
        assert!(manifest.serial > serial);
    }
}

#[test]
fn a_stop_ends_long_polls_at_once() {
    let mut house = House::new();
    let (address, serial) = (house.address(), house.authority.current().size);
    let path = format!("/feeds/domains/manifest?after={serial}&wait=60");
    let poll = std::thread::spawn(move || http::send(address, "GET", &path, &[], &[]).status);
    let figures = || http::send(house.metrics_address(), "GET", "/metrics", &[], &[]).text();
    while !figures().contains("blockfeed_http_long_polls 1") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    house.stop();
    assert_eq!(poll.join().unwrap(), 304);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn long_polls_are_counted_and_capped() {
    let mut options = house::Options::default();
    options.serve.long_polls = 1;
    let house = House::with(options);
    let (address, serial) = (house.address(), house.authority.current().size);
    let path = format!("/feeds/domains/manifest?after={serial}&wait=3");
    let first = path.clone();
    let poll = std::thread::spawn(move || http::send(address, "GET", &first, &[], &[]).status);
    std::thread::sleep(Duration::from_millis(500));
    let metrics = http::send(house.metrics_address(), "GET", "/metrics", &[], &[]).text();
    assert!(metrics.contains("blockfeed_http_long_polls 1"), "{metrics}");
    let full = house.get(&path);
    full.refused(503, "unavailable");
    assert_eq!(full.header("retry-after"), "5");
    assert_eq!(poll.join().unwrap(), 304);
}

#[test]
fn health_readiness_and_metrics() {
    let house = House::new();
    assert_eq!(house.get("/healthz").text(), "ok\n");
    assert_eq!(house.get("/readyz").text(), "ready\n");
    assert_eq!(house.get("/no/such/path").status, 404);
    house.get("/feeds/domains/manifest");
    let metrics = http::send(house.metrics_address(), "GET", "/metrics", &[], &[]);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4");
    let text = metrics.text();
    for line in [
        "blockfeed_http_requests_total{class=\"2xx\",route=\"/feeds/{feed}/manifest\"} 1",
        "blockfeed_http_requests_total{class=\"2xx\",route=\"/healthz\"} 1",
        "blockfeed_http_requests_total{class=\"4xx\",route=\"other\"} 1",
        "blockfeed_log_size",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(house.get("/metrics").status, 404);
}

#[test]
fn a_taken_port_is_named_with_its_flag() {
    let house = House::new();
    for (listen, metrics, flag) in [
        (house.address(), "127.0.0.1:0".parse().unwrap(), "--listen"),
        (
            "127.0.0.1:0".parse().unwrap(),
            house.metrics_address(),
            "--metrics",
        ),
    ] {
        let config = blockfeed::serve::Config {
            listen,
            metrics,
            ..Default::default()
        };
        let error = house
            .wait(blockfeed::serve::Server::bind(config))
            .err()
            .unwrap()
            .to_string();
        let port = if flag == "--listen" {
            listen.port()
        } else {
            metrics.port()
        };
        assert!(
            error.contains(flag) && error.contains(&port.to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_proof_shows_what_is_listed_and_what_is_not() {
    let house = House::new();
    house.list(
        &[
            "domain:a.example +",
            "domain:exact.example =",
            "net:203.0.113.0/24",
            "net:2001:db8::/32",
        ],
        ListOptions::default(),
    );
    for (feed, name, proofs, held) in [
        ("domains", "a.example", 2, true),
        ("domains", "x.y.a.example", 4, true),
        ("domains", "other.example", 2, false),
        ("networks", "203.0.113.7/32", 33, true),
        ("networks", "203.0.114.0/24", 25, false),
        ("networks", "2001:db8:1::/48", 49, true),
    ] {
        let answer = house.get(&format!("/feeds/{feed}/proof?name={name}"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let proof = answer.json();
        let feed = FeedName::parse(feed).unwrap();
        let view = house.casework.feed(&feed).unwrap();
        assert_eq!(proof["digest"], view.state.digest.to_string());
        assert_eq!(proof["serial"], view.state.serial);
        let buckets = proof["proofs"].as_array().unwrap();
        assert_eq!(buckets.len(), proofs, "{name}");
        let mut found = false;
        for bucket in buckets {
            let lines: Vec<String> = serde_json::from_value(bucket["lines"].clone()).unwrap();
            let held = format!("E {} ", bucket["name"].as_str().unwrap());
            found |= lines.iter().any(|line| line.starts_with(&held));
            let rebuilt = BucketProof {
                bucket: serde_json::from_value(bucket["bucket"].clone()).unwrap(),
                lines,
                path: serde_json::from_value(bucket["path"].clone()).unwrap(),
            };
            assert_eq!(rebuilt.path.len(), 16);
            let origin: Origin = serde_json::from_value(proof["origin"].clone()).unwrap();
            let digest = rebuilt.digest(&origin, &feed, proof["entries"].as_u64().unwrap());
            assert_eq!(digest, view.state.digest, "{name}");
        }
        assert_eq!(found, held, "{name}");
    }
    house.get("/feeds/domains/proof").refused(400, "query");
    house
        .get("/feeds/domains/proof?name=A.example")
        .refused(422, "not_canonical");
    house
        .get("/feeds/networks/proof?name=203.0.113.7")
        .refused(422, "not_canonical");
}

#[test]
fn formats_are_rendered_once_a_serial() {
    let house = House::new();
    house.list(
        &["domain:a.example +", "net:203.0.113.0/24"],
        ListOptions::default(),
    );
    for (path, media, holds) in [
        ("domains.txt", "text/plain; charset=utf-8", "a.example"),
        ("domains.hosts", "text/plain; charset=utf-8", "a.example"),
        (
            "domains.dnsmasq",
            "text/plain; charset=utf-8",
            "local=/a.example/",
        ),
        ("domains.unbound", "text/plain; charset=utf-8", "a.example"),
        ("domains.rpz", "text/dns; charset=utf-8", "a.example"),
        (
            "domains.csv",
            "text/csv; charset=utf-8; header=present",
            "a.example",
        ),
        ("domains.json", "application/json", "a.example"),
        (
            "networks.cidr",
            "text/plain; charset=utf-8",
            "203.0.113.0/24",
        ),
        (
            "networks.nft",
            "text/plain; charset=utf-8",
            "203.0.113.0/24",
        ),
    ] {
        let path = format!("/feeds/{path}");
        let answer = house.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), media, "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert!(answer.text().contains(holds), "{path}: {}", answer.text());
        let serial = house.authority.current().size;
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with(&format!("\"{serial}-")), "{path}: {tag}");
        assert_eq!(
            house.get_with(&path, &[("if-none-match", &tag)]).status,
            304,
            "{path}"
        );
        assert_eq!(
            house.get_with(&path, &[("range", "bytes=1-2")]).body,
            answer.body[1..3]
        );
        assert_eq!(
            house.head(&path).header("content-length"),
            answer.body.len().to_string()
        );
    }
    let metrics = http::send(house.metrics_address(), "GET", "/metrics", &[], &[]).text();
    assert!(
        metrics.contains("blockfeed_http_renderings_total{format=\"txt\"} 1"),
        "{metrics}"
    );
    let before = house.get("/feeds/domains.txt");
    house.list(&["domain:b.example +"], ListOptions::default());
    let after = house.get("/feeds/domains.txt");
    assert_ne!(before.header("etag"), after.header("etag"));
    assert!(after.text().contains("b.example") && !before.text().contains("b.example"));
    let refused = house.get("/feeds/networks.hosts").refused(404, "not_found");
    assert!(
        refused["detail"].as_str().unwrap().contains("networks.nft"),
        "{refused}"
    );
    house.get("/feeds/domains.exe").refused(404, "not_found");
}
