//! Personal numbers and addresses in texts that everybody will read: reasons, and those of overrides.
//!
//! Follows design: The log, *Privacy* ("Phone numbers, identity and bank numbers appear nowhere in clear"). A text is read
//! for what can be told by its shape alone: e-mail addresses, Vietnamese telephone and citizens' numbers. A bank account
//! has no shape, and a name none at all: the officer's eye stays the last one.

/// What stands in a text and belongs to a person. The number itself is never said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Personal {
    /// From 1.
    pub line: usize,
    pub what: &'static str,
}

/// The first personal number or address of a text.
pub fn find(text: &str) -> Option<Personal> {
    let lines = (1..).zip(text.lines());
    lines
        .filter_map(|(line, text)| {
            let what = mail(text).or_else(|| number(text))?;
            Some(Personal { line, what })
        })
        .next()
}

fn mail(line: &str) -> Option<&'static str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let found = line.match_indices('@').any(|(at, _)| {
        let (before, after) = (line.get(..at), line.get(at + 1..));
        let user = before.is_some_and(|text| text.ends_with(is_part));
        let host = after.map(|text| text.split(|c| !is_part(c)).next().unwrap_or_default());
        // `@shop.name` alone is an account; a host ends in letters behind a dot.
        let top = host.and_then(|host| host.trim_end_matches('.').rsplit_once('.'));
        user && top.is_some_and(|(name, top)| {
            !name.is_empty() && top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic())
        })
    });
    found.then_some("an e-mail address")
}

fn number(line: &str) -> Option<&'static str> {
    let mut rest = line;
    let mut before = String::new();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit() || c == '+') {
        let (head, tail) = rest.split_at(start);
        before.push_str(head);
        let end = end_of_run(tail);
        let (run, after) = tail.split_at(end);
        let inside = before.ends_with(|c: char| c.is_alphanumeric() || "/#_=-".contains(c))
            || after.starts_with(|c: char| c.is_alphanumeric() || "/_=".contains(c));
        let what = kind(run).filter(|_| !inside && !is_tax_code(&before));
        if what.is_some() {
            return what;
        }
        before.push_str(run);
        rest = after;
    }
    None
}

/// Digits, with one or two blanks, dots, hyphens or brackets between them.
fn end_of_run(text: &str) -> usize {
    let mut end = 1;
    let mut parted = 0;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '0'..='9' => (end, parted) = (at + 1, 0),
            ' ' | '.' | '-' | '(' | ')' if parted < 2 => parted += 1,
            _ => break,
        }
    }
    end
}

fn kind(run: &str) -> Option<&'static str> {
    let digits: String = run.chars().filter(char::is_ascii_digit).collect();
    let home = match (run.starts_with('+'), digits.strip_prefix("84")) {
        (true, Some(rest)) => format!("0{}", rest.trim_start_matches('0')),
        (true, None) => {
            return (9..=15)
                .contains(&digits.len())
                .then_some("a telephone number");
        }
        (false, Some(rest)) if rest.len() == 9 => format!("0{rest}"),
        _ => digits.clone(),
    };
    let mobile = matches!(
        home.as_bytes(),
        [b'0', b'3', b'2'..=b'9', ..] | [b'0', b'5' | b'7' | b'8' | b'9', ..]
    );
    match home.len() {
        10 if mobile => Some("a telephone number"),
        11 if home.starts_with("02") => Some("a telephone number"),
        12 if digits == run && run.starts_with('0') => Some("a citizen's identity number"),
        _ => None,
    }
}

/// A company's tax code has ten digits too, and is public.
fn is_tax_code(before: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '\u{a0}']).to_lowercase();
    [
        "mst",
        "mã số thuế",
        "mã số dn",
        "mã số doanh nghiệp",
        "tax code",
    ]
    .iter()
    .any(|said| before.ends_with(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_personal() {
        for text in [
            "Người bán: lien.he+1@shop.example.vn",
            "gọi 0912 345 678 để đặt hàng",
            "0912.345.678",
            "Hotline: +84 912-345-678.",
            "84912345678",
            "tel (024) 3825 1234",
            "CCCD 001099012345, Hà Nội",
            "+1 212 555 0100",
        ] {
            assert!(find(text).is_some(), "{text}");
        }
        let second = find("một\nhai 0987654321").unwrap();
        assert_eq!((second.line, second.what), (2, "a telephone number"));
    }

    #[test]
    fn what_is_not() {
        for text in [
            "Quyết định số 12/QĐ-TMĐT ngày 01/09/2026, Điều 8 khoản 3",
            "doanh thu 1.200.000.000 đồng trong 12 tháng",
            "MST: 0912345678",
            "mã số thuế 0312345678",
            "0101245678",
            "seller:shopee.vn/0912345678 và https://shopee.vn/shop/0912345678",
            "tài khoản @shop.chinh.hang trên nền tảng",
            "203.0.113.0/24, 2001:db8::/32",
            "từ 2026-09-01 đến 2026-12-31; 2026-000123",
            "a+b = c, 5@ 3",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
