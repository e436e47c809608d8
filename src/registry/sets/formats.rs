//! The forms in which a data set comes: CSV, JSON lines, zone file, the regional registries' delegated files.

use serde_json::Value;

use super::{
    Error, Kind,
    lines::Lines,
    row::{Bad, Row},
    zone::Zone,
};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With a header, unless the order names the columns; commas, semicolons or tabs.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// A master file (RFC 1035): NS records for `vn-registry`, addresses for `passive-dns`.
    Zone,
    /// `registry|cc|type|start|value|date|status|…`, as the regional registries publish it.
    Delegated,
}

/// Rows of a file in any form.
pub struct Rows<'a> {
    kind: Kind,
    lines: Lines<'a>,
    line: String,
    form: Form,
    /// Records that a form has and the kind doesn't use (a zone's SOA, a delegated file's AS numbers).
    pub skipped: u64,
}

enum Form {
    Csv {
        /// Taken from the first line.
        delimiter: Option<char>,
        /// For each column of the file, that of the kind; none for what is dropped.
        columns: Vec<Option<usize>>,
    },
    Json {
        dropped: Vec<String>,
    },
    Zone(Zone),
    Delegated {
        seen: u64,
        announced: u64,
    },
}

impl<'a> Rows<'a> {
    /// Begins to read. `columns` are the names of the columns where the file has no header; `dropped` are columns that it
    /// has and that shall not be kept.
    ///
    /// # Errors
    /// For a header that doesn't fit the kind.
    pub fn begin(
        kind: Kind,
        format: Format,
        mut lines: Lines<'a>,
        columns: Option<&[String]>,
        dropped: &[String],
    ) -> Result<Rows<'a>, Error> {
        let form = match format {
            Format::Csv => Form::csv(kind, &mut lines, columns, dropped)?,
            Format::JsonLines => Form::Json {
                dropped: dropped.to_vec(),
            },
            Format::Zone => Form::Zone(Zone::new(kind).map_err(Error::Row)?),
            Format::Delegated if kind == Kind::Delegations => Form::Delegated {
                seen: 0,
                announced: 0,
            },
            Format::Delegated => {
                let what = format!("a delegated file has nothing for a set of {kind}");
                return Err(Error::Row(Bad::new(
                    0,
                    what,
                    "It is for a set of delegations",
                )));
            }
        };
        Ok(Rows {
            kind,
            lines,
            line: String::new(),
            form,
            skipped: 0,
        })
    }

    /// The lines below, for what is told of progress and of the file as a whole.
    pub fn lines(&self) -> &Lines<'a> {
        &self.lines
    }

    /// Reads the next row into `row` and says whether there was one.
    ///
    /// # Errors
    /// [`Error::Row`] for what can't be used, a file that was cut short included.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Error> {
        row.clear();
        loop {
            self.line.clear();
            if let Form::Zone(zone) = &mut self.form {
                return zone.next(&mut self.lines, row, &mut self.skipped);
            }
            if !self.lines.next(&mut self.line)? {
                self.ended()?;
                return Ok(false);
            }
            row.number = self.lines.number();
            if self.line.trim().is_empty() {
                continue;
            }
            let used = match &mut self.form {
                Form::Csv { delimiter, columns } => {
                    let by = *delimiter.get_or_insert_with(|| self::delimiter(&self.line));
                    csv_row(&mut self.lines, &mut self.line, by, columns, row)?;
                    true
                }
                Form::Json { dropped } => {
                    json_row(self.kind, &self.line, dropped, row).map_err(Error::Row)?;
                    true
                }
                Form::Delegated { seen, announced } => {
                    delegated_row(&self.line, seen, announced, row).map_err(Error::Row)?
                }
                Form::Zone(_) => false,
            };
            if used {
                self.complete(row).map_err(Error::Row)?;
                return Ok(true);
            }
            self.skipped += 1;
        }
    }

    fn complete(&self, row: &Row) -> Result<(), Bad> {
        for (at, column) in self.kind.columns().iter().enumerate() {
            if column.required && row.cell(at).is_empty() {
                let what = format!("{} is empty", column.name);
                return Err(Bad::new(
                    row.number,
                    what,
                    "Correct the row and import again",
                ));
            }
        }
        Ok(())
    }

    /// What the end of the file shows.
    fn ended(&self) -> Result<(), Error> {
        match &self.form {
            // An object is whole or it can't be read.
            Form::Json { .. } => Ok(()),
            Form::Delegated { seen, announced } if seen < announced => Err(self.lines.bad(
                format!("the file announces {announced} blocks and has {seen}: it was cut short"),
                "Fetch it again",
            )),
            _ => self.lines.must_be_ended(),
        }
    }
}

