//! The house: the table in `src/lib.rs` held against the source.
//!
//! An import goes strictly downward (a room may import itself, `main.rs` everything), every room
//! stands in the table, no module is named for what it isn't about, no file grows too long.

use std::{collections::BTreeMap, fs, path::Path};

#[test]
fn the_source_keeps_to_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let mut files = Vec::new();
    collect(root, Path::new("src"), &mut files);
    assert!(files.len() > 2, "the source was not found");
    let problems = problems(&table(&map), &files);
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn the_map_is_read_from_its_table() {
    let map = "//! Rooms\n//! | floor | room | owns |\n//! |---|---|---|\n//! | 0 | `a` | `x` |\n//! | 7 | `b`, `c` | y |\n";
    let want = [("a", 0), ("b", 7), ("c", 7)];
    assert_eq!(
        table(map),
        want.map(|(room, floor)| (room.to_owned(), floor)).into()
    );
}

#[test]
fn imports_that_go_down_pass() {
    for text in [
        "use crate::low::Thing;\nuse crate::{high::own, low::{self, deep::X}};",
        "fn f() { crate::low::f(); super::own(); }",
        "// use crate::top::X;\n/* crate::top::Y /* nested */ crate::top */\n/// [`crate::top::Z`]",
        "const A: &str = \"crate::top::X\"; const B: &str = r#\"use \"crate::top;\"#; const C: char = '\"';",
        "pub(crate) fn f<'a>(x: &'a str) -> char { '\\'' }\nmod tests { use super::top::X; }",
        "mod tests { mod more { use super::super::top; } }",
        "use crate::Something; mod top {} use self::top::X;",
    ] {
        assert_eq!(
            judged("src/high/mod.rs", text),
            Vec::<String>::new(),
            "{text}"
        );
    }
    assert!(judged("src/main.rs", "use crate::top::X;").is_empty());
    assert!(judged("src/lib.rs", "pub mod top;").is_empty());
}

#[test]
fn imports_that_do_not_are_named_by_file_and_line() {
    for (text, line) in [
        ("use crate::top::X;", 1),
        ("\n\nuse crate::{\n    low::Y,\n    top::X,\n};", 5),
        ("use crate::{high::{a, b}, low, top};", 1),
        ("fn f() {\n    crate::top::f()\n}", 2),
        ("#[cfg(test)]\nmod tests {\n    use crate::top::X;\n}", 3),
        ("/* a */ use crate /* b */ ::\n top::X;", 2),
        ("use super::top::X;", 1),
        ("mod tests {\n fn f() { super::super::top::f() } }", 2),
        (
            "const A: char = '\"'; use crate::top::X; const B: char = '\"';",
            1,
        ),
        ("fn f<'a>(x: &'a u8) { crate::top::f(x) }", 1),
        ("use crate::same::X;", 1),
    ] {
        let found = judged("src/high/mod.rs", text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let place = format!("src/high/mod.rs:{line}: ");
        assert!(found[0].starts_with(&place), "{text}: {found:?}");
    }
    assert_eq!(
        judged("src/high/deep/er.rs", "use super::super::super::top;").len(),
        1
    );
    assert_eq!(judged("src/high/deep.rs", "use super::top;").len(), 0);
    assert_eq!(judged("src/high.rs", "use super::top;").len(), 1);
}

#[test]
fn strangers_catch_alls_and_long_files_are_named() {
    assert_eq!(judged("src/annex/mod.rs", "").len(), 1);
    for (file, text) in [
        ("src/high/utils.rs", ""),
        ("src/high/common/a.rs", ""),
        ("src/high/mod.rs", "mod helpers;"),
        ("src/high/mod.rs", "mod utils { }"),
    ] {
        assert_eq!(judged(file, text).len(), 1, "{file}");
    }
    let long = "fn f() {}\n".repeat(LONGEST);
    let tests = format!("{long}#[cfg(test)]\nmod tests {{}}\n");
    assert!(judged("src/high/mod.rs", &tests).is_empty());
    let longer = judged("src/high/mod.rs", &format!("{long}fn g() {{}}\n{tests}"));
    assert_eq!(longer.len(), 1);
    assert!(longer[0].starts_with(&format!("src/high/mod.rs: {}", LONGEST * 2 + 1)));
}

/// What is wrong with `text` as a file of a house of four rooms.
fn judged(file: &str, text: &str) -> Vec<String> {
    let rooms = [("low", 0), ("high", 3), ("same", 3), ("top", 5)];
    let table = rooms.map(|(room, floor)| (room.to_owned(), floor)).into();
    problems(&table, &[(file.to_owned(), text.to_owned())])
}

type Table = BTreeMap<String, u32>;

/// Rooms and floors from the rows ``//! | 3 | `check` | … |``.
fn table(map: &str) -> Table {
    let mut table = Table::new();
    for row in map.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = row.split('|').map(str::trim);
        let (Some(Ok(floor)), Some(rooms)) = (cells.next().map(str::parse), cells.next()) else {
            continue;
        };
        for room in rooms.split(',') {
            table.insert(room.trim().trim_matches('`').to_owned(), floor);
        }
    }
    table
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, String)>) {
    let mut paths: Vec<_> = fs::read_dir(root.join(dir))
        .unwrap()
        .map(|entry| dir.join(entry.unwrap().file_name()))
        .collect();
    paths.sort();
    for path in paths {
        if root.join(&path).is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            files.push((path.to_str().unwrap().to_owned(), text));
        }
    }
}

