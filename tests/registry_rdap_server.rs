//! Our RDAP client against ICANN's own server, which is too long to build for every run:
//!
//! ```text
//! cargo install icann-rdap-srv --version 0.0.30 --locked --root target/peers/rdap
//! RDAP_SRV=$PWD/target/peers/rdap/bin/rdap-srv cargo test --test registry_rdap_server -- --ignored
//! ```

use blockfeed::{
    fetch::outside::{Outside, Reach},
    registry::{
        facts::{Outcome, Registration, Source, Sourced},
        lists::RdapServers,
        live::Rdap,
    },
};
use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const NOW: u64 = 1_790_000_000;

/// A server that runs, and is gone with this.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Serves the files of a directory on a free port.
    fn start(data: &Path) -> Server {
        let program = std::env::var_os("RDAP_SRV").expect("RDAP_SRV names the server's program");
        let mut child = Command::new(program)
            .env("RDAP_SRV_DATA_DIR", data)
            .env("RDAP_SRV_LISTEN_ADDR", "127.0.0.1")
            .env("RDAP_SRV_LISTEN_PORT", "0")
            .env("RDAP_SRV_LOG", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, address) = line.split_once("listening on ")?;
            Some(address.trim().parse().unwrap())
        });
        // What it goes on to say is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            child,
            address: address.expect("the server says where it listens"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A template by which the server answers for a name with a redirect.
fn redirect(name: &str, to: &str) -> String {
    serde_json::json!({
        "domain": { "error": {
            "rdapConformance": ["rdap_level_0"],
            "notices": [{ "title": "Temporary Redirect", "description": [], "links": [{
                "value": format!("http://localhost/rdap/domain/{name}"),
                "rel": "related", "href": to, "type": "application/rdap+json" }] }],
            "errorCode": 307, "description": [] } },
        "ids": [{ "ldhName": name, "unicodeName": name }],
    })
    .to_string()
}

fn registrar(fact: &Sourced<Registration>) -> &str {
    let known = fact.known().unwrap_or_else(|| panic!("{fact:?}"));
    known.registrar.as_deref().unwrap_or_default()
}

#[tokio::test]
#[ignore = "needs ICANN's server: see the head of this file"]
async fn icanns_server_is_understood() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rdap");
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copy = |name: &str, to: &Path| {
        std::fs::copy(recorded.join(name), to.join(name)).unwrap();
    };
    copy("lemonde.fr.json", here.path());
    copy("microsoft.click.json", there.path());
    let second = Server::start(there.path());
    let moved = format!("http://{}/rdap/domain/microsoft.click", second.address);
    std::fs::write(
        here.path().join("moved.template"),
        redirect("microsoft.click", &moved),
    )
    .unwrap();
    let away = "http://169.254.169.254/rdap/domain/away.fr";
    std::fs::write(here.path().join("away.template"), redirect("away.fr", away)).unwrap();
    let first = Server::start(here.path());
    let bootstrap = format!(
        r#"{{"version":"1.0","services":[[["fr","click"],["http://{}/rdap/"]]]}}"#,
        first.address
    );
    let servers = RdapServers::parse(&bootstrap).unwrap();
    let reach = Reach {
        allow: vec![first.address, second.address],
        refuse: Vec::new(),
    };
    let rdap = Rdap::new(Outside::new(reach).unwrap(), Duration::from_secs(10));
    let ask = async |name: &str| rdap.ask(servers.of(name).unwrap(), name, NOW).await;
    let fact = ask("lemonde.fr").await;
    assert_eq!(registrar(&fact), "NAMESHIELD");
    assert!(matches!(fact.source, Source::Rdap { .. }));
    let known = fact.known().unwrap();
    assert_eq!(
        (known.created, known.name_servers.len()),
        (Some(1_122_992_196), 4)
    );
    // The first server sends on to the second.
    assert_eq!(registrar(&ask("microsoft.click").await), "MarkMonitor Inc.");
    assert_eq!(ask("not-there.fr").await.outcome, Outcome::Absent);
    // A redirect to an address inside is followed by nobody.
    let refused = ask("away.fr").await;
    assert!(refused.fault().is_some(), "{refused:?}");
    assert!(servers.of("shop.vn").is_none());
}
