//! The public suffix list: what is a suffix, public or private, and what is registrable below one.
//!
//! The list's rules are brought to A-labels when it is read, since names arrive as A-labels and the crate compares bytes.
//! The crate is case-sensitive too: names passed here are canonical (lower case).

use std::collections::HashMap;

use foldhash::fast::FixedState;
use publicsuffix::{List, Psl as _, Type};

use super::day::Day;
use crate::subject::cover;

/// Who made a name a suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A registry: `vn`, `com.vn`.
    Public,
    /// A company that gives out names below its own: `github.io`.
    Private,
}

/// The list, ready to ask.
#[derive(Clone, Debug)]
pub struct Suffixes {
    list: List,
    rules: HashMap<Box<str>, Rule, FixedState>,
    /// Each name above a rule, with the rule found first, a registry's before a company's.
    above: HashMap<Box<str>, Rule, FixedState>,
    dated: Option<Day>,
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub owner: Owner,
    pub line: u32,
}

/// Why a suffix list can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("line {line}: `{rule}` is no rule of a suffix list")]
    Rule { line: u32, rule: String },
    #[error(
        "it has no sections `===BEGIN ICANN DOMAINS===` and `===BEGIN PRIVATE DOMAINS===`, or no rules in them"
    )]
    Empty,
}

impl Suffixes {
    /// Reads the text of `public_suffix_list.dat`.
    pub fn parse(text: &str) -> Result<Suffixes, Fault> {
        let mut ascii = String::with_capacity(text.len());
        let mut rules = HashMap::with_hasher(FixedState::default());
        let mut above: HashMap<Box<str>, Rule, _> = HashMap::with_hasher(FixedState::default());
        let mut owner = None;
        for (number, line) in (1u32..).zip(text.lines()) {
            if line.contains("BEGIN ICANN DOMAINS") {
                owner = Some(Owner::Public);
            } else if line.contains("BEGIN PRIVATE DOMAINS") {
                owner = Some(Owner::Private);
            }
            if line.starts_with("//") {
                ascii.push_str(line);
                ascii.push('\n');
                continue;
            }
            let (Some(rule), Some(owner)) = (line.split_whitespace().next(), owner) else {
                continue;
            };
            let fault = || Fault::Rule {
                line: number,
                rule: rule.to_owned(),
            };
            let rule = to_ascii(rule).ok_or_else(fault)?;
            ascii.push_str(&rule);
            ascii.push('\n');
            let found = Rule {
                owner,
                line: number,
            };
            for parent in parents(&rule) {
                let known = above.entry(parent.into()).or_insert(found);
                if owner == Owner::Public && known.owner == Owner::Private {
                    *known = found;
                }
            }
            rules.insert(rule.into_boxed_str(), found);
        }
        let list: List = ascii.parse().map_err(|_| Fault::Empty)?;
        Ok(Suffixes {
            list,
            rules,
            above,
            dated: dated(text),
        })
    }

    /// The day that the list gives as its version, if it does.
    pub fn dated(&self) -> Option<Day> {
        self.dated
    }

    /// The rule by which the name is itself a suffix.
    pub fn suffix(&self, name: &str) -> Option<Rule> {
        let found = self.list.suffix(name.as_bytes())?;
        if found.as_bytes().len() != name.len() {
            return None;
        }
        let owner = match found.typ()? {
            Type::Icann => Owner::Public,
            Type::Private => Owner::Private,
        };
        let line = self.rules.get(name).map(|rule| rule.line);
        let starred = || {
            self.rules
                .get(format!("*.{}", cover::parent(name)?).as_str())
                .map(|rule| rule.line)
        };
        Some(Rule {
            owner,
            line: line.or_else(starred).unwrap_or_default(),
        })
    }

    /// A rule that lies below the name, if one does: whoever lists the name with its subtree lists a suffix with it.
    pub fn below(&self, name: &str) -> Option<Rule> {
        self.above.get(name).copied()
    }

    /// The public suffix that a name lies under, or is; for an unlisted last label that label.
    pub fn of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let length = self.list.suffix(name.as_bytes())?.as_bytes().len();
        name.get(name.len().checked_sub(length)?..)
    }

    /// The registrable domain that a name belongs to (`a.shop.com.vn` to `shop.com.vn`), or nothing for a suffix.
    pub fn registrable<'n>(&self, name: &'n str) -> Option<&'n str> {
        let length = self.list.domain(name.as_bytes())?.as_bytes().len();
        name.get(name.len().checked_sub(length)?..)
    }
}

/// Of `// VERSION: 2026-10-22_08-36-41_UTC`, which its maintainers put near the top.
fn dated(text: &str) -> Option<Day> {
    let head = text.lines().take(30);
    let version = head
        .into_iter()
        .find_map(|line| line.strip_prefix("// VERSION: "))?;
    Day::parse(version.get(..10)?).ok()
}

/// The names above the suffixes that a rule makes; an exception makes none.
fn parents(rule: &str) -> impl Iterator<Item = &str> {
    let (bare, skipped) = match (rule.starts_with('!'), rule.strip_prefix("*.")) {
        (true, _) => ("", 0),
        (false, Some(parent)) => (parent, 0),
        (false, None) => (rule, 1),
    };
    cover::ancestors(bare).skip(skipped)
}

fn to_ascii(rule: &str) -> Option<String> {
    if rule.is_ascii() {
        return Some(rule.to_ascii_lowercase());
    }
    let bare = rule.trim_start_matches('!').trim_start_matches("*.");
    let mark = rule.get(..rule.len() - bare.len())?;
    Some(format!("{mark}{}", idna::domain_to_ascii(bare).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        let list = Suffixes::parse(include_str!("../../lists/public_suffix_list.dat")).unwrap();
        let owner = |name| list.suffix(name).map(|rule| rule.owner);
        for name in [
            "vn",
            "com.vn",
            "gov.vn",
            "xn--tckwe",
            "xn--55qx5d.cn",
            "anything.ck",
        ] {
            assert_eq!(owner(name), Some(Owner::Public), "{name}");
        }
        for name in [
            "github.io",
            "blogspot.com",
            "duckdns.org",
            "x.compute.amazonaws.com",
        ] {
            assert_eq!(owner(name), Some(Owner::Private), "{name}");
        }
        for name in [
            "shop.vn",
            "a.github.io",
            "www.ck",
            "shop.example",
            "weebly.com",
        ] {
            assert_eq!(owner(name), None, "{name}");
        }
        assert_eq!(list.dated(), Day::parse("2026-10-22").ok());
        assert_eq!(list.registrable("a.b.shop.com.vn"), Some("shop.com.vn"));
        assert_eq!(list.registrable("com.vn"), None);
        assert_eq!(list.of("a.shop.com.vn"), Some("com.vn"));
        assert_eq!(
            list.below("kawasaki.jp").map(|rule| rule.owner),
            Some(Owner::Public)
        );
        assert_eq!(
            list.below("fastly.net").map(|rule| rule.owner),
            Some(Owner::Private)
        );
        assert_eq!(list.below("shop.vn"), None);
        assert_eq!(list.dated().unwrap().to_string(), "2026-10-22");
    }
}
