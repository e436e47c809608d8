//! The strict syntax of sellers and accounts: `<platform>/<id>`, in clear or as a commitment.
//!
//! A seller's platform is the marketplace's host (`shopee.vn`), an account's its short name (`facebook`); both are of
//! `[a-z0-9.-]{1,63}` (design: The log, names in signed bytes). Which ids a platform knows is data (`lists/platforms.toml`,
//! read by [`super::platforms`]); here stands what holds for all of them.

use unicode_normalization::is_nfc;

use super::Kind;

/// The longest id, in bytes.
pub const MAX_ID: usize = 256;

/// What an identifier breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is no `<platform>/<id>`")]
    Shape,
    #[error("a platform is of a-z, 0-9, dot and hyphen, at most 63")]
    Platform,
    #[error("a seller's platform is the marketplace's host, such as shopee.vn")]
    Host,
    #[error("an id has 1 to 256 bytes")]
    Length,
    #[error("an id is of letters and digits, in NFC, and of . _ - @ + : ~")]
    Character,
    #[error("a commitment is # and 64 lower-case hex digits")]
    Commitment,
}

/// Holds `<platform>/<id>` against the strict syntax.
pub fn check(kind: Kind, name: &str) -> Result<(), Fault> {
    let (platform, id) = name.split_once('/').ok_or(Fault::Shape)?;
    check_platform(platform)?;
    if kind == Kind::Seller && super::domain::check(platform).is_err() {
        return Err(Fault::Host);
    }
    if id.is_empty() || id.len() > MAX_ID {
        return Err(Fault::Length);
    }
    if id.starts_with('#') {
        return if is_commitment(id) {
            Ok(())
        } else {
            Err(Fault::Commitment)
        };
    }
    let sign = |c: char| matches!(c, '.' | '_' | '-' | '@' | '+' | ':' | '~');
    // Combining marks that NFC cannot join (some scripts need them) count as letters.
    let mark = |c: char| unicode_normalization::char::is_combining_mark(c);
    match id
        .chars()
        .all(|c| c.is_alphanumeric() || sign(c) || mark(c))
        && is_nfc(id)
    {
        true => Ok(()),
        false => Err(Fault::Character),
    }
}

/// `#` and 64 lower-case hex digits.
pub fn is_commitment(id: &str) -> bool {
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    id.strip_prefix('#')
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(lower_hex))
}

fn check_platform(platform: &str) -> Result<(), Fault> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    match (1..=63).contains(&platform.len()) && platform.bytes().all(allowed) {
        true => Ok(()),
        false => Err(Fault::Platform),
    }
}
