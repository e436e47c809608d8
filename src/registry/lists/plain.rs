//! Long lists as plain text: a head in comments, then a name or a network a line, with its group.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::super::day::Day;
use super::{Error, fault};
use crate::subject::{Scope, domain, net};

/// What stands over a list.
#[derive(Clone, Debug)]
pub struct Head {
    pub file: &'static str,
    pub title: String,
    pub source: String,
    pub licence: String,
    pub date: Day,
    /// Of groups that were refreshed by themselves: source, licence, date.
    groups: BTreeMap<String, String>,
}

/// A list of names.
#[derive(Clone, Debug)]
pub struct Names {
    pub head: Head,
    pub rows: Vec<NameRow>,
}

#[derive(Clone, Debug)]
pub struct NameRow {
    pub name: Box<str>,
    /// `+` or `=` where the list writes one, else [`Scope::Subtree`].
    pub scope: Scope,
    pub group: Box<str>,
    /// In its file, from 1.
    pub line: u32,
}

/// A list of networks.
#[derive(Clone, Debug)]
pub struct Nets {
    pub head: Head,
    pub rows: Vec<NetRow>,
}

#[derive(Clone, Debug)]
pub struct NetRow {
    pub net: IpNet,
    pub group: Box<str>,
    /// In its file, from 1.
    pub line: u32,
}

/// The list whose rows are suffixes.
const SUFFIXES: &str = "reserved-suffixes.txt";

/// Whether the rows of a list carry a scope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Written,
    None,
}

impl Names {
    pub(super) fn parse(file: &'static str, text: &str, sign: Sign) -> Result<Names, Error> {
        let head = Head::parse(file, text)?;
        let rows = rows(text)
            .map(|(line, fields)| name_row(file, line, &fields, sign))
            .collect::<Result<_, _>>()?;
        Ok(Names { head, rows })
    }
}

impl Nets {
    pub(super) fn parse(file: &'static str, text: &str) -> Result<Nets, Error> {
        let head = Head::parse(file, text)?;
        let rows = rows(text)
            .map(|(line, fields)| net_row(file, line, &fields))
            .collect::<Result<_, _>>()?;
        Ok(Nets { head, rows })
    }
}

impl Head {
    pub(super) fn parse(file: &'static str, text: &str) -> Result<Head, Error> {
        let field = |key: &str| {
            let found = text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .find_map(|line| {
                    line.strip_prefix("# ")?
                        .strip_prefix(key)?
                        .strip_prefix(": ")
                        .map(|value| value.trim().to_owned())
                });
            found.ok_or_else(|| fault(file, 0, format!("the head lacks `# {key}:`")))
        };
        let date = field("date")?;
        let date = Day::parse(&date).map_err(|bad| fault(file, 0, bad.to_string()))?;
        Ok(Head {
            file,
            title: field("title")?,
            source: field("source")?,
            licence: field("licence")?,
            date,
            groups: text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .filter_map(|line| line.strip_prefix("# of ")?.split_once(": "))
                .map(|(group, source)| (group.to_owned(), source.to_owned()))
                .collect(),
        })
    }

    /// Where the rows of a group come from.
    pub fn source_of(&self, group: &str) -> &str {
        self.groups.get(group).unwrap_or(&self.source)
    }
}

pub(super) fn rows(text: &str) -> impl Iterator<Item = (u32, Vec<&str>)> {
    let numbered = (1u32..).zip(text.lines());
    numbered
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| (number, line.split(' ').collect()))
}

fn name_row(file: &str, line: u32, fields: &[&str], sign: Sign) -> Result<NameRow, Error> {
    let (name, scope, group) = match (fields, sign) {
        ([name, group], Sign::None) => (*name, Some(Scope::Subtree), *group),
        ([name, "+", group], Sign::Written) => (*name, Some(Scope::Subtree), *group),
        ([name, "=", group], Sign::Written) => (*name, Some(Scope::Exact), *group),
        _ => ("", None, ""),
    };
    let Some(scope) = scope else {
        let shape = if sign == Sign::Written {
            "<name> <+ or => <group>"
        } else {
            "<name> <group>"
        };
        return Err(fault(
            file,
            line,
            format!("`{}` is not of the form {shape}", fields.join(" ")),
        ));
    };
    match domain::check(name) {
        // A suffix may be a whole top-level domain.
        Err(domain::Fault::OneLabel) if sign == Sign::None && file == SUFFIXES => {}
        checked => checked.map_err(|what| fault(file, line, format!("`{name}`: {what}")))?,
    }
    Ok(NameRow {
        name: name.into(),
        scope,
        group: group.into(),
        line,
    })
}

fn net_row(file: &str, line: u32, fields: &[&str]) -> Result<NetRow, Error> {
    let [text, group] = fields else {
        return Err(fault(
            file,
            line,
            format!(
                "`{}` is not of the form <network> <group>",
                fields.join(" ")
            ),
        ));
    };
    let net = net::parse(text).map_err(|what| fault(file, line, format!("`{text}`: {what}")))?;
    Ok(NetRow {
        net,
        group: (*group).into(),
        line,
    })
}
