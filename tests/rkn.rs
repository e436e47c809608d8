//! The Russian register of blocked addresses, 2012-11 to 2013-12, replayed version by version: each
//! of its decisions (agency, number, date) becomes a decision over names and networks with that
//! basis, each row that went a revocation. After every version what is in force by the LOG (leaves
//! and parts, read here without the program's own fold) is what that version of the file says, per
//! decision and so per agency. At the end an agent holds that text; in the safe reading also one
//! that followed at every seventh version.
//!
//! A row is `address[ | address];domain;URL[ | URL];agency;number;date`: it blocks URLs, not names.
//! Two readings are replayed. *Safe*, as an officer would have to enter it under the plan's "no
//! harm": a name alone (`=`), and only where a URL of the row is the whole site of the row's
//! domain; an address only of such a row, and only where no other domain of that version is at it;
//! and the guard's refusals hold. *As written*: the row's domain alone and every address of the
//! row, whatever the URL says, so that no agency is empty and the totals are those of the columns.
//! What is left out is counted by reason, and what is in force, left out and said twice adds up to
//! what the file holds. The register lies in `../shared`; without it a made one of the same shape runs.

mod office;
mod peers;
mod register;

use blockfeed::{
    agent::{Agent, Config as AgentConfig, SourceConfig},
    canon::{DecisionId, Origin},
    check::{Guard, batch},
    decision::{Action, Basis, Body, Leaf, PartRef, Parts, Revoke, Target, TextRef},
    entries::FeedName,
    log::{Authority, Config, Entrant, Metrics},
    registry::Lists,
    subject::{OwnedLine, Scope},
};
use office::{Fallible, ORIGIN, Office};
use register::{REGISTER, Row, Version, decoded, versions};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::Ipv4Addr,
    path::Path,
    sync::Arc,
};

#[test]
fn whole_sites_as_the_plan_would_list_them() -> Fallible<()> {
    replay(Reading::Safe)
}

#[test]
fn every_row_as_it_is_written() -> Fallible<()> {
    replay(Reading::AsWritten)
}

#[test]
fn the_decoder_agrees_with_who_decoded_the_register_before() -> Fallible<()> {
    assert_eq!(
        decoded(b"\xd4\xd1\xca\xcd \xb9 2\xe8-\xa8\xb8")?,
        "ФСКН № 2и-Ёё"
    );
    assert!(decoded(b"\x98").is_err());
    let Some(shared) = peers::shared() else {
        println!("../shared isn't there: the made register alone");
        return Ok(());
    };
    let deltas = shared.join(format!("{REGISTER}.deltas.jsonl.zst"));
    let deltas = String::from_utf8(zstd::decode_all(std::fs::File::open(deltas)?)?)?;
    let versions = versions()?;
    let mut rows: BTreeSet<String> = BTreeSet::new();
    for (version, delta) in versions.iter().zip(deltas.lines()) {
        let delta: Delta = serde_json::from_str(delta)?;
        rows.retain(|row| !delta.del.contains(row));
        rows.extend(delta.add);
        let own: BTreeSet<String> = version.text.lines().skip(1).map(str::to_owned).collect();
        assert!(own == rows, "{}", version.name);
    }
    assert_eq!(versions.len(), deltas.lines().count());
    Ok(())
}

/// A version of the register as somebody else took it apart, in UTF-8.
#[derive(serde::Deserialize)]
struct Delta {
    add: Vec<String>,
    del: BTreeSet<String>,
}

/// What a row lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Safe,
    AsWritten,
}

