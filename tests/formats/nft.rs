//! nftables: the file checked by `nft -c -f`, and in a network namespace of its own loaded twice, with the rules of its head.

use super::*;
use std::{fs, path::Path, process::Command};

/// `nft` in a network namespace that ends with it: needs root or user namespaces, and touches nothing of the machine.
fn in_namespace(script: &str) -> Option<Command> {
    let nft = peers::tool("nft")?;
    let unshare = peers::tool("unshare")?;
    let flags = ["-rn", "-n"].into_iter().find(|flags| {
        let probe = Command::new(&unshare)
            .arg(flags)
            .arg(&nft)
            .args(["list", "ruleset"])
            .output();
        probe.is_ok_and(|done| done.status.success())
    })?;
    let mut command = Command::new(unshare);
    command.args([flags, "sh", "-ec", script, "sh"]).arg(nft);
    Some(command)
}

/// The rules that the head of the file recommends.
fn documented_rules(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let notes = text.lines().filter_map(|line| line.strip_prefix("#   "));
    notes.fold(String::new(), |rules, line| rules + line + "\n")
}

#[test]
fn nft_loads_its_file_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = tools::write(dir.path(), Format::Nft, networks());
    let rules = dir.path().join("rules.nft");
    fs::write(&rules, documented_rules(&file)).unwrap();
    let later = dir.path().join("later.nft");
    let mut next = networks().1;
    let gone = ["E 203.0.113.0/24 = 2026-000200"];
    let come = [
        "E 10.9.0.0/16 = 2026-000201",
        "E 203.0.113.128/25 = 2026-000201",
    ];
    next.apply_lines(gone.into_iter(), come.into_iter())
        .unwrap();
    let none = dir.path().join("none.nft");
    fs::write(
        &later,
        rendered(Format::Nft, &FeedName::networks(), &next).0,
    )
    .unwrap();
    let empty = Set::new(next.kind());
    fs::write(
        &none,
        rendered(Format::Nft, &FeedName::networks(), &empty).0,
    )
    .unwrap();
    let script = r#"
        nft=$1
        has() { for a in $2; do "$nft" get element inet blockfeed "$1" "{ $a }" >/dev/null 2>&1 || { echo "no $a"; exit 1; }; done; }
        hasnt() { for a in $2; do ! "$nft" get element inet blockfeed "$1" "{ $a }" >/dev/null 2>&1 || { echo "still $a"; exit 1; }; done; }
        "$nft" -c -f "$2"; "$nft" -f "$2"; "$nft" -f "$3"; "$nft" -f "$2"
        has v4 "203.0.113.77 198.51.100.191 192.0.2.1"; has v6 "2001:db8:399:7::5 2001:db8:7::1"
        hasnt v4 "203.0.114.0 198.51.100.192 192.0.2.2"; hasnt v6 2001:db8:39a::1
        "$nft" -f "$4"
        has v4 "10.9.255.255 203.0.113.128 203.0.113.70"; hasnt v4 203.0.113.5; has v6 2001:db8:7::1
        "$nft" list chain inet blockfeed forward | grep -c 'counter.*drop'
        "$nft" -f "$5"; hasnt v4 10.9.255.255; "$nft" list chain inet blockfeed forward >/dev/null
    "#;
    let Some(mut command) = in_namespace(script) else {
        return peers::skip("the nftables file", "nft, or a network namespace for it,");
    };
    let text = tools::passes(command.args([file, rules, later, none]));
    assert_eq!(text.trim(), "2", "rules that drop");
}
