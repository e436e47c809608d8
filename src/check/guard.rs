//! The rules on single subjects, over indexes that are built from the lists when they are first asked.

use std::sync::{Arc, OnceLock};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use ipnet::IpNet;

use super::brands::{Brands, Likeness};
use super::names;
use super::ranges::Ranges;
use super::{Finding, Matched, rules};
use crate::decision::is_commitment;
use crate::registry::Lists;
use crate::registry::lists::{Head, Names, NetRow, Nets};
use crate::registry::suffix::{Owner, Rule as SuffixRule};
use crate::subject::{Kind, Line, Scope, cover, domain, net};

/// The guard, ready to judge millions of lines. Cheap to share, immutable; new lists make a new guard.
#[derive(Debug)]
pub struct Guard {
    lists: Arc<Lists>,
    brands: Brands,
    protected: OnceLock<Ranges>,
    shared: OnceLock<Ranges>,
    test_nets: Vec<IpNet>,
}

/// What the guard says of one line of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// In its part, from 1.
    pub line: u64,
    pub text: String,
    pub findings: Vec<Finding>,
}

/// The category of test entries.
pub(super) const TEST: &str = "test";

impl Guard {
    pub fn new(lists: Arc<Lists>) -> Guard {
        let aside = lists.test_subjects.iter().map(|owned| owned.line());
        let networks = aside.filter(|line| line.kind == Kind::Net);
        let test_nets = networks.filter_map(|line| net::parse(line.name).ok());
        Guard {
            brands: Brands::default(),
            protected: OnceLock::new(),
            shared: OnceLock::new(),
            test_nets: test_nets.collect(),
            lists,
        }
    }

    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// Judges one subject for a decision of a category; none is a clean bill. [`super::gravest`] picks the one that
    /// counts.
    pub fn subject(&self, line: &Line<'_>, category: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        let aside = match line.kind {
            Kind::Domain => self.domain(line, &mut findings),
            Kind::Net => self.network(line, &mut findings),
            // What a commitment stands for is judged in its place (`body`).
            _ if is_commitment(line) => return findings,
            _ => self.identifier(line, &mut findings),
        };
        match (aside, category == TEST) {
            (true, true) => findings.clear(),
            (true, false) => findings.push(Finding::of("test_only", line.to_string())),
            (false, true) => findings.push(Finding::of("not_for_test", line.to_string())),
            (false, false) => {}
        }
        findings
    }

    /// Judges a whole part (canonical lines, LF-ended) and returns the lines with findings alone. About half a second for a
    /// million names.
    pub fn part(&self, text: &str, category: &str) -> Vec<Judged> {
        let numbered = (1u64..).zip(text.lines());
        let judged = numbered.map(|(number, text)| {
            let findings = match Line::parse(text) {
                Ok(line) => self.subject(&line, category),
                Err(fault) => vec![Finding::of("bad_line", fault.to_string())],
            };
            (number, text, findings)
        });
        judged
            .filter(|(_, _, findings)| !findings.is_empty())
            .map(|(line, text, findings)| Judged {
                line,
                text: text.to_owned(),
                findings,
            })
            .collect()
    }

    /// Pushes the findings on a domain; true where it is set aside for tests.
    fn domain(&self, line: &Line<'_>, findings: &mut Vec<Finding>) -> bool {
        let name = line.name;
        let suffix = self.lists.suffixes.suffix(name);
        let below = match (suffix, line.scope) {
            (None, Scope::Subtree) => self.lists.suffixes.below(name),
            _ => None,
        };
        let facts = names::gather(&self.lists, line);
        if let Some(last) = name.rsplit('.').next().filter(|last| is_special_use(last)) {
            findings.push(Finding::of("special_use", format!(".{last}")));
        }
        if let Some(rule) = suffix {
            let code = if rule.owner == Owner::Public {
                "public_suffix"
            } else {
                "private_suffix"
            };
            findings.push(suffix_finding(code, rule, name));
        }
        if let Some(rule) = below.filter(|rule| rule.owner == Owner::Public) {
            findings.push(suffix_finding("covers_suffix", rule, name));
        }
        self.by_name(
            findings,
            "protected_name",
            &self.lists.protected_names,
            facts.protected,
        );
        if let Some((row, length)) = facts.below.filter(|_| facts.protected.is_none())
            && !self.is_a_customers(name, length)
        {
            let list = &self.lists.protected_names;
            self.by_name(findings, "below_protected", list, Some(row));
        }
        let abroad = self.brands.in_a_country(name, &self.lists);
        if facts.protected.is_none() && facts.below.is_none() {
            let list = &self.lists.protected_names;
            self.by_name(findings, "brand_abroad", list, abroad);
        }
        if domain::has_a_label(name) && !is_valid_idn(name) {
            findings.push(Finding::of("bad_idn", ""));
        }
        match (
            facts.platform,
            below.filter(|rule| rule.owner == Owner::Private),
        ) {
            (Some(row), _) => self.by_name(
                findings,
                "platform_host",
                &self.lists.platform_hosts,
                Some(row),
            ),
            (None, Some(rule)) => findings.push(suffix_finding("platform_host", rule, name)),
            (None, None) => {}
        }
        self.by_name(
            findings,
            "popular_name",
            &self.lists.popular_names,
            facts.popular,
        );
        self.by_name(
            findings,
            "reserved_suffix",
            &self.lists.reserved_suffixes,
            facts.reserved,
        );
        cover::ancestors(name).any(|ancestor| self.is_set_aside(Kind::Domain, ancestor))
    }

    /// Pushes the findings on a seller or an account; true where it is set aside for tests.
    fn identifier(&self, line: &Line<'_>, findings: &mut Vec<Finding>) -> bool {
        let (platform, id) = line.name.split_once('/').unwrap_or_default();
        match self.lists.platforms.named(line.kind, platform) {
            None => findings.push(Finding::of("unknown_platform", platform)),
            Some(row) => match row.read_id(id) {
                Ok(read) if read.name() == line.name => {}
                Ok(read) => findings.push(Finding::of("bad_line", format!("it is written {read}"))),
                Err(_) => findings.push(Finding::of("bad_identifier", format!("{line}"))),
            },
        }
        if let Some((row, likeness)) = self.brands.resembled(id, &self.lists) {
            let code = match likeness {
                Likeness::Same => "brand_itself",
                Likeness::Like => "look_alike",
            };
            self.by_name(findings, code, &self.lists.protected_names, Some(row));
        }
        self.is_set_aside(line.kind, line.name)
    }

    /// Whether exactly this is set aside for tests. There are a handful of such.
    fn is_set_aside(&self, kind: Kind, name: &str) -> bool {
        let mut aside = self.lists.test_subjects.iter().map(|owned| owned.line());
        aside.any(|line| line.kind == kind && line.name == name)
    }

    /// Whether names of customers begin between a name and what it lies below: a suffix stands there.
    fn is_a_customers(&self, name: &str, below: usize) -> bool {
        cover::ancestors(name)
            .take_while(|ancestor| ancestor.len() > below)
            .skip(1)
            .any(|ancestor| self.lists.suffixes.suffix(ancestor).is_some())
    }

    /// Pushes the findings on a network; true where it is set aside for tests.
    fn network(&self, line: &Line<'_>, findings: &mut Vec<Finding>) -> bool {
        let Ok(network) = net::parse(line.name) else {
            findings.push(Finding::of("bad_line", line.to_string()));
            return false;
        };
        let cap = self.lists.caps.of(&network);
        if network.prefix_len() == 0 {
            findings.push(Finding::of("default_route", ""));
        }
        let protected = ranges(&self.protected, &self.lists.protected_networks);
        if let Some(row) = protected.overlapping(&network) {
            findings.extend(net_finding(
                "protected_network",
                &self.lists.protected_networks,
                row,
            ));
        }
        if network.prefix_len() < cap {
            findings.push(Finding::of(
                "prefix_too_wide",
                format!("/{} or narrower", cap),
            ));
        }
        let shared = ranges(&self.shared, &self.lists.shared_networks);
        if let Some(row) = shared.overlapping(&network) {
            let found = net_finding("shared_network", &self.lists.shared_networks, row);
            let share = shared.share(&network) * 100.0;
            findings.extend(found.map(|finding| Finding {
                detail: format!("{share:.3} % of its addresses"),
                ..finding
            }));
        }
        self.test_nets.iter().any(|aside| aside.contains(&network))
    }

    fn by_name(
        &self,
        findings: &mut Vec<Finding>,
        code: &'static str,
        list: &Names,
        number: Option<u32>,
    ) {
        let Some(row) = number.and_then(|number| list.row(number)) else {
            return;
        };
        let text = format!("{} {}", row.name, row.group);
        findings.push(matched(code, &list.head, row.group, row.line, text));
    }
}

