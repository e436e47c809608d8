//! The plan's own tables: categories, heads, goods, methods, measures, units, competences, end-date bounds. All are dated,
//! since law and ministries change, and none is an enum (`plan399.md`; design: Rooms).

use serde::Deserialize;
use std::collections::BTreeMap;

use super::day::{Day, Span};
use crate::subject::Kind;

/// The tables of `lists/` that come from the plan and the law.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub categories: Vec<Term>,
    pub heads: Vec<Term>,
    pub goods: Vec<Term>,
    pub methods: Vec<Term>,
    pub measures: Vec<Measure>,
    pub units: Vec<Unit>,
    pub competences: Vec<Competence>,
    pub bounds: Vec<Bound>,
    pub deadlines: Vec<Deadline>,
}

/// A code with its name in both languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    pub code: String,
    pub vi: String,
    pub en: String,
    valid_from: Day,
    valid_to: Option<Day>,
}

/// A measure, and what it can be taken against.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    pub code: String,
    pub vi: String,
    pub en: String,
    /// Enforced by machine through the feed of its kind; otherwise a work order.
    pub feed: bool,
    pub kinds: Vec<Kind>,
    /// Hours from the leaf that puts an entry in force to the time by which those who act on the
    /// feed have said what they did.
    pub respond_hours: Option<u64>,
    valid_from: Day,
    valid_to: Option<Day>,
}

/// An authority or a unit of one, under the name of its day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub id: String,
    pub vi: String,
    pub en: String,
    valid_from: Day,
    valid_to: Option<Day>,
    pub succeeded_by: Option<String>,
}

/// Units that may take any of the measures for any of the categories.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Competence {
    pub units: Vec<String>,
    pub measures: Vec<String>,
    pub categories: Vec<String>,
    pub law: String,
    valid_from: Day,
    valid_to: Option<Day>,
}

/// The longest that a decision of a category may last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    pub category: String,
    /// From the day of the decision.
    pub days: u32,
    valid_from: Day,
    valid_to: Option<Day>,
}

/// By when a case of a kind must have reached a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    pub kind: String,
    /// `accept` or `answer`.
    pub step: String,
    /// From the day that it came.
    pub days: u32,
    pub law: String,
    valid_from: Day,
    valid_to: Option<Day>,
}

/// Something that holds from a day, and perhaps up to one.
pub trait Dated {
    fn span(&self) -> Span;
}

macro_rules! dated {
    ($($row:ty),*) => {$(
        impl Dated for $row {
            fn span(&self) -> Span {
                Span { valid_from: self.valid_from, valid_to: self.valid_to }
            }
        }
    )*};
}

dated!(Term, Measure, Unit, Competence, Bound, Deadline);

impl Plan {
    /// A term of one of the tables as it holds on a day.
    pub fn term<'t>(table: &'t [Term], code: &str, day: Day) -> Option<&'t Term> {
        table
            .iter()
            .find(|term| term.code == code && term.span().holds(day))
    }

    pub fn measure(&self, code: &str, day: Day) -> Option<&Measure> {
        self.measures
            .iter()
            .find(|measure| measure.code == code && measure.span().holds(day))
    }

    /// Hours to respond, by the code of each measure that has them, as the newest rows say.
    pub fn respond_hours(&self) -> BTreeMap<String, u64> {
        let hours = |m: &Measure| Some((m.code.clone(), m.respond_hours?));
        self.measures.iter().filter_map(hours).collect()
    }

    /// A unit by its id or by its name in either language, as it was on a day.
    pub fn unit(&self, text: &str, day: Day) -> Option<&Unit> {
        self.units
            .iter()
            .find(|unit| unit.is_named(text) && unit.span().holds(day))
    }

    /// A unit by its id or name, whenever it was.
    pub fn unit_ever(&self, text: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.is_named(text))
    }

    /// The row by which a unit may take a measure for a category on a day.
    pub fn competence(
        &self,
        unit: &str,
        measure: &str,
        category: &str,
        day: Day,
    ) -> Option<&Competence> {
        self.competences.iter().find(|row| {
            let among = |codes: &[String], code: &str| codes.iter().any(|c| c == code);
            among(&row.units, unit)
                && among(&row.measures, measure)
                && among(&row.categories, category)
                && row.span().holds(day)
        })
    }

    /// By when a case that came on a day must have reached a step.
    pub fn deadline(&self, kind: &str, step: &str, day: Day) -> Option<&Deadline> {
        self.deadlines
            .iter()
            .find(|row| row.kind == kind && row.step == step && row.span().holds(day))
    }

    pub fn bound(&self, category: &str, day: Day) -> Option<&Bound> {
        self.bounds
            .iter()
            .find(|bound| bound.category == category && bound.span().holds(day))
    }

    /// The first reference between the tables that leads nowhere, as (file, what).
    pub(super) fn broken_reference(&self) -> Option<(&'static str, String)> {
        let unit = |id: &String| self.units.iter().any(|u| &u.id == id);
        let measure = |code: &String| self.measures.iter().any(|m| &m.code == code);
        let category = |code: &String| self.categories.iter().any(|c| &c.code == code);
        let competences = self.competences.iter().find_map(|row| {
            let lost = row.units.iter().find(|id| !unit(id));
            let lost = lost.or_else(|| row.measures.iter().find(|code| !measure(code)));
            lost.or_else(|| row.categories.iter().find(|code| !category(code)))
        });
        if let Some(lost) = competences {
            return Some((
                "competences.toml",
                format!("`{lost}` is no unit, measure or category"),
            ));
        }
        if let Some(lost) = self.bounds.iter().find(|bound| !category(&bound.category)) {
            return Some((
                "end-bounds.toml",
                format!("`{}` is no category", lost.category),
            ));
        }
        let heir = self
            .units
            .iter()
            .filter_map(|u| u.succeeded_by.as_ref())
            .find(|id| !unit(id));
        heir.map(|lost| ("units.toml", format!("the successor `{lost}` is no unit")))
    }
}

impl Unit {
    fn is_named(&self, text: &str) -> bool {
        self.id == text || self.vi == text || self.en == text
    }
}