fn replay(reading: Reading) -> Fallible<()> {
    let versions = versions()?;
    let dir = tempfile::tempdir()?;
    let office = Office::new()?;
    let config = Config::at(&dir.path().join("authority"));
    office.init(&config)?;
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    let authority = Authority::open(config.clone(), &office.keys(), guard, metrics, |e| {
        panic!("{e}")
    })?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut reader = Reader::new(reading)?;
    let mut desk = Desk::new(&office);
    let mut log = InForce::default();
    let mut beside = agent(&dir.path().join("beside"), &config.public())?;
    for (n, version) in versions.iter().enumerate() {
        let read = reader.read(version)?;
        runtime.block_on(desk.bring(&authority, version, &read.wanted))?;
        log.follow(&authority)?;
        assert!(log.by_basis() == read.wanted, "{}", version.name);
        assert_eq!(log.totals(), read.totals(), "{}", version.name);
        if reading == Reading::Safe && n % 7 == 3 {
            follow(&runtime, &mut beside)?;
        }
        if n % 100 == 0 || n + 1 == versions.len() {
            read.tell(reading, version, &log);
        }
    }
    follow(&runtime, &mut beside)?;
    let mut agents = vec![beside];
    if reading == Reading::Safe {
        let mut last = agent(&dir.path().join("last"), &config.public())?;
        follow(&runtime, &mut last)?;
        agents.push(last);
    }
    for feed in [FeedName::domains(), FeedName::networks()] {
        for agent in &agents {
            let held = entries(&text(agent, &feed)?);
            assert_eq!(held, desk.entries(&feed), "{feed}");
        }
        let texts: BTreeSet<String> = agents
            .iter()
            .map(|a| text(a, &feed))
            .collect::<Fallible<_>>()?;
        assert_eq!(texts.len(), 1, "{feed}");
    }
    // From leaf 0 anew, for whoever comes to the log last.
    let mut anew = InForce::default();
    anew.follow(&authority)?;
    assert_eq!(anew.by_basis(), log.by_basis());
    println!(
        "{reading:?}: {} versions, {} leaves, {} decisions of {} bases, the last version's text at {} agents",
        versions.len(),
        authority.ledger().size(),
        desk.next - 1,
        desk.bases.len(),
        agents.len(),
    );
    authority.stop();
    Ok(())
}

/// Lines by the decision of the register that they stand under: agency, number, date.
type ByBasis = BTreeMap<BasisKey, BTreeSet<String>>;

type BasisKey = (String, String, String);

/// Per agency: names and networks.
type Totals = BTreeMap<String, [usize; 2]>;

const COLUMNS: [&str; 2] = ["names", "addresses"];

/// What a version comes to.
struct Read {
    wanted: ByBasis,
    /// What the columns hold: a domain for each row, and every address.
    columns: Totals,
    /// By agency, column and reason.
    left_out: BTreeMap<(String, usize, String), usize>,
    /// Lines that a decision says again in another row.
    twice: Totals,
}

impl Read {
    /// What must be in force: what the columns hold, less what was left out or said twice.
    fn totals(&self) -> Totals {
        let mut totals = self.columns.clone();
        for ((agency, column, _), count) in &self.left_out {
            totals.entry(agency.clone()).or_default()[*column] -= count;
        }
        for (agency, twice) in &self.twice {
            let own = totals.entry(agency.clone()).or_default();
            own.iter_mut()
                .zip(twice)
                .for_each(|(own, twice)| *own -= twice);
        }
        totals.retain(|_, own| own != &[0, 0]);
        totals
    }

    fn tell(&self, reading: Reading, version: &Version, log: &InForce) {
        let in_force = log.totals();
        for (agency, columns) in &self.columns {
            let own = in_force.get(agency).copied().unwrap_or_default();
            let twice = self.twice.get(agency).copied().unwrap_or_default();
            for (column, what) in COLUMNS.into_iter().enumerate() {
                let out = self.left_out.iter();
                let out = out.filter(|((of, at, _), _)| of == agency && *at == column);
                let out: Vec<_> = out.map(|((_, _, why), n)| format!("{n} {why}")).collect();
                println!(
                    "{reading:?} {} {agency}: {} {what} in the file = {} in force by the log + {} said twice + left out [{}]",
                    version.name,
                    columns[column],
                    own[column],
                    twice[column],
                    out.join(", ")
                );
            }
        }
    }
}

/// Reads rows as subjects.
struct Reader {
    reading: Reading,
    guard: Guard,
    /// Text and category → canonical line, or why not.
    known: HashMap<(String, &'static str), Result<String, String>>,
}

impl Reader {
    fn new(reading: Reading) -> Fallible<Self> {
        Ok(Self {
            reading,
            guard: Guard::new(Arc::new(Lists::embedded()?)),
            known: HashMap::new(),
        })
    }