fn ranges<'r>(made: &'r OnceLock<Ranges>, list: &Nets) -> &'r Ranges {
    made.get_or_init(|| Ranges::new(list.nets()))
}

fn matched(code: &'static str, head: &Head, group: &str, line: u32, text: String) -> Finding {
    let matched = Matched {
        file: head.file,
        line,
        text,
        source: head.source_of(group).to_owned(),
    };
    Finding {
        rule: rules::known(code),
        matched: Some(matched),
        detail: String::new(),
    }
}

fn net_finding(code: &'static str, list: &Nets, row: usize) -> Option<Finding> {
    let NetRow { net, group, line } = list.row(row)?;
    Some(matched(
        code,
        &list.head,
        group,
        line,
        format!("{net} {group}"),
    ))
}

fn suffix_finding(code: &'static str, rule: SuffixRule, name: &str) -> Finding {
    let matched = Matched {
        file: "public_suffix_list.dat",
        line: rule.line,
        text: name.to_owned(),
        source: "https://publicsuffix.org/list/public_suffix_list.dat".to_owned(),
    };
    Finding {
        rule: rules::known(code),
        matched: Some(matched),
        detail: String::new(),
    }
}

/// Whether a last label is one that no resolver asks the root about (RFC 6761, 6762, 7686, 9476, and ICANN's `internal`), or
/// one of the triggers of policy zones, which would say something else there.
fn is_special_use(last: &str) -> bool {
    let special = [
        "alt",
        "arpa",
        "internal",
        "invalid",
        "local",
        "localhost",
        "onion",
    ];
    special.contains(&last) || last.starts_with("rpz-")
}

