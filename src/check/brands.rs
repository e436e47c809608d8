//! Which protected brand an account or a seller names, or nearly names: `vietcombank.cskh`, `v1etcombank`, `vietconbank`.
//! Whoever poses as a bank is what the plan is about, and the bank's own page is what must never be listed by mistake; which
//! of the two it is, an officer sees and no program.
//!
//! The brands are the labels of protected names (`lists/protected-names.txt`) of Vietnam's banks, payment services,
//! telecoms, marketplaces, post and authorities. A near miss is one letter more, less, other or exchanged.

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::registry::Lists;
use crate::registry::lists::NameRow;

/// The groups of protected names that people pose as.
const GROUPS: [&str; 8] = [
    "payment",
    "telecom",
    "marketplace",
    "post",
    "social",
    "antifraud",
    "registry",
    "gov",
];

/// The group of names that the Internet can't do without; their owners hold their label under many countries' suffixes.
const ESSENTIAL: &str = "essential";
/// A label shorter than this is too common to be one owner's (`live`, `x`).
const OWN: usize = 5;

/// A brand shorter than this is looked for as a whole word only: `acb` is in `jacbo`.
const INSIDE: usize = 6;
/// A brand shorter than this has no near misses: four letters are near too many words.
const NEAR: usize = 7;

/// The brands, each kind made ready when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct Brands {
    likenesses: OnceLock<Likenesses>,
    /// Labels of essential names (`google`) to the row.
    essential: OnceLock<HashMap<Box<str>, u32>>,
}

/// What identifiers are held against.
#[derive(Debug, Default)]
struct Likenesses {
    /// Folded label to the row of its name.
    exact: HashMap<Box<str>, u32>,
    /// Each label without one of its letters, to the label.
    shortened: HashMap<Box<str>, Vec<Box<str>>>,
    /// Lengths that occur among labels of [`INSIDE`] or more, in bytes.
    lengths: Vec<usize>,
}

/// How near an identifier comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// It is the brand's name, and nothing else.
    Same,
    /// It has the brand's name in it, or one that is a letter off.
    Like,
}

impl Brands {
    /// The row of the protected name whose brand an identifier resembles.
    pub(super) fn resembled(&self, id: &str, lists: &Lists) -> Option<(u32, Likeness)> {
        if id.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let likenesses = self.likenesses.get_or_init(|| Likenesses::new(lists));
        likenesses.resembled(id)
    }

    /// The row of the essential name whose label a domain has under a country's suffix (`google.qa`).
    pub(super) fn in_a_country(&self, name: &str, lists: &Lists) -> Option<u32> {
        let top = name.rsplit('.').next().filter(|top| top.len() == 2)?;
        // Most names end here, before the suffix list is asked.
        let mut labels = name.split('.').filter(|label| *label != top);
        let essential = self.essential.get_or_init(|| essential(lists));
        if !labels.any(|label| essential.contains_key(label)) {
            return None;
        }
        let registrable = lists.suffixes.registrable(name)?;
        let label = registrable.split('.').next()?;
        essential.get(label).copied()
    }
}

impl Likenesses {
    fn new(lists: &Lists) -> Likenesses {
        let mut brands = Likenesses::default();
        for (number, row) in lists.protected_names.rows() {
            if let Some(label) = label(row, lists) {
                brands.exact.entry(fold(label).into()).or_insert(number);
            }
        }
        for label in brands.exact.keys().filter(|label| label.len() >= NEAR) {
            for short in without_one(label) {
                let known = brands.shortened.entry(short.into()).or_default();
                known.push(label.clone());
            }
        }
        let mut lengths: Vec<usize> = brands.exact.keys().map(|label| label.len()).collect();
        lengths.retain(|length| *length >= INSIDE);
        lengths.sort_unstable();
        lengths.dedup();
        brands.lengths = lengths;
        brands
    }

    fn resembled(&self, id: &str) -> Option<(u32, Likeness)> {
        let folded = fold(id);
        let words: Vec<&str> = folded
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let joined = words.concat();
        if let Some(row) = self.exact.get(joined.as_str()) {
            // Nobody writes the own name with digits for letters.
            let own = !id.bytes().any(|b| b.is_ascii_digit());
            let likeness = if own { Likeness::Same } else { Likeness::Like };
            return Some((*row, likeness));
        }
        let of_word = |word: &&str| self.exact.get(*word).copied().or_else(|| self.near(word));
        let like = words.iter().find_map(of_word);
        let like = like
            .or_else(|| self.inside(&joined))
            .or_else(|| self.near(&joined));
        like.map(|row| (row, Likeness::Like))
    }

