//! Data sets: what each form of file gives, what a bad file says, and that a set is swapped in whole or not at all.

mod peers;

use blockfeed::{
    registry::{
        Day, Lists,
        facts::{FaultKind, Outcome, Source},
        gather::{Gatherer, from_sets},
        sets::{self, Bound, Error, Format, Import, Order, Sets},
    },
    subject::Subject,
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

const NOW: u64 = 1_795_000_000;

fn order(set: &str) -> Order<'_> {
    Order {
        set,
        date: Day::parse("2026-10-01").unwrap(),
        licence: "test",
        format: None,
        columns: None,
        dropped: &[],
        fresh_days: None,
        anyway: false,
        now: NOW,
    }
}

/// A directory of sets, with files beside it.
struct World(tempfile::TempDir);

impl World {
    fn new() -> World {
        World(tempfile::tempdir().unwrap())
    }

    fn sets(&self) -> PathBuf {
        self.0.path().join("sets")
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn import(
        &self,
        order: &Order<'_>,
        name: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Import, Error> {
        let file = self.file(name, bytes);
        sets::import(&self.sets(), order, &file, &mut |_, _| {})
    }

    fn open(&self) -> Sets {
        Sets::open(&self.sets())
    }
}

fn bound() -> Bound {
    Bound {
        count: 3,
        sample: 2,
    }
}

const VN: &str = "name,status,registrar,created,expires,changed,name_servers\n\
    shop.vn,active,iNET,2020-02-29,2027-02-28,,ns1.inet.vn ns2.inet.vn\n\
    Cửahàng.vn.,\"active;clientHold\",P.A Việt Nam,05/03/2021,,,\n\
    reserved.vn,reserved,,,,,\n";

#[test]
fn a_registrys_extract_answers_for_names_and_what_is_below_them() {
    let world = World::new();
    let done = world.import(&order("vn-registry"), "vn.csv", VN).unwrap();
    assert_eq!((done.description.rows, done.description.keys), (3, 3));
    let sets = world.open();
    let fact = sets.registration("www.a.shop.vn", NOW);
    assert_eq!(
        fact.source,
        Source::Set {
            name: "vn-registry".to_owned()
        }
    );
    assert_eq!(fact.at, 1_790_812_800);
    assert!(fact.is_stale(NOW), "eight days are over");
    let shop = fact.known().unwrap();
    assert_eq!(shop.name, "shop.vn");
    assert_eq!(shop.registrar.as_deref(), Some("iNET"));
    assert_eq!(shop.created, Some(1_582_934_400));
    assert_eq!(shop.name_servers, ["ns1.inet.vn", "ns2.inet.vn"]);
    assert!(shop.registered);
    let fact = sets.registration(&idna::domain_to_ascii("cửahàng.vn").unwrap(), NOW);
    let idn = fact.known().unwrap();
    assert_eq!(idn.statuses, ["active", "clienthold"]);
    assert_eq!(idn.created, Some(1_614_902_400), "5 March, the day first");
    assert!(
        !sets
            .registration("reserved.vn", NOW)
            .known()
            .unwrap()
            .registered
    );
    assert_eq!(sets.registration("other.vn", NOW).outcome, Outcome::Absent);
}

#[test]
fn every_form_and_kind_is_read() {
    let world = World::new();
    let import = |set: &str, name: &str, text: &str| world.import(&order(set), name, text).unwrap();
    import(
        "licences-notified",
        "l.jsonl",
        "{\"name\":\"shop.vn\",\"number\":\"TB-1\",\"status\":\"Valid\",\"holder_kind\":\"company\",\"valid_to\":\"2027-01-01\"}\n\
         {\"name\":\"shop.vn\",\"number\":\"TB-2\",\"status\":\"Revoked\",\"valid_to\":null}",
    );
    import(
        "licences-social",
        "l.csv",
        "name;number;status;register\nshop.vn;X;valid;social-network\n",
    );
    let done = import(
        "delegations-apnic",
        "apnic.txt",
        "2|apnic|20261001|3|19830613|20260930|+1000\napnic|*|asn|*|1|summary\napnic|*|ipv4|*|1|summary\napnic|*|ipv6|*|1|summary\n\
         apnic|VN|asn|131353|1|20100101|allocated|A9\napnic|VN|ipv4|203.113.128.0|24576|20030101|allocated|A1\n\
         apnic||ipv6|2001:df0::|32||available\n",
    );
    assert_eq!((done.description.rows, done.skipped), (2, 5));
    assert_eq!(
        done.description.keys, 3,
        "24,576 addresses are two prefixes"
    );
    import(
        "networks",
        "n.tsv",
        "start\tend\tasn\toperator\tcountry\n203.113.128.0\t203.113.191.255\tAS7552\tViettel\tvn\n",
    );
    import(
        "networks-more",
        "n.csv",
        "prefix,asn,operator,country\n203.113.131.0/24,45899,VNPT,VN\n2001:df0:c::/48,1,Six,VN\n",
    );
    import(
        "passive-dns",
        "p.zone",
        "$ORIGIN vn.\n$TTL 3600\n@ IN SOA a.dns-servers.vn. x. (1 2\n 3 4 5) ; five\nshop 60 IN A 203.0.113.7\n    IN AAAA 2001:db8::7\n\
         other.example. A 203.0.113.7\na A 203.0.113.9\nb A 203.0.113.9\nc A 203.0.113.10\n",
    );
    let columns = ["rank".to_owned(), "name".to_owned()];
    let popular = Order {
        columns: Some(&columns),
        ..order("popularity")
    };
    world
        .import(&popular, "tranco.csv", "1,google.com\n2,Shopee.vn\n")
        .unwrap();
    let sets = world.open();
    let licences = sets.licences("www.shop.vn", NOW);
    let of = |at: usize| licences[at].known().unwrap();
    assert_eq!((of(0).len(), of(0)[0].number.as_str()), (2, "TB-1"));
    assert_eq!(
        (of(0)[0].register.as_str(), of(0)[0].valid_to),
        ("notified", Some(1_798_761_600))
    );
    assert_eq!(of(1)[0].register, "social-network");
    let below = |name: &str| -> Vec<String> {
        let facts = sets.licences_below(name, NOW);
        let rows = facts.iter().filter_map(|fact| fact.known());
        rows.flat_map(|below| &below.rows)
            .map(|licence| format!("{} {}", licence.name, licence.number))
            .collect()
    };
    assert_eq!(below("shop.vn"), [""; 0]);
    assert!(below("vn").contains(&"shop.vn TB-1".to_owned()));
    assert_eq!(below("hop.vn"), [""; 0], "a label is whole");
    let ranked = sets.popularity_below("com", NOW);
    assert_eq!(ranked[0].known().unwrap().rows[0].name, "google.com");
    assert!(sets.popularity_below("google.com", NOW).is_empty());
    let net = |text: &str| text.parse().unwrap();
    let block = sets.allocation(net("203.113.200.0/24"), NOW);
    assert_eq!(block.known().unwrap().prefix, net("203.113.192.0/19"));
    assert_eq!(block.known().unwrap().country.as_deref(), Some("VN"));
    let free = sets.allocation(net("2001:df0:1::/48"), NOW);
    let free = free.known().unwrap();
    assert_eq!(
        (free.country.as_deref(), free.status.as_str()),
        (None, "available")
    );
    let operator = |text: &str| {
        sets.network(net(text), NOW)
            .known()
            .map(|n| n.operator.clone())
    };
    assert_eq!(operator("203.113.130.1/32").as_deref(), Some("Viettel"));
    assert_eq!(
        operator("203.113.0.0/16"),
        None,
        "a wider network is nobody's"
    );
    assert_eq!(operator("2001:df0:c:1::/64").as_deref(), Some("Six"));
    let near = |text: &str| {
        let fact = sets.neighbours(net(text), bound(), NOW);
        fact.known()
            .map(|n| (n.names, n.at_least, n.sample.join(" ")))
    };
    assert_eq!(
        near("203.0.113.7/32"),
        Some((2, false, "other.example shop.vn".to_owned()))
    );
    let all = near("203.0.113.0/24").unwrap();
    assert_eq!((all.0, all.1), (3, true));
    assert_eq!(near("2001:db8::7/128").unwrap().0, 1);
    assert_eq!(near("198.51.100.0/24"), None);
    let rank = sets.popularity("x.shopee.vn", NOW).known().unwrap().rank;
    assert_eq!(rank, 2);
}

#[test]
fn a_zone_of_delegations_is_a_registrys_extract() {
    let world = World::new();
    let zone = "$ORIGIN vn.\n@ 3600 IN NS a.dns-servers.vn.\nshop NS ns1.shop.vn.\n NS ns2\nshop2.com IN NS ns.example.com.\n";
    let done = world
        .import(&order("vn-registry"), "vn.zone", zone)
        .unwrap();
    assert_eq!((done.description.keys, done.skipped), (2, 1));
    let sets = world.open();
    let fact = sets.registration("shop.vn", NOW);
    assert_eq!(
        fact.known().unwrap().name_servers,
        ["ns1.shop.vn", "ns2.vn"]
    );
    assert!(sets.registration("shop2.com.vn", NOW).known().is_some());
}

/// What an import that must fail says.
fn refusal(world: &World, order: &Order<'_>, name: &str, bytes: impl AsRef<[u8]>) -> String {
    world.import(order, name, bytes).err().unwrap().to_string()
}

#[test]
fn a_bad_file_is_named_by_row_and_changes_nothing() {
    let world = World::new();
    world.import(&order("vn-registry"), "vn.csv", VN).unwrap();
    let mut long = String::from("name,status\n");
    for i in 0..5_000 {
        long += &format!("shop{i}.vn,active\n");
    }
    let with = |row: &str| {
        let mut lines: Vec<&str> = long.lines().collect();
        lines[2_500] = row;
        lines.join("\n") + "\n"
    };
    let packed = zstd::encode_all(long.as_bytes(), 3).unwrap();
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(long.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let latin = with("c\u{fffd}.vn,active")
        .replace('\u{fffd}', "\u{1}")
        .into_bytes();
    let latin: Vec<u8> = latin
        .into_iter()
        .map(|b| if b == 1 { 0xE9 } else { b })
        .collect();
    for (name, bytes, words) in [
        (
            "a.csv",
            with("bad name,active").into_bytes(),
            &["row 2501", "no domain name", "Correct the row"][..],
        ),
        (
            "b.csv",
            with("shop.vn,active,more").into_bytes(),
            &["row 2501", "3 cells", "header 2"],
        ),
        (
            "c.csv",
            with("\"shop.vn,active").into_bytes(),
            &["row 2501", "quote"],
        ),
        ("d.csv", latin, &["row 2501", "byte 2", "UTF-8"]),
        ("e.csv", utf16, &["row 1", "UTF-16", "UTF-8"]),
        ("f.csv", long.as_bytes()[..40_000].to_vec(), &["cut short"]),
        (
            "g.csv.zst",
            packed[..packed.len() / 2].to_vec(),
            &["can't be read"],
        ),
        (
            "h.csv",
            b"name,owner\nshop.vn,Somebody\n".to_vec(),
            &["row 1", "\"owner\"", "--drop owner"],
        ),
        (
            "i.csv",
            b"domain;status\nshop.vn;active\n".to_vec(),
            &["row 1", "\"domain\"", "name"],
        ),
        ("j.csv", b"status\nactive\n".to_vec(), &["name is missing"]),
        (
            "k.csv",
            b"name,expires\nshop.vn,31/02/2027\n".to_vec(),
            &["row 2", "no day"],
        ),
        ("l.csv", b"".to_vec(), &["empty"]),
        ("m.csv", b"name\n".to_vec(), &["no row"]),
        (
            "n.jsonl",
            b"{\"name\":\"a.vn\"}\n{\"name\":\n".to_vec(),
            &["row 2", "no JSON object"],
        ),
        (
            "o.zone",
            b"$INCLUDE other\n".to_vec(),
            &["row 1", "$INCLUDE"],
        ),
        (
            "p.zone",
            b"shop.vn. NS (\n".to_vec(),
            &["row 1", "parenthesis"],
        ),
        (
            "q.csv",
            b"name\nshop.vn\n".to_vec(),
            &["1 rows", "--anyway"],
        ),
    ] {
        let said = refusal(&world, &order("vn-registry"), name, bytes);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{name}: {said}"
        );
        if name != "g.csv.zst" {
            assert!(
                said.contains("the set of 2026-10-01 stays in use"),
                "{name}: {said}"
            );
        }
        let sets = world.open();
        assert!(
            sets.registration("shop.vn", NOW).known().is_some(),
            "{name}"
        );
        assert_eq!(sets.standings().len(), 1);
    }
    let kept = Order {
        dropped: &["owner".to_owned()],
        anyway: true,
        ..order("vn-registry")
    };
    world
        .import(&kept, "h.csv", "name,owner\nshop.vn,Somebody\n")
        .unwrap();
    let bytes = find(&world.sets(), b"Somebody");
    assert!(!bytes, "a column that was dropped is on the disk");
}

fn find(dir: &Path, wanted: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => find(&path, wanted),
            false => fs::read(&path)
                .unwrap()
                .windows(wanted.len())
                .any(|w| w == wanted),
        }
    })
}

