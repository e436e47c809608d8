//! The log of `../shared/vectors`, written from the design by an independent program: every set
//! and digest of its `expected.json` comes out along the history.

use blockfeed::{
    decision::{Fold, Interest, PartError, Parts},
    entries::FeedName,
    tlog::{Hash, decode_bundle},
};
use std::path::{Path, PathBuf};

struct Folder(PathBuf);

impl Parts for Folder {
    fn part(&self, sha256: &Hash) -> Result<Vec<u8>, PartError> {
        std::fs::read(self.0.join("part").join(sha256.to_string())).map_err(|_| PartError::Missing)
    }
}

fn vectors() -> Option<PathBuf> {
    let shared = std::env::var_os("BLOCKFEED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    Some(shared.join("vectors")).filter(|dir| dir.is_dir())
}

#[test]
fn every_set_and_digest_along_the_history() {
    let Some(dir) = vectors() else {
        return println!("../shared isn't there: left out");
    };
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("expected.json")).unwrap()).unwrap();
    let bundle = std::fs::read(dir.join("log/tile/entries/000.p/18")).unwrap();
    let leaves = decode_bundle(&bundle, 18).unwrap();
    let parts = Folder(dir);
    let mut fold = Fold::begin(&leaves[0], Interest::All, &parts).unwrap();
    let mut seen = 0;
    for (index, leaf) in leaves.iter().enumerate().skip(1) {
        let applied = fold
            .apply(leaf, &parts)
            .unwrap_or_else(|e| panic!("leaf {index}: {e}"));
        for (feed, _) in applied.changes {
            let state = fold.ledger.feeds()[&feed];
            check(&expected, &feed, state.serial, &fold);
            seen += 1;
        }
    }
    assert_eq!(expected["session"], fold.ledger.session().as_str());
    assert_eq!(seen, 6 + 2 + 1, "every change of every feed was compared");
}

fn check(expected: &serde_json::Value, feed: &FeedName, serial: u64, fold: &Fold) {
    let step = expected["history"][feed.as_str()]
        .as_array()
        .and_then(|steps| steps.iter().find(|s| s["serial"] == serial))
        .unwrap_or_else(|| panic!("{feed} has no step {serial}"));
    let set = fold.lines.set(feed).unwrap();
    assert_eq!(
        step["digest"],
        set.digest(fold.ledger.origin(), feed).to_string().as_str()
    );
    let lines: Vec<&str> = step["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l.as_str().unwrap())
        .collect();
    assert_eq!(set.sorted(), lines);
}
