//! Lines in the formats of other tools: hosts files, Adblock, dnsmasq, Unbound, RPZ, Surge. Each is unwrapped to the name it
//! blocks; a rule that allows, or blocks only under conditions, is refused.

use super::super::{Scope, shortened};
use super::{Code, Note, Unusable, host, refuse};

/// Takes a rule off a name. Returns the name, and the scope where the rule's own format is exact about it.
pub(super) fn unwrap<'t>(
    text: &'t str,
    notes: &mut Vec<Note>,
) -> Result<(&'t str, Option<Scope>), Unusable> {
    if text.starts_with(['{', '}', ']'])
        || (text.starts_with('[') && !text.ends_with(']'))
        || text.contains("\":")
    {
        let what = "it is a piece of a JSON or other document, not a line of a list; give one subject a line";
        return Err(refuse(Code::NotAList, what.to_owned()));
    }
    if let Some(found) = adblock(text)? {
        notes.push(Note::Rule);
        return Ok((found, None));
    }
    if let Some(found) = dnsmasq(text)? {
        notes.push(Note::Rule);
        return Ok((found, None));
    }
    if let Some((found, scope)) = surge(text)? {
        notes.push(Note::Rule);
        return Ok((found, scope));
    }
    if let Some(found) = unbound(text)? {
        notes.push(Note::Rule);
        return Ok((found, None));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    match fields.as_slice() {
        [] | [_] => Ok((text, None)),
        [first, second] if host::is_address(first) => {
            hosts(first, second, notes).map(|name| (name, None))
        }
        [first, .., kind, target] if kind.eq_ignore_ascii_case("CNAME") => {
            notes.push(Note::Rule);
            rpz(first, target).map(|name| (name, None))
        }
        _ => Err(refuse(
            Code::SeveralSubjects,
            "one line holds one subject; put each on a line of its own".to_owned(),
        )),
    }
}

/// Lines that belong to a format and name nothing: section heads, zone directives, SOA and NS.
pub(super) fn is_header(text: &str) -> bool {
    let section =
        |t: &str| t.starts_with('[') && t.ends_with(']') && !t.contains([':', '.', '"', ',']);
    let directive = text.starts_with("$TTL") || text.starts_with("$ORIGIN");
    let mut fields = text.split_whitespace();
    let first = fields.next().unwrap_or_default();
    let zone = first == "NS"
        || (first == "@" && text.contains("SOA"))
        || (first == "@" && text.contains(" NS "));
    section(text) || directive || zone
}

fn conditional(text: &str) -> Unusable {
    let what = format!(
        "`{}` blocks only under conditions, which a block by name can't keep; enter the name alone if the whole is meant",
        shortened(text)
    );
    refuse(Code::RuleOptions, what)
}

fn allows(text: &str) -> Unusable {
    refuse(
        Code::AllowRule,
        format!(
            "`{}` is a rule that lets through, not one that blocks",
            shortened(text)
        ),
    )
}

/// `||name^`; `@@…` lets through; options and page elements are conditions.
fn adblock(text: &str) -> Result<Option<&str>, Unusable> {
    if text.starts_with("@@") {
        return Err(allows(text));
    }
    if text.contains("##") || text.contains("#@#") || text.contains("#?#") {
        return Err(conditional(text));
    }
    let Some(rest) = text.strip_prefix("||") else {
        let options = text.contains("^$") || text.ends_with('^');
        return if options {
            Err(conditional(text))
        } else {
            Ok(None)
        };
    };
    match rest.find(['^', '$']) {
        None => Ok(Some(rest)),
        Some(end) => match rest.split_at(end) {
            (name, "^" | "^|") => Ok(Some(name)),
            _ => Err(conditional(text)),
        },
    }
}

/// `address=/name/…`, `local=/name/`, `server=/name/` where the answer is none or a sink.
fn dnsmasq(text: &str) -> Result<Option<&str>, Unusable> {
    let Some((key, rest)) = text.split_once('=') else {
        return Ok(None);
    };
    let Some(rest) = rest
        .strip_prefix('/')
        .filter(|_| matches!(key, "address" | "local" | "server"))
    else {
        return Ok(None);
    };
    let Some((names, target)) = rest.rsplit_once('/') else {
        return Err(refuse(
            Code::BadName,
            format!(
                "`{}` is no whole dnsmasq rule, {key}=/name/",
                shortened(text)
            ),
        ));
    };
    if names.contains('/') {
        return Err(refuse(
            Code::SeveralSubjects,
            "the rule names several names; put each on a line of its own".to_owned(),
        ));
    }
    let sink = is_sink(target) || (target == "#" && key == "address") || target.is_empty();
    if sink {
        Ok(Some(names))
    } else {
        Err(redirects(target))
    }
}

/// `DOMAIN-SUFFIX,name[,REJECT]`, `DOMAIN,name`, `IP-CIDR,net`.
fn surge(text: &str) -> Result<Option<(&str, Option<Scope>)>, Unusable> {
    let Some((kind, rest)) = text.split_once(',') else {
        return Ok(None);
    };
    let (name, action) = rest.split_once(',').unwrap_or((rest, ""));
    let scope = match kind.trim().to_ascii_uppercase().as_str() {
        "DOMAIN-SUFFIX" | "HOST-SUFFIX" => Some(Scope::Subtree),
        "DOMAIN" | "HOST" => Some(Scope::Exact),
        "IP-CIDR" | "IP-CIDR6" => None,
        "DOMAIN-KEYWORD" | "HOST-KEYWORD" | "URL-REGEX" | "USER-AGENT" => {
            return Err(conditional(text));
        }
        _ => return Ok(None),
    };
    match action
        .split(',')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_uppercase()
        .as_str()
    {
        "DIRECT" | "PROXY" => Err(allows(text)),
        _ => Ok(Some((name.trim(), scope))),
    }
}

/// `local-zone: "name" always_nxdomain`.
fn unbound(text: &str) -> Result<Option<&str>, Unusable> {
    let Some(rest) = text.strip_prefix("local-zone:") else {
        return Ok(None);
    };
    let mut fields = rest.split_whitespace();
    let name = fields.next().unwrap_or_default().trim_matches('"');
    match fields.next() {
        Some("always_transparent" | "transparent" | "typetransparent" | "inform") => {
            Err(allows(text))
        }
        _ => Ok(Some(name)),
    }
}

/// `0.0.0.0 name`; an address that isn't a sink says where the name leads, not that it is blocked.
fn hosts<'t>(address: &str, name: &'t str, notes: &mut Vec<Note>) -> Result<&'t str, Unusable> {
    if !is_sink(address) {
        return Err(redirects(address));
    }
    notes.push(Note::Hosts);
    Ok(name)
}

/// `name CNAME .` and the other actions that block.
fn rpz<'t>(owner: &'t str, target: &str) -> Result<&'t str, Unusable> {
    if owner.contains(".rpz-") {
        return Err(refuse(
            Code::BadName,
            format!(
                "`{}` is a trigger of a zone, not a name; enter the address or network itself",
                shortened(owner)
            ),
        ));
    }
    match target.to_ascii_lowercase().as_str() {
        "." | "*." | "rpz-drop." => Ok(owner),
        "rpz-passthru." => Err(allows(owner)),
        other => Err(redirects(other)),
    }
}

fn is_sink(address: &str) -> bool {
    matches!(
        address,
        "0.0.0.0" | "127.0.0.1" | "::" | "::1" | "0" | "127.0.0.53"
    )
}

fn redirects(target: &str) -> Unusable {
    refuse(
        Code::SeveralSubjects,
        format!(
            "the line points a name at {}: is the name meant, or the address? Give one of them alone",
            shortened(target)
        ),
    )
}