#[test]
fn other_kinds_name_their_faults_too() {
    let world = World::new();
    for (set, name, text, words) in [
        (
            "delegations",
            "d.txt",
            "2|apnic|20261001|2|1|1|+1\napnic|*|ipv4|*|2|summary\napnic|VN|ipv4|1.0.0.0|256|x|allocated\n",
            &["announces 2 blocks and has 1"][..],
        ),
        (
            "delegations",
            "d.txt",
            "apnic|VN|ipv4|1.0.0.0|0|x|allocated\n",
            &["row 1", "no block"],
        ),
        (
            "delegations",
            "d.txt",
            "nonsense\n",
            &["row 1", "delegated"],
        ),
        (
            "networks",
            "n.csv",
            "prefix,operator\n203.0.113.1/24,X\n",
            &["row 2", "203.0.113.0/24"],
        ),
        (
            "networks",
            "n.csv",
            "start,operator\n203.0.113.1,X\n",
            &["start and end"],
        ),
        (
            "networks",
            "n.csv",
            "start,end\n203.0.113.9,203.0.113.1\n",
            &["row 2", "no range"],
        ),
        (
            "passive-dns",
            "p.csv",
            "name,address\nshop.vn,here\n",
            &["row 2", "no address"],
        ),
        (
            "popularity",
            "p.csv",
            "rank,name\nshop.vn,1\n",
            &["row 2", "rank"],
        ),
        (
            "popularity",
            "p.zone",
            "$ORIGIN vn.\n",
            &["zone file has nothing"],
        ),
        (
            "licences",
            "l.csv",
            "name,number,status\nshop.vn,1,valid\n",
            &["no register"],
        ),
        (
            "licences-x",
            "l.csv",
            "name,number,status,holder_kind\nshop.vn,1,valid,Nguyen Van A\n",
            &["row 2", "holder_kind", "--drop holder_kind"],
        ),
        (
            "../x",
            "l.csv",
            "",
            &["no name of a data set", "vn-registry"],
        ),
    ] {
        let said = refusal(&world, &order(set), name, text);
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{set}: {said}"
        );
    }
    let (older, future) = (
        Day::parse("2026-09-01").unwrap(),
        Day::parse("2027-09-01").unwrap(),
    );
    world.import(&order("vn-registry"), "vn.csv", VN).unwrap();
    let said = refusal(
        &world,
        &Order {
            date: older,
            ..order("vn-registry")
        },
        "vn.csv",
        VN,
    );
    assert!(
        said.contains("of 2026-09-01, and the set in use of 2026-10-01"),
        "{said}"
    );
    let said = refusal(
        &world,
        &Order {
            date: future,
            ..order("vn-registry")
        },
        "vn.csv",
        VN,
    );
    assert!(said.contains("a day to come"), "{said}");
}

