//! From bytes to lines: byte order marks, UTF-16, and the three line ends.

use std::borrow::Cow;

/// The bytes of a file as UTF-8 bytes; whether each line is UTF-8 is asked line by line.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units = pairs.iter().map(|pair| unit(*pair));
        let mut text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if !odd.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        Cow::Owned(text.into_bytes())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        _ => Cow::Borrowed(bytes),
    }
}

/// The lines of a file, without their ends; a line that isn't UTF-8 comes as what can be shown of it.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<&str, String>> {
    // Old Macintosh files end their lines in CR alone.
    let end = if memchr::memchr(b'\n', bytes).is_none() {
        b'\r'
    } else {
        b'\n'
    };
    let bytes = bytes
        .strip_suffix(&[end])
        .map_or((bytes, !bytes.is_empty()), |rest| (rest, true));
    let (bytes, any) = bytes;
    let pieces = any.then(|| bytes.split(move |&b| b == end));
    pieces.into_iter().flatten().map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        std::str::from_utf8(line).map_err(|_| String::from_utf8_lossy(line).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_marks() {
        let read = |bytes: &[u8]| {
            let decoded = decoded(bytes).into_owned();
            lines(&decoded)
                .map(|l| {
                    l.map(str::to_owned)
                        .unwrap_or_else(|lossy| format!("!{lossy}"))
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(read(b"a\r\nb\n"), ["a", "b"]);
        assert_eq!(read(b"a\n\nb"), ["a", "", "b"]);
        assert_eq!(read(b"a\rb\r"), ["a", "b"]);
        assert_eq!(read(b"\xef\xbb\xbfa"), ["a"]);
        assert_eq!(read(b"\xff\xfea\0\n\0"), ["a"]);
        assert_eq!(read(b"a\n\xe9\n"), ["a", "!\u{fffd}"]);
        assert_eq!(read(b""), Vec::<String>::new());
        assert_eq!(read(b"\n"), [""]);
    }
}
