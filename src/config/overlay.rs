//! Defaults, file, variables and `--set`, each laid over the one before.

use super::{
    Config, Error,
    keys::{self, Key, Shape},
};
use serde::Deserialize;
use std::{fs, path::Path};
use toml::{Table, Value};

/// The variables of the process, or of a test.
pub type Environment = Vec<(String, String)>;

impl Config {
    /// Every key, in the order of the sections.
    pub fn keys() -> Vec<Key> {
        keys::of::<Self>()
    }
}

/// Reads the settings. `file`: from `--config`; else `BLOCKFEED_CONFIG` names it; without both
/// the defaults stand. `set`: `section.key=value`, the last one of a key counts.
///
/// # Errors
/// [`Error`], naming file and line, variable or flag.
pub fn load(
    file: Option<&Path>,
    environment: &[(String, String)],
    set: &[String],
) -> Result<Config, Error> {
    let known = Config::keys();
    let named = environment.iter().find(|(name, _)| name == FILE);
    let file = file.or(named.map(|(_, path)| Path::new(path.as_str())));
    let mut table = match file {
        Some(path) => read(path, &known)?,
        None => Table::new(),
    };
    for (name, text) in environment {
        if let Some(key) = of_variable(name, &known)? {
            lay(&mut table, key, text, &format!("the variable {name}"))?;
        }
    }
    for pair in set {
        let place = format!("--set {pair}");
        let Some((path, text)) = pair.split_once('=') else {
            let why = "it is written section.key=value".to_owned();
            return Err(Error::Value { place, why });
        };
        let key = known.iter().find(|key| key.path == path.trim());
        let key = key.ok_or_else(|| unknown(&place, path.trim(), &known))?;
        lay(&mut table, key, text, &place)?;
    }
    decode(table).map_err(|why| Error::Value {
        place: "the settings".into(),
        why,
    })
}

/// The file as a table that decodes by itself; an error names its line.
fn read(path: &Path, known: &[Key]) -> Result<Table, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Io {
        path: path.display().to_string(),
        source,
    })?;
    let place = |error: &toml::de::Error| match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or_default();
            format!(
                "{} line {}",
                path.display(),
                before.matches('\n').count() + 1
            )
        }
        None => path.display().to_string(),
    };
    let table: Table = text.parse().map_err(|e| Error::Value {
        place: place(&e),
        why: e.message().to_owned(),
    })?;
    if let Err(error) = toml::from_str::<Config>(&text) {
        let place = place(&error);
        let message = error.message();
        return Err(
            match message
                .strip_prefix("unknown field `")
                .and_then(|m| m.split_once('`'))
            {
                Some((key, among)) => of_message(place, key, among, known),
                None => Error::Value {
                    place,
                    why: message.to_owned(),
                },
            },
        );
    }
    Ok(table)
}

/// An unknown key, by the names that its own table knows, or by where such a key does stand.
fn of_message(place: String, key: &str, among: &str, known: &[Key]) -> Error {
    let beside: Vec<&str> = among.split('`').skip(1).step_by(2).collect();
    let elsewhere = known
        .iter()
        .find(|k| k.path.rsplit('.').next() == Some(key))
        .map(|k| k.path.clone());
    Error::Unknown {
        place,
        near: elsewhere.or_else(|| near(key, beside.into_iter())),
        key: key.to_owned(),
    }
}

/// The key that a variable sets; none where the variable isn't a setting.
fn of_variable<'a>(name: &str, known: &'a [Key]) -> Result<Option<&'a Key>, Error> {
    if !name.starts_with(PREFIX) || NO_SETTINGS.contains(&name) {
        return Ok(None);
    }
    if let Some(key) = known.iter().find(|key| key.variable() == name) {
        return Ok(Some(key));
    }
    let variables: Vec<String> = known.iter().map(Key::variable).collect();
    Err(Error::Unknown {
        place: "the environment".into(),
        near: near(name, variables.iter().map(String::as_str)),
        key: name.to_owned(),
    })
}

fn unknown(place: &str, path: &str, known: &[Key]) -> Error {
    Error::Unknown {
        place: place.to_owned(),
        near: near(path, known.iter().map(|key| key.path.as_str())),
        key: path.to_owned(),
    }
}

/// The likeliest of the known words, if one is like it at all.
fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = known.map(|k| (strsim::damerau_levenshtein(word, k), k));
    let (distance, best) = scored.min()?;
    (distance <= 2 + word.len() / 4).then(|| best.to_owned())
}

