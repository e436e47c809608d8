//! What is enforced, written, run and acknowledged (design: The agent).

mod agent_world;
mod forge;

use agent_world::{END, World, many, names, once, output, source, well};
use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{StatusCode, Uri},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use blockfeed::{
    agent::{OutputOutcome, Receipt, ReceiptConfig},
    entries::FeedName,
};
use ed25519_dalek::{Signature, VerifyingKey};
use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

fn domains() -> FeedName {
    FeedName::domains()
}

#[tokio::test]
async fn a_step_that_announces_too_much_waits_for_a_person() {
    let mut world = World::new();
    let first = world.list(&many("a", 1000));
    let config = world.config("isp");
    let list = config.outputs[0].path.clone();
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    world.pass(60);
    world.list(&many("b", 200));
    well(&mut agent).await;
    assert_eq!(names(&list).len(), 1200, "a fifth is no more than a fifth");
    world.pass(60);
    let much = world.list(&many("c", 300));
    let report = once(&mut agent).await;
    assert!(report.has_alarm("brake"), "{report}");
    assert_eq!(report.feeds[&domains()].withheld.brake, 300);
    assert_eq!(report.feeds[&domains()].entries, 1500);
    assert_eq!(names(&list).len(), 1200);
    let braked = report.feeds[&domains()].serial;
    // It waits over a restart; withdrawals pass meanwhile, of what waits and of what is in force.
    drop(agent);
    world.pass(60);
    world.revoke_some(&much, &["c0.example"]);
    world.revoke_some(&first, &["a0.example"]);
    let mut agent = world.agent(&config);
    let report = once(&mut agent).await;
    assert_eq!(report.feeds[&domains()].withheld.brake, 299);
    assert_eq!(names(&list).len(), 1199);
    // Bulk passes by itself.
    world.list_as(&many("d", 400), END, true);
    once(&mut agent).await;
    assert_eq!(names(&list).len(), 1599);
    drop(agent);
    let mut accepting = config.clone();
    accepting.accept = Some(braked - 1);
    once(&mut world.agent(&accepting)).await;
    assert_eq!(names(&list).len(), 1599, "another serial lets nothing pass");
    accepting.accept = Some(braked);
    let mut agent = world.agent(&accepting);
    well(&mut agent).await;
    assert_eq!(names(&list).len(), 1599 + 299);
    assert_eq!(
        agent.enforced(&domains()).unwrap(),
        world.in_force(&domains())
    );
}

#[tokio::test]
async fn a_great_withdrawal_is_applied_with_an_alarm() {
    let mut world = World::new();
    let first = world.list(&many("a", 900));
    world.list(&many("b", 200));
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    world.pass(60);
    world.revoke(&first);
    let report = once(&mut agent).await;
    assert!(report.has_alarm("withdrawal"), "{report}");
    assert_eq!(names(&config.outputs[0].path).len(), 200);
    well(&mut agent).await;
}

#[tokio::test]
async fn what_has_expired_by_trusted_time_is_not_enforced() {
    let mut world = World::new();
    let soon = world.now() + 3600;
    world.list_as(&["a.example", "b.example"], soon, false);
    world.list(&["b.example", "c.example"]);
    let config = world.config("isp");
    let list = config.outputs[0].path.clone();
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    assert_eq!(names(&list).len(), 3);
    // The publisher signs on, but writes no expire leaf.
    world.pass(3599);
    world.publish();
    well(&mut agent).await;
    assert_eq!(names(&list).len(), 3);
    world.pass(1);
    world.publish();
    let report = well(&mut agent).await;
    assert_eq!(report.feeds[&domains()].withheld.expired, 2);
    assert_eq!(
        report.feeds[&domains()].entries,
        4,
        "the verified set is what it was"
    );
    assert_eq!(names(&list), ["b.example", "c.example"]);
    world.expire();
    well(&mut agent).await;
    assert_eq!(names(&list), ["b.example", "c.example"]);
}