/// Whether A-labels decode, and come back the same, under UTS 46.
fn is_valid_idn(name: &str) -> bool {
    Uts46::new()
        .to_ascii(
            name.as_bytes(),
            AsciiDenyList::EMPTY,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .is_ok_and(|ascii| ascii == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(guard: &Guard, line: &str, category: &str) -> String {
        let findings = guard.subject(&Line::parse(line).unwrap(), category);
        findings
            .iter()
            .map(Finding::code)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn must_refuse() {
        let mut wrong = Vec::new();
        let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
        for (line, expected) in [
            ("domain:shop.vn +", ""),
            ("domain:shop-1.example +", ""),
            (
                "domain:com.vn +",
                "public_suffix protected_name popular_name",
            ),
            ("domain:com.vn =", "public_suffix"),
            ("domain:gov.vn =", "public_suffix protected_name"),
            ("domain:x.gov.vn +", "protected_name"),
            (
                "domain:www.vietcombank.com.vn =",
                "protected_name popular_name",
            ),
            ("domain:login.vietcombank.com.vn +", "protected_name"),
            ("domain:facebook.com +", "protected_name popular_name"),
            ("domain:m.facebook.com +", "below_protected"),
            ("domain:a.root-servers.net =", "below_protected"),
            ("domain:shop.s3.amazonaws.com +", ""),
            ("domain:www.facebook.com +", "protected_name popular_name"),
            ("domain:shop1.weebly.com +", ""),
            ("domain:weebly.com +", "platform_host popular_name"),
            ("domain:www.weebly.com +", "platform_host popular_name"),
            ("domain:a.github.io +", ""),
            ("domain:github.io +", "private_suffix popular_name"),
            ("domain:kawasaki.jp +", "covers_suffix"),
            ("domain:agribanks.edu.vn +", "reserved_suffix"),
            ("domain:some-agency.gov +", "reserved_suffix"),
            ("domain:tax.service.gov.uk +", "reserved_suffix"),
            ("domain:google.qa +", "brand_abroad"),
            ("account:facebook/vietcombank", "brand_itself"),
            ("account:facebook/vietcombankcskh", "look_alike"),
            ("domain:xn--zzzzzzzz.com +", "bad_idn"),
            ("domain:0.0.0.0.0.rpz-ip +", "special_use"),
            ("domain:shop.onion +", "special_use"),
            ("net:203.0.113.0/24", ""),
            (
                "net:0.0.0.0/0",
                "default_route protected_network prefix_too_wide shared_network",
            ),
            ("net:10.0.0.0/8", "protected_network prefix_too_wide"),
            ("net:8.8.8.0/24", "protected_network shared_network"),
            ("net:104.16.0.0/24", "shared_network"),
            ("net:203.0.112.0/20", "prefix_too_wide"),
            ("domain:test.blockfeed.example +", "test_only"),
            ("net:203.0.113.254/32", "test_only"),
            ("seller:shopee.vn/0", "test_only"),
            ("seller:shopee.vn/1", ""),
        ] {
            let found = codes(&guard, line, "counterfeit");
            if found != expected {
                wrong.push(format!("{line}: {found}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(codes(&guard, "domain:test.blockfeed.example +", "test"), "");
        assert_eq!(codes(&guard, "domain:shop.vn +", "test"), "not_for_test");
    }

    #[test]
    fn a_finding_names_its_line() {
        let lists = Arc::new(Lists::embedded().unwrap());
        let guard = Guard::new(lists);
        let judged = guard.part(
            "domain:shop.vn +\ndomain:x.gov.vn +\nrubbish\n",
            "counterfeit",
        );
        let found: Vec<_> = judged
            .iter()
            .map(|j| (j.line, j.findings[0].code()))
            .collect();
        assert_eq!(found, [(2, "protected_name"), (3, "bad_line")]);
        let matched = judged[0].findings[0].matched.as_ref().unwrap();
        assert_eq!(
            (matched.file, matched.text.as_str()),
            ("protected-names.txt", "gov.vn gov")
        );
    }
}