#[test]
fn readers_go_on_while_a_set_is_swapped_and_take_up_the_new_one() {
    let world = World::new();
    world
        .import(&order("popularity"), "a.csv", "rank,name\n1,a.vn\n")
        .unwrap();
    let sets = world.open();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..2_000 {
                sets.refresh();
                let fact = sets.popularity("a.vn", NOW);
                assert!(fact.known().is_some(), "{fact:?}");
            }
        });
        for rank in 2..12 {
            let text = format!("rank,name\n{rank},a.vn\n");
            world
                .import(&order("popularity"), &format!("{rank}.csv"), text)
                .unwrap();
        }
        reader.join().unwrap();
    });
    sets.refresh();
    assert_eq!(sets.popularity("a.vn", NOW).known().unwrap().rank, 11);
}

#[test]
fn a_damaged_set_is_a_fault_and_no_answer() {
    let world = World::new();
    world
        .import(&order("popularity"), "a.csv", "rank,name\n1,a.vn\n")
        .unwrap();
    world
        .import(
            &order("passive-dns"),
            "p.csv",
            "name,address\na.vn,203.0.113.1\n",
        )
        .unwrap();
    let version = world.sets().join("popularity/v1");
    for entry in fs::read_dir(&version).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "sst") {
            let mut bytes = fs::read(&path).unwrap();
            bytes.iter_mut().take(60).for_each(|byte| *byte ^= 0x55);
            fs::write(&path, bytes).unwrap();
        }
    }
    fs::write(world.sets().join("passive-dns/current"), "v1\n{}").unwrap();
    let sets = world.open();
    for fault in [
        sets.popularity("a.vn", NOW).fault().cloned(),
        sets.neighbours("203.0.113.1/32".parse().unwrap(), bound(), NOW)
            .fault()
            .cloned(),
    ] {
        let fault = fault.expect("a fault");
        assert_eq!(fault.kind, FaultKind::Set);
        assert!(fault.detail.contains("again"), "{}", fault.detail);
    }
}

