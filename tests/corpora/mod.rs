//! What the tests on corpora share: the guard over the lists that ship, asked a line at a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use blockfeed::check::Guard;
use blockfeed::check::batch::{Batch, Options, Outcome};
use blockfeed::registry::Lists;

static GUARD: LazyLock<Guard> = LazyLock::new(|| Guard::new(Arc::new(Lists::embedded().unwrap())));

/// Reads lines as an officer would paste them, each for itself.
pub fn judged(line: &str) -> Outcome {
    let options = Options {
        category: "counterfeit",
        ..Options::default()
    };
    let mut batch = Batch::read(line.as_bytes(), &GUARD, &options);
    assert_eq!(batch.rows.len(), 1, "{line:?} is one line");
    batch.rows.remove(0).outcome
}

pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