    /// The brand that stands somewhere in a text.
    fn inside(&self, text: &str) -> Option<u32> {
        (0..text.len()).find_map(|start| {
            self.lengths.iter().find_map(|length| {
                let piece = text.get(start..start.checked_add(*length)?)?;
                self.exact.get(piece).copied()
            })
        })
    }

    /// The brand that a word is one letter off.
    fn near(&self, word: &str) -> Option<u32> {
        let shorter = without_one(word).chain([word.to_owned()]);
        // Two words of a letter's difference share what is left when each loses one, or one of them is so what the
        // other was.
        let mut candidates = shorter.flat_map(|short| {
            let direct = self.exact.get_key_value(short.as_str());
            let direct = direct.map(|(label, _)| label).into_iter();
            let shared = self.shortened.get(short.as_str()).into_iter().flatten();
            direct.chain(shared)
        });
        let near = candidates
            .find(|label| label.len() >= NEAR && strsim::osa_distance(label.as_ref(), word) == 1)?;
        self.exact.get(near.as_ref()).copied()
    }
}

/// The label that is the brand of a protected name: `vietcombank` of `vietcombank.com.vn`.
fn label<'r>(row: NameRow<'r>, lists: &Lists) -> Option<&'r str> {
    let vietnamese_bank = row.group == "bank" && row.name.ends_with(".vn");
    if !vietnamese_bank && !GROUPS.contains(&row.group) {
        return None;
    }
    let registrable = lists.suffixes.registrable(row.name)?;
    let label = registrable.split('.').next()?;
    (label.len() >= 3).then_some(label)
}

/// Labels of essential names to their rows.
fn essential(lists: &Lists) -> HashMap<Box<str>, u32> {
    let mut essential = HashMap::new();
    for (number, row) in lists.protected_names.rows() {
        if let Some(label) = own_label(row, lists) {
            essential.entry(label.into()).or_insert(number);
        }
    }
    essential
}

/// The label of an essential name that is a registrable domain itself.
fn own_label<'r>(row: NameRow<'r>, lists: &Lists) -> Option<&'r str> {
    if row.group != ESSENTIAL || lists.suffixes.registrable(row.name)? != row.name {
        return None;
    }
    row.name
        .split('.')
        .next()
        .filter(|label| label.len() >= OWN)
}

/// Lower case, without marks, with the digits that stand for letters as those.
fn fold(text: &str) -> String {
    let plain = text.nfd().filter(|c| !is_combining_mark(*c));
    plain
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'đ' => 'd',
            '0' => 'o',
            '1' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

/// A word without one of its letters, for each of them.
fn without_one(word: &str) -> impl Iterator<Item = String> + '_ {
    word.char_indices().map(|(at, letter)| {
        let (before, rest) = word.split_at_checked(at).unwrap_or_default();
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        format!("{before}{after}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_are_named() {
        let lists = Lists::embedded().unwrap();
        let brands = Brands::default();
        let asked = |id: &str| {
            let (row, likeness) = brands.resembled(id, &lists)?;
            let row = lists.protected_names.row(row).unwrap();
            Some((fold(row.name.split('.').next().unwrap()), likeness))
        };
        for (id, brand, likeness) in [
            ("vietcombank", "vietcombank", Likeness::Same),
            ("Viet.Com_Bank", "vietcombank", Likeness::Same),
            ("vietcombank.cskh", "vietcombank", Likeness::Like),
            ("hotrovietcombank24h", "vietcombank", Likeness::Like),
            ("v1etcombank", "vietcombank", Likeness::Like),
            ("vietc0mbank", "vietcombank", Likeness::Like),
            ("vietconbank", "vietcombank", Likeness::Like),
            ("vietcombannk", "vietcombank", Likeness::Like),
            ("veitcombank", "vietcombank", Likeness::Like),
            ("vietcombnk", "vietcombank", Likeness::Like),
            ("bidv-hotro", "bidv", Likeness::Like),
            ("vinaphone.khuyenmai", "vinaphone", Likeness::Like),
        ] {
            assert_eq!(asked(id), Some((brand.to_owned(), likeness)), "{id}");
        }
        let abroad = |name| brands.in_a_country(name, &lists).is_some();
        assert!(abroad("google.qa") && abroad("m.youtube.com.pe") && abroad("google.com.vn"));
        assert!(!abroad("google.shop") && !abroad("google.shop.vn") && !abroad("live.vn"));
        for id in [
            "123456",
            "jacbo",
            "some.page",
            "my_pham_sach",
            "vcb24h",
            "ngoclan.shop",
        ] {
            assert_eq!(asked(id), None, "{id}");
        }
    }
}
