//! Cases in words: kinds, states with their colours, steps of a clock.

use super::{parts::Tone, texts::Lang};
use crate::casework::{CaseKind, CaseState};

/// A kind in words.
pub(in crate::serve) fn kind(lang: Lang, kind: CaseKind) -> &'static str {
    lang.t(match kind {
        CaseKind::Tip => "case.tip",
        CaseKind::Petition => "case.petition",
        CaseKind::Complaint => "case.complaint",
        CaseKind::Denunciation => "case.denunciation",
        CaseKind::Appeal => "case.appeal",
        CaseKind::Submission => "case.submission",
    })
}

/// The key of a state's word.
pub(in crate::serve) fn state_key(state: CaseState) -> &'static str {
    match state {
        CaseState::New => "case.new",
        CaseState::Open => "case.open",
        CaseState::Stayed => "case.stayed",
        CaseState::Confirmed => "case.confirmed",
        CaseState::Upheld => "case.upheld",
        CaseState::Revoked => "case.revoked",
        CaseState::Closed => "case.closed",
    }
}

/// The colour of a state.
pub(in crate::serve) fn state_tone(state: CaseState) -> Tone {
    match state {
        CaseState::New => Tone::Warn,
        CaseState::Open => Tone::Note,
        CaseState::Stayed | CaseState::Confirmed => Tone::Warn,
        CaseState::Upheld | CaseState::Closed => Tone::Plain,
        CaseState::Revoked => Tone::Good,
    }
}

/// A step of a clock in words.
pub(in crate::serve) fn step(lang: Lang, step: &str) -> &'static str {
    lang.t(match step {
        "accept" => "case.accept",
        "confirm" => "case.confirm",
        _ => "case.answer",
    })
}