#[tokio::test]
async fn no_list_is_emptied_while_the_verified_set_is_not() {
    let mut world = World::new();
    let soon = world.now() + 3600;
    world.list_as(&["a.example"], soon, false);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    world.pass(4000);
    world.publish();
    let report = once(&mut agent).await;
    assert_eq!(report.outputs[0].outcome, OutputOutcome::Refused);
    assert!(report.has_alarm("output"), "{report}");
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    // Ended by the log it is an empty set, and an empty list.
    world.expire();
    well(&mut agent).await;
    assert!(names(&config.outputs[0].path).is_empty());
}

#[tokio::test]
async fn the_publishers_clock_cannot_run_ahead() {
    let mut world = World::new();
    let soon = world.now() + 3600;
    world.list_as(&["a.example"], soon, false);
    world.list(&["b.example"]);
    let config = world.config("isp");
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    world.how.time += 7200;
    world.publish();
    let report = once(&mut agent).await;
    assert!(report.has_alarm("clock"), "{report}");
    assert_eq!(names(&config.outputs[0].path).len(), 2);
}

#[tokio::test]
async fn the_never_block_list_is_followed_as_it_changes() {
    let mut world = World::new();
    world.list(&["shop.isp.example", "other.example", "example.net"]);
    let mut config = world.config("isp");
    let never = world.dir.path().join("never.txt");
    fs::write(&never, "isp.example\n").unwrap();
    config.never_block = Some(never.clone());
    let list = config.outputs[0].path.clone();
    let mut agent = world.agent(&config);
    let report = well(&mut agent).await;
    assert_eq!(report.feeds[&domains()].withheld.never_block, 1);
    assert_eq!(names(&list).len(), 2);
    fs::write(&never, "isp.example\nwww.example.net\n").unwrap();
    well(&mut agent).await;
    assert_eq!(names(&list), ["other.example"]);
    fs::write(&never, "what is this\n").unwrap();
    let report = once(&mut agent).await;
    assert!(report.has_alarm("never_block"), "{report}");
    assert_eq!(names(&list), ["other.example"]);
    drop(agent);
    assert!(
        world.try_agent(&config).is_err(),
        "nothing begins under a list that can't be read"
    );
}

#[tokio::test]
async fn a_command_that_fails_is_run_again() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let mut config = world.config("isp");
    let (gate, ran) = (world.dir.path().join("gate"), world.dir.path().join("ran"));
    config.outputs[0].reload = vec![
        "/bin/sh".into(),
        "-c".into(),
        format!(
            "test -e {} && cat \"$0\" >> {}",
            gate.display(),
            ran.display()
        ),
        "{path}".into(),
    ];
    let mut agent = world.agent(&config);
    let report = once(&mut agent).await;
    assert_eq!(report.outputs[0].outcome, OutputOutcome::NotLoaded);
    assert!(report.has_alarm("output") && report.wants_retry());
    assert_eq!(
        names(&config.outputs[0].path),
        ["a.example"],
        "the file is there all the same"
    );
    drop(agent);
    fs::write(&gate, "").unwrap();
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    assert!(fs::read_to_string(&ran).unwrap().contains("a.example"));
    let before = fs::metadata(&ran).unwrap().len();
    well(&mut agent).await;
    assert_eq!(fs::metadata(&ran).unwrap().len(), before, "it ran once");
    // One that hangs ends by its time.
    config.outputs[0].reload = vec!["/bin/sleep".into(), "60".into()];
    config.outputs[0].reload_seconds = 1;
    drop(agent);
    let began = Instant::now();
    let report = once(&mut world.agent(&config)).await;
    assert_eq!(report.outputs[0].outcome, OutputOutcome::NotLoaded);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_file_that_was_edited_or_lost_is_written_again() {
    let mut world = World::new();
    world.list(&["a.example", "b.example"]);
    let mut config = world.config("isp");
    let home = world.dir.path().join("isp");
    config
        .outputs
        .push(output("domains", "rpz", &home.join("zone.rpz")));
    config.outputs[1].mode = "0640".into();
    let mut agent = world.agent(&config);
    well(&mut agent).await;
    let (list, zone) = (&config.outputs[0].path, &config.outputs[1].path);
    let whole = fs::read(zone).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(zone).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
    let serial = agent.verified(&domains()).unwrap().0;
    for path in [list, zone] {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(&format!("serial {serial}")), "{text}");
    }
    fs::remove_file(list).unwrap();
    fs::write(zone, "edited").unwrap();
    well(&mut agent).await;
    assert_eq!(names(list).len(), 2);
    assert_eq!(fs::read(zone).unwrap(), whole);
    // Also where the agent wasn't there to see it.
    drop(agent);
    fs::write(zone, "edited").unwrap();
    let mut agent = world.agent(&config);
    assert_eq!(
        agent.plan().await.unwrap().outputs,
        std::slice::from_ref(zone)
    );
    well(&mut agent).await;
    assert_eq!(fs::read(zone).unwrap(), whole);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let world = World::new();
    let mut config = world.config("isp");
    config.outputs[0].format = "exe".into();
    assert!(world.try_agent(&config).is_err());
    config.outputs[0].format = "nft".into();
    let refused = world.try_agent(&config).err().unwrap().to_string();
    assert!(refused.contains("domains"), "{refused}");
    config.outputs[0].format = "txt".into();
    let agent = world.agent(&config);
    let refused = world.try_agent(&config).err().unwrap().to_string();
    assert!(refused.contains("another agent"), "{refused}");
    drop(agent);
    assert!(world.try_agent(&config).is_ok());
}