impl Form {
    /// By the header, or by the names that stand in its place.
    fn csv(
        kind: Kind,
        lines: &mut Lines<'_>,
        columns: Option<&[String]>,
        dropped: &[String],
    ) -> Result<Form, Error> {
        let (delimiter, named) = match columns {
            Some(named) => (None, named.to_vec()),
            None => {
                let mut header = String::new();
                if !lines.next(&mut header)? {
                    return Err(lines.bad("the file is empty", "Is it the right file?"));
                }
                let (by, mut cells) = (delimiter(&header), Vec::new());
                split(&header, by, &mut cells);
                (Some(by), cells)
            }
        };
        Ok(Form::Csv {
            delimiter,
            columns: fit(kind, &named, dropped).map_err(Error::Row)?,
        })
    }
}

/// The character between cells: whichever of tab, semicolon and comma a header has most of.
fn delimiter(header: &str) -> char {
    let counted = ['\t', ';', ','].map(|c| (header.matches(c).count(), c));
    counted.into_iter().max().map_or(',', |(_, c)| c)
}

/// Which column of the kind each column of the file is.
fn fit(kind: Kind, named: &[String], dropped: &[String]) -> Result<Vec<Option<usize>>, Bad> {
    let mut columns = Vec::with_capacity(named.len());
    for name in named {
        let name = name.trim().to_lowercase();
        let known = kind.columns().iter().position(|c| c.name == name);
        if dropped.contains(&name) {
            columns.push(None);
        } else if known.is_none() {
            let what = format!("there is no column {name:?} in a set of {kind}");
            let remedy = format!(
                "Its columns are {}. Name a file without a header with --columns, leave a column out with --drop {}",
                kind.shape(),
                if name.is_empty() { "COLUMN" } else { &name }
            );
            return Err(Bad::new(1, what, remedy));
        } else if columns.contains(&known) {
            let what = format!("the column {name:?} stands there twice");
            return Err(Bad::new(1, what, "Leave one of them out of the file"));
        } else {
            columns.push(known);
        }
    }
    let has = |name: &str| {
        let at = kind.columns().iter().position(|c| c.name == name);
        columns.contains(&at)
    };
    let missing = kind.columns().iter().find(|c| c.required && !has(c.name));
    let ranged = kind == Kind::Networks && !has("prefix") && !(has("start") && has("end"));
    let missing = missing
        .map(|c| c.name)
        .or(ranged.then_some("prefix (or start and end)"));
    match missing {
        Some(name) => Err(Bad::new(
            1,
            format!("the column {name} is missing"),
            format!("The columns of a set of {kind} are {}", kind.shape()),
        )),
        None => Ok(columns),
    }
}