#[test]
fn offline_facts_are_of_the_kind_of_subject() {
    let world = World::new();
    world.import(&order("vn-registry"), "vn.csv", VN).unwrap();
    let lists = Arc::new(Lists::embedded().unwrap());
    let facts = |text: &str| {
        from_sets(
            &world.open(),
            &lists,
            &Subject::parse(text).unwrap(),
            bound(),
            NOW,
        )
    };
    let shop = facts("domain:a.shop.vn");
    assert!(shop.registration.known().is_some());
    assert_eq!(
        shop.suffix.known().unwrap().registrable.as_deref(),
        Some("shop.vn")
    );
    assert!(shop.suffix.at < NOW);
    assert!(matches!(
        facts("domain:a.example.com").registration.outcome,
        Outcome::NotAsked(_)
    ));
    assert!(matches!(
        facts("net:203.0.113.0/24").suffix.outcome,
        Outcome::NotAsked(_)
    ));
    assert!(matches!(
        facts("seller:shopee.vn/1").registration.outcome,
        Outcome::NotAsked(_)
    ));
    let config = blockfeed::registry::Config {
        sets: Some(world.sets()),
        ..Default::default()
    };
    let gatherer = Gatherer::new(&config, Path::new("unused"), lists.clone()).unwrap();
    let again = gatherer.offline(&Subject::parse("domain:a.shop.vn").unwrap(), NOW);
    assert_eq!(again, shop);
}

