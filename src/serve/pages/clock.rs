//! Times and numbers as people read them: by Vietnam's clock (UTC+7, without summer time), since its
//! offices and its law go by that; the same moment in UTC beside it.

use super::texts::Lang;
use crate::registry::Day;
use askama::{Template, filters::HtmlSafe};

const DAY: u64 = 86_400;
const VIETNAM: u64 = 7 * 3600;

/// A moment: `<time>` with Vietnam's clock as its text and UTC as its title.
#[derive(Template)]
#[template(path = "parts/time.html")]
pub(in crate::serve) struct Moment {
    machine: String,
    text: String,
    utc: String,
    /// Whether UTC stands in the text as well.
    both: bool,
}

impl HtmlSafe for Moment {}

impl Moment {
    pub(in crate::serve) fn new(lang: Lang, unix: u64) -> Self {
        let (hours, minutes, seconds) = of_day(unix);
        let utc = format!("{hours:02}:{minutes:02}:{seconds:02} UTC");
        Self {
            machine: format!("{}T{hours:02}:{minutes:02}:{seconds:02}Z", utc_day(unix)),
            text: moment(lang, unix),
            utc,
            both: false,
        }
    }

    /// With UTC in the text.
    pub(in crate::serve) fn both(mut self) -> Self {
        self.both = true;
        self
    }
}

/// A moment as text: `14:30 28/11/2026`.
pub(in crate::serve) fn moment(lang: Lang, unix: u64) -> String {
    let (hours, minutes, _) = of_day(unix + VIETNAM);
    format!("{hours:02}:{minutes:02} {}", date(lang, unix))
}

/// The day in Vietnam: `28/11/2026`, or `28 November 2026`.
pub(in crate::serve) fn date(lang: Lang, unix: u64) -> String {
    written(lang, &day(unix).to_string())
}

/// A day of the form `2026-11-28`, as in a document; any other text is shown as it is.
pub(in crate::serve) fn date_of(lang: Lang, text: &str) -> String {
    match Day::parse(text) {
        Ok(_) => written(lang, text),
        Err(_) => text.to_owned(),
    }
}

fn written(lang: Lang, text: &str) -> String {
    let mut fields = text.split('-');
    let mut field = || fields.next().unwrap_or_default();
    let (year, month, day) = (field(), field(), field());
    match lang {
        Lang::Vi => format!("{day}/{month}/{year}"),
        Lang::En => {
            let month = month.parse::<usize>().unwrap_or(1).saturating_sub(1);
            let month = MONTHS.get(month).copied().unwrap_or_default();
            format!("{} {month} {year}", day.trim_start_matches('0'))
        }
    }
}

/// The last day that an end still counts: that of the second before.
pub(in crate::serve) fn last_day(lang: Lang, unix: u64) -> String {
    date(lang, unix.saturating_sub(1))
}

/// A month of the form `2026-11`: `11/2026`, or `November 2026`.
pub(in crate::serve) fn month(lang: Lang, text: &str) -> String {
    let (year, month) = text.split_once('-').unwrap_or_default();
    let index = month.parse::<usize>().unwrap_or(1).saturating_sub(1);
    match lang {
        Lang::Vi => format!("{month}/{year}"),
        Lang::En => format!("{} {year}", MONTHS.get(index).copied().unwrap_or_default()),
    }
}

/// A span in its two largest units: `3 ngày 4 giờ`, `2 minutes`.
pub(in crate::serve) fn span(lang: Lang, seconds: u64) -> String {
    let units = [
        (DAY, "span.day", "span.days"),
        (3600, "span.hour", "span.hours"),
        (60, "span.minute", "span.minutes"),
        (1, "span.second", "span.seconds"),
    ];
    let first = units.iter().position(|(length, ..)| seconds >= *length);
    let first = first.unwrap_or(units.len() - 1);
    let mut left = seconds;
    let mut said = Vec::new();
    for (length, one, more) in units.iter().skip(first).take(2) {
        let n = left / length;
        left %= length;
        if n > 0 || said.is_empty() {
            said.push(lang.fill(if n == 1 { one } else { more }, [("n", n)]));
        }
    }
    said.join(" ")
}

/// `34.404` in Vietnamese, `34,404` in English.
pub(in crate::serve) fn number(lang: Lang, n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(lang.pick('.', ','));
        }
        text.push(digit);
    }
    text
}

/// The day in Vietnam.
pub(in crate::serve) fn day(unix: u64) -> Day {
    Day::in_vietnam(i64::try_from(unix).unwrap_or(i64::MAX))
}

fn utc_day(unix: u64) -> Day {
    Day::in_vietnam(i64::try_from(unix.saturating_sub(VIETNAM)).unwrap_or(i64::MAX))
}

fn of_day(unix: u64) -> (u64, u64, u64) {
    (unix % DAY / 3600, unix / 60 % 60, unix % 60)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers() {
        // 2026-11-27 20:00:05 UTC is the next day in Vietnam.
        let unix = 1_795_809_605;
        let shown = Moment::new(Lang::Vi, unix).both().to_string();
        assert!(
            shown.contains("datetime=\"2026-11-27T20:00:05Z\""),
            "{shown}"
        );
        assert!(shown.contains("03:00 28/11/2026"), "{shown}");
        assert!(shown.contains("20:00:05 UTC"), "{shown}");
        assert_eq!(date(Lang::En, unix), "28 November 2026");
        assert_eq!(last_day(Lang::Vi, 1_795_798_800), "27/11/2026");
        assert_eq!(month(Lang::En, "2026-11"), "November 2026");
        assert_eq!(number(Lang::Vi, 1_234_567), "1.234.567");
        assert_eq!(number(Lang::En, 999), "999");
        assert_eq!(span(Lang::En, 3 * DAY + 4 * 3600 + 5), "3 days 4 hours");
        assert_eq!(span(Lang::En, 61), "1 minute 1 second");
        assert_eq!(span(Lang::Vi, 0), "0 giây");
    }
}
