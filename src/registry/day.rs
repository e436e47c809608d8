//! Days of the civil calendar, in which law and lists are dated.

use std::fmt;

use serde::Deserialize;

/// A day, in days since 1970-01-01 (UTC). Read from and shown as `2025-03-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Day(i64);

/// From a day, up to and without another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub valid_from: Day,
    pub valid_to: Option<Day>,
}

/// A text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no day of the form 2025-03-01")]
pub struct BadDay(String);

impl Day {
    /// The day of a Unix time in seconds, by Vietnam's clock (UTC+7), since its law and its offices go by that.
    pub fn in_vietnam(unix_seconds: i64) -> Day {
        Day(unix_seconds.saturating_add(7 * 3600).div_euclid(86_400))
    }

    /// Whole days since another day; 0 for one to come.
    pub fn since(self, earlier: Day) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Reads `2025-03-01`.
    pub fn parse(text: &str) -> Result<Day, BadDay> {
        let bad = || BadDay(text.chars().take(40).collect());
        let mut fields = text.split('-');
        let mut field = |width: usize| -> Option<i64> {
            let digits = fields
                .next()
                .filter(|f| f.len() == width && f.bytes().all(|b| b.is_ascii_digit()))?;
            digits.parse().ok()
        };
        let (Some(year), Some(month), Some(day)) = (field(4), field(2), field(2)) else {
            return Err(bad());
        };
        if fields.next().is_some() {
            return Err(bad());
        }
        let read = Day::of(year, month, day);
        // A day that doesn't exist, such as 30 February, comes back as another.
        if read.civil() == (year, month, day) {
            Ok(read)
        } else {
            Err(bad())
        }
    }

    /// Unix seconds of its beginning (UTC); none before 1970.
    pub fn unix(self) -> Option<u64> {
        u64::try_from(self.0).ok()?.checked_mul(86_400)
    }

    /// Unix seconds at which the day ends in Vietnam; none before 1970.
    pub fn ends_in_vietnam(self) -> Option<u64> {
        self.unix()?.checked_add(86_400 - 7 * 3600)
    }

    /// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, `days_from_civil`).
    fn of(year: i64, month: i64, day: i64) -> Day {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Day(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
    }

    fn civil(self) -> (i64, i64, i64) {
        let days = self.0.saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }
}

impl Span {
    pub fn holds(&self, day: Day) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|to| day < to)
    }
}

impl TryFrom<String> for Day {
    type Error = BadDay;

    fn try_from(text: String) -> Result<Day, BadDay> {
        Day::parse(&text)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(Day::in_vietnam(0), Day::parse("1970-01-01").unwrap());
        assert_eq!(Day::in_vietnam(1_790_000_000).to_string(), "2026-09-21");
        for text in ["2020-02-29", "2025-03-01", "1999-12-31"] {
            assert_eq!(Day::parse(text).unwrap().to_string(), text);
        }
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(day("2024-03-01").since(day("2024-02-28")), 2);
        assert_eq!(day("2024-02-28").since(day("2024-03-01")), 0);
        for text in [
            "2025-02-29",
            "2025-13-01",
            "2025-3-1",
            "x",
            "2025-03-01-01",
            "",
        ] {
            assert!(Day::parse(text).is_err(), "{text}");
        }
    }
}