#[test]
fn real_files_are_read_as_they_are() {
    let Some(shared) = peers::shared().map(|shared| shared.join("data")) else {
        return;
    };
    let file = shared.join("ip/ip-location-db-VN-ipv4.csv");
    let world = World::new();
    let columns = ["start", "end", "country"].map(str::to_owned);
    let networks = Order {
        columns: Some(&columns),
        format: Some(Format::Csv),
        ..order("networks")
    };
    let done = sets::import(&world.sets(), &networks, &file, &mut |_, _| {}).unwrap();
    assert_eq!(done.description.rows, 1_475);
    let six = Order {
        set: "networks-six",
        ..networks
    };
    let file = shared.join("ip/ip-location-db-VN-ipv6.csv");
    assert_eq!(
        sets::import(&world.sets(), &six, &file, &mut |_, _| {})
            .unwrap()
            .description
            .rows,
        1_060
    );
    let fact = world.open().network("1.52.1.0/24".parse().unwrap(), NOW);
    assert_eq!(fact.known().unwrap().country.as_deref(), Some("VN"));
}

fn blockfeed(data: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockfeed"));
    let data = format!("log.data={}", data.display());
    command
        .arg("registry")
        .args(arguments)
        .args(["--set", &data]);
    command.output().unwrap()
}

