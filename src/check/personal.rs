//! Personal numbers and addresses in texts that everybody will read: reasons, and those of overrides.
//!
//! Follows design: The log, *Privacy* ("Phone numbers, identity and bank numbers appear nowhere in clear"). A text is read
//! for what can be told by its shape alone: e-mail addresses, Vietnamese telephone and citizens' numbers. A bank account
//! has no shape, and a name none at all: the officer's eye stays the last one.

use unicode_normalization::UnicodeNormalization as _;

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
            let plain = plain(text);
            let what = mail(&plain).or_else(|| number(&plain))?;
            Some(Personal { line, what })
        })
        .next()
}

/// A line in plain forms: full-width digits as digits, every blank and dash as one kind. Subjects, links and hashes are
/// taken out, unless the link is to Zalo, whose names are telephone numbers.
fn plain(line: &str) -> String {
    let one = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c if c.is_whitespace() => ' ',
        c => c,
    };
    let line: String = line.nfkc().map(one).collect();
    let is_named = |word: &&str| {
        let word = word.to_lowercase();
        let kinds = ["domain:", "net:", "seller:", "account:"];
        let link = word.contains("://") || kinds.iter().any(|kind| word.starts_with(kind));
        let hash = word.len() >= 24 && word.bytes().all(|b| b.is_ascii_hexdigit());
        hash || (link && !word.contains("zalo"))
    };
    let words = line
        .split(' ')
        .map(|word| if is_named(&word) { "·" } else { word });
    words.collect::<Vec<_>>().join(" ")
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

/// Digits that stand together, and where in the line they begin and end.
struct Group<'a> {
    digits: &'a str,
    start: usize,
    end: usize,
}

fn number(line: &str) -> Option<&'static str> {
    let groups = groups(line);
    (0..groups.len()).find_map(|first| {
        let before = line.get(..groups.get(first)?.start)?;
        let plus = before.ends_with('+');
        let mut digits = String::new();
        let mut slashed = None;
        for at in first..groups.len().min(first + MOST_GROUPS) {
            let group = groups.get(at)?;
            if at > first {
                let between = line.get(groups.get(at - 1)?.end..group.start)?;
                if !parts(between, &mut slashed) {
                    return None;
                }
            }
            if is_date(groups.get(at..)?, line) {
                return None;
            }
            digits.push_str(group.digits);
            let what = kind(&digits, plus, before);
            if what.is_some() {
                return what;
            }
        }
        None
    })
}

fn groups(line: &str) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (c.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let digits = line.get(from..at).unwrap_or_default();
                groups.push(Group {
                    digits,
                    start: from,
                    end: at,
                });
                start = None;
            }
            _ => {}
        }
    }
    groups
}

/// Whether one number may go on behind this: a blank, dot, hyphen or bracket or two of them; or a slash, comma or
/// underscore, if it is the same all through.
fn parts(between: &str, slashed: &mut Option<String>) -> bool {
    let loose = (1..=2).contains(&between.len()) && between.bytes().all(|b| b" .-()".contains(&b));
    let strict = matches!(between, "/" | "," | "_");
    match slashed {
        None => {
            *slashed = Some(if strict { between } else { "" }.to_owned());
            loose || strict
        }
        Some(first) if first.is_empty() => loose,
        Some(first) => first == between,
    }
}

/// Whether a date begins here: `01/09/2026`, `1.9.2026`, `2026-09-01`.
fn is_date(groups: &[Group<'_>], line: &str) -> bool {
    let [a, b, c, ..] = groups else {
        return false;
    };
    let single =
        |x: &Group<'_>, y: &Group<'_>| matches!(line.get(x.end..y.start), Some("/" | "-" | "."));
    let year = |g: &Group<'_>| {
        g.digits.len() == 4 && (g.digits.starts_with("20") || g.digits.starts_with("19"))
    };
    let short = |g: &Group<'_>| g.digits.len() <= 2;
    let date = (short(a) && short(b) && year(c)) || (year(a) && short(b) && short(c));
    date && single(a, b) && single(b, c)
}

fn kind(digits: &str, plus: bool, before: &str) -> Option<&'static str> {
    if said_before(before, &TAX_CODE) {
        return None;
    }
    if matches!(digits.len(), 9 | 12) && said_before(before, &IDENTITY) {
        return Some("an identity number");
    }
    let home = match (plus, digits.strip_prefix("84")) {
        (true, Some(rest)) => format!("0{}", rest.trim_start_matches('0')),
        (true, None) => {
            return (9..=15)
                .contains(&digits.len())
                .then_some("a telephone number");
        }
        (false, Some(rest)) if rest.len() == 9 => format!("0{rest}"),
        _ => digits.to_owned(),
    };
    let mobile = matches!(
        home.as_bytes(),
        [b'0', b'3', b'2'..=b'9', ..] | [b'0', b'5' | b'7' | b'8' | b'9', ..]
    );
    match home.len() {
        10 if mobile => Some("a telephone number"),
        11 if home.starts_with("02") => Some("a telephone number"),
        12 if digits.starts_with('0') => Some("an identity number"),
        _ => None,
    }
}

/// Whether one of these words stands right before.
fn said_before(before: &str, words: &[&str]) -> bool {
    let before = before
        .trim_end_matches([' ', ':', '.', '#', '+', '('])
        .to_lowercase();
    words.iter().any(|said| before.ends_with(said))
}

/// A company's tax code has ten digits too, and is public.
const TAX_CODE: [&str; 5] = [
    "mst",
    "mã số thuế",
    "mã số dn",
    "mã số doanh nghiệp",
    "tax code",
];
const IDENTITY: [&str; 7] = [
    "cmnd",
    "cccd",
    "cmt",
    "căn cước",
    "căn cước công dân",
    "chứng minh nhân dân",
    "hộ chiếu",
];
/// Into so many groups a number is written apart at most: `0 9 1 2 …`.
const MOST_GROUPS: usize = 12;

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
        for text in [
            "０９１２３４５６７８",
            "0912–345–678 hoặc 0912\u{3000}345\u{3000}678",
            "0912/345/678",
            "0912,345,678",
            "0912_345_678",
            "SĐT 0912345678/0987654321",
            "zalo/0912345678",
            "https://zalo.me/0912345678",
            "số=0912345678",
            "số #0912345678",
            "sdt0912345678",
            "0912345678a",
            "CCCD: 079 123 456 789",
            "079.123.456.789",
            "CMND 012345678",
            "ngày 09/12/2026, gọi 0912345678",
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
            "09-12-2026 15:30 và 09.12.2026 15 giờ",
            "09/12/2026 15 người",
            "12/QĐ-QLTT, 0912/QĐ",
            "sha256 09123456780912345678091234567809123456780912345678091234567809ab",
            "a+b = c, 5@ 3",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
