//! Names, addresses, networks and URLs.

use std::borrow::Cow;
use std::net::IpAddr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use ipnet::IpNet;

use super::super::{OwnedLine, Platforms, Scope, Subject, cover, domain, net, shortened};
use super::{Code, Note, Unusable, domain_line, member, offering, refuse};

/// Reads what is left when rules and comments are taken off.
pub(super) fn read(
    text: &str,
    scope: Scope,
    platforms: &Platforms,
    notes: &mut Vec<Note>,
) -> Result<OwnedLine, Unusable> {
    if let Some(line) = network(text, notes) {
        return line;
    }
    let text = refanged(text, notes);
    let url = Url::split(&text);
    if let Some(user) = url.user {
        let what = format!(
            "`{}@` before the host hides where the URL leads; enter what stands after the @",
            shortened(user)
        );
        return Err(refuse(Code::UserInfo, what));
    }
    if let Some(app) = url.app()
        && let Some(read) = member::at_url(&app, url.path, url.query, platforms, notes)
    {
        return read;
    }
    let (host, port) = split_port(url.host);
    let mut line = host_line(host, scope, notes)?;
    if let Some(port) = port {
        let page = !url.is_bare() && platforms.holds(line.subject().name());
        check_port(port, url.scheme, &line, page, notes)?;
    }
    if !url.is_bare() {
        return with_path(&url, &line, platforms, notes);
    }
    if url.is_starred() && !url.host.starts_with("*.") {
        // `*://shop.vn/*` of the browser blockers is one host, and its subtree by the default of this house.
        notes.push(Note::Rule);
    }
    if line.subject().kind() == super::super::Kind::Domain {
        let name = line.subject().name();
        if name.starts_with("www.") && name.matches('.').count() > 1 {
            notes.push(Note::Www);
        }
        line = OwnedLine::new(line.subject().clone(), scope);
    }
    Ok(line)
}

/// Whether the text is an address as computers write it, or nearly so.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok()
}

/// The parts of a URL, a scheme being optional.
struct Url<'t> {
    scheme: &'t str,
    user: Option<&'t str>,
    host: &'t str,
    path: &'t str,
    query: &'t str,
    fragment: &'t str,
}

impl<'t> Url<'t> {
    fn split(text: &'t str) -> Url<'t> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.len() <= 12 && !scheme.contains(['/', '.', '?']) => {
                (scheme, rest)
            }
            _ => ("", text.strip_prefix("//").unwrap_or(text)),
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (tail, fragment) = tail.split_once('#').unwrap_or((tail, ""));
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        Url {
            scheme,
            user,
            host,
            path,
            query,
            fragment,
        }
    }

    /// Nothing but the host: `shop.vn`, `https://shop.vn/`, `*://*.shop.vn/*`.
    fn is_bare(&self) -> bool {
        matches!(self.path, "" | "/" | "/*") && self.query.is_empty() && self.fragment.is_empty()
    }

    /// The scheme with the word behind it, as apps write their links: `tg://resolve`.
    fn app(&self) -> Option<String> {
        let web = ["", "*", "http", "https"];
        let scheme = self.scheme.to_ascii_lowercase();
        let of_app = !web.contains(&scheme.as_str());
        of_app.then(|| format!("{scheme}://{}", self.host.to_ascii_lowercase()))
    }

    fn is_starred(&self) -> bool {
        self.scheme == "*"
    }
}

/// An address or a network, if the text is one.
fn network(text: &str, notes: &mut Vec<Note>) -> Option<Result<OwnedLine, Unusable>> {
    let text = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = text.parse::<IpAddr>() {
        notes.push(Note::Address);
        return Some(network_line(net::single(address)));
    }
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let Ok(network) = length
        .parse::<u8>()
        .map_err(drop)
        .and_then(|length| IpNet::new(address, length).map_err(drop))
    else {
        let what = format!(
            "`/{}` is no prefix length of an address: 0 to 32 for IPv4, 0 to 128 for IPv6",
            shortened(length)
        );
        return Some(Err(refuse(Code::BadAddress, what)));
    };
    Some(network_line(network))
}

fn network_line(network: IpNet) -> Result<OwnedLine, Unusable> {
    let line = |network: IpNet| {
        Subject::parse(&format!("net:{network}"))
            .map(|subject| OwnedLine::new(subject, Scope::Exact))
    };
    match net::check(network) {
        Err(net::Fault::Mapped) => Err(refuse(
            Code::V4Mapped,
            format!("{network} is an IPv4 address inside IPv6; enter the IPv4 address itself"),
        )),
        Err(_) => {
            let right = network.trunc();
            let what = format!(
                "{network} has bits set below its prefix: either {right} is meant, or one address, {}",
                net::single(network.addr())
            );
            Err(Unusable {
                code: Code::HostBits,
                message: what,
                offer: Some(format!("net:{right}")),
            })
        }
        Ok(()) => line(network).map_err(|fault| refuse(Code::BadAddress, fault.to_string())),
    }
}