#[tokio::test]
async fn receipts_are_signed_and_tried_until_one_is_taken() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let server = Server::start(world.public()).await;
    let mut config = world.config("isp");
    config.sources = vec![source(&server.url())];
    config.receipts = Some(ReceiptConfig {
        subscriber: "isp-1".into(),
        key_file: world.dir.path().join("receipts.pem"),
        passphrase_file: None,
    });
    server.state.lock().unwrap().refuses = true;
    let mut agent = world.agent(&config);
    let report = well(&mut agent).await;
    assert!(!report.feeds[&domains()].receipt);
    assert_eq!(
        names(&config.outputs[0].path),
        ["a.example"],
        "nothing waits for a receipt"
    );
    server.state.lock().unwrap().refuses = false;
    assert!(well(&mut agent).await.feeds[&domains()].receipt);
    assert!(well(&mut agent).await.feeds[&domains()].receipt);
    let receipts = server.state.lock().unwrap().receipts.clone();
    assert_eq!(receipts.len(), 1, "one for a serial");
    let receipt = &receipts[0];
    let (serial, set) = agent.verified(&domains()).unwrap();
    let digest = set.digest(&receipt.origin, &domains());
    assert_eq!((receipt.serial, receipt.digest), (serial, digest));
    let message = format!(
        "blockfeed/receipt/v1\n{}\nisp-1\ndomains\n{serial}\n{digest}\n{}\n",
        forge::ORIGIN,
        receipt.time
    );
    let public = STANDARD.decode(agent.receipt_key().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let sig = Signature::from_slice(&STANDARD.decode(&receipt.sig).unwrap()).unwrap();
    public.verify_strict(message.as_bytes(), &sig).unwrap();
}

#[tokio::test]
async fn the_loop_learns_of_a_change_by_long_poll() {
    let mut world = World::new();
    let first = world.list(&["a.example"]);
    let server = Server::start(world.public()).await;
    let mut config = world.config("isp");
    // A source that is gone keeps nobody waiting.
    config.sources = vec![source("http://127.0.0.1:9"), source(&server.url())];
    config.poll_seconds = 60;
    config.retry.least_seconds = 1;
    let list = config.outputs[0].path.clone();
    let mut agent = world.agent(&config);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(async move {
        let mut rounds = 0;
        let shutdown = async { drop(stopped.await) };
        agent.run(shutdown, |_| rounds += 1).await.unwrap();
        rounds
    });
    let within = |what: &'static str, holds: Box<dyn Fn() -> bool>| async move {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let path = list.clone();
    within(
        "first",
        Box::new(move || path.exists() && names(&path).len() == 1),
    )
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.pass(1);
    world.revoke(&first);
    within("freed", Box::new(move || names(&list).is_empty())).await;
    stop.send(()).unwrap();
    let rounds = run.await.unwrap();
    assert!((2..10).contains(&rounds), "{rounds}");
}

