//! The catalogue: every text that a page shows, in Vietnamese and in English.
//!
//! It lies in `texts/`, a file for each group of pages, built into the program. A key is written out
//! wherever it is used (`"lookup.title"`), so that a test finds keys that nothing uses and uses
//! without a key. Names of categories, measures and units come from `lists/`, sentences about
//! findings from `check::rules`; neither is repeated here.

use super::super::Error;
use std::{collections::HashMap, fmt::Display, sync::LazyLock};
use toml::{Table, Value};

/// The files of the catalogue. A new one is named here.
const FILES: &[(&str, &str)] = &[
    ("shell.toml", include_str!("texts/shell.toml")),
    ("problems.toml", include_str!("texts/problems.toml")),
    ("why.toml", include_str!("texts/why.toml")),
    ("home.toml", include_str!("texts/home.toml")),
    ("lookup.toml", include_str!("texts/lookup.toml")),
    ("decisions.toml", include_str!("texts/decisions.toml")),
    ("statistics.toml", include_str!("texts/statistics.toml")),
    ("notice.toml", include_str!("texts/notice.toml")),
    ("verify.toml", include_str!("texts/verify.toml")),
    ("cases.toml", include_str!("texts/cases.toml")),
    ("acted.toml", include_str!("texts/acted.toml")),
    ("desk.toml", include_str!("texts/desk.toml")),
];

static CATALOGUE: LazyLock<Result<HashMap<String, Text>, String>> = LazyLock::new(read);

/// The language of a page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::serve) enum Lang {
    #[default]
    Vi,
    En,
}

struct Text {
    vi: String,
    en: String,
}

impl Lang {
    /// `vi` or `en`, as it stands in cookies, queries and `<html lang>`.
    pub(in crate::serve) fn code(self) -> &'static str {
        self.pick("vi", "en")
    }

    pub(in crate::serve) fn parse(code: &str) -> Option<Self> {
        [Self::Vi, Self::En]
            .into_iter()
            .find(|lang| lang.code() == code)
    }

    /// The one that isn't this.
    pub(in crate::serve) fn other(self) -> Self {
        match self {
            Self::Vi => Self::En,
            Self::En => Self::Vi,
        }
    }

    /// One of two, for what has both languages elsewhere: a term of `lists/`, a rule's sentence.
    pub(in crate::serve) fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    /// A text of the catalogue.
    pub(in crate::serve) fn t(self, key: &'static str) -> &'static str {
        // The catalogue was read when the server began, and a test holds the keys.
        let text = CATALOGUE.as_ref().ok().and_then(|all| all.get(key));
        text.map_or(key, |text| self.pick(&text.vi, &text.en))
    }

    /// A text whose `{name}`s are filled.
    pub(in crate::serve) fn fill<T: Display, const N: usize>(
        self,
        key: &'static str,
        values: [(&str, T); N],
    ) -> String {
        let mut text = self.t(key).to_owned();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        text
    }
}

/// Whether the catalogue can be read; asked once, before anything is served.
pub(in crate::serve) fn check() -> Result<(), Error> {
    match &*CATALOGUE {
        Ok(_) => Ok(()),
        Err(why) => Err(Error::Texts(why.clone())),
    }
}

fn read() -> Result<HashMap<String, Text>, String> {
    let mut all = HashMap::new();
    for (file, text) in FILES {
        let table: Table = toml::from_str(text).map_err(|e| format!("{file}: {e}"))?;
        flatten("", table, &mut all).map_err(|why| format!("{file}: {why}"))?;
    }
    Ok(all)
}

