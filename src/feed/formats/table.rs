//! The tables: CSV for spreadsheets and databases, JSON for programs.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

use super::{Counts, Listing, Meta, Page};
use crate::{
    entries::{Entry, Row},
    subject::{Kind, Scope},
};

/// One row an entry, nothing merged: a subject stands once for each decision that holds it. LF ends a row.
///
/// Serial and origin are columns, since CSV has no comments that every reader knows.
pub(super) fn csv(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("", list.entries().len(), out);
    page.put(&["subject,scope,decision,measure,not_after,serial,origin\n"])?;
    let tail = format!(",{},{}\n", meta.serial, cell(meta.origin.as_str()));
    let kind = list.kind().as_str();
    // Neighbours mostly stand under one decision: its cells are made once for them all.
    let (mut decision, mut cells) = ("", String::new());
    for entry in list.entries() {
        if entry.decision != decision {
            decision = entry.decision;
            cells = decision_cells(decision, list.row(decision));
        }
        // The kind stands before the name, so that no subject begins like a formula.
        match quoted(entry.name) {
            Cow::Borrowed(name) => page.put(&[kind, ":", name])?,
            Cow::Owned(_) => page.put(&[&quoted(&format!("{kind}:{}", entry.name))])?,
        }
        page.rule(&[",", scope_word(entry.scope), ",", &cells, &tail])?;
    }
    page.close()
}

/// One object. Each subject and scope stands once, with every decision that holds it.
pub(super) fn json(list: &Listing<'_>, meta: &Meta, out: &mut dyn Write) -> io::Result<Counts> {
    let mut page = Page::new("", list.entries().len(), out);
    let Meta {
        origin,
        feed,
        serial,
        time,
        digest,
    } = meta;
    page.put(&[&format!(
        "{{\n\"origin\":\"{origin}\",\n\"feed\":\"{feed}\",\n\"serial\":{serial},\n\"time\":{time},\n\
         \"digest\":\"{digest}\",\n\"decisions\":{{"
    )])?;
    let mut comma = "\n";
    for row in used_rows(list).values() {
        let (id, measure, end) = (row.decision, row.measure.as_str(), row.not_after);
        page.put(&[&format!(
            "{comma}\"{id}\":{{\"measure\":\"{measure}\",\"not_after\":{end}}}"
        )])?;
        comma = ",\n";
    }
    page.put(&["\n},\n\"entries\":["])?;
    comma = "\n";
    for same in list.subjects() {
        page.put(&[comma])?;
        json_entry(list.kind(), same, &mut page)?;
        comma = ",\n";
    }
    page.put(&["\n]\n}\n"])?;
    page.close()
}

/// The entries of one subject and scope, as one object on one line.
fn json_entry(kind: Kind, same: &[Entry<'_>], page: &mut Page<'_>) -> io::Result<()> {
    let Some(first) = same.first() else {
        return Ok(());
    };
    let (name, scope) = (escaped(first.name), scope_word(first.scope));
    page.put(&["{\"subject\":\"", kind.as_str(), ":", &name])?;
    page.rule(&["\",\"scope\":\"", scope, "\",\"decisions\":["])?;
    let mut before = "\"";
    for entry in same {
        page.put(&[before, entry.decision, "\""])?;
        before = ",\"";
    }
    page.put(&["]}"])
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Subtree => "subtree",
        Scope::Exact => "exact",
    }
}

/// `decision,measure,not_after`; without its row a decision leaves the last two empty.
fn decision_cells(decision: &str, row: Option<&Row<'_>>) -> String {
    let decision = cell(decision);
    match row {
        Some(row) => format!("{decision},{},{}", row.measure.as_str(), row.not_after),
        None => format!("{decision},,"),
    }
}

/// The rows of the decisions that hold an entry here, by id.
fn used_rows<'a>(list: &Listing<'a>) -> BTreeMap<&'a str, Row<'a>> {
    let mut used = BTreeMap::new();
    let mut last = "";
    for entry in list.entries() {
        if entry.decision == last {
            continue;
        }
        last = entry.decision;
        if let Some(row) = list.row(last) {
            used.insert(row.decision, *row);
        }
    }
    used
}

/// A CSV cell: one that a spreadsheet would take for a formula gets an apostrophe before it (a spreadsheet hides it).
fn cell(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        let text = format!("'{text}");
        return Cow::Owned(quoted(&text).into_owned());
    }
    quoted(text)
}

/// RFC 4180: quotes around what holds a comma, a quote or the end of a line.
fn quoted(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
        false => Cow::Borrowed(text),
    }
}

/// The inside of a JSON string. Canonical names need no escapes.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        return Cow::Borrowed(text);
    }
    let string = serde_json::Value::from(text).to_string();
    let inside = string.strip_prefix('"').and_then(|s| s.strip_suffix('"'));
    Cow::Owned(inside.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-2026-1"), "'-2026-1");
        assert_eq!(cell("@a,b"), "\"'@a,b\"");
        assert_eq!(cell("2026-000123"), "2026-000123");
        assert_eq!(cell("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn strings_end_where_they_end() {
        assert_eq!(escaped("a\"\\"), "a\\\"\\\\");
        assert_eq!(escaped("shop.vn"), "shop.vn");
    }
}