#[test]
fn the_verbs_import_list_and_show() {
    let world = World::new();
    let data = world.0.path();
    let file = world.file("vn.csv", VN);
    let file = file.to_str().unwrap();
    let common = ["--date", "2026-10-01", "--licence", "for tests", file];
    let import = |extra: &[&str]| {
        let arguments = [&["import"], extra, &common].concat();
        blockfeed(data, &arguments)
    };
    let done = import(&["--into", "vn-registry", "--json"]);
    assert!(done.status.success(), "{done:?}");
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&shown["rows"], &shown["kind"]),
        (&3.into(), &"vn-registry".into())
    );
    let listed = String::from_utf8(blockfeed(data, &["list"]).stdout).unwrap();
    assert!(
        listed.contains("3 rows  of 2026-10-01") && listed.contains("TOO OLD"),
        "{listed}"
    );
    assert!(
        listed.contains("popularity             nothing was imported"),
        "{listed}"
    );
    let shown = blockfeed(data, &["show", "vn-registry", "www.shop.vn", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["outcome"]["value"]["registrar"], "iNET");
    let none = blockfeed(data, &["show", "popularity", "shop.vn"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("registry list"));
    world.file("vn.csv", "name\nbad name\n");
    let refused = import(&["--into", "vn-registry"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("row 2") && said.contains("stays in use"),
        "{said}"
    );
}

/// An import from standard input, which is held open.
fn importing(data: &Path) -> std::process::Child {
    let data = format!("log.data={}", data.display());
    Command::new(env!("CARGO_BIN_EXE_blockfeed"))
        .args([
            "registry",
            "import",
            "--into",
            "popularity",
            "--date",
            "2026-10-02",
        ])
        .args(["--licence", "for tests", "--set", &data, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn an_import_that_is_killed_leaves_the_set_as_it_was() {
    let world = World::new();
    world
        .import(&order("popularity"), "a.csv", "rank,name\n1,a.vn\n")
        .unwrap();
    let mut killed = importing(world.0.path());
    let mut rows = String::from("rank,name\n");
    (2..200_000).for_each(|rank| rows += &format!("{rank},a.vn\n"));
    let mut input = killed.stdin.take().unwrap();
    input.write_all(rows.as_bytes()).unwrap();
    input.flush().unwrap();
    // It has the lock, and rows on the disk; a second one is told so.
    let mut second = importing(world.0.path());
    let header = second.stdin.as_mut().unwrap();
    header.write_all(b"rank,name\n").unwrap();
    let said = second.wait_with_output().unwrap();
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("another import"),
        "{said:?}"
    );
    killed.kill().unwrap();
    killed.wait().unwrap();
    drop(input);
    let fact = world.open().popularity("a.vn", NOW);
    assert_eq!(fact.known().unwrap().rank, 1);
    let mut whole = importing(world.0.path());
    let mut input = whole.stdin.take().unwrap();
    input.write_all(rows.as_bytes()).unwrap();
    drop(input);
    let said = whole.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let fact = world.open().popularity("a.vn", NOW);
    assert_eq!(fact.known().unwrap().rank, 199_999);
    let versions = fs::read_dir(world.sets().join("popularity")).unwrap();
    assert_eq!(versions.count(), 3, "current, lock and one version");
}
