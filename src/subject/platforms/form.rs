//! The forms of an id: which characters one is of, what of them counts, and what is a telephone number instead.

use serde::Deserialize;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One way in which a platform names its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdForm {
    /// Stands before the id in the subject, so that two forms never meet: `@`, `group:`.
    #[serde(default)]
    pub(super) prefix: String,
    class: Class,
    #[serde(default = "one")]
    min: usize,
    #[serde(default = "many")]
    max: usize,
    /// What every such id begins with.
    #[serde(default)]
    begins: String,
    /// Case is not significant.
    #[serde(default)]
    lower: bool,
    /// Characters without significance, left out.
    #[serde(default)]
    drop: String,
    /// At least one letter, so that it can't be taken for a number (or a telephone).
    #[serde(default)]
    letter: bool,
    #[serde(default)]
    pub(super) role: Role,
}

/// What a form is to the other forms of the same platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It never changes and names its member alone: a shop's number.
    Identity,
    /// A name that the member may change; only the platform can join it to the identity.
    Alias,
    /// Neither: the platform's only form, or one of another thing (a group).
    #[default]
    Own,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    /// 0-9 without a leading zero, so that it can't be taken for a telephone number
    Number,
    /// 7 to 15 digits as telephones are written
    Telephone,
    /// A-Z a-z 0-9 _ .
    Handle,
    /// A-Z a-z 0-9 _ -
    Word,
    /// A-Z a-z 0-9 _ - .
    Name,
    /// letters, marks and digits of any script, _ - .
    Text,
}

impl IdForm {
    /// The id in canonical form with its prefix, or nothing where it doesn't fit.
    pub(super) fn read(&self, typed: &str) -> Option<String> {
        let kept = typed.chars().filter(|c| !self.drop.contains(*c)).nfc();
        let id: String = match self.lower {
            true => kept.flat_map(char::to_lowercase).collect(),
            false => kept.collect(),
        };
        let fits = (self.min..=self.max).contains(&id.chars().count())
            && self.class.holds(&id)
            && id.starts_with(&self.begins)
            && (!self.letter || id.chars().any(char::is_alphabetic));
        fits.then(|| format!("{}{id}", self.prefix))
    }
}

impl Class {
    fn holds(self, id: &str) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let handle = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let text = |c: char| word(c) || c == '.' || c.is_alphanumeric() || is_combining_mark(c);
        match self {
            Class::Number => {
                id.bytes().all(|b| b.is_ascii_digit()) && (id.len() == 1 || !id.starts_with('0'))
            }
            Class::Telephone => dialled(id).is_some_and(|number| (7..=15).contains(&number.len())),
            // What members choose themselves can be their telephone number.
            Class::Handle => id.chars().all(handle) && !is_telephone(id),
            Class::Word => id.chars().all(word) && !is_telephone(id),
            Class::Name => id.chars().all(|c| word(c) || c == '.') && !is_telephone(id),
            Class::Text => {
                id.chars().all(text) && !id.starts_with(is_combining_mark) && !is_telephone(id)
            }
        }
    }
}

/// Whether a text is a Vietnamese telephone number, or any with its country code: `0912345678`, `0912.345.678`,
/// `84912345678`, `+1 415 555 2671`; digits may be masked (`09xxxxxxxx`).
pub(super) fn is_telephone(text: &str) -> bool {
    let Some(number) = dialled(text) else {
        return false;
    };
    let length = number.len();
    match number.strip_prefix('+') {
        Some(_) => (8..=16).contains(&length),
        None if number.starts_with('0') => (9..=12).contains(&length),
        None => number.starts_with("84") && (11..=12).contains(&length),
    }
}

/// A number without separators, or nothing where other characters stand in it.
fn dialled(text: &str) -> Option<String> {
    let number: String = text.chars().filter(|c| !" .-_()".contains(*c)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let digit = |b: u8| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*');
    let begins = digits.bytes().next().is_some_and(|b| b.is_ascii_digit());
    (begins && digits.bytes().all(digit)).then_some(number)
}

fn one() -> usize {
    1
}

fn many() -> usize {
    128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephones() {
        for text in [
            "0912345678",
            "0912.345.678",
            "0912 345 678",
            "84912345678",
            "+84 912 345 678",
            "+14155552671",
            "0xxxxxxxxx",
            "09xx-xxx-xxx",
        ] {
            assert!(is_telephone(text), "{text}");
        }
        for text in [
            "",
            "0",
            "0123456",
            "123456789",
            "76334547",
            "xxxxxxxxxx",
            "shop0912345678",
            "101048191917982",
            "0912345678shop",
            "+AAAAAEexample",
        ] {
            assert!(!is_telephone(text), "{text}");
        }
    }
}
