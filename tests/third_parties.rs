//! Programs that nobody here wrote in Rust, on what is published: Go's own note and tlog packages, and a Python
//! verifier written from the design alone. A missing tool is a `SKIPPED` line, and a failure where `REQUIRE_ALL=1`.

mod office;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex};

use blockfeed::decision::Parts;
use blockfeed::log::{Authority, Config, Entrant, Metrics};
use blockfeed::tlog::{
    Checkpoint, CosignerKey, Hash, Level, SignerKey, Tree, VerifierKey, all_tiles, cosign,
    encode_bundle, leaf_hash, sign_checkpoint,
};
use ed25519_dalek::SigningKey;
use office::Office;
use sha2::{Digest as _, Sha256};

type Outcome = Result<(), Box<dyn Error>>;
/// Path below a folder, and bytes.
type Files = Vec<(PathBuf, Vec<u8>)>;

const ORIGIN: &str = "blocklist.example/399/v1";
const VKEY: &str = "blocklist.example/399/v1+1099a66b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

#[test]
fn the_shared_vectors_verify() -> Outcome {
    let Some(vectors) = vectors() else {
        return skip("the shared vectors", "there is no ../shared here");
    };
    go(&vectors, |said| {
        assert!(said.contains(" size 18 "), "{said}")
    })?;
    let expected = vectors.join("expected.json").into_os_string();
    python(&vectors, &["--expected".into(), expected], |said| {
        assert!(
            said.contains(" approvals 9 ") && said.contains(" expected 14 "),
            "{said}"
        );
    })
}

#[test]
fn logs_published_by_this_crate_verify() -> Outcome {
    for size in [1, 255, 256, 257, 600, 65_537] {
        let folder = tempfile::tempdir()?;
        publish(folder.path(), size)?;
        let figure = format!(" size {size} ");
        go(folder.path(), |said| {
            assert!(said.contains(&figure), "{said}")
        })?;
        let log_only = ["--log-only".into(), "--vkey".into(), VKEY.into()];
        python(folder.path(), &log_only, |said| {
            assert!(said.contains(&figure), "{said}")
        })?;
    }
    Ok(())
}

/// What an authority publishes: lists, a stay, an amendment, revocations of a line and of a whole.
#[test]
fn an_authority_of_this_crate_verifies() -> Outcome {
    let folder = tempfile::tempdir()?;
    let office = Office::new()?;
    let config = Config::at(folder.path());
    office.init(&config)?;
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let guard = Box::new(|_: &_, _: &_, _, _: &dyn Parts| Ok(()));
    let authority = Authority::open(config.clone(), &office.keys(), guard, metrics, |e| {
        panic!("{e}")
    })?;
    let lines = |from: u32, to: u32| {
        (from..to)
            .map(|n| format!("domain:n{n}.example +\n"))
            .collect::<Vec<_>>()
    };
    let (listed, mut parts) = office.list("2026-000001", lines(0, 90))?;
    let (second, more) = office.list(
        "2026-000002",
        vec!["domain:n5.example +\n".into(), "net:192.0.2.0/24\n".into()],
    )?;
    let (revoked, part) = office.revoke("2026-000003", "2026-000001", "domain:n7.example +\n")?;
    let stayed = office.stay("2026-000004", "2026-000001", office.now() + 3600)?;
    let amended = office.amend("2026-000005", "2026-000002", office.now() + 86_400)?;
    parts.extend(more);
    parts.push(part);
    let runtime = tokio::runtime::Runtime::new()?;
    for part in &parts {
        authority.keep_part(part)?;
    }
    for body in [listed, second, revoked, stayed, amended] {
        let approvals = office.sign(&body)?;
        runtime.block_on(authority.submit(Entrant::Decision {
            body: Box::new(body),
            approvals,
        }))?;
    }
    let vkey = VerifierKey::ed25519(
        office::ORIGIN,
        &office.keys().log.verifying_key().to_bytes(),
    )?;
    accepted(run_go(&config.public(), &vkey.to_string())?, |said| {
        assert!(said.contains(" size 12 "), "{said}")
    })?;
    python(&config.public(), &[], |said| {
        assert!(said.contains(" approvals 9 "), "{said}")
    })?;
    authority.stop();
    Ok(())
}