fn csv_row(
    lines: &mut Lines<'_>,
    line: &mut String,
    delimiter: char,
    columns: &[Option<usize>],
    row: &mut Row,
) -> Result<(), Error> {
    // A quoted cell may hold line ends.
    while line.matches('"').count() % 2 == 1 {
        line.push('\n');
        if line.len() > LONGEST || !lines.next(line)? {
            let what = "a quote is opened and never closed";
            let remedy = "Close it, or copy the file again if it was cut short";
            return Err(Error::Row(Bad::new(row.number, what, remedy)));
        }
    }
    let wide = |has: usize| {
        let what = format!("the row has {has} cells and the header {}", columns.len());
        let remedy = "Quote cells that hold the separator; copy the file again if it was cut short";
        Err(Error::Row(Bad::new(row.number, what, remedy)))
    };
    if !line.contains('"') {
        let count = line.matches(delimiter).count() + 1;
        if count != columns.len() {
            return wide(count);
        }
        for (cell, column) in line.split(delimiter).zip(columns) {
            if let Some(column) = column {
                row.set(*column, cell);
            }
        }
        return Ok(());
    }
    let mut cells = Vec::new();
    split(line, delimiter, &mut cells);
    if cells.len() != columns.len() {
        return wide(cells.len());
    }
    for (cell, column) in cells.iter().zip(columns) {
        if let Some(column) = column {
            row.set(*column, cell);
        }
    }
    Ok(())
}

/// Splits a record (RFC 4180); a quote inside a quoted cell is doubled.
fn split(line: &str, delimiter: char, cells: &mut Vec<String>) {
    let mut cell = String::new();
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
}

fn json_row(kind: Kind, line: &str, dropped: &[String], row: &mut Row) -> Result<(), Bad> {
    let number = row.number;
    let object: serde_json::Map<String, Value> = serde_json::from_str(line).map_err(|fault| {
        let what = format!("it is no JSON object: {fault}");
        Bad::new(
            number,
            what,
            "One object a line; copy the file again if it was cut short",
        )
    })?;
    for (name, value) in &object {
        if dropped.contains(name) {
            continue;
        }
        let Some(column) = kind.columns().iter().position(|c| c.name == name) else {
            let what = format!("there is no column {name:?} in a set of {kind}");
            let remedy = format!(
                "Its columns are {}. Leave one out with --drop {name}",
                kind.shape()
            );
            return Err(Bad::new(number, what, remedy));
        };
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Number(value) => value.to_string(),
            Value::Array(all) => {
                let texts = all.iter().filter_map(Value::as_str);
                texts.collect::<Vec<_>>().join(" ")
            }
            Value::Bool(_) | Value::Object(_) => {
                let what = format!("{name} is neither a text nor a number nor a list of texts");
                return Err(Bad::new(number, what, "Correct the row and import again"));
            }
        };
        row.set(column, &text);
    }
    Ok(())
}

/// A line of a delegated file; false for those that are no block of addresses.
fn delegated_row(
    line: &str,
    seen: &mut u64,
    announced: &mut u64,
    row: &mut Row,
) -> Result<bool, Bad> {
    if line.starts_with('#') {
        return Ok(false);
    }
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    match fields.as_slice() {
        [_, "*", "ipv4" | "ipv6", "*", count, "summary", ..] => {
            *announced += count.parse::<u64>().unwrap_or_default();
            Ok(false)
        }
        [_, "*", ..] | [_, _, "asn", ..] => Ok(false),
        [version, ..] if version.parse::<f32>().is_ok() => Ok(false),
        [
            registry,
            country,
            "ipv4" | "ipv6",
            start,
            value,
            _,
            status,
            ..,
        ] => {
            *seen += 1;
            let cells = [*registry, country, start, value, status];
            for (at, cell) in cells.into_iter().enumerate() {
                // Free space belongs to no country.
                row.set(
                    at,
                    if at == 1 && cell.is_empty() {
                        "-"
                    } else {
                        cell
                    },
                );
            }
            Ok(true)
        }
        _ => Err(Bad::new(
            row.number,
            "it is no line of a delegated file",
            "A line is registry|cc|ipv4|start|count|date|status; copy the file again if it was cut short",
        )),
    }
}

/// The most bytes of a record with line ends in quotes.
const LONGEST: usize = 256 << 10;
