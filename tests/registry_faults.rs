//! Live sources, as they should be and as they shouldn't: registries and resolvers that hang, lie, answer garbage or too
//! much, or lead where nobody wants to go. Each is a fault in its own fact, within its time, and never a pass.

mod strange;

use blockfeed::{
    fetch::outside::{Outside, Reach},
    registry::{
        Config, Lists,
        facts::{Dnssec, FaultKind, Outcome, Registration, Sourced, Unasked},
        gather::Gatherer,
        live::{Dns, Rdap, Whois},
    },
    subject::Subject,
};
use hickory_resolver::proto::op::ResponseCode;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use strange::{dns, dns::Said, http, http::Reply, whois};
use url::Url;

const NOW: u64 = 1_790_000_000;
const TIME: Duration = Duration::from_secs(3);

fn recorded(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rdap");
    std::fs::read(dir.join(name)).unwrap()
}

fn reach(allow: &[SocketAddr]) -> Reach {
    Reach {
        allow: allow.to_vec(),
        refuse: Vec::new(),
    }
}

/// Asks a server that answers everything with `reply`.
async fn rdap(
    name: &str,
    reply: impl Fn(&str, SocketAddr) -> Reply + Send + Sync + 'static,
) -> Sourced<Registration> {
    let server = http::serve(reply).await;
    let outside = Outside::new(reach(&[server])).unwrap();
    let base = Url::parse(&format!("http://{server}/rdap/")).unwrap();
    Rdap::new(outside, TIME).ask(&base, name, NOW).await
}

fn kind<T: std::fmt::Debug>(fact: &Sourced<T>) -> FaultKind {
    fact.fault()
        .unwrap_or_else(|| panic!("no fault: {fact:?}"))
        .kind
}

#[tokio::test]
async fn recorded_answers_are_read_without_their_persons() {
    let json = |name: &'static str| {
        move |path: &str, _: SocketAddr| {
            assert!(path.starts_with("/rdap/domain/"), "{path}");
            Reply::json(recorded(name))
        }
    };
    let fact = rdap("lemonde.fr", json("lemonde.fr.json")).await;
    let lemonde = fact.known().unwrap();
    assert_eq!(lemonde.registrar.as_deref(), Some("NAMESHIELD"));
    assert_eq!(lemonde.created, Some(1_122_992_196));
    assert_eq!(lemonde.expires, Some(1_749_506_889));
    assert_eq!(lemonde.name_servers.len(), 4);
    assert!(
        lemonde
            .statuses
            .contains(&"server delete prohibited".to_owned())
    );
    let fact = rdap("microsoft.click", json("microsoft.click.json")).await;
    assert_eq!(
        fact.known().unwrap().registrar.as_deref(),
        Some("MarkMonitor Inc.")
    );
    let fact = rdap("example.com", json("lookup_with_redaction.json")).await;
    assert!(fact.known().unwrap().registered);
    let text = serde_json::to_string(&fact).unwrap();
    assert!(!text.contains("registrant"), "{text}");
    // An abuse role is kept, a person beside it isn't.
    let made = br#"{"objectClassName":"domain","ldhName":"SHOP.example.","entities":[{"objectClassName":"entity","roles":["registrar"],
        "vcardArray":["vcard",[["version",{},"text","4.0"],["fn",{},"text","Some Registrar"]]],
        "entities":[{"objectClassName":"entity","roles":["abuse"],"vcardArray":["vcard",[["version",{},"text","4.0"],
        ["fn",{},"text","Nguyen Van A"],["tel",{"type":"voice"},"uri","tel:+84.1"],["email",{},"text","abuse@registrar.example"]]]}]}]}"#;
    let fact = rdap("shop.example", |_: &str, _: SocketAddr| {
        Reply::json(made.to_vec())
    })
    .await;
    let contact = fact.known().unwrap().abuse_contact.clone().unwrap();
    assert_eq!(contact.email.as_deref(), Some("abuse@registrar.example"));
    assert!(contact.telephone.is_some());
    assert!(!serde_json::to_string(&fact).unwrap().contains("Nguyen"));
}