#[tokio::test]
async fn a_bad_source_is_passed_over() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let mut config = world.config("isp");
    let gone = world.dir.path().join("gone");
    config.sources.insert(0, source("http://127.0.0.1:9"));
    config
        .sources
        .insert(0, source(&gone.display().to_string()));
    let report = well(&mut world.agent(&config)).await;
    assert!(
        report.has_fault("missing") && report.has_fault("unreachable"),
        "{report}"
    );
    assert_eq!(names(&config.outputs[0].path), ["a.example"]);
}

#[tokio::test]
async fn garbage_endless_and_dripping_sources_end_in_time() {
    let mut world = World::new();
    world.list(&["a.example"]);
    let mut config = world.config("isp");
    well(&mut world.agent(&config)).await;
    config.fetch.total_seconds = 2;
    for (kind, code) in [
        ("drip", "deadline"),
        ("endless", "limit"),
        ("silent", "deadline"),
    ] {
        config.sources = vec![source(&hostile(kind).await)];
        let began = Instant::now();
        let report = once(&mut world.agent(&config)).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{kind}");
        assert!(report.has_fault(code), "{kind}: {report}");
        assert_eq!(names(&config.outputs[0].path), ["a.example"]);
    }
}

/// A server of one kind of ill will.
async fn hostile(kind: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if kind == "silent" {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    return;
                }
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(head.as_bytes()).await;
                let (bytes, pause) = match kind {
                    "drip" => (1, Duration::from_millis(100)),
                    _ => (65_536, Duration::ZERO),
                };
                let chunk = vec![b'x'; bytes];
                while stream.write_all(&chunk).await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
            });
        }
    });
    url
}

/// A mirror with a long poll and a desk for receipts.
struct Server {
    address: SocketAddr,
    state: Arc<Mutex<Desk>>,
}

struct Desk {
    public: PathBuf,
    refuses: bool,
    receipts: Vec<Receipt>,
}

type Shared = State<Arc<Mutex<Desk>>>;

impl Server {
    async fn start(public: PathBuf) -> Self {
        let state = Arc::new(Mutex::new(Desk {
            public,
            refuses: false,
            receipts: Vec::new(),
        }));
        let app = Router::new()
            .route("/api/v1/receipts", post(take))
            .fallback(get(serve))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, state }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn take(State(state): Shared, body: Bytes) -> StatusCode {
    let mut desk = state.lock().unwrap();
    if desk.refuses {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    desk.receipts.push(serde_json::from_slice(&body).unwrap());
    StatusCode::CREATED
}

async fn serve(
    State(state): Shared,
    Query(query): Query<HashMap<String, String>>,
    uri: Uri,
) -> Result<Vec<u8>, StatusCode> {
    let path = state
        .lock()
        .unwrap()
        .public
        .join(uri.path().trim_start_matches('/'));
    let number = |name: &str| query.get(name).and_then(|n| n.parse::<u64>().ok());
    let began = Instant::now();
    loop {
        let bytes = fs::read(&path).map_err(|_| StatusCode::NOT_FOUND)?;
        let (Some(after), Some(wait)) = (number("after"), number("wait")) else {
            return Ok(bytes);
        };
        if !String::from_utf8_lossy(&bytes).contains(&format!("\nserial {after}\n")) {
            return Ok(bytes);
        }
        if began.elapsed() > Duration::from_secs(wait) {
            return Err(StatusCode::NOT_MODIFIED);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
