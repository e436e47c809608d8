//! The parts of a decision: its lines in canonical form, sorted bytewise, in files of at most 1 MiB (design: The log,
//! *Parts*).

use crate::subject::Line;

/// The largest part, in bytes.
pub const MAX_PART: usize = 1 << 20;

/// Sorts canonical lines and cuts them into parts, ascending across parts. Equal lines become one.
pub fn parts<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<Vec<u8>> {
    let mut all = String::new();
    let mut ends = Vec::new();
    for line in lines {
        line.push_to(&mut all);
        all.push('\n');
        ends.push(all.len());
    }
    let mut start = 0;
    let mut texts: Vec<&[u8]> = Vec::with_capacity(ends.len());
    for end in ends {
        texts.extend(all.as_bytes().get(start..end));
        start = end;
    }
    // Sorted without its LF, since that sorts before a blank and the order is that of lines.
    texts.sort_unstable_by(|a, b| without_end(a).cmp(without_end(b)));
    texts.dedup();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for text in texts {
        match parts.last_mut() {
            Some(part) if part.len() + text.len() <= MAX_PART => part.extend_from_slice(text),
            _ => parts.push(text.to_vec()),
        }
    }
    parts
}

fn without_end(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_across_parts() {
        let texts: Vec<String> = (0..60_000)
            .rev()
            .map(|n| format!("domain:shop-{n:06}.example.vn +"))
            .collect();
        let parts = parts(
            texts
                .iter()
                .chain(&texts)
                .map(|text| Line::parse(text).unwrap()),
        );
        assert_eq!(parts.len(), 2);
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= MAX_PART && part.ends_with(b"\n"))
        );
        let joined = String::from_utf8(parts.concat()).unwrap();
        let lines: Vec<&str> = joined.lines().collect();
        assert_eq!(lines.len(), 60_000);
        assert!(lines.is_sorted_by(|a, b| a < b));
    }
}
