//! The result of a check as a spreadsheet that an officer opens: a row a line, with the sentences in Vietnamese.
//!
//! Every cell of text is stored as text, so that none is ever taken for a formula, whatever a list says.

use super::report::{Checked, MatchedLine, Verdict};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

/// What stands over the columns, and how wide they are.
const COLUMNS: [(&str, f64); 10] = [
    ("Dòng / line", 9.0),
    ("Nội dung / text", 40.0),
    ("Kết quả / outcome", 14.0),
    ("Dạng chuẩn / canonical", 40.0),
    ("Mức / grade", 10.0),
    ("Mã / code", 20.0),
    ("Lý do", 60.0),
    ("Cách làm đúng", 60.0),
    ("Chi tiết / detail", 60.0),
    ("Danh sách khớp / list line", 40.0),
];

/// A sheet has 1,048,576 rows, one of which is the head.
const ROWS: usize = 1_000_000;
/// The longest text of a cell, in characters.
const CELL: usize = 32_000;

/// The outcomes of a list as the bytes of an XLSX file; more than a million lines go on in further
/// sheets. The error is the writer's own sentence.
pub fn sheet(lines: &[Checked]) -> Result<Vec<u8>, String> {
    let made = workbook(lines).and_then(|mut book| book.save_to_buffer());
    made.map_err(|e| e.to_string())
}

fn workbook(lines: &[Checked]) -> Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let head = Format::new().set_bold().set_background_color(0xDD_E6_F2);
    let refused = Format::new().set_background_color(0xF8_D7_DA);
    let mut rest = lines;
    loop {
        let (now, later) = rest.split_at(rest.len().min(ROWS));
        let sheet = book.add_worksheet();
        begin(sheet, &head, now.len())?;
        for (row, line) in (1u32..).zip(now) {
            let format = (line.outcome == "refused").then_some(&refused);
            write_row(sheet, row, line, format)?;
        }
        rest = later;
        if rest.is_empty() {
            return Ok(book);
        }
    }
}

fn begin(sheet: &mut Worksheet, head: &Format, rows: usize) -> Result<(), XlsxError> {
    for (column, (name, width)) in (0u16..).zip(COLUMNS) {
        sheet.write_string_with_format(0, column, name, head)?;
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let last = u32::try_from(rows).unwrap_or(u32::MAX);
    sheet.autofilter(0, 0, last, 9)?;
    Ok(())
}

fn write_row(
    sheet: &mut Worksheet,
    row: u32,
    line: &Checked,
    format: Option<&Format>,
) -> Result<(), XlsxError> {
    sheet.write_number(row, 0, line.line as f64)?;
    for (column, text) in (1u16..).zip(cells(line)) {
        if text.is_empty() {
            continue;
        }
        let text: String = text.chars().take(CELL).collect();
        match format.filter(|_| column == 2) {
            Some(format) => sheet.write_string_with_format(row, column, text, format)?,
            None => sheet.write_string(row, column, text)?,
        };
    }
    Ok(())
}

/// The texts of a row, after its number.
fn cells(line: &Checked) -> [String; 9] {
    let joined = |what: fn(&Verdict) -> String| {
        let texts = line
            .findings
            .iter()
            .map(what)
            .filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join("\n")
    };
    let rule = line.code.and_then(super::explain);
    let of_rule = |text: fn(&'static super::Rule) -> &'static str| {
        rule.map(text).unwrap_or_default().to_owned()
    };
    let or_rule = |texts: String, of_rule: String| if texts.is_empty() { of_rule } else { texts };
    let offer = line.offer.as_deref();
    let offer = offer
        .map(|offer| format!("\n→ {offer}"))
        .unwrap_or_default();
    let codes = or_rule(
        joined(|v| v.code.to_owned()),
        line.code.unwrap_or_default().to_owned(),
    );
    let instead = or_rule(
        joined(|v| v.instead_vi.to_owned()),
        of_rule(|rule| rule.instead_vi),
    );
    let grade = line.findings.first().map(|v| format!("{:?}", v.grade));
    [
        line.text.clone(),
        line.outcome.to_owned(),
        line.subject.clone().unwrap_or_default(),
        grade.unwrap_or_default().to_lowercase(),
        codes,
        or_rule(joined(|v| v.vi.to_owned()), of_rule(|rule| rule.vi)),
        format!("{instead}{offer}"),
        or_rule(joined(|v| v.detail.clone()), line.detail.clone()),
        joined(|v| v.matched.as_ref().map(matched).unwrap_or_default()),
    ]
}

fn matched(matched: &MatchedLine) -> String {
    format!("{} {}: {}", matched.file, matched.line, matched.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{
        Guard,
        batch::{Batch, Options},
    };
    use crate::registry::Lists;
    use std::sync::Arc;

    #[test]
    fn text_stays_text() {
        let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
        let text = b"=HYPERLINK(\"http://x\")\n@SUM(1)\nfacebook.com\nshop.vn\n";
        let batch = Batch::read(text, &guard, &Options::default());
        let lines: Vec<Checked> = batch.rows.iter().map(Checked::of).collect();
        let bytes = sheet(&lines).unwrap();
        assert!(bytes.starts_with(b"PK") && bytes.len() > 1_000);
        let facebook = cells(&lines[2]);
        assert_eq!(facebook[1], "refused");
        assert!(facebook[4].contains("protected_name") && facebook[5].contains("bảo vệ"));
        assert!(facebook[8].contains("protected-names.txt"));
    }
}
