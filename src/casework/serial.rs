//! Ids as the authority allots them: `<year>-<number>`, such as `2026-000124`.

/// The id of a number in a year; numbers have six digits or more.
pub(super) fn join(year: u64, number: u64) -> String {
    format!("{year:04}-{number:06}")
}

/// Year and number of an id that was allotted; none for ids of another form.
pub(super) fn split(id: &str) -> Option<(u64, u64)> {
    let (year, number) = id.split_once('-')?;
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || !(6..=15).contains(&number.len()) || !digits(year) || !digits(number) {
        return None;
    }
    Some((year.parse().ok()?, number.parse().ok()?))
}

/// The year (UTC) of Unix seconds, by the proleptic Gregorian calendar.
pub(super) fn year(time: u64) -> u64 {
    let mut days = time / 86_400;
    let mut year = 1970;
    loop {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = if leap { 366 } else { 365 };
        if days < length {
            return year;
        }
        days -= length;
        year += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_years() {
        assert_eq!(split("2026-000124"), Some((2026, 124)));
        assert_eq!(split(&join(2026, 1_234_567)), Some((2026, 1_234_567)));
        for other in ["2026-1", "26-000001", "stay-000001", "2026-00000a", "2026"] {
            assert_eq!(split(other), None, "{other}");
        }
        assert_eq!(year(0), 1970);
        assert_eq!(year(1_767_225_599), 2025);
        assert_eq!(year(1_767_225_600), 2026);
        assert_eq!(year(1_735_689_599), 2024);
    }
}