    fn read(&mut self, version: &Version) -> Fallible<Read> {
        let rows = version.rows()?;
        let mut at: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for row in &rows {
            for address in &row.addresses {
                at.entry(address).or_default().insert(row.domain);
            }
        }
        let mut read = Read {
            wanted: ByBasis::new(),
            columns: Totals::new(),
            left_out: BTreeMap::new(),
            twice: Totals::new(),
        };
        for row in &rows {
            let columns = read.columns.entry(row.agency.to_owned()).or_default();
            columns[0] += 1;
            columns[1] += row.addresses.len();
            let name = self.name(row);
            let addresses: Vec<_> = row
                .addresses
                .iter()
                .map(|address| self.address(row, address, name.is_ok(), at[address].len() > 1))
                .collect();
            read.take(row, 0, name);
            for address in addresses {
                read.take(row, 1, address);
            }
        }
        Ok(read)
    }

    fn name(&mut self, row: &Row<'_>) -> Result<String, String> {
        if row.domain.parse::<Ipv4Addr>().is_ok() {
            return Err("that are addresses".into());
        }
        let host = match self.reading {
            Reading::AsWritten => row.domain.to_owned(),
            Reading::Safe => row.site().ok_or("whose URLs are pages")?,
        };
        self.canonical(&host, category(row))
    }

    fn address(
        &mut self,
        row: &Row<'_>,
        text: &str,
        site: bool,
        shared: bool,
    ) -> Result<String, String> {
        text.parse::<Ipv4Addr>().map_err(|_| "that are none")?;
        match self.reading {
            Reading::Safe if !site => Err("of rows whose name isn't listed".into()),
            Reading::Safe if shared => Err("at which other domains are".into()),
            _ => self.canonical(text, category(row)),
        }
    }

    /// The canonical line of a text, for the name alone; by the guard where the reading is safe.
    fn canonical(&mut self, text: &str, category: &'static str) -> Result<String, String> {
        if let Some(known) = self.known.get(&(text.to_owned(), category)) {
            return known.clone();
        }
        let options = batch::Options {
            category,
            ..Default::default()
        };
        let read = batch::Batch::read(text.as_bytes(), &self.guard, &options);
        let line = match read.rows.into_iter().next().map(|row| row.outcome) {
            Some(batch::Outcome::Accepted { line, .. }) => Ok(line),
            Some(batch::Outcome::Refused(refusal)) => match refusal.line {
                Some(line) if self.reading == Reading::AsWritten => Ok(line),
                _ => Err(format!("refused by the guard as {}", refusal.code)),
            },
            _ => Err("that say nothing".into()),
        };
        let line =
            line.map(|line| OwnedLine::new(line.subject().clone(), Scope::Exact).to_string());
        self.known.insert((text.to_owned(), category), line.clone());
        line
    }
}

impl Read {
    fn take(&mut self, row: &Row<'_>, column: usize, line: Result<String, String>) {
        let agency = row.agency.to_owned();
        match line {
            Err(why) => *self.left_out.entry((agency, column, why)).or_default() += 1,
            Ok(line) => {
                let basis = (agency.clone(), row.number.to_owned(), row.date.to_owned());
                if !self.wanted.entry(basis).or_default().insert(line) {
                    self.twice.entry(agency).or_default()[column] += 1;
                }
            }
        }
    }
}

/// The register's drug shops are prohibited goods, the court's orders are of copyright.
fn category(row: &Row<'_>) -> &'static str {
    match row.agency {
        "Мосгорсуд" => "ip_infringement",
        _ => "prohibited",
    }
}

/// Who enters what leads from version to version.
struct Desk<'a> {
    office: &'a Office,
    /// What is in force, with the decision that holds it.
    held: BTreeMap<(BasisKey, String), String>,
    bases: BTreeSet<BasisKey>,
    next: u32,
}

type Submission = (Body, Vec<Vec<u8>>);

impl<'a> Desk<'a> {
    fn new(office: &'a Office) -> Self {
        Self {
            office,
            held: BTreeMap::new(),
            bases: BTreeSet::new(),
            next: 1,
        }
    }

