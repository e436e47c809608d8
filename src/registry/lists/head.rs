//! What stands over a list in plain text: title, source, licence, day, and of groups that were refreshed by themselves
//! where they come from.

use std::collections::BTreeMap;

use super::super::day::Day;
use super::{Error, fault};

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
