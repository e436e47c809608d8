//! The set-up: an authority with its keys in a folder, opened again at the next start.

use super::{section, when};
use crate::{
    canon::{KeyId, OfficerId, Origin},
    casework::Casework,
    cli::{
        Error, Output,
        desk::Officer,
        document::{self, Parts},
        output,
        secret::{self, Passphrase},
        serve,
        server::Server,
    },
    config::Config,
    decision::{Genesis, Leaf},
    log,
    tlog::{Hash, leaf_hash},
    transfer,
};
use prometheus::Registry;
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};
use tokio::{sync::oneshot, task::JoinHandle};
use zeroize::Zeroizing;

/// A running authority and where its things lie.
pub struct Stage {
    pub data: PathBuf,
    pub is_first: bool,
    pub config: Config,
    pub origin: Origin,
    pub session: String,
    /// Hash of the log's first leaf: what a subscriber pins.
    pub genesis: Hash,
    pub casework: Casework,
    pub server: Server,
    pub passphrase_file: PathBuf,
    passphrase: Passphrase,
    listen: SocketAddr,
    metrics: SocketAddr,
    zones: Option<transfer::Handle>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), crate::serve::Error>>,
}

impl Stage {
    /// Opens what is in the folder, or begins there.
    pub async fn open(data: &Path, mut config: Config, out: Output) -> Result<Self, Error> {
        // The ports first: a second demonstration on the same ones ends here, with the flag named.
        let listener = crate::serve::Server::bind(config.serve.clone()).await?;
        let (listen, metrics) = listener.addresses().map_err(Error::io("the listener"))?;
        let zones = serve::bind_zones(&config).await?;
        config.log.data = data.join("authority");
        let keys_dir = data.join("keys");
        let passphrase_file = keys_dir.join("passphrase");
        out.line(format!(
            "Blockfeed {}, in {}",
            env!("CARGO_PKG_VERSION"),
            data.display()
        ))?;
        let is_first = prepare(data, &config, &keys_dir)?;
        if is_first {
            begin(&config, &keys_dir, &passphrase_file, out)?;
            let unfinished = data.join(UNFINISHED);
            fs::remove_file(&unfinished).map_err(Error::io(&unfinished))?;
        }
        let passphrase = secret::passphrase(Some(&passphrase_file), "the demonstration's keys")?;
        config.keys.log = Some(keys_dir.join("log.pem"));
        config.keys.feed = Some(keys_dir.join("feed.pem"));
        config.keys.passphrase_file = Some(passphrase_file.clone());
        let registry = Registry::new();
        let casework = serve::open(&config, &serve::keys(&config)?, &registry, |error| {
            output::note(&format!("blockfeed: {error}: nothing more is taken in"));
        })?;
        let source = Arc::new(crate::serve::Zones::new(casework.clone()));
        let zones = serve::start_zones(zones, &config, &source, &registry)?;
        let first = casework.authority().leaf(0)?;
        let genesis = leaf_hash(&first.ok_or_else(|| Error::said("the log has no first leaf"))?);
        let (origin, session, size) = {
            let ledger = casework.authority().ledger();
            (ledger.origin().clone(), ledger.session(), ledger.size())
        };
        if !is_first {
            section(out, "The log goes on where it stopped")?;
            out.line(format!(
                "  log        {origin}, session {session}, {size} leaves"
            ))?;
        }
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(listener.serve(casework.clone(), registry, async {
            // Dropped is stopped, too.
            drop(stopped.await);
        }));
        Ok(Self {
            server: Server::new(&format!("http://{listen}"), &config)?,
            data: data.to_owned(),
            is_first,
            config,
            origin,
            session,
            genesis,
            casework,
            passphrase_file,
            passphrase,
            listen,
            metrics,
            zones,
            stop,
            serving,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.metrics)
    }

    /// Where policy zones are served.
    pub fn dns(&self) -> Option<SocketAddr> {
        self.zones.as_ref().map(|zones| zones.addresses().plain)
    }

    pub fn key(&self, file: &str) -> PathBuf {
        self.data.join("keys").join(file)
    }

    /// Opens an officer's key.
    pub fn officer(&self, id: &str) -> Result<Officer, Error> {
        let key = secret::read_key(&self.key(&format!("{id}.pem")), &self.passphrase)?;
        Ok(Officer::new(OfficerId::new(id)?, KeyId::new("k1")?, key))
    }

    /// Ends the server and the log in peace.
    pub async fn close(self) -> Result<(), Error> {
        // The server may have ended by itself, which is then the error to tell.
        let _ = self.stop.send(());
        let served = self.serving.await;
        if let Some(zones) = self.zones {
            zones.stop().await;
        }
        serve::close(self.casework).await;
        served.map_err(|e| Error::said(format!("the server broke off: {e}")))??;
        Ok(())
    }
}

/// Whether a log is to be begun here. Marks the folder until it has a first leaf, so that a start
/// that breaks off in between is cleared away at the next, and nothing but that ever is.
fn prepare(data: &Path, config: &Config, keys: &Path) -> Result<bool, Error> {
    let unfinished = data.join(UNFINISHED);
    let made = [config.log.data.as_path(), keys];
    if unfinished.exists() {
        for made in made.into_iter().filter(|made| made.exists()) {
            fs::remove_dir_all(made).map_err(Error::io(made))?;
        }
    }
    if config.log.data.join("db").exists() {
        return Ok(false);
    }
    if let Some(other) = made.into_iter().find(|made| made.exists()) {
        return Err(Error::said(format!(
            "{} is there and isn't a demonstration's: name another folder with --data",
            other.display()
        )));
    }
    fs::create_dir_all(data).map_err(Error::io(data))?;
    fs::write(&unfinished, "").map_err(Error::io(&unfinished))?;
    Ok(true)
}

/// Keys, trust document 1, genesis.
fn begin(config: &Config, keys: &Path, passphrase_file: &Path, out: Output) -> Result<(), Error> {
    section(out, "A log begins: keys, trust document, first leaf")?;
    fs::create_dir_all(keys).map_err(Error::io(keys))?;
    let passphrase = new_passphrase(passphrase_file)?;
    let began = Instant::now();
    let (document, signatures) = document::first(
        &Parts {
            origin: Origin::new(ORIGIN)?,
            expires: when::end("+3y")?,
            root_keys: 3,
            threshold: 2,
            witnesses: Vec::new(),
            quorum: 0,
            rp_id: "localhost".into(),
            passkey_origins: vec![format!("http://localhost:{}", config.serve.listen.port())],
            officers: document::Officers::new(),
            demo_officers: true,
        },
        keys,
        &passphrase,
    )?;
    let took = began.elapsed();
    let genesis = Leaf::Genesis(Genesis::new(
        when::now(),
        Origin::new(ORIGIN)?,
        Hash::of(&document),
        signatures,
        None,
    ));
    fs::create_dir_all(&config.log.data).map_err(Error::io(&config.log.data))?;
    log::init(&config.log, &genesis, &document)?;
    let session = leaf_hash(&genesis.to_bytes()?).to_string();
    out.line(format!(
        "  keys       8 made and encrypted in {} ms: 3 root (2 must sign), log, feed, 3 officers",
        super::millis(took)
    ))?;
    out.line(format!("  log        {ORIGIN}, session {}", &session[..16]))
}

/// A passphrase of its own for each demonstration, readable by its owner alone.
fn new_passphrase(path: &Path) -> Result<Passphrase, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|e| Error::said(format!("the system gives no randomness: {e}")))?;
    let passphrase = Zeroizing::new(hex::encode(random));
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| {
        use std::io::Write;
        writeln!(file, "{}", *passphrase)
    })
    .map_err(Error::io(path))?;
    Ok(passphrase)
}

/// Stands in the folder while the log is being begun, and from before anything else is made there.
const UNFINISHED: &str = "unfinished";
const ORIGIN: &str = "demo.example/399/v1";