/// A verifier that accepts everything would pass the tests above.
#[test]
fn whatever_is_twisted_fails_to_verify() -> Outcome {
    let Some(vectors) = vectors() else {
        return skip("twisted vectors", "there is no ../shared here");
    };
    let files = files_below(&vectors)?;
    for (path, bytes) in &files {
        if path.ends_with("expected.json") {
            continue;
        }
        let folder = tempfile::tempdir()?;
        copy(&files, folder.path())?;
        let mut twisted = bytes.clone();
        let middle = twisted.len() / 2;
        twisted[middle] ^= 1;
        std::fs::write(folder.path().join(path), twisted)?;
        if path.starts_with("log")
            && let Some(said) = run_go(folder.path(), VKEY)?
        {
            assert!(
                !said.status.success(),
                "Go accepts a bit flipped in {path:?}"
            );
        }
        if let Some(said) = run_python(folder.path(), &[])? {
            assert_eq!(
                said.status.code(),
                Some(1),
                "Python on a bit flipped in {path:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_proof_of_absence_verifies_and_one_that_hides_a_line_does_not() -> Outcome {
    let Some(vectors) = vectors() else {
        return skip("proofs of absence", "there is no ../shared here");
    };
    let expected = std::fs::read(vectors.join("expected.json"))?;
    let expected: serde_json::Value = serde_json::from_slice(&expected)?;
    let domains = &expected["feeds"]["domains"];
    let lines: Vec<String> = serde_json::from_value(domains["lines"].clone())?;
    let buckets = Buckets::of(&lines);
    let folder = tempfile::tempdir()?;
    let check = |proof: &serde_json::Value| -> Result<Option<Output>, Box<dyn Error>> {
        let file = folder.path().join("proof.json");
        std::fs::write(&file, proof.to_string())?;
        run_python(&vectors, &["--proof".into(), file.into()])
    };
    for (names, verdict) in [
        (
            vec!["shop.example.vn", "example.vn", "vn"],
            "shop.example.vn listed by 2026-000001",
        ),
        (
            vec!["a.kept.example", "kept.example", "example"],
            "listed by 2026-000001 (kept.example +)",
        ),
        (vec!["other.example", "example"], "other.example not listed"),
    ] {
        let proof = buckets.proof(domains, &names);
        let Some(said) = check(&proof)? else {
            return Ok(());
        };
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(
            said.status.success() && text.contains(verdict),
            "{text}{said:?}"
        );
    }
    let mut hiding = buckets.proof(domains, &["shop.example.vn", "example.vn", "vn"]);
    hiding["proofs"][0]["lines"] = serde_json::json!([]);
    let refused = check(&hiding)?.is_some_and(|said| said.status.code() == Some(1));
    assert!(refused, "a proof that hides a line was accepted");
    Ok(())
}

/// The state digest's buckets, written down once more for this test (design: Feeds, state digest).
struct Buckets {
    lines: BTreeMap<u16, Vec<String>>,
    tree: Tree,
}

impl Buckets {
    fn of(all: &[String]) -> Self {
        let mut lines: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for line in all {
            let name = line.split(' ').nth(1).unwrap_or_default();
            lines
                .entry(Self::index(name))
                .or_default()
                .push(line.clone());
        }
        lines.values_mut().for_each(|lines| lines.sort());
        let tree = (0..=u16::MAX)
            .map(|bucket| {
                let lines = lines.get(&bucket).into_iter().flatten();
                let text: String = lines.map(|line| format!("{line}\n")).collect();
                leaf_hash(text.as_bytes())
            })
            .collect();
        Self { lines, tree }
    }

    fn index(name: &str) -> u16 {
        let hash = Sha256::new()
            .chain_update(b"blockfeed/bucket/v1\0")
            .chain_update(name);
        let hash: [u8; 32] = hash.finalize().into();
        u16::from_be_bytes([hash[0], hash[1]])
    }

    /// The answer of `GET /feeds/domains/proof?name=`.
    fn proof(&self, domains: &serde_json::Value, names: &[&str]) -> serde_json::Value {
        let one = |name: &&str| {
            let bucket = Self::index(name);
            let path = self
                .tree
                .inclusion(bucket.into(), 65_536)
                .unwrap_or_default();
            serde_json::json!({
                "name": name, "bucket": bucket, "path": path,
                "lines": self.lines.get(&bucket).cloned().unwrap_or_default(),
            })
        };
        serde_json::json!({
            "feed": "domains", "serial": domains["serial"], "digest": domains["digest"],
            "entries": 3, "proofs": names.iter().map(one).collect::<Vec<_>>(),
        })
    }
}

/// Publishes a cosigned log of `size` made-up entries below `folder`.
fn publish(folder: &Path, size: u64) -> Outcome {
    let log = folder.join("log");
    let entries: Vec<String> = (0..size).map(|i| format!("decision {i}")).collect();
    let tree: Tree = entries
        .iter()
        .map(|entry| leaf_hash(entry.as_bytes()))
        .collect();
    for id in all_tiles(size) {
        let first = id.index as usize * 256;
        let bytes = match id.level {
            Level::Entries => encode_bundle(&entries[first..first + usize::from(id.width)])?,
            Level::Hashes(_) => tree.tile(&id).ok_or("a tile is missing")?,
        };
        let path = log.join(id.path());
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        std::fs::write(path, bytes)?;
    }
    let seed = |first: u8| SigningKey::from_bytes(&std::array::from_fn(|i| first + i as u8));
    let (origin, root): (_, Hash) = (ORIGIN.to_owned(), tree.root());
    let note = sign_checkpoint(
        &Checkpoint { origin, size, root },
        &[&SignerKey::new(ORIGIN, seed(0))?],
    );
    let witness = CosignerKey::new("witness.example/w1", seed(32))?;
    std::fs::write(
        log.join("checkpoint"),
        cosign(&note, &witness, 1_790_000_000)?,
    )?;
    Ok(())
}

fn go(folder: &Path, check: impl Fn(&str)) -> Outcome {
    accepted(run_go(folder, VKEY)?, check)
}

fn python(folder: &Path, options: &[OsString], check: impl Fn(&str)) -> Outcome {
    accepted(run_python(folder, options)?, check)
}

fn accepted(output: Option<Output>, check: impl Fn(&str)) -> Outcome {
    let Some(output) = output else { return Ok(()) };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    check(&String::from_utf8(output.stdout)?);
    Ok(())
}

/// `None` where Go or its package is missing, which was then said.
fn run_go(folder: &Path, vkey: &str) -> Result<Option<Output>, Box<dyn Error>> {
    static VERIFIER: LazyLock<Result<PathBuf, String>> = LazyLock::new(build_go);
    match VERIFIER.as_ref() {
        Ok(verifier) => Ok(Some(Command::new(verifier).arg(folder).arg(vkey).output()?)),
        Err(why) => missing("the Go verifier", why).map(|()| None),
    }
}

fn build_go() -> Result<PathBuf, String> {
    let unpacked = peers().and_then(|peers| {
        let versions = std::fs::read_dir(peers.join("usr/lib")).ok()?.flatten();
        let root = versions
            .map(|entry| entry.path())
            .find(|path| path.join("bin/go").is_file() && path.join("src").is_dir())?;
        Some((peers.join("usr/share/gocode"), Some(root)))
    });
    let (path, root) = unpacked.unwrap_or(("/usr/share/gocode".into(), None));
    if !path.join("src/golang.org/x/mod/sumdb/tlog").is_dir() {
        return Err(format!("no golang.org/x/mod in {}", path.display()));
    }
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let verifier = scratch.join("verify-log");
    let mut command = Command::new(
        root.as_ref()
            .map_or("go".into(), |root| root.join("bin/go")),
    );
    command
        .args(["build", "-o"])
        .arg(&verifier)
        .arg(verifiers().join("go/verify.go"))
        .env("GOPATH", path)
        .env("GOCACHE", scratch.join("go-cache"))
        .envs([
            ("GO111MODULE", "off"),
            ("GOFLAGS", ""),
            ("GOENV", "off"),
            ("CGO_ENABLED", "0"),
        ]);
    if let Some(root) = root {
        command.env("GOROOT", root);
    }
    let built = command.output().map_err(|error| format!("go: {error}"))?;
    // A Go that is there and does not build the verifier is no missing tool.
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "go build: {said}");
    Ok(verifier)
}

/// `None` where Python, its `cryptography` or zstd is missing, which was then said.
fn run_python(folder: &Path, options: &[OsString]) -> Result<Option<Output>, Box<dyn Error>> {
    static PYTHON: LazyLock<Result<OsString, String>> = LazyLock::new(|| {
        let python = std::env::var_os("BLOCKFEED_PYTHON").unwrap_or("python3".into());
        let probe = "import shutil, importlib.util as u, cryptography\n\
                     assert shutil.which('zstd') or u.find_spec('compression'), 'no zstd'";
        let mut command = Command::new(&python);
        command.args(["-c", probe]).env("PATH", path_with_peers());
        let probed = command
            .output()
            .map_err(|error| format!("{}: {error}", python.display()))?;
        match probed.status.success() {
            true => Ok(python),
            false => Err(String::from_utf8_lossy(&probed.stderr).into_owned()),
        }
    });
    let python = match PYTHON.as_ref() {
        Ok(python) => python,
        Err(why) => return missing("the Python verifier", why).map(|()| None),
    };
    let mut command = Command::new(python);
    command
        .arg(verifiers().join("python/verify.py"))
        .arg(folder)
        .args(options)
        .env("PATH", path_with_peers());
    Ok(Some(command.output()?))
}

/// A tool that is not here: a skip, or a failure where everything is required.
fn missing(what: &str, why: &str) -> Outcome {
    match std::env::var("REQUIRE_ALL").is_ok_and(|all| all == "1") {
        true => Err(format!("REQUIRE_ALL=1, but {what} cannot run: {why}").into()),
        false => skip(what, why),
    }
}

/// Says what was not run, once: on stdout past the harness's capture, and in the file that collects skips.
fn skip(what: &str, why: &str) -> Outcome {
    let line = format!(
        "SKIPPED {what}: {}",
        why.trim().lines().last().unwrap_or_default()
    );
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().map_err(|error| error.to_string())?;
    if !said.insert(line.clone()) {
        return Ok(());
    }
    writeln!(std::io::stdout(), "\n{line}")?;
    if let Some(file) = std::env::var_os("BLOCKFEED_SKIPS") {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(file)?;
        writeln!(file, "{line}")?;
    }
    Ok(())
}

fn vectors() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(beside, PathBuf::from);
    Some(shared.join("vectors")).filter(|path| path.is_dir())
}

fn verifiers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers")
}

fn peers() -> Option<PathBuf> {
    std::env::var_os("BLOCKFEED_PEERS").map(PathBuf::from)
}

fn path_with_peers() -> OsString {
    let mut path = peers().map_or(OsString::new(), |p| p.join("usr/bin:").into_os_string());
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

fn files_below(folder: &Path) -> Result<Files, Box<dyn Error>> {
    let (mut files, mut folders) = (Files::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(folder)?.to_owned(), std::fs::read(&path)?));
            }
        }
    }
    Ok(files)
}

fn copy(files: &Files, folder: &Path) -> Outcome {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        std::fs::write(path, bytes)?;
    }
    Ok(())
}