/// Puts one value in its place and tries the whole, so that an error names who set it.
fn lay(table: &mut Table, key: &Key, text: &str, place: &str) -> Result<(), Error> {
    let refuse = |why: String| Error::Value {
        place: place.to_owned(),
        why: format!("{}: {why}", key.path),
    };
    let value = value(key.shape, text).map_err(refuse)?;
    let mut at = &mut *table;
    let mut names = key.path.split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            at.insert(name.to_owned(), value);
            break;
        }
        let inner = at.entry(name).or_insert_with(|| Value::Table(Table::new()));
        match inner {
            Value::Table(inner) => at = inner,
            _ => return Err(refuse(format!("{name} is no section there"))),
        }
    }
    decode(table.clone()).map(drop).map_err(refuse)
}

fn value(shape: Shape, text: &str) -> Result<Value, String> {
    let text = text.trim();
    let toml = || -> Result<Value, String> {
        let table: Table = format!("value = {text}")
            .parse()
            .map_err(|e: toml::de::Error| e.message().to_owned())?;
        table
            .into_iter()
            .next()
            .map(|(_, v)| v)
            .ok_or_else(String::new)
    };
    match shape {
        Shape::Text => Ok(Value::String(text.to_owned())),
        Shape::Bool => text
            .parse()
            .map(Value::Boolean)
            .map_err(|_| format!("it is true or false, not {text:?}")),
        Shape::Number => text
            .replace('_', "")
            .parse()
            .map(Value::Integer)
            .map_err(|_| format!("it is a whole number, not {text:?}")),
        Shape::List if !text.starts_with('[') => Ok(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
        Shape::List | Shape::Table => toml(),
    }
}

fn decode(table: Table) -> Result<Config, String> {
    Config::deserialize(Value::Table(table)).map_err(|e| e.message().to_owned())
}

const PREFIX: &str = "BLOCKFEED_";
const FILE: &str = "BLOCKFEED_CONFIG";
/// Variables that are read elsewhere: a secret has no place in a file of settings, and the tests
/// have some of their own.
const NO_SETTINGS: &[&str] = &[
    FILE,
    "BLOCKFEED_PASSPHRASE",
    "BLOCKFEED_CRASH_DIR",
    "BLOCKFEED_CRASH_ENOUGH",
    "BLOCKFEED_PEERS",
    "BLOCKFEED_PYTHON",
    "BLOCKFEED_SHARED",
    "BLOCKFEED_SKIPS",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)], set: &[&str]) -> Result<Config, Error> {
        let own = |(a, b): &(&str, &str)| (a.to_string(), b.to_string());
        let variables: Environment = variables.iter().map(own).collect();
        let set: Vec<String> = set.iter().map(|s| s.to_string()).collect();
        load(None, &variables, &set)
    }

    #[test]
    fn what_is_said_later_counts() {
        let config = with(&[("BLOCKFEED_LOG_POLL", "30")], &[]).unwrap();
        assert_eq!(config.log.poll, 30);
        let set = ["log.poll=20", "log.poll=10", "logging.json=true"];
        let config = with(&[("BLOCKFEED_LOG_POLL", "30")], &set).unwrap();
        assert_eq!((config.log.poll, config.logging.json), (10, true));
    }

    #[test]
    fn a_slip_is_named_with_what_was_meant() {
        for (variables, set, word) in [
            (&[][..], &["log.pol=1"][..], "\"log.poll\""),
            (&[("BLOCKFEED_LOG_POL", "1")], &[], "BLOCKFEED_LOG_POLL"),
            (&[], &["log.poll=x"], "whole number"),
            (&[], &["log.poll"], "section.key=value"),
        ] {
            let error = with(variables, set).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(with(&[("BLOCKFEED_PASSPHRASE", "x"), ("HOME", "/")], &[]).is_ok());
    }

    #[test]
    fn a_file_names_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blockfeed.toml");
        for (text, words) in [
            (
                "[log]\npoll = 5\nheartbeet = 6\n",
                ["line 3", "\"heartbeat\""],
            ),
            ("[log]\npoll = \"x\"\n", ["line 2", "invalid type"]),
            ("[lug]\n", ["line 1", "\"log\""]),
            ("poll = 5\n", ["line 1", "\"log.poll\""]),
            ("[log\n", ["line 1", ""]),
        ] {
            fs::write(&path, text).unwrap();
            let error = load(Some(&path), &[], &[]).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
