//! `blockfeed probe`: is it really enforced, asked of a resolver, a firewall, a seller endpoint.

use super::{Error, Output, guard};
use crate::{
    config::Config,
    probe::{
        self, Finding, Verdict, endpoint,
        firewall::{self, Targets},
        resolver,
    },
    registry::Lists,
    subject::Subject,
};
use clap::{ArgGroup, Args};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};

/// Is it enforced? Ask a resolver, a firewall or a seller endpoint for the feeds' test entry
#[derive(Debug, Clone, Args)]
#[command(
    group = ArgGroup::new("what").required(true).multiple(true).args(["resolvers", "firewall", "endpoints"]),
    after_help = "Example:
  blockfeed probe --resolver 127.0.0.1:53
  blockfeed probe --resolver 192.0.2.53 --expect redirect=203.0.113.9
  blockfeed probe --firewall --target 203.0.113.254:80 --control 198.51.100.7:80
  blockfeed probe --endpoint https://api.shopee.vn/sellers/{id} --control-id 4711 --json

The exit code is 0 where all are enforced, 1 where one isn't, 2 where it can't be told (and for a
wrong command line). Each feed's test entry is an ordinary decision of category test, for the
subjects set aside in lists/test-subjects.toml. They are reserved, so most don't exist: what a
resolver or a firewall does with anything that doesn't exist is never taken for a block. Of an
endpoint a 404 is taken as gone, and what that leaves open is said.")]
pub struct ProbeArgs {
    /// A resolver: ADDRESS or ADDRESS:PORT [port 53] (may be repeated)
    #[arg(long = "resolver", value_name = "ADDRESS[:PORT]", value_parser = server)]
    resolvers: Vec<SocketAddr>,
    /// What a block looks like where a notice host is used: redirect=ADDRESS (may be repeated)
    #[arg(long, value_name = "redirect=ADDRESS", value_parser = redirect, requires = "resolvers")]
    expect: Vec<IpAddr>,
    /// A name that nobody listed and that resolves; else a name beside the test name is asked alone
    #[arg(long, value_name = "NAME", requires = "resolvers")]
    control_name: Option<String>,
    /// Try TCP to a listed address
    #[arg(long)]
    firewall: bool,
    /// A listed address at which something listens; else those set aside, at port 80
    #[arg(long, value_name = "ADDRESS:PORT", requires = "firewall")]
    target: Vec<SocketAddr>,
    /// An address that isn't listed and answers (may be repeated: one for IPv4, one for IPv6)
    #[arg(long, value_name = "ADDRESS:PORT", requires = "firewall")]
    control: Vec<SocketAddr>,
    /// A seller's URL, with {id} for the id (may be repeated)
    #[arg(long = "endpoint", value_name = "URL")]
    endpoints: Vec<String>,
    /// The test entry that {id} stands for [else that of the marketplace of the URL's host]
    #[arg(long, value_name = "SUBJECT", requires = "endpoints")]
    subject: Option<String>,
    /// The id of a seller that must be shown
    #[arg(long, value_name = "ID", requires = "endpoints")]
    control_id: Option<String>,
}

impl ProbeArgs {
    pub async fn run(self, config: &Config, out: Output) -> Result<(), Error> {
        let guard = guard::load(config)?;
        let findings = self.findings(guard.lists()).await?;
        let verdict = Verdict::of_all(findings.iter().map(|finding| finding.verdict));
        out.data(&json!({ "verdict": verdict, "probes": findings }))?;
        for finding in &findings {
            show(finding, out)?;
        }
        match verdict {
            Verdict::Enforced => Ok(()),
            Verdict::NotEnforced => Err(Error::Shown),
            Verdict::CantTell => Err(Error::Unsure),
        }
    }

    async fn findings(&self, lists: &Lists) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        if !self.resolvers.is_empty() {
            let test = probe::test_name(lists)?;
            let names = resolver::Names::around(test, self.control_name.as_deref());
            for server in &self.resolvers {
                findings.push(resolver::probe(*server, &names, &self.expect).await?);
            }
        }
        if self.firewall {
            findings.push(firewall::probe(&self.targets(lists)?, &self.control).await);
        }
        let named = self.subject.as_deref().map(Subject::parse).transpose()?;
        for text in &self.endpoints {
            let template = endpoint::Template::parse(text)?;
            let subject = probe::test_id(lists, named.as_ref(), template.host())?;
            let id = subject.name().split_once('/').map_or("", |(_, id)| id);
            findings.push(endpoint::probe(&template, id, self.control_id.as_deref()).await?);
        }
        Ok(findings)
    }

    fn targets(&self, lists: &Lists) -> Result<Targets, Error> {
        if !self.target.is_empty() {
            return Ok(Targets::Answering(self.target.clone()));
        }
        let addresses = probe::test_addresses(lists)?.into_iter();
        let targets = addresses.map(|address| SocketAddr::new(address, 80));
        Ok(Targets::SetAside(targets.collect()))
    }
}

fn show(finding: &Finding, out: Output) -> Result<(), Error> {
    let Finding {
        probe,
        place,
        verdict,
        why,
        ..
    } = finding;
    out.line(format!("{probe} {place}: {verdict}"))?;
    for shown in &finding.answers {
        out.line(format!(
            "  {:<8} {}: {}",
            shown.role, shown.asked, shown.answer
        ))?;
    }
    out.line(format!("  {why}"))
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let plain = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53));
    plain.or_else(|_| text.parse()).map_err(|_| {
        "an address, or an address and a port: 192.0.2.53, 127.0.0.1:5353, [2001:db8::53]:53"
            .to_owned()
    })
}

fn redirect(text: &str) -> Result<IpAddr, String> {
    let address = text.strip_prefix("redirect=").map(str::parse);
    match address {
        Some(Ok(address)) => Ok(address),
        _ => Err("redirect= and the notice host's address: redirect=203.0.113.9".to_owned()),
    }
}
