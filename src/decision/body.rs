//! What a decision says: the four bodies (design: The log, "Other bodies").

use super::{PartRef, Refusal, TextRef, part::MAX_PART};
use crate::{
    canon::{self, DecisionId, Origin},
    subject::Kind,
    tlog::Hash,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A decision's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Body {
    List(List),
    Amend(Amend),
    Revoke(Revoke),
    Stay(Stay),
}

/// The four actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    List,
    Amend,
    Revoke,
    Stay,
}

/// Puts subjects in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub origin: Origin,
    pub id: DecisionId,
    pub action: Action,
    /// Unix seconds; the log refuses the body afterwards.
    pub submit_by: u64,
    pub category: String,
    pub head: String,
    pub goods: String,
    pub method: String,
    /// Sorted, none twice.
    pub measures: Vec<MeasureName>,
    pub basis: Basis,
    /// Unix seconds; the decision ends then unless it is amended.
    pub not_after: u64,
    pub bulk: bool,
    pub reasons: TextRef,
    pub guard: Guard,
    pub parts: Vec<PartRef>,
}

/// Moves the end of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amend {
    pub origin: Origin,
    pub id: DecisionId,
    pub action: Action,
    pub submit_by: u64,
    pub basis: Basis,
    pub reasons: TextRef,
    pub target: DecisionId,
    pub not_after: u64,
}

/// Ends decisions, or some of their subjects, for ever; or ends a stay early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    pub origin: Origin,
    pub id: DecisionId,
    pub action: Action,
    pub submit_by: u64,
    pub basis: Basis,
    pub reasons: TextRef,
    pub targets: Vec<Target>,
}

/// Takes subjects out of force until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    pub origin: Origin,
    pub id: DecisionId,
    pub action: Action,
    pub submit_by: u64,
    pub basis: Basis,
    pub reasons: TextRef,
    pub targets: Vec<Target>,
    /// Unix seconds.
    pub until: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
}

/// A decision, whole or the lines of some parts of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub decision: DecisionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<PartRef>>,
}

/// The legal document that the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    pub authority: String,
    pub number: String,
    /// `YYYY-MM-DD`.
    pub date: String,
}

/// The guard that the officers saw, and what they passed it with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    pub version: u64,
    pub lists: Hash,
    pub overrides: Vec<Override>,
}

/// A senior officer's written reason for passing one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    pub code: String,
    pub reason: TextRef,
}

/// A measure: the four of the feeds and the seven work orders (plan399: Measures).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureName {
    BlockDomain,
    BlockIp,
    DeferPayment,
    DelistSeller,
    FreezeAccount,
    Refer,
    RemoveAccount,
    RevokeLicence,
    RevokeRegistration,
    SuspendRegistration,
    TakedownRequest,
}

impl MeasureName {
    /// The code, as it stands in decisions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockDomain => "block_domain",
            Self::BlockIp => "block_ip",
            Self::DeferPayment => "defer_payment",
            Self::DelistSeller => "delist_seller",
            Self::FreezeAccount => "freeze_account",
            Self::Refer => "refer",
            Self::RemoveAccount => "remove_account",
            Self::RevokeLicence => "revoke_licence",
            Self::RevokeRegistration => "revoke_registration",
            Self::SuspendRegistration => "suspend_registration",
            Self::TakedownRequest => "takedown_request",
        }
    }

    /// Whether the measure can be taken against a subject of this kind.
    pub fn applies_to(self, kind: Kind) -> bool {
        match self {
            Self::BlockDomain | Self::RevokeRegistration | Self::SuspendRegistration => {
                kind == Kind::Domain
            }
            Self::BlockIp => kind == Kind::Net,
            Self::DelistSeller => kind == Kind::Seller,
            Self::RemoveAccount => kind == Kind::Account,
            Self::RevokeLicence | Self::TakedownRequest | Self::Refer => true,
            Self::DeferPayment | Self::FreezeAccount => kind != Kind::Net,
        }
    }

    /// Whether the measure carries subjects of this kind into their feed.
    pub fn feeds(self, kind: Kind) -> bool {
        let carries = matches!(
            self,
            Self::BlockDomain | Self::BlockIp | Self::DelistSeller | Self::RemoveAccount
        );
        carries && self.applies_to(kind)
    }
}

impl Body {
    /// Decodes a canonical value and checks what can be checked of it alone.
    pub fn decode(value: Value) -> Result<Self, Refusal> {
        let body = match value.get("action").and_then(Value::as_str) {
            Some("list") => Self::List(canon::decode(value)?),
            Some("amend") => Self::Amend(canon::decode(value)?),
            Some("revoke") => Self::Revoke(canon::decode(value)?),
            Some("stay") => Self::Stay(canon::decode(value)?),
            other => {
                return Err(Refusal::Body(format!(
                    "the action is list, amend, stay or revoke, not {}",
                    other.unwrap_or("missing")
                )));
            }
        };
        body.check()?;
        Ok(body)
    }

