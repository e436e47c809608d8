//! How old the lists are: an old suffix list decides wrongly (.vn went from 14 to 80 rules in three years), and clouds move
//! on. A note that names the list and its day.

use super::Finding;
use crate::registry::{Day, Lists};

/// Days after which the suffix list is old: it changes about once a day.
const SUFFIXES: u64 = 90;
/// Days after which any other list is old.
const OTHERS: u64 = 400;

/// The lists that are old on a day.
pub fn old(lists: &Lists, today: Day) -> Vec<Finding> {
    let mut findings = Vec::new();
    match lists.suffixes.dated() {
        Some(date) if today.since(date) <= SUFFIXES => {}
        Some(date) => findings.push(Finding::of("suffix_list_old", detail(date, today))),
        None => findings.push(Finding::of("suffix_list_old", "it doesn't say its day")),
    }
    let names = [
        &lists.protected_names.head,
        &lists.popular_names.head,
        &lists.platform_hosts.head,
        &lists.reserved_suffixes.head,
        &lists.protected_networks.head,
        &lists.shared_networks.head,
    ];
    let old = names.iter().filter(|head| today.since(head.date) > OTHERS);
    findings.extend(old.map(|head| {
        let detail = format!("{}, {}", head.file, detail(head.date, today));
        Finding::of("list_old", detail)
    }));
    findings
}

fn detail(date: Day, today: Day) -> String {
    format!("of {date}, {} days ago", today.since(date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_lists_are_named() {
        let lists = Lists::embedded().unwrap();
        let on = |day: &str| {
            let found = old(&lists, Day::parse(day).unwrap());
            let codes: Vec<_> = found.iter().map(Finding::code).collect();
            codes.join(" ")
        };
        assert_eq!(on("2026-11-22"), "");
        assert_eq!(on("2020-01-01"), "");
        assert_eq!(on("2027-01-20"), "");
        assert_eq!(on("2027-01-21"), "suffix_list_old");
        assert!(on("2028-06-01").contains("list_old"));
    }
}
