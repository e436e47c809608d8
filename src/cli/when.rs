//! Days and times as people write and read them: by Vietnam's clock (UTC+7), since its offices and
//! its law go by that.

use super::Error;
use crate::registry::Day;
use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds by this machine's clock.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Reads `+90d`, `+72h`, `+1y`, or a day such as `2027-03-01`, which counts to its end.
pub fn end(text: &str) -> Result<u64, Error> {
    let bad = || {
        Error::said(format!(
            "{text:?} is no end: write a day (2027-03-01, which counts to its end) or a span (+90d, +72h, +1y)"
        ))
    };
    if let Some(span) = text.strip_prefix('+') {
        return span_seconds(span).map(|s| now() + s).ok_or_else(bad);
    }
    let day = Day::parse(text).map_err(|_| bad())?;
    day.ends_in_vietnam().ok_or_else(bad)
}

/// A span such as `90d`, in seconds.
fn span_seconds(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => DAY,
        'y' => 365 * DAY,
        _ => return None,
    };
    number
        .checked_mul(seconds)
        .filter(|s| *s <= 100 * 366 * DAY)
}

/// `2027-03-01 17:00:00`, by Vietnam's clock.
pub fn time(unix: u64) -> String {
    let day = Day::in_vietnam(i64::try_from(unix).unwrap_or(i64::MAX));
    let of_day = (unix + VIETNAM) % DAY;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{day} {hours:02}:{minutes:02}:{seconds:02}")
}

/// The last day that an end still counts: `2027-03-01` for its midnight and any moment before.
pub fn last_day(unix: u64) -> String {
    let last = i64::try_from(unix).unwrap_or(i64::MAX).saturating_sub(1);
    Day::in_vietnam(last).to_string()
}

/// The year of now, in Vietnam.
pub fn today() -> String {
    Day::in_vietnam(i64::try_from(now()).unwrap_or_default()).to_string()
}

const DAY: u64 = 86_400;
const VIETNAM: u64 = 7 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_days_or_spans() {
        // 2026-09-01 00:00 in Vietnam is 2026-08-31 17:00 UTC.
        let ends = end("2026-08-31").unwrap();
        assert_eq!(time(ends), "2026-09-01 00:00:00");
        assert_eq!(last_day(ends), "2026-08-31");
        let span = end("+2h").unwrap() - now();
        assert!((7199..=7201).contains(&span));
        for bad in [
            "",
            "+",
            "+9",
            "+x d",
            "2026-13-01",
            "tomorrow",
            "+999999999999y",
        ] {
            assert!(end(bad).is_err(), "{bad}");
        }
    }
}
