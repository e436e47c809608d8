//! That a form was filled in by a person, without asking anybody else: a field that people don't see
//! stays empty, and nobody fills in a form in less than some seconds. The form carries the time at
//! which it was shown, authenticated by a key that lives as long as the process.

use super::form::Form;
use ring::{hmac, rand::SystemRandom};
use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

/// The field that people don't see.
const TRAP: &str = "website";

/// How long a form that was shown may be sent, seconds.
const DAY: u64 = 86_400;

static KEY: LazyLock<Option<hmac::Key>> =
    LazyLock::new(|| hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok());

/// What a form carries in its field `shown`.
pub(super) fn shown() -> String {
    let now = now().to_string();
    let mac = KEY.as_ref().map(|key| hmac::sign(key, now.as_bytes()));
    let mac = mac.map_or_else(String::new, |mac| hex::encode(mac.as_ref()));
    format!("{now}-{mac}")
}

/// Notes in the form what speaks against a person. What they typed isn't lost: the form comes back
/// with a new time.
pub(super) fn check(form: &mut Form, lang: super::texts::Lang, least: u64) {
    if !form.value(TRAP).is_empty() {
        form.wrong(TRAP, lang.t("robots.trap"));
    }
    match age(form.value("shown")) {
        Some(age) if age >= least && age <= DAY => {}
        Some(age) if age < least => form.wrong("shown", lang.t("robots.quick")),
        _ => form.wrong("shown", lang.t("robots.old")),
    }
}

fn age(shown: &str) -> Option<u64> {
    let (time, mac) = shown.split_once('-')?;
    let mac = hex::decode(mac).ok()?;
    hmac::verify(KEY.as_ref()?, time.as_bytes(), &mac).ok()?;
    now().checked_sub(time.parse().ok()?)
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{super::texts::Lang, *};

    #[test]
    fn forms_of_persons_pass() {
        let wrong = |shown: &str, trap: &str, least| {
            let mut form = Form::blank(Lang::En).with("shown", shown).with(TRAP, trap);
            check(&mut form, Lang::En, least);
            form.errors().iter().map(|one| one.name).collect::<Vec<_>>()
        };
        assert_eq!(wrong(&shown(), "", 0), [""; 0]);
        assert_eq!(wrong(&shown(), "", 3), ["shown"]);
        assert_eq!(wrong(&shown(), "http://x", 0), ["website"]);
        assert_eq!(wrong("1-00", "", 0), ["shown"]);
        assert_eq!(wrong("", "", 0), ["shown"]);
        let other = shown().replacen('1', "2", 1);
        assert_eq!(wrong(&other, "", 0), ["shown"]);
    }
}