    /// The canonical bytes that officers' signatures are bound to.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        Ok(canon::to_vec(self)?)
    }

    /// The log that the decision is for.
    pub fn origin(&self) -> &Origin {
        self.common().0
    }

    /// Its id.
    pub fn id(&self) -> &DecisionId {
        self.common().1
    }

    /// Until when it may enter the log, Unix seconds.
    pub fn submit_by(&self) -> u64 {
        self.common().2
    }

    /// The legal document it rests on.
    pub fn basis(&self) -> &Basis {
        self.common().3
    }

    /// Its reasons.
    pub fn reasons(&self) -> &TextRef {
        self.common().4
    }

    /// Its action.
    pub fn action(&self) -> Action {
        match self {
            Self::List(_) => Action::List,
            Self::Amend(_) => Action::Amend,
            Self::Revoke(_) => Action::Revoke,
            Self::Stay(_) => Action::Stay,
        }
    }

    /// The decisions that it names.
    pub fn targets(&self) -> &[Target] {
        match self {
            Self::Revoke(b) => &b.targets,
            Self::Stay(b) => &b.targets,
            _ => &[],
        }
    }

    /// The parts of subjects that the body itself names.
    pub fn parts(&self) -> Vec<PartRef> {
        match self {
            Self::List(b) => b.parts.clone(),
            _ => self
                .targets()
                .iter()
                .flat_map(|t| t.parts.clone().unwrap_or_default())
                .collect(),
        }
    }

    /// The texts that the body names: its reasons and those of its overrides.
    pub fn texts(&self) -> Vec<TextRef> {
        let mut texts = vec![*self.reasons()];
        if let Self::List(b) = self {
            texts.extend(b.guard.overrides.iter().map(|o| o.reason));
        }
        texts
    }

    fn common(&self) -> (&Origin, &DecisionId, u64, &Basis, &TextRef) {
        match self {
            Self::List(b) => (&b.origin, &b.id, b.submit_by, &b.basis, &b.reasons),
            Self::Amend(b) => (&b.origin, &b.id, b.submit_by, &b.basis, &b.reasons),
            Self::Revoke(b) => (&b.origin, &b.id, b.submit_by, &b.basis, &b.reasons),
            Self::Stay(b) => (&b.origin, &b.id, b.submit_by, &b.basis, &b.reasons),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let rule = |ok: bool, why: &str| {
            if ok {
                Ok(())
            } else {
                Err(Refusal::Body(why.into()))
            }
        };
        let basis = self.basis();
        let filled = |s: &str| !s.trim().is_empty() && s.len() <= 300;
        rule(
            filled(&basis.authority) && filled(&basis.number) && is_date(&basis.date),
            "the basis names an authority, a number and a date YYYY-MM-DD",
        )?;
        rule(
            self.texts()
                .iter()
                .all(|t| (1..=MAX_PART).contains(&t.length)),
            "reasons are a text of 1 byte to 1 MiB",
        )?;
        rule(
            self.parts()
                .iter()
                .all(|p| (1..=MAX_PART).contains(&p.length) && p.count >= 1),
            "a part has 1 byte to 1 MiB and at least one line",
        )?;
        match self {
            Self::List(list) => check_list(list),
            Self::Amend(_) => Ok(()),
            Self::Revoke(Revoke { targets, .. }) | Self::Stay(Stay { targets, .. }) => {
                rule(!targets.is_empty(), "it names no target")?;
                rule(
                    targets
                        .iter()
                        .all(|t| t.parts.as_ref().is_none_or(|p| !p.is_empty())),
                    "a target's parts are left out for the whole decision, never empty",
                )?;
                let appeal = if let Self::Stay(stay) = self {
                    stay.appeal.as_deref()
                } else {
                    None
                };
                rule(
                    appeal.is_none_or(|a| DecisionId::new(a).is_ok()),
                    "the appeal's number is made of A-Z a-z 0-9 -, 1 to 32 of them",
                )
            }
        }
    }
}

fn check_list(list: &List) -> Result<(), Refusal> {
    let rule = |ok: bool, why: &str| {
        if ok {
            Ok(())
        } else {
            Err(Refusal::Body(why.into()))
        }
    };
    let words = [&list.category, &list.head, &list.goods, &list.method];
    rule(
        words
            .into_iter()
            .chain(list.guard.overrides.iter().map(|o| &o.code))
            .all(|w| is_code(w)),
        "category, head, goods, method and override codes are made of a-z 0-9 _, 1 to 64 of them",
    )?;
    rule(
        !list.measures.is_empty() && list.measures.is_sorted_by(|a, b| a < b),
        "measures are sorted, none stands twice, and there is one at least",
    )?;
    rule(
        list.guard.overrides.is_sorted_by(|a, b| a.code < b.code),
        "overrides are sorted by code, none stands twice",
    )?;
    rule(!list.parts.is_empty(), "a list names at least one subject")
}

fn is_code(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_date(text: &str) -> bool {
    let digits = |s: &str, n: usize| {
        (s.len() == n && s.bytes().all(|b| b.is_ascii_digit()))
            .then(|| s.parse::<u32>().ok())
            .flatten()
    };
    let mut fields = text.split('-');
    let (Some(y), Some(m), Some(d), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return false;
    };
    digits(y, 4).is_some()
        && digits(m, 2).is_some_and(|m| (1..=12).contains(&m))
        && digits(d, 2).is_some_and(|d| (1..=31).contains(&d))
}
