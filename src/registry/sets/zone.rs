//! A zone file (RFC 1035, section 5) as rows: who is delegated to which servers, or which name has which address.

use std::collections::VecDeque;

use super::{
    Error, Kind,
    lines::Lines,
    row::{Bad, Row},
};

/// Where the reading of a zone file stands.
pub struct Zone {
    kind: Kind,
    origin: String,
    owner: String,
    /// The delegation that is being gathered, with its first line and its servers.
    open: Option<(String, u64, Vec<String>)>,
    ready: VecDeque<(u64, [String; 2])>,
    done: bool,
}

impl Zone {
    /// # Errors
    /// For a kind that no zone file has anything for.
    pub fn new(kind: Kind) -> Result<Zone, Bad> {
        if !matches!(kind, Kind::VnRegistry | Kind::PassiveDns) {
            let what = format!("a zone file has nothing for a set of {kind}");
            return Err(Bad::new(0, what, "Give it as CSV or JSON lines"));
        }
        Ok(Zone {
            kind,
            origin: String::new(),
            owner: String::new(),
            open: None,
            ready: VecDeque::new(),
            done: false,
        })
    }

    /// Reads on to the next row.
    pub fn next(
        &mut self,
        lines: &mut Lines<'_>,
        row: &mut Row,
        skipped: &mut u64,
    ) -> Result<bool, Error> {
        let servers = self.kind.columns().len() - 1;
        let value_at = if self.kind == Kind::VnRegistry {
            servers
        } else {
            1
        };
        loop {
            if let Some((number, [name, value])) = self.ready.pop_front() {
                row.number = number;
                row.set(0, &name);
                row.set(value_at, &value);
                return Ok(true);
            }
            if self.done {
                return Ok(false);
            }
            let Some((number, blank, tokens)) = entry(lines)? else {
                lines.must_be_ended()?;
                self.close();
                self.done = true;
                continue;
            };
            self.take(number, blank, tokens, skipped)
                .map_err(Error::Row)?;
        }
    }

    fn take(
        &mut self,
        number: u64,
        blank: bool,
        tokens: Vec<String>,
        skipped: &mut u64,
    ) -> Result<(), Bad> {
        let mut tokens = tokens.into_iter().peekable();
        let first = tokens.peek().map(String::as_str).unwrap_or_default();
        if first.starts_with('$') {
            let directive = first.to_ascii_uppercase();
            let value = tokens.nth(1).unwrap_or_default();
            return match directive.as_str() {
                "$ORIGIN" => {
                    self.origin = self.absolute(&value);
                    Ok(())
                }
                "$TTL" => Ok(()),
                _ => Err(Bad::new(
                    number,
                    format!("{directive} isn't read here"),
                    "Give the zone as one file, such as named-compilezone writes it",
                )),
            };
        }
        if !blank {
            let owner = tokens.next().unwrap_or_default();
            self.owner = self.absolute(&owner);
        }
        let prefix = |t: &String| {
            t.starts_with(|c: char| c.is_ascii_digit()) || t.eq_ignore_ascii_case("IN")
        };
        while tokens.peek().is_some_and(prefix) {
            tokens.next();
        }
        let (Some(kind), Some(value)) = (tokens.next(), tokens.next()) else {
            return Err(Bad::new(
                number,
                "it is no record: a name, perhaps a time to live and a class, a type and a value",
                "Copy the file again if it was cut short",
            ));
        };
        match (self.kind, kind.to_ascii_uppercase().as_str()) {
            (Kind::VnRegistry, "NS") if self.owner.contains('.') => {
                let server = self.absolute(&value);
                self.delegate(number, server);
            }
            (Kind::PassiveDns, "A" | "AAAA") => {
                self.ready.push_back((number, [self.owner.clone(), value]));
            }
            _ => *skipped += 1,
        }
        Ok(())
    }

    fn delegate(&mut self, number: u64, server: String) {
        match &mut self.open {
            Some((owner, _, servers)) if *owner == self.owner => servers.push(server),
            _ => {
                self.close();
                self.open = Some((self.owner.clone(), number, vec![server]));
            }
        }
    }

    fn close(&mut self) {
        if let Some((owner, number, servers)) = self.open.take() {
            self.ready.push_back((number, [owner, servers.join(" ")]));
        }
    }

    /// A name without the dot at its end, completed by the origin where it had none.
    fn absolute(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        match name.strip_suffix('.') {
            Some(absolute) => absolute.to_owned(),
            None if name == "@" => self.origin.clone(),
            None if self.origin.is_empty() => name,
            None => format!("{name}.{}", self.origin),
        }
    }
}

/// One entry: its first line's number, whether the owner was left out, and its words. Parentheses join lines.
fn entry(lines: &mut Lines<'_>) -> Result<Option<(u64, bool, Vec<String>)>, Error> {
    let mut line = String::new();
    loop {
        line.clear();
        if !lines.next(&mut line)? {
            return Ok(None);
        }
        let number = lines.number();
        let blank = line.starts_with([' ', '\t']);
        let mut tokens = Vec::new();
        let mut depth = words(&line, &mut tokens, 0);
        while depth > 0 {
            line.clear();
            if tokens.len() > MOST || !lines.next(&mut line)? {
                let what = "a parenthesis is opened and never closed";
                let remedy = "Copy the file again if it was cut short";
                return Err(Error::Row(Bad::new(number, what, remedy)));
            }
            depth = words(&line, &mut tokens, depth);
        }
        if !tokens.is_empty() {
            return Ok(Some((number, blank, tokens)));
        }
    }
}

/// Appends the words of a line up to its comment, and says how many parentheses are open.
fn words(line: &str, tokens: &mut Vec<String>, mut depth: usize) -> usize {
    let mut word = String::new();
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ';' if !quoted => break,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    tokens.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    depth
}

/// The most words of one record.
const MOST: usize = 10_000;