    /// A revocation for each agency of which something went, then a decision for each basis under
    /// which something came; the decisions at once, so that they share commits.
    async fn bring(
        &mut self,
        authority: &Authority,
        version: &Version,
        wanted: &ByBasis,
    ) -> Fallible<()> {
        let wants = |(basis, line): &(BasisKey, String)| {
            wanted.get(basis).is_some_and(|lines| lines.contains(line))
        };
        let gone: Vec<_> = self.held.extract_if(.., |key, _| !wants(key)).collect();
        let mut by_agency: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (((agency, _, _), line), id) in gone {
            let ids = by_agency.entry(agency).or_default();
            ids.entry(id).or_default().insert(line);
        }
        let mut submissions = Vec::new();
        for (agency, gone) in by_agency {
            submissions.push(self.revocation(agency, version, gone)?);
        }
        submit(authority, self.office, submissions).await?;
        let mut submissions = Vec::new();
        for (basis, lines) in wanted {
            let come: Vec<&String> = lines
                .iter()
                .filter(|line| !self.held.contains_key(&(basis.clone(), (*line).clone())))
                .collect();
            if !come.is_empty() {
                submissions.push(self.list(basis, &come)?);
            }
        }
        submit(authority, self.office, submissions).await
    }

    fn list(&mut self, basis: &BasisKey, lines: &[&String]) -> Fallible<Submission> {
        let id = self.id();
        let whole = lines.iter().map(|line| format!("{line}\n")).collect();
        let (mut body, parts) = self.office.list(&id, whole)?;
        if let Body::List(list) = &mut body {
            list.basis = self::basis(basis.clone());
        }
        for line in lines {
            self.held
                .insert((basis.clone(), (*line).clone()), id.clone());
        }
        self.bases.insert(basis.clone());
        Ok((body, parts))
    }

    /// By the agency whose rows went; the register says no number for that, so the version stands for it.
    fn revocation(
        &mut self,
        agency: String,
        version: &Version,
        gone: BTreeMap<String, BTreeSet<String>>,
    ) -> Fallible<Submission> {
        let mut parts = Vec::new();
        let mut targets = Vec::new();
        for (id, lines) in gone {
            let part: String = lines.iter().map(|line| format!("{line}\n")).collect();
            targets.push(Target {
                decision: DecisionId::new(id)?,
                parts: Some(vec![PartRef::of(part.as_bytes())]),
            });
            parts.push(part.into_bytes());
        }
        parts.push(b"office".to_vec());
        let body = Body::Revoke(Revoke {
            origin: Origin::new(ORIGIN)?,
            id: DecisionId::new(self.id())?,
            action: Action::Revoke,
            submit_by: self.office.now() + 86_400,
            basis: basis((agency, version.name.clone(), version.date().to_owned())),
            reasons: TextRef::of("office"),
            targets,
        });
        Ok((body, parts))
    }

    /// What a feed must hold: `subject scope id`.
    fn entries(&self, feed: &FeedName) -> BTreeSet<String> {
        let kind = format!("{}:", feed.kind());
        let of_feed = self.held.iter().filter_map(|((_, line), id)| {
            let line = line.strip_prefix(&kind)?;
            // A network has no scope of its own in a part, and `=` in a feed.
            let scope = if line.ends_with(" =") { "" } else { " =" };
            Some(format!("{line}{scope} {id}"))
        });
        of_feed.collect()
    }