#[tokio::test]
async fn an_rdap_server_that_misbehaves_is_a_fault_by_its_kind() {
    let answers = |reply: fn() -> Reply| move |_: &str, _: SocketAddr| reply();
    let name = "lemonde.fr";
    assert_eq!(
        rdap(name, answers(|| Reply::status(404))).await.outcome,
        Outcome::Absent
    );
    for (reply, want) in [
        ((|| Reply::Hang) as fn() -> Reply, FaultKind::Timeout),
        (|| Reply::Drip, FaultKind::Timeout),
        (
            || Reply::Raw(b"\x00\xff garbage\r\n\r\n".to_vec()),
            FaultKind::Unreachable,
        ),
        (
            || Reply::json(b"<html>not here</html>".to_vec()),
            FaultKind::Garbage,
        ),
        (|| Reply::json(vec![b'['; 100_000]), FaultKind::Garbage),
        (
            || Reply::json(recorded("nameserver_ns1_nic_fr.json")),
            FaultKind::Garbage,
        ),
        (
            || Reply::json(recorded("network_192_198_0_0.json")),
            FaultKind::Garbage,
        ),
        (
            || Reply::json(recorded("error_ripe_net.json")),
            FaultKind::Garbage,
        ),
        (
            || Reply::json(recorded("microsoft.click.json")),
            FaultKind::OtherName,
        ),
        (|| Reply::Flood { length: true }, FaultKind::TooLarge),
        (|| Reply::Flood { length: false }, FaultKind::TooLarge),
        (|| Reply::status(429), FaultKind::Refused),
        (|| Reply::status(500), FaultKind::Unreachable),
        (|| Reply::Close, FaultKind::Unreachable),
    ] {
        let fact = rdap(name, answers(reply)).await;
        assert_eq!(kind(&fact), want, "{fact:?}");
    }
}

