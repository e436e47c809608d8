//! Why something was refused, in the reader's language. An error says it in English, for programs and
//! the log; people read the sentence of its code.

use super::texts::Lang;
use crate::check::{Finding, explain};

/// What happened, and what to do where that isn't said in the same breath.
#[derive(Clone, Copy)]
pub(in crate::serve) struct Why {
    pub(in crate::serve) what: &'static str,
    pub(in crate::serve) then: &'static str,
}

/// The words for a code: the guard's own where it is one of its rules. `detail` is the error's sentence.
pub(in crate::serve) fn why(lang: Lang, code: &str, detail: &str) -> Option<Why> {
    // What the guard refuses bears its rule in the sentence.
    let rule = match code {
        "guard" => Finding::rule_of(detail),
        code => explain(code),
    };
    let of_rule = rule.map(|rule| Why {
        what: lang.pick(rule.vi, rule.en),
        then: lang.pick(rule.instead_vi, rule.instead_en),
    });
    of_rule.or_else(|| {
        Some(Why {
            what: lang.t(key(code)?),
            then: match code {
                "link" => lang.t("why.link_then"),
                _ => "",
            },
        })
    })
}

/// The same for a page that has an error to show whatever its code is.
pub(in crate::serve) fn why_ever(lang: Lang, code: &str, detail: &str) -> Why {
    why(lang, code, detail).unwrap_or(Why {
        what: lang.t("problem.request.what"),
        then: "",
    })
}

fn key(code: &str) -> Option<&'static str> {
    Some(match code {
        "already_committed" => "why.already",
        "approvals" => "why.approvals",
        "being_approved" => "why.approving",
        "changed" => "why.changed",
        "command_line" => "why.command_line",
        "ended_target" => "why.ended",
        "ends_at_once" => "why.ends_at_once",
        "id_taken" => "why.taken",
        "in_force" => "why.in_force",
        "line_not_held" => "why.unheld_line",
        "link" => "why.link",
        "malformed" | "multipart" => "why.unreadable",
        "no_account" => "why.account",
        "no_case" => "why.case",
        "no_decision" => "why.decision",
        "no_measure" => "why.measure",
        "no_proposal" => "why.proposal",
        "not_held" => "why.not_held",
        "other_session" => "why.other_session",
        "passkey" => "why.passkey",
        "role" => "why.role",
        "same_officer" => "why.same_officer",
        "signature" => "why.signature",
        "stay_too_long" => "why.length",
        "submit_by" => "why.expired",
        "target_is_stay" => "why.target_is_stay",
        "target_twice" => "why.twice",
        "too_large" | "too_long" => "why.too_large",
        "trust_expired" => "why.trust_expired",
        "unknown_key" => "why.key",
        "unknown_officer" | "no_officer" => "why.officer",
        "unknown_target" => "why.target",
        "unsigned" => "why.unsigned",
        "withdrawn" => "why.withdrawn",
        _ => return None,
    })
}