/// `hxxp://shop[.]vn` as it can be clicked.
fn refanged<'t>(text: &'t str, notes: &mut Vec<Note>) -> Cow<'t, str> {
    let scheme = text
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("hxxp"));
    if !scheme && !text.contains("[.]") && !text.contains("(.)") {
        return Cow::Borrowed(text);
    }
    notes.push(Note::Defanged);
    let text = if scheme {
        format!("http{}", text.get(4..).unwrap_or_default())
    } else {
        text.to_owned()
    };
    Cow::Owned(text.replace("[.]", ".").replace("(.)", "."))
}

fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

/// `page`: a platform's page is named, so that its host is no sensible offer.
fn check_port(
    port: &str,
    scheme: &str,
    line: &OwnedLine,
    page: bool,
    notes: &mut Vec<Note>,
) -> Result<(), Unusable> {
    if port.parse::<u16>().is_err() {
        return Err(refuse(
            Code::BadName,
            format!("`:{}` after the host is no port", shortened(port)),
        ));
    }
    let default = matches!(
        (port, scheme.to_ascii_lowercase().as_str()),
        ("80", "http" | "") | ("443", "https" | "")
    );
    if default {
        notes.push(Note::Port);
        return Ok(());
    }
    if page {
        let what = format!(
            "it names port {port} of a platform's host, which is another server than the platform's; open it without the port and enter where it leads"
        );
        return Err(refuse(Code::Port, what));
    }
    let what = format!(
        "it names port {port} of a host; a block takes the whole host. If that is meant, enter {line}"
    );
    Err(offering(Code::Port, what, line.line()))
}

/// The host of a text as a line: a name, or an address.
fn host_line(host: &str, scope: Scope, notes: &mut Vec<Note>) -> Result<OwnedLine, Unusable> {
    if let Some(line) = network(host, notes) {
        return line;
    }
    let name = match host.strip_prefix("*.").or_else(|| host.strip_prefix('.')) {
        Some(name) => {
            notes.push(Note::Wildcard);
            name
        }
        None => host,
    };
    if name.contains('*') {
        let what = "a star stands only at the front (`*.shop.vn`); list each name, or the parent";
        return Err(refuse(Code::InnerWildcard, what.to_owned()));
    }
    if name.contains([' ', '\t', ',']) {
        return Err(refuse(
            Code::SeveralSubjects,
            "one line holds one subject; put each on a line of its own".to_owned(),
        ));
    }
    let ascii = to_ascii(name)?;
    domain_line(&ascii, scope).ok_or_else(|| no_name(name, &ascii))
}

/// UTS 46, non-transitional, to A-labels; the root dot left out.
fn to_ascii(name: &str) -> Result<Cow<'_, str>, Unusable> {
    let processed = Uts46::new().to_ascii(
        name.as_bytes(),
        AsciiDenyList::EMPTY,
        Hyphens::Allow,
        DnsLength::Ignore,
    );
    let Ok(ascii) = processed else {
        let what = format!(
            "`{}` is no internationalised name under UTS 46: it holds characters or an xn-- label that no registry gives out",
            shortened(name)
        );
        return Err(refuse(Code::BadIdn, what));
    };
    Ok(match ascii {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('.').unwrap_or(text)),
        Cow::Owned(mut text) => {
            if text.ends_with('.') {
                text.pop();
            }
            Cow::Owned(text)
        }
    })
}

fn no_name(typed: &str, ascii: &str) -> Unusable {
    let fault = domain::check(ascii).err();
    let code = match fault {
        Some(domain::Fault::OneLabel) => Code::OneLabel,
        Some(domain::Fault::Address) => Code::BadAddress,
        _ => Code::BadName,
    };
    let why = fault.map(|fault| fault.to_string()).unwrap_or_default();
    refuse(
        code,
        format!("`{}` is no domain name: {why}", shortened(typed)),
    )
}

/// A URL that is more than its host: an account, a seller, or refused with the host offered. Never cut.
fn with_path(
    url: &Url<'_>,
    line: &OwnedLine,
    platforms: &Platforms,
    notes: &mut Vec<Note>,
) -> Result<OwnedLine, Unusable> {
    let host = line.subject().name();
    if let Some(read) = member::at_url(host, url.path, url.query, platforms, notes) {
        return read;
    }
    // Where the host carries many platforms' members below it, the host is no sensible offer.
    let mut hosts = platforms.rows().iter().flat_map(|row| &row.hosts);
    if hosts.any(|of| cover::is_within(host, of)) {
        let what = format!(
            "it names one page of {host}, where many publish; enter the name, the seller or the account that is meant"
        );
        return Err(refuse(Code::UrlWithPath, what));
    }
    let what = format!(
        "it names one page of {host}; a block takes the whole host. If that is meant, enter {line}"
    );
    Err(offering(Code::UrlWithPath, what, line.line()))
}
