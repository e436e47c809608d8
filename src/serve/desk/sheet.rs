//! A file that was dropped, as lines: a text as it is, of a CSV or a spreadsheet the column that
//! holds the subjects. Rows stay rows, so that a verdict names the row of the file.

use calamine::{Data, Reader, open_workbook_auto_from_rs};
use std::io::Cursor;

/// The most rows of a spreadsheet; its own most are some more.
const ROWS: usize = 1_048_576;

/// Names of columns that hold subjects, in files of ours and of others, in small letters.
const NAMED: [&str; 12] = [
    "nội dung / text",
    "text",
    "subject",
    "domain",
    "url",
    "name",
    "địa chỉ",
    "tên miền",
    "đối tượng",
    "đường dẫn",
    "website",
    "link",
];

/// The lines of a file; the sentence where it can't be read.
pub(super) fn lines(name: &str, bytes: &[u8]) -> Result<String, String> {
    let lower = name.to_lowercase();
    if [".xlsx", ".xls", ".ods", ".xlsb"]
        .iter()
        .any(|end| lower.ends_with(end))
    {
        return spreadsheet(bytes);
    }
    let text = text(bytes);
    if lower.ends_with(".csv") || lower.ends_with(".tsv") {
        return Ok(column(&table(&text)));
    }
    Ok(text)
}

/// What other systems write: UTF-8 with or without a mark, or UTF-16 of Excel.
fn text(bytes: &[u8]) -> String {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| unit(*pair))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn spreadsheet(bytes: &[u8]) -> Result<String, String> {
    let mut book = open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let sheet = book.worksheet_range_at(0).ok_or("it has no sheet")?;
    let sheet = sheet.map_err(|e| e.to_string())?;
    let first = sheet.start().map_or(0, |(row, _)| row as usize);
    let mut rows: Vec<Vec<String>> = vec![Vec::new(); first];
    let cell = |data: &Data| match data {
        Data::Empty | Data::Error(_) => String::new(),
        data => data.to_string().replace(['\n', '\r'], " "),
    };
    rows.extend(
        sheet
            .rows()
            .take(ROWS)
            .map(|row| row.iter().map(cell).collect()),
    );
    Ok(column(&rows))
}

/// The cells of a CSV (RFC 4180), by comma, semicolon or tab, whichever its first line has most of.
fn table(text: &str) -> Vec<Vec<String>> {
    let first = text.lines().next().unwrap_or_default();
    let count = |by: char| first.matches(by).count();
    let by = [',', ';', '\t']
        .into_iter()
        .max_by_key(|by| (count(*by), *by == ','));
    let by = by.unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.trim().is_empty() => quoted = !quoted,
            '\n' if quoted => cell.push(' '),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c if c == by && !quoted => row.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// The column of the subjects, a line a row; what stands over it becomes a comment.
fn column(rows: &[Vec<String>]) -> String {
    let head = rows
        .iter()
        .position(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    let named = |row: &Vec<String>| {
        let by_name = |name: &&str| {
            row.iter()
                .position(|cell| cell.trim().to_lowercase() == **name)
        };
        NAMED.iter().find_map(by_name)
    };
    let by_name = head.and_then(|at| rows.get(at)).and_then(named);
    let column = by_name.unwrap_or_else(|| likeliest(rows));
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cell = row.get(column).map_or("", |cell| cell.trim());
        if by_name.is_some() && Some(at) == head {
            text.push_str("# ");
        }
        text.push_str(cell);
        text.push('\n');
    }
    text
}

/// The column with most cells that look like a subject.
fn likeliest(rows: &[Vec<String>]) -> usize {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let looks = |cell: &String| cell.contains('.') && !cell.trim().contains(' ');
    let count = |column: &usize| {
        let cells = rows.iter().filter_map(|row| row.get(*column));
        cells.filter(|cell| looks(cell)).count()
    };
    // Of equals the first.
    (0..width).rev().max_by_key(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_xlsxwriter::Workbook;

    #[test]
    fn the_column_of_the_subjects_is_found() {
        let csv = "\u{feff}STT;Tên miền;Ghi chú\r\n1;shop.example;\"a; \"\"b\"\".c\"\r\n2;;x\r\n3;b.example;\r\n";
        assert_eq!(
            lines("a.CSV", csv.as_bytes()).unwrap(),
            "# Tên miền\nshop.example\n\nb.example\n"
        );
        assert_eq!(
            lines("a.csv", b"1,a.example,x\n2,b.example,y").unwrap(),
            "a.example\nb.example\n"
        );
        assert_eq!(lines("a.txt", b"a.example,x\n").unwrap(), "a.example,x\n");
        assert_eq!(lines("a.txt", b"\xff\xfea\0.\0b\0").unwrap(), "a.b");
    }

    #[test]
    fn a_spreadsheet_keeps_its_rows() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        for (row, name) in [(1u32, "url"), (2, "shop.example"), (4, "b.example")] {
            sheet.write_string(row, 1, name).unwrap();
        }
        sheet.write_number(2, 0, 1.0).unwrap();
        let bytes = book.save_to_buffer().unwrap();
        assert_eq!(
            lines("x.xlsx", &bytes).unwrap(),
            "\n# url\nshop.example\n\nb.example\n"
        );
        assert!(lines("x.xlsx", b"no spreadsheet").is_err());
    }
}