    fn id(&mut self) -> String {
        let id = format!("2026-{:06}", self.next);
        self.next += 1;
        id
    }
}

fn basis((authority, number, date): BasisKey) -> Basis {
    Basis {
        authority,
        number,
        date,
    }
}

async fn submit(authority: &Authority, office: &Office, all: Vec<Submission>) -> Fallible<()> {
    let mut sent = tokio::task::JoinSet::new();
    for (body, parts) in all {
        for part in &parts {
            authority.keep_part(part)?;
        }
        let approvals = office.sign(&body)?;
        let authority = authority.clone();
        let entrant = Entrant::Decision {
            body: Box::new(body),
            approvals,
        };
        sent.spawn(async move { authority.submit(entrant).await });
    }
    while let Some(done) = sent.join_next().await {
        done??;
    }
    Ok(())
}

/// What is in force by the leaves and their parts, and by nothing else.
#[derive(Default)]
struct InForce {
    seen: u64,
    open: BTreeMap<String, (BasisKey, BTreeSet<String>)>,
}

impl InForce {
    /// Reads the leaves that came since.
    fn follow(&mut self, authority: &Authority) -> Fallible<()> {
        let size = authority.ledger().size();
        for index in self.seen..size {
            let bytes = authority.leaf(index)?.ok_or("a leaf is missing")?;
            match Leaf::parse(&bytes)? {
                Leaf::Decision(leaf) => self.decision(authority, leaf.body)?,
                Leaf::Genesis(_) | Leaf::State(_) => {}
                other => return Err(format!("leaf {index} is {}", other.kind()).into()),
            }
        }
        self.seen = size;
        Ok(())
    }

    fn decision(&mut self, authority: &Authority, body: Body) -> Fallible<()> {
        match body {
            Body::List(list) => {
                let Basis {
                    authority: agency,
                    number,
                    date,
                } = list.basis;
                let lines = lines(authority, &list.parts)?;
                let open = ((agency, number, date), lines);
                self.open.insert(list.id.to_string(), open);
            }
            Body::Revoke(revoke) => {
                for target in revoke.targets {
                    let open = self.open.get_mut(target.decision.as_str());
                    let (basis, open) = open.ok_or("a revocation of nothing")?;
                    assert_eq!(
                        basis.0, revoke.basis.authority,
                        "each agency takes back its own"
                    );
                    for line in lines(authority, &target.parts.ok_or("a whole decision")?)? {
                        assert!(open.remove(&line), "{line} wasn't in force");
                    }
                }
            }
            other => return Err(format!("an unexpected {}", other.id()).into()),
        }
        Ok(())
    }

    fn by_basis(&self) -> ByBasis {
        let mut all = ByBasis::new();
        for (basis, lines) in self.open.values().filter(|(_, lines)| !lines.is_empty()) {
            let own = all.entry(basis.clone()).or_default();
            for line in lines {
                assert!(own.insert(line.clone()), "{basis:?} holds {line} twice");
            }
        }
        all
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::new();
        for ((agency, ..), lines) in self.open.values().filter(|(_, lines)| !lines.is_empty()) {
            let own = totals.entry(agency.clone()).or_default();
            for line in lines {
                own[usize::from(line.starts_with("net:"))] += 1;
            }
        }
        totals
    }
}

fn lines(authority: &Authority, parts: &[PartRef]) -> Fallible<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    for part in parts {
        let bytes = authority.part(&part.sha256)?.ok_or("a part is missing")?;
        lines.extend(String::from_utf8(bytes)?.lines().map(str::to_owned));
    }
    Ok(lines)
}

fn agent(state: &Path, public: &Path) -> Fallible<Agent> {
    let mut config = AgentConfig {
        state: state.to_owned(),
        sources: vec![SourceConfig {
            at: public.display().to_string(),
            token_file: None,
        }],
        feeds: BTreeSet::from([FeedName::domains(), FeedName::networks()]),
        ..AgentConfig::default()
    };
    config.trust.trust_on_first_use = true;
    Ok(Agent::open(config, &prometheus::Registry::new())?)
}

fn follow(runtime: &tokio::runtime::Runtime, agent: &mut Agent) -> Fallible<()> {
    let report = runtime.block_on(agent.once())?;
    if !report.faults.is_empty() || report.feeds.len() != 2 {
        return Err(format!("{:?} {:?}", report.faults, report.alarms).into());
    }
    Ok(())
}

fn text(agent: &Agent, feed: &FeedName) -> Fallible<String> {
    let (serial, set) = agent.verified(feed).ok_or("nothing was verified")?;
    let text = blockfeed::feed::snapshot::encode(&Origin::new(ORIGIN)?, feed, serial, &set);
    Ok(String::from_utf8(text)?)
}

/// The `E` lines, without their sign.
fn entries(text: &str) -> BTreeSet<String> {
    let entries = text.lines().filter_map(|line| line.strip_prefix("E "));
    entries.map(str::to_owned).collect()
}