/// A table with `vi` and `en` is a text; any other holds more.
fn flatten(above: &str, table: Table, all: &mut HashMap<String, Text>) -> Result<(), String> {
    for (name, value) in table {
        let key = match above {
            "" => name,
            above => format!("{above}.{name}"),
        };
        let Value::Table(mut table) = value else {
            return Err(format!(
                "{key} is no text: write {{ vi = \"…\", en = \"…\" }}"
            ));
        };
        match (table.remove("vi"), table.remove("en")) {
            (Some(Value::String(vi)), Some(Value::String(en))) if table.is_empty() => {
                if all.insert(key.clone(), Text { vi, en }).is_some() {
                    return Err(format!("{key} stands twice"));
                }
            }
            (None, None) => flatten(&key, table, all)?,
            _ => return Err(format!("{key} lacks a language, or has more than two")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    /// Everything below `src/serve`, where pages are written.
    fn sources(kinds: &[&str]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|k| kinds.iter().any(|kind| k == *kind))
                {
                    let text = fs::read_to_string(&path).unwrap();
                    // Without comments, which hold examples.
                    let said = text.lines().filter(|l| !l.trim_start().starts_with("//"));
                    let said = said.collect::<Vec<_>>().join("\n");
                    found.push((path.display().to_string(), said));
                }
            }
        }
        assert!(found.len() > 3);
        found
    }

    fn quoted(text: &str) -> impl Iterator<Item = &str> {
        text.split('"')
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_used() {
        let all = CATALOGUE.as_ref().unwrap();
        let mut used = BTreeSet::new();
        for (_, text) in sources(&["rs", "html"]) {
            used.extend(quoted(&text).map(str::to_owned));
        }
        for (key, text) in all {
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
            assert!(key.contains('.') && key.chars().all(good), "{key}");
            assert!(used.contains(key), "no page uses {key}");
            assert!(
                !text.vi.trim().is_empty() && !text.en.trim().is_empty(),
                "{key}"
            );
            let names = |text: &str| -> BTreeSet<String> {
                let after = text.split('{').skip(1);
                after
                    .map(|t| t.split('}').next().unwrap().to_owned())
                    .collect()
            };
            assert_eq!(
                names(&text.vi),
                names(&text.en),
                "{key} is filled differently"
            );
        }
    }

    #[test]
    fn no_page_uses_a_text_that_is_not_there() {
        let all = CATALOGUE.as_ref().unwrap();
        let groups: BTreeSet<&str> = all.keys().map(|k| k.split('.').next().unwrap()).collect();
        for (file, text) in sources(&["rs", "html"]) {
            if file.ends_with("texts.rs") {
                continue;
            }
            // What is handed to the catalogue, and whatever else looks like one of its keys.
            for call in [".t(\"", ".fill(\"", ".label(\"", ".hint(\"", ".say(\""] {
                for found in text.split(call).skip(1) {
                    let key = found.split('"').next().unwrap();
                    assert!(all.contains_key(key), "{file}: {key}");
                }
            }
            if file.ends_with(".html") {
                for key in quoted(&text) {
                    let (group, rest) = key.split_once('.').unwrap_or_default();
                    let plain = |c: char| c.is_ascii_lowercase() || "._".contains(c);
                    let is_file = [".html", ".css", ".js", ".svg"]
                        .iter()
                        .any(|e| key.ends_with(e));
                    if groups.contains(group)
                        && !rest.is_empty()
                        && key.chars().all(plain)
                        && !is_file
                    {
                        assert!(all.contains_key(key), "{file}: {key}");
                    }
                }
            }
        }
    }

    /// What is left of a template without its expressions and tags has no letter, and neither
    /// have the attributes that people read.
    #[test]
    fn no_template_speaks_by_itself() {
        for (file, text) in sources(&["html"]) {
            let mut bare = text.clone();
            for (open, close) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}")] {
                while let Some(from) = bare.find(open) {
                    let to = bare[from..].find(close).unwrap() + from + 2;
                    bare.replace_range(from..to, "");
                }
            }
            for attribute in [
                "aria-label=\"",
                "placeholder=\"",
                "alt=\"",
                " title=\"",
                "aria-description=\"",
            ] {
                for value in bare.split(attribute).skip(1) {
                    let value = value.split('"').next().unwrap();
                    assert!(
                        !value.contains(char::is_alphabetic),
                        "{file}: {attribute}{value}"
                    );
                }
            }
            for (open, close) in [
                ("<!--", "-->"),
                ("<script", "</script>"),
                ("<code>", "</code>"),
                ("<pre", "</pre>"),
                // A sign that is drawn, and hidden from readers.
                ("<span class=\"sign\"", "</span>"),
                ("<", ">"),
            ] {
                while let Some(from) = bare.find(open) {
                    let to = bare[from..].find(close).unwrap() + from + close.len();
                    bare.replace_range(from..to, "");
                }
            }
            let speaks: Vec<&str> = bare
                .lines()
                .map(str::trim)
                .map(|l| l.trim_matches(|c: char| c == '&' || c == ';'))
                .filter(|l| l.replace("nbsp", "").contains(char::is_alphabetic))
                .collect();
            assert!(speaks.is_empty(), "{file}: {speaks:?}");
        }
    }

    #[test]
    fn texts_are_filled() {
        assert_eq!(Lang::parse("en"), Some(Lang::En));
        assert_eq!(Lang::parse("fr"), None);
        assert!(Lang::En.fill("shell.seen", [("n", 3)]).contains('3'));
    }
}