fn problems(table: &Table, files: &[(String, String)]) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, text) in files {
        // src/<room>.rs, src/<room>/mod.rs and src/<room>/<a>/<b>.rs are modules of 1, 1 and 3
        // names; lib.rs and main.rs are the root, of none.
        let mut module: Vec<&str> = file.trim_end_matches(".rs").split('/').skip(1).collect();
        module.pop_if(|name| matches!(*name, "mod" | "lib" | "main"));
        for name in module.iter().filter(|name| is_catch_all(name)) {
            problems.push(format!(
                "{file}: `{name}` says nothing: name the module for its thing"
            ));
        }
        let body = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]");
        match body.count() {
            lines if lines > LONGEST => problems.push(format!(
                "{file}: {lines} lines before its tests, {LONGEST} are allowed: split it by thing"
            )),
            _ => {}
        }
        let tokens = tokens(text);
        for (line, name) in inline_modules(&tokens).filter(|(_, name)| is_catch_all(name)) {
            problems.push(format!("{file}:{line}: `mod {name}` says nothing"));
        }
        let Some(room) = module.first() else {
            continue;
        };
        match table.get(*room) {
            Some(floor) => {
                let bad = imports(&tokens, module.len()).into_iter().filter_map(|(line, to)| {
                    let below = table.get(&to).is_none_or(|lower| lower < floor);
                    (to != *room && !below).then(|| {
                        format!("{file}:{line}: `{room}` (floor {floor}) imports `{to}` (floor {}): imports go down only", table[&to])
                    })
                });
                problems.extend(bad);
            }
            None => problems.push(format!(
                "{file}: room `{room}` isn't in the table of src/lib.rs"
            )),
        }
    }
    problems
}

fn is_catch_all(name: &str) -> bool {
    matches!(
        name,
        "util" | "utils" | "common" | "helper" | "helpers" | "misc"
    )
}

/// Line and name after each `mod`.
fn inline_modules(tokens: &[(usize, String)]) -> impl Iterator<Item = (usize, &str)> {
    tokens
        .windows(2)
        .filter(|pair| pair[0].1 == "mod")
        .map(|pair| (pair[1].0, pair[1].1.as_str()))
}