#[tokio::test]
async fn no_redirect_and_no_name_leads_to_an_address_that_is_not_public() {
    // The server that was asked is allowed by the settings; where it leads isn't.
    let closed = http::serve(|_, _| Reply::json(recorded("lemonde.fr.json"))).await;
    for target in [
        format!("http://{closed}/domain/lemonde.fr"),
        format!("http://localhost:{}/domain/lemonde.fr", closed.port()),
        format!("http://[::ffff:127.0.0.1]:{}/", closed.port()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "http://0.0.0.0/".to_owned(),
    ] {
        let fact = rdap("lemonde.fr", move |_, _| Reply::redirect(&target)).await;
        assert_eq!(kind(&fact), FaultKind::Private, "{fact:?}");
    }
    let fact = rdap("lemonde.fr", |_, _| Reply::redirect("file:///etc/passwd")).await;
    assert_eq!(kind(&fact), FaultKind::Redirects);
    let fact = rdap("lemonde.fr", |path, own| {
        Reply::redirect(&format!("http://{own}{path}"))
    })
    .await;
    assert_eq!(kind(&fact), FaultKind::Redirects, "a circle");
    // A redirect that stays where it may go is followed.
    let fact = rdap("lemonde.fr", |path, own| match path {
        "/there" => Reply::json(recorded("lemonde.fr.json")),
        _ => Reply::redirect(&format!("http://{own}/there")),
    })
    .await;
    assert!(fact.known().is_some(), "{fact:?}");
    // Without the exception nothing here can be asked at all.
    let server = http::serve(|_, _| Reply::json(recorded("lemonde.fr.json"))).await;
    let base = Url::parse(&format!("http://{server}/")).unwrap();
    let fact = Rdap::new(Outside::new(Reach::default()).unwrap(), TIME)
        .ask(&base, "lemonde.fr", NOW)
        .await;
    assert_eq!(kind(&fact), FaultKind::Private);
}

/// Asks a WHOIS server that answers everything with `text`.
async fn whois_says(text: Option<Vec<u8>>) -> Sourced<Registration> {
    let server = whois::serve(text).await;
    let whois = Whois::new(reach(&[server]), TIME).at_port(server.port());
    whois.ask("127.0.0.1", "shop.io", NOW).await
}

#[tokio::test]
async fn a_whois_server_is_read_and_its_faults_are_told_apart() {
    let good = "Domain Name: shop.io\r\nRegistrar: R\r\nRegistrant Name: Nguyen Van A\r\nName Server: NS1.R.EXAMPLE\r\n";
    let fact = whois_says(Some(good.into())).await;
    assert_eq!(fact.known().unwrap().name_servers, ["ns1.r.example"]);
    assert!(!serde_json::to_string(&fact).unwrap().contains("Nguyen"));
    let fact = whois_says(Some("No match for shop.io".into())).await;
    assert_eq!(fact.outcome, Outcome::Absent);
    for (text, want) in [
        (None, FaultKind::Timeout),
        (Some(vec![0xFF; 1_000]), FaultKind::Garbage),
        (Some(Vec::new()), FaultKind::Garbage),
        (Some(vec![b'x'; 20 << 20]), FaultKind::TooLarge),
        (
            Some(good.replace("shop.io", "other.io").into()),
            FaultKind::OtherName,
        ),
        (Some("Query rate limit exceeded".into()), FaultKind::Refused),
    ] {
        let fact = whois_says(text).await;
        assert_eq!(kind(&fact), want, "{fact:?}");
    }
    let fact = Whois::new(Reach::default(), TIME)
        .ask("127.0.0.1", "shop.io", NOW)
        .await;
    assert_eq!(kind(&fact), FaultKind::Private);
    // A referral can't lead to us either.
    let fact = whois_says(Some("refer: localhost.localdomain\r\n".into())).await;
    assert!(
        matches!(kind(&fact), FaultKind::Private | FaultKind::Unreachable),
        "{fact:?}"
    );
}

/// Asks a resolver that answers by `say`.
async fn resolver(
    say: impl Fn(&str, dns::Type) -> Said + Send + Sync + 'static,
) -> Sourced<blockfeed::registry::facts::Delegation> {
    let server = dns::serve(say).await;
    let lists = Lists::embedded().unwrap();
    let dns = Dns::new(Some(server), TIME).unwrap();
    dns.ask(
        "www.shop.example",
        "shop.example",
        &lists.parking_servers,
        NOW,
    )
    .await
}

/// A resolver as it should be, that knows `shop.example` and its `www`.
fn honest(name: &str, kind: dns::Type) -> Said {
    use dns::Type;
    match (name, kind) {
        ("shop.example", Type::NS) => Said::Servers(&["ns1.host.example", "ns2.host.example"]),
        ("www.shop.example", Type::A) => Said::Addresses(&["203.0.113.7"]),
        ("www.shop.example", _) => Said::NoData("shop.example"),
        (name, _) if name.ends_with("shop.example") => Said::NoName("shop.example"),
        ("", _) => Said::Vouched,
        (name, _) if name.ends_with(".example") => Said::NoName("example"),
        _ => Said::NoName(""),
    }
}

#[tokio::test]
async fn the_dns_says_delegation_addresses_wildcard_parking_and_signatures() {
    use dns::Type;
    let fact = resolver(honest).await;
    let found = fact.known().unwrap();
    assert!(
        found.delegated && !found.wildcard && found.parked.is_none(),
        "{found:?}"
    );
    assert_eq!(found.name_servers, ["ns1.host.example", "ns2.host.example"]);
    assert_eq!(
        found.addresses,
        ["203.0.113.7".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(found.dnssec, Dnssec::Insecure);
    let fact = resolver(|name, kind| match (name, kind) {
        ("shop.example", Type::NS) => Said::Servers(&["ns1.bodis.com"]),
        (name, Type::A) if name.ends_with("shop.example") => Said::VouchedAddress("203.0.113.8"),
        _ => honest(name, kind),
    })
    .await;
    let found = fact.known().unwrap();
    assert!(found.wildcard);
    assert!(
        found.parked.as_deref().unwrap().ends_with(": bodis.com"),
        "{found:?}"
    );
    assert_eq!(found.dnssec, Dnssec::Secure);
    let gone = |name: &str, kind| match name {
        name if name.ends_with("shop.example") => Said::NoName("example"),
        _ => honest(name, kind),
    };
    assert_eq!(resolver(gone).await.outcome, Outcome::Absent);
    let alias = |name: &str, kind| match (name, kind) {
        ("www.shop.example", Type::A) => Said::Alias("cdn.example", "203.0.113.9"),
        _ => honest(name, kind),
    };
    assert_eq!(resolver(alias).await.known().unwrap().addresses.len(), 1);
    // A resolver that validates hides what doesn't hold, and shows it when asked not to check.
    let bogus = |name: &str, kind| match (name, kind) {
        ("www.shop.example", _) => Said::Bogus,
        _ => honest(name, kind),
    };
    assert_eq!(resolver(bogus).await.known().unwrap().dnssec, Dnssec::Bogus);
}

#[tokio::test]
async fn a_resolver_that_lies_refuses_or_hangs_is_a_fault() {
    use dns::Type;
    let everywhere = |_: &str, kind| match kind {
        Type::A => Said::Addresses(&["198.51.100.1"]),
        Type::NS => Said::Servers(&["ns.liar.example"]),
        _ => Said::NoData(""),
    };
    assert_eq!(kind(&resolver(everywhere).await), FaultKind::Garbage);
    let policy = |name: &str, kind| match name {
        name if name.ends_with("shop.example") => Said::NoNameOfNobody,
        _ => honest(name, kind),
    };
    let fact = resolver(policy).await;
    assert_eq!(kind(&fact), FaultKind::Garbage);
    assert!(
        fact.fault().unwrap().detail.contains("blocklist"),
        "{fact:?}"
    );
    let torn = |name: &str, kind| match (name, kind) {
        ("shop.example", Type::NS) => Said::NoName("example"),
        _ => honest(name, kind),
    };
    assert_eq!(kind(&resolver(torn).await), FaultKind::Garbage);
    let refuses = |_: &str, _| Said::Code(ResponseCode::Refused);
    assert_eq!(kind(&resolver(refuses).await), FaultKind::Refused);
    let fails = |_: &str, _| Said::Code(ResponseCode::ServFail);
    assert_eq!(kind(&resolver(fails).await), FaultKind::Unreachable);
    let other = |name: &str, kind| match (name, kind) {
        ("www.shop.example", Type::A) => Said::OfAnother("203.0.113.66"),
        _ => honest(name, kind),
    };
    let fact = resolver(other).await;
    let taken = fact
        .known()
        .is_some_and(|found| !found.addresses.is_empty());
    assert!(!taken, "an address of another name was taken: {fact:?}");
    assert!(fact.fault().is_some(), "{fact:?}");
    let fact = resolver(|_, _| Said::Silence).await;
    assert!(matches!(kind(&fact), FaultKind::Timeout), "{fact:?}");
    let fact = resolver(|_, _| Said::Noise).await;
    assert!(fact.fault().is_some(), "{fact:?}");
}

/// The lists of the source, with RDAP servers of our own.
fn lists(dir: &Path, bootstrap: &str) -> Arc<Lists> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("lists");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(dir.join("rdap-bootstrap.json"), bootstrap).unwrap();
    Arc::new(Lists::load(dir).unwrap())
}

#[tokio::test]
async fn all_sources_are_asked_side_by_side_within_one_bound() {
    let dir = tempfile::tempdir().unwrap();
    let good = http::serve(|_, _| Reply::json(recorded("lemonde.fr.json"))).await;
    let slow = http::serve(|_, _| Reply::Hang).await;
    let names = dns::serve(honest).await;
    let mute = dns::serve(|_, _| Said::Silence).await;
    let bootstrap = format!(r#"[[["fr"],["http://{good}/"]],[["example"],["http://{slow}/"]]]"#);
    let lists = lists(dir.path(), &bootstrap);
    let gatherer = |resolver, source_seconds, total_seconds| {
        let config = Config {
            sets: Some(dir.path().join("none")),
            resolver: Some(resolver),
            allow: vec![good, slow],
            source_seconds,
            total_seconds,
            ..Config::default()
        };
        Gatherer::new(&config, dir.path(), lists.clone()).unwrap()
    };
    let subject = |text: &str| Subject::parse(text).unwrap();
    let facts = gatherer(names, 3, 10)
        .gather(&subject("domain:www.lemonde.fr"), NOW)
        .await;
    assert_eq!(facts.registration.known().unwrap().name, "lemonde.fr");
    // One source that hangs leaves the others alone.
    let facts = gatherer(names, 3, 10)
        .gather(&subject("domain:www.shop.example"), NOW)
        .await;
    assert_eq!(kind(&facts.registration), FaultKind::Timeout);
    assert!(facts.delegation.known().is_some(), "{:?}", facts.delegation);
    assert_eq!(
        facts.licences[0].outcome,
        Outcome::NotAsked(Unasked::NoSource)
    );
    // When all hang, the bound over all of them holds.
    let facts = gatherer(mute, 60, 2)
        .gather(&subject("domain:www.shop.example"), NOW)
        .await;
    assert_eq!(kind(&facts.registration), FaultKind::Timeout);
    assert_eq!(kind(&facts.delegation), FaultKind::Timeout);
    // Of .vn the extract alone answers, and without one that shows.
    let facts = gatherer(names, 3, 10)
        .gather(&subject("domain:shop.com.vn"), NOW)
        .await;
    assert_eq!(
        facts.registration.outcome,
        Outcome::NotAsked(Unasked::NoSource)
    );
    let facts = gatherer(names, 3, 10).offline(&subject("domain:www.lemonde.fr"), NOW);
    assert_eq!(
        facts.registration.outcome,
        Outcome::NotAsked(Unasked::Offline)
    );
    assert_eq!(
        facts.delegation.outcome,
        Outcome::NotAsked(Unasked::Offline)
    );
}
