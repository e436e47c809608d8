//! The strict syntax of a domain name, as bytes (design: Checks, *Canonical subjects*).

/// The longest name, in bytes, without a trailing dot.
pub const MAX_NAME: usize = 253;
/// The longest label, in bytes.
pub const MAX_LABEL: usize = 63;

/// What a name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a name has at least two labels")]
    OneLabel,
    #[error("a label is empty (two dots, or a dot at an end)")]
    EmptyLabel,
    #[error("a label is longer than 63 bytes")]
    LongLabel,
    #[error("a name has at most 253 bytes")]
    LongName,
    #[error(
        "labels are of a-z, 0-9, hyphen and underscore, in lower case (others as A-labels, xn--…)"
    )]
    Character,
    #[error("a label neither begins nor ends with a hyphen")]
    Hyphen,
    #[error("it ends in a number, which is an address and no name")]
    Address,
}

/// Holds a name against the strict syntax, in one pass over its bytes and without allocation.
pub fn check(name: &str) -> Result<(), Fault> {
    let bytes = name.as_bytes();
    if bytes.len() > MAX_NAME {
        return Err(Fault::LongName);
    }
    let mut labels = 0usize;
    let mut last: &[u8] = &[];
    for label in bytes.split(|&b| b == b'.') {
        check_label(label)?;
        labels += 1;
        last = label;
    }
    if is_number(last) {
        return Err(Fault::Address);
    }
    if labels < 2 {
        return Err(Fault::OneLabel);
    }
    Ok(())
}

/// Whether a last label makes the whole an address to URL readers: digits, or `0x` with hex digits.
pub fn is_number(label: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    !label.is_empty()
        && (label.iter().all(u8::is_ascii_digit) || label.strip_prefix(b"0x").is_some_and(hex))
}

/// Whether any label is an A-label (`xn--…`).
pub fn has_a_label(name: &str) -> bool {
    name.starts_with("xn--") || name.contains(".xn--")
}

fn check_label(label: &[u8]) -> Result<(), Fault> {
    let (Some(first), Some(last)) = (label.first(), label.last()) else {
        return Err(Fault::EmptyLabel);
    };
    if !label
        .iter()
        .all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    {
        return Err(Fault::Character);
    }
    if *first == b'-' || *last == b'-' {
        return Err(Fault::Hyphen);
    }
    if label.len() > MAX_LABEL {
        return Err(Fault::LongLabel);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults() {
        assert_eq!(check("shop.example.vn"), Ok(()));
        assert_eq!(check("_dmarc.shop.vn"), Ok(()));
        assert_eq!(check("vn"), Err(Fault::OneLabel));
        assert_eq!(check(""), Err(Fault::EmptyLabel));
        assert_eq!(check("a..vn"), Err(Fault::EmptyLabel));
        assert_eq!(check("a.vn."), Err(Fault::EmptyLabel));
        assert_eq!(check("A.vn"), Err(Fault::Character));
        assert_eq!(check("-a.vn"), Err(Fault::Hyphen));
        assert_eq!(check("1.2.3.4"), Err(Fault::Address));
        assert_eq!(check("a.0x7f"), Err(Fault::Address));
        assert_eq!(
            check(&format!("{}.vn", "a".repeat(64))),
            Err(Fault::LongLabel)
        );
        assert_eq!(
            check(&format!("{}vn", "abcd.".repeat(51))),
            Err(Fault::LongName)
        );
    }
}