/// Line and first name of every path that starts at the crate's root: by `crate::`, by
/// `crate::{…}`, or by as many `super::` as the module is deep.
fn imports(tokens: &[(usize, String)], depth: usize) -> Vec<(usize, String)> {
    let word = |at: usize| tokens.get(at).map_or("", |(_, word)| word.as_str());
    let mut found = Vec::new();
    // For each open brace, whether it is an inline module's, which deepens what `super` means.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match word(at) {
            "{" => braces.push(at >= 2 && word(at - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            "crate" if word(at + 1) == "::" => first_names(tokens, at + 2, &mut found),
            "super" if word(at + 1) == "::" => {
                let inline = braces.iter().filter(|module| **module).count();
                let mut up = 1;
                while word(at + 2) == "super" && word(at + 3) == "::" {
                    at += 2;
                    up += 1;
                }
                if up == depth + inline {
                    first_names(tokens, at + 2, &mut found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The name at `at`, or the first name of each path in the group that opens there.
fn first_names(tokens: &[(usize, String)], at: usize, found: &mut Vec<(usize, String)>) {
    let mut rest = tokens.iter().skip(at);
    let Some((line, word)) = rest.next() else {
        return;
    };
    if word != "{" {
        found.push((*line, word.clone()));
        return;
    }
    let mut deep = 1;
    let mut first = true;
    for (line, word) in rest {
        match word.as_str() {
            "{" => deep += 1,
            "}" => deep -= 1,
            "," if deep == 1 => first = true,
            _ if first => {
                found.push((*line, word.clone()));
                first = false;
            }
            _ => {}
        }
        if deep == 0 {
            return;
        }
    }
}

/// Words, `::` and single signs with their lines; comments, strings and characters left out.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let text: Vec<char> = text.chars().collect();
    let sign = |at: usize| text.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < text.len() {
        let start = at;
        match sign(at) {
            '/' if sign(at + 1) == '/' => {
                while at < text.len() && sign(at) != '\n' {
                    at += 1;
                }
            }
            '/' if sign(at + 1) == '*' => at = after_comment(&text, at),
            '"' => at = after_string(&text, at),
            '\'' if sign(at + 1) == '\\' => {
                at += 3;
                while at < text.len() && sign(at) != '\'' {
                    at += 1;
                }
                at += 1;
            }
            '\'' if sign(at + 2) == '\'' => at += 3,
            ':' if sign(at + 1) == ':' => {
                tokens.push((line, "::".to_owned()));
                at += 2;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while sign(at).is_alphanumeric() || sign(at) == '_' {
                    at += 1;
                }
                let word: String = text[start..at].iter().collect();
                if matches!(word.as_str(), "r" | "br" | "cr") && matches!(sign(at), '"' | '#') {
                    at = after_raw_string(&text, at);
                } else {
                    tokens.push((line, word));
                }
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push((line, c.to_string()));
                }
                at += 1;
            }
        }
        at = at.min(text.len());
        line += text[start..at].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn after_comment(text: &[char], mut at: usize) -> usize {
    let mut deep = 0;
    while let Some(pair) = text.get(at..at + 2) {
        match pair {
            ['/', '*'] => deep += 1,
            ['*', '/'] => deep -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if deep == 0 {
            return at;
        }
    }
    text.len()
}

fn after_string(text: &[char], mut at: usize) -> usize {
    at += 1;
    while let Some(c) = text.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// `at` is after the `r`; `r#name`, which is no string, ends at its name.
fn after_raw_string(text: &[char], mut at: usize) -> usize {
    let mut hashes = 0;
    while text.get(at) == Some(&'#') {
        hashes += 1;
        at += 1;
    }
    if text.get(at) != Some(&'"') {
        return at;
    }
    at += 1;
    while at < text.len() {
        if text[at] == '"' && (1..=hashes).all(|n| text.get(at + n) == Some(&'#')) {
            return at + 1 + hashes;
        }
        at += 1;
    }
    text.len()
}

const LONGEST: usize = 400;
