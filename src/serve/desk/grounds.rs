//! What every decision rests on, as a form asks for it: legal basis, reasons, days for the second
//! officer; and dates as people type them.

use crate::{
    decision::Basis,
    registry::Day,
    serve::pages::{form::Form, texts::Lang},
};

/// The longest reasons.
const REASONS: usize = 20_000;

/// Days that the second officer has where none are said.
const DAYS: u64 = 7;

pub(super) struct Grounds {
    pub(super) basis: Basis,
    pub(super) reasons: String,
    pub(super) days: u64,
}

/// Reads the grounds; what is wrong is noted in the form.
pub(super) fn read(form: &mut Form, lang: Lang) -> Grounds {
    let basis = Basis {
        authority: form.required("authority", "desk.form.authority", 200),
        number: form.required("number", "desk.form.number", 200),
        date: form.required("date", "desk.form.date", 10),
    };
    if !basis.date.is_empty() && Day::parse(&basis.date).is_err() {
        form.wrong("date", lang.t("desk.form.bad_date"));
    }
    Grounds {
        basis,
        reasons: form.required("reasons", "desk.form.reasons", REASONS),
        days: form.value("days").parse().unwrap_or(DAYS).clamp(1, 30),
    }
}

/// The end of a day in Vietnam, Unix seconds; a wrong date is noted.
pub(super) fn end_of_day(
    form: &mut Form,
    name: &'static str,
    label: &'static str,
    lang: Lang,
) -> u64 {
    let text = form.required(name, label, 10);
    let end = Day::parse(&text).ok().and_then(Day::ends_in_vietnam);
    match end {
        Some(end) => end,
        None => {
            form.wrong(name, lang.t("desk.form.bad_date"));
            0
        }
    }
}

/// A day as a date field wants it.
pub(super) fn day_of(unix: u64) -> String {
    Day::in_vietnam(i64::try_from(unix).unwrap_or(i64::MAX)).to_string()
}
