//! A real resolver, if one is installed: started on a free port with the agent's file, asked by
//! DNS, ended. Without one the agent's own output is looked up, and that is said.

use super::list::{self, Names};
use crate::{cli::Error, subject::cover};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{RData, RecordType},
};
use std::{
    env, fmt, fs,
    net::{IpAddr, Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

/// Who is asked.
pub enum Resolver {
    Real(Box<Real>),
    /// The agent's plain list of domains.
    File(PathBuf),
}

/// A running resolver; it is killed when this is dropped.
pub struct Real {
    name: &'static str,
    version: String,
    port: u16,
    child: Child,
    client: TokioResolver,
}

/// What came back.
pub enum Answer {
    Address(IpAddr),
    NoSuchName,
    Listed,
    NotListed,
}

impl Answer {
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::NoSuchName | Self::Listed)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::NoSuchName => f.write_str("NXDOMAIN (blocked)"),
            Self::Listed => f.write_str("stands in the file (blocked)"),
            Self::NotListed => f.write_str("doesn't stand in the file"),
        }
    }
}

impl Resolver {
    /// Starts the first resolver that is installed. It answers for the story's own names, so that
    /// without the list each has an address and no other network is needed.
    pub async fn start(folder: &Path, names: &Names) -> Result<Self, Error> {
        let dir = folder.join("resolver");
        fs::create_dir_all(&dir).map_err(Error::io(&dir))?;
        for name in ["unbound", "named"] {
            let Some(program) = installed(name) else {
                continue;
            };
            let port = free_port()?;
            let arguments = match name {
                "unbound" => unbound(folder, &dir, port, names)?,
                _ => named(folder, &dir, port, names)?,
            };
            if let Some(real) = Real::start(name, &program, &arguments, port).await? {
                return Ok(Self::Real(Box::new(real)));
            }
        }
        Ok(Self::File(folder.join("blocked.txt")))
    }

    /// What is asked, in words.
    pub fn what(&self) -> String {
        match self {
            Self::Real(real) => format!(
                "{} on 127.0.0.1:{}, which loaded the agent's file",
                real.version, real.port
            ),
            Self::File(path) => format!(
                "{}, the agent's output (neither unbound nor named runs here)",
                path.display()
            ),
        }
    }

    /// The way of a change to the answer.
    pub fn way(&self) -> &'static str {
        match self {
            Self::Real(_) => "log, feed, long poll, agent, file, reload, answer",
            Self::File(_) => "log, feed, long poll, agent, file",
        }
    }

    /// The command by which the resolver loads its file anew.
    pub fn reload(&self) -> Vec<String> {
        match self {
            Self::Real(real) => {
                let hang_up = real.child.id().map(|id| format!("kill -HUP {id}"));
                hang_up.map_or_else(Vec::new, |c| vec!["sh".into(), "-c".into(), c])
            }
            Self::File(_) => Vec::new(),
        }
    }

    pub async fn ask(&self, name: &str) -> Result<Answer, Error> {
        match self {
            Self::Real(real) => real.ask(name).await,
            Self::File(path) => {
                let text = fs::read_to_string(path).map_err(Error::io(path))?;
                let listed = cover::ancestors(name).any(|above| text.lines().any(|l| l == above));
                Ok(if listed {
                    Answer::Listed
                } else {
                    Answer::NotListed
                })
            }
        }
    }
}

impl Real {
    /// Starts the program and waits until it answers; none where it doesn't.
    async fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        port: u16,
    ) -> Result<Option<Self>, Error> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(program))?;
        let mut real = Self {
            name,
            version: version(name, program).await,
            port,
            child,
            client: client(port)?,
        };
        let began = Instant::now();
        while began.elapsed() < STARTING {
            if let Ok(Some(_)) = real.child.try_wait() {
                return Ok(None);
            }
            if let Ok(Answer::Address(_)) = real.once(list::LAWFUL).await {
                return Ok(Some(real));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(None)
    }

    /// Asks; again while it loads its file anew and doesn't answer.
    async fn ask(&self, name: &str) -> Result<Answer, Error> {
        let began = Instant::now();
        loop {
            match self.once(name).await {
                Err(_) if began.elapsed() < ANSWERING => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                answer => return answer,
            }
        }
    }

    async fn once(&self, name: &str) -> Result<Answer, Error> {
        match self.client.lookup(format!("{name}."), RecordType::A).await {
            Ok(found) => {
                let address = found
                    .answers()
                    .iter()
                    .find_map(|record| match &record.data {
                        RData::A(address) => Some(IpAddr::V4(address.0)),
                        _ => None,
                    });
                let missing = || Error::said(format!("{} answers without an address", self.name));
                address.map(Answer::Address).ok_or_else(missing)
            }
            Err(error) if error.is_nx_domain() => Ok(Answer::NoSuchName),
            Err(error) => Err(Error::said(format!(
                "{} doesn't answer: {error}",
                self.name
            ))),
        }
    }
}

