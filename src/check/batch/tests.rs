use std::sync::Arc;

use super::*;
use crate::registry::Lists;

fn outcomes(text: &str, options: &Options<'_>) -> Vec<String> {
    let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
    let batch = Batch::read(text.as_bytes(), &guard, options);
    let counts = batch.counts;
    assert_eq!(
        counts.lines,
        counts.accepted + counts.merged + counts.refused + counts.skipped
    );
    batch
        .views()
        .map(|row| {
            format!("{} {} {}", row.outcome, row.canonical, row.code)
                .trim_end()
                .to_owned()
        })
        .collect()
}

#[test]
fn each_line_has_one_outcome() {
    let text = "\u{feff}# list\r\n\r\nwww.shop.vn\r\nshop.vn\r\nSHOP.vn\r\nfacebook.com\r\nhttps://x.vn/a\r\n0912345678\r\n203.0.113.0/24\r\n203.0.113.7\r\n";
    let options = Options {
        category: "counterfeit",
        ..Options::default()
    };
    let expected = [
        "skipped  comment",
        "skipped  blank",
        "merged domain:www.shop.vn + covered",
        "accepted domain:shop.vn +",
        "merged domain:shop.vn + duplicate",
        "refused domain:facebook.com + protected_name",
        "refused  url_with_path",
        "refused  personal_data",
        "accepted net:203.0.113.0/24",
        "merged net:203.0.113.7/32 covered",
    ];
    assert_eq!(outcomes(text, &options), expected);
    let kept = outcomes(
        text,
        &Options {
            keep_covered: true,
            ..options
        },
    );
    assert_eq!(
        kept.iter()
            .filter(|row| row.starts_with("accepted"))
            .count(),
        4
    );
}

#[test]
fn an_override_passes_its_rule_alone() {
    let overrides = [Override {
        code: "popular_name".to_owned(),
        reason: "court order".to_owned(),
    }];
    let options = Options {
        category: "counterfeit",
        overrides: &overrides,
        ..Options::default()
    };
    assert_eq!(
        outcomes("pump.fun\nweebly.com\nfacebook.com\n", &options),
        [
            "accepted domain:pump.fun +",
            "refused domain:weebly.com + platform_host",
            "refused domain:facebook.com + protected_name",
        ]
    );
}

#[test]
fn results_are_safe_to_open() {
    let guard = Guard::new(Arc::new(Lists::embedded().unwrap()));
    let batch = Batch::read(
        b"=HYPERLINK(1)\n0912345678\n\"a,b\"\n",
        &guard,
        &Options::default(),
    );
    let mut csv = Vec::new();
    batch.write_csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.contains("\r\n1,'=HYPERLINK(1),refused,"), "{csv}");
    assert!(!csv.contains("0912345678"), "{csv}");
    assert!(csv.contains("xxxxxxxxxx"), "{csv}");
}

#[test]
fn what_is_set_aside_for_tests_can_be_typed() {
    let lists = Lists::embedded().unwrap();
    for aside in &lists.test_subjects {
        let read = typed::read(&aside.to_string(), &lists.platforms);
        assert_eq!(read.map(|read| read.line).as_ref(), Ok(aside));
    }
}

static GUARD: std::sync::LazyLock<Guard> =
    std::sync::LazyLock::new(|| Guard::new(Arc::new(Lists::embedded().unwrap())));

proptest::proptest! {
    /// Whatever the bytes, every line has one outcome, and what is accepted is canonical and reads as itself.
    #[test]
    fn any_bytes_add_up(
        lines in proptest::collection::vec(
            proptest::prop_oneof![
                "[a-z0-9.*|/:@^=,# -]{0,24}",
                "(https?://|\\|\\||0\\.0\\.0\\.0 |\\*\\.|www\\.)?[a-zA-Zđổ]{1,6}\\.(vn|com|xn--[a-z0-9]{3})(/[a-z]{0,4})?",
                "[0-9a-f:.]{2,16}(/[0-9]{1,3})?",
                "\\PC{0,24}",
            ],
            0..12,
        ),
        end in "(\n|\r\n|\r)",
        tail in proptest::collection::vec(proptest::num::u8::ANY, 0..12),
    ) {
        let mut bytes = lines.join(&end).into_bytes();
        bytes.extend(tail);
        let options = Options { category: "counterfeit", ..Options::default() };
        let batch = Batch::read(&bytes, &GUARD, &options);
        let counts = batch.counts;
        proptest::prop_assert_eq!(counts.lines, counts.accepted + counts.merged + counts.refused + counts.skipped);
        proptest::prop_assert_eq!(counts.lines, batch.rows.len() as u64);
        for line in batch.accepted() {
            let text = line.to_string();
            proptest::prop_assert_eq!(Line::parse(&text), Ok(line));
            let again = typed::read(&text, &GUARD.lists().platforms);
            proptest::prop_assert_eq!(again.map(|read| read.line.to_string()), Ok(text));
        }
    }
}
