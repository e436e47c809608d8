//! The list that is proposed: a real one, and names under `.example` beside it.

/// A sample of a real list (BSD-3-Clause, see tests/data/LICENCES.md).
const SAMPLE: &str = include_str!("../../../tests/data/chongluadao-sample.txt");

/// A name that nobody lists.
pub const LAWFUL: &str = "lawful-shop.example";

/// The names that the story is about.
pub struct Names {
    /// Listed, and asked for.
    pub blocked: Vec<String>,
    /// Listed by mistake, and revoked.
    pub mistaken: String,
}

impl Names {
    /// The names of one run: `run` is the log's size before it, so that each has its own.
    pub fn of_run(run: u64) -> Self {
        Self {
            blocked: vec![
                format!("fake-perfume-{run}.example"),
                format!("www.fake-perfume-{run}.example"),
            ],
            mistaken: format!("wrongly-listed-{run}.example"),
        }
    }

    /// Adds a name of the real sample to those that are asked for.
    pub fn with_real(mut self, name: Option<String>) -> Self {
        self.blocked.extend(name);
        self
    }
}

/// The officer's file: the sample as it is, then what the officer typed.
pub fn file(run: u64) -> String {
    let mut text = SAMPLE.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!(
        "# Typed by the officer\nfake-perfume-{run}.example\nHTTPS://Shop.Fake-Perfume-{run}.example./\nwrongly-listed-{run}.example\n198.51.100.{}\nfacebook.com\n8.8.8.8\nhttps://github.io/\n",
        run % 250 + 1
    ));
    text
}

/// Codes whose explanation is shown first: what the guard is for.
pub const TELLING: &[&str] = &[
    "protected_name",
    "private_suffix",
    "url_with_path",
    "protected_network",
    "popular_name",
];