fn client(port: u16) -> Result<TokioResolver, Error> {
    let mut connection = ConnectionConfig::udp();
    connection.port = port;
    let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    // Every question is asked anew, of this one server alone.
    options.cache_size = 0;
    options.timeout = Duration::from_millis(300);
    options.attempts = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let built = builder.build();
    built.map_err(|e| Error::said(format!("the DNS client: {e}")))
}

fn unbound(folder: &Path, dir: &Path, port: u16, names: &Names) -> Result<Vec<String>, Error> {
    let mut text = format!(
        "server:\n  interface: 127.0.0.1@{port}\n  access-control: 127.0.0.0/8 allow\n  username: \"\"\n  chroot: \"\"\n  directory: \"{}\"\n  pidfile: \"\"\n  use-syslog: no\n  verbosity: 0\n  num-threads: 1\n  do-ip6: no\n  module-config: \"iterator\"\n  local-zone: \"example.\" static\n",
        dir.display()
    );
    for (name, address) in own(names) {
        text.push_str(&format!("  local-data: \"{name}. 1 IN A {address}\"\n"));
    }
    let blocked = folder.join("blocked.unbound");
    text.push_str(&format!(
        "include: \"{}\"\nremote-control:\n  control-enable: no\n",
        blocked.display()
    ));
    let path = dir.join("unbound.conf");
    fs::write(&path, text).map_err(Error::io(&path))?;
    Ok(["-d", "-c", &path.display().to_string()]
        .map(str::to_owned)
        .into())
}

fn named(folder: &Path, dir: &Path, port: u16, names: &Names) -> Result<Vec<String>, Error> {
    let mut zone =
        "$TTL 1\n@ SOA localhost. nobody.invalid. 1 60 60 3600 1\n@ NS localhost.\n".to_owned();
    for (name, address) in own(names) {
        zone.push_str(&format!("{name}. A {address}\n"));
    }
    let zone_file = dir.join("example.zone");
    fs::write(&zone_file, zone).map_err(Error::io(&zone_file))?;
    let text = format!(
        "options {{\n  directory \"{0}\";\n  listen-on port {port} {{ 127.0.0.1; }};\n  listen-on-v6 {{ none; }};\n  pid-file none;\n  session-keyfile none;\n  recursion yes;\n  dnssec-validation no;\n  notify no;\n  response-policy {{ zone \"blockfeed\"; }} qname-wait-recurse no break-dnssec yes;\n}};\ncontrols {{ }};\nzone \"blockfeed\" {{ type primary; file \"{1}\"; allow-query {{ none; }}; }};\nzone \"example\" {{ type primary; file \"{2}\"; }};\n",
        dir.display(),
        folder.join("blocked.rpz").display(),
        zone_file.display(),
    );
    let path = dir.join("named.conf");
    fs::write(&path, text).map_err(Error::io(&path))?;
    Ok(["-g", "-c", &path.display().to_string()]
        .map(str::to_owned)
        .into())
}

/// The names that the resolver itself answers for, as their owners' servers would.
fn own(names: &Names) -> Vec<(&str, &'static str)> {
    let blocked = names
        .blocked
        .iter()
        .filter(|name| name.ends_with(".example"));
    let mut own: Vec<_> = blocked.map(|name| (name.as_str(), "192.0.2.66")).collect();
    own.push((&names.mistaken, "192.0.2.11"));
    own.push((list::LAWFUL, "192.0.2.10"));
    own
}

/// A program on the path, in root's directories, or unpacked beside the build.
fn installed(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside = env::current_exe().ok();
    let beside = beside.as_deref().and_then(|exe| exe.ancestors().nth(2));
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .chain(beside.map(|target| target.join("peers/starters")))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

async fn version(name: &str, program: &Path) -> String {
    let asked = Command::new(program)
        .arg("-V")
        .stdin(Stdio::null())
        .output()
        .await;
    let text = asked
        .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
        .unwrap_or_default();
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    format!("{name} {}", number.unwrap_or_default())
        .trim_end()
        .to_owned()
}

fn free_port() -> Result<u16, Error> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::io("a free port"))?;
    Ok(socket
        .local_addr()
        .map_err(Error::io("a free port"))?
        .port())
}

/// How long a resolver may take to start, and to answer while it reloads.
const STARTING: Duration = Duration::from_secs(10);
const ANSWERING: Duration = Duration::from_secs(5);
